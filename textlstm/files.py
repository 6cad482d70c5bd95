"""Files that are whole or absent: written beside their place, then renamed into it."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from textlstm.errors import InputError

MAX_JSON = 1 << 26
"""Bytes of a JSON file, at most: a vocabulary of some millions of words."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula (OWASP, CSV injection)."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; on success it takes the place of ``path`` at once.

    A reader therefore sees the old file or the new one, never a part of either, whatever becomes of
    the process or the machine. On an exception the temporary file is removed and the old file
    stays.

    Raises
    ------
    OSError
        If the disk is full or cannot be written; it names ``path``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix is kept because some writers choose their format by it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a renaming last through a failure of power, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_together(folder: Path, contents: dict[str, bytes]) -> None:
    """Write files to a folder, by name: none takes its place before all are written.

    They take their places one after the other, in the order of ``contents``.
    """
    with ExitStack() as stack:
        for name in reversed(contents):  # what is entered first is left last
            stack.enter_context(replacing(folder / name)).write_bytes(contents[name])


def to_json(value: Any) -> bytes:
    """Return ``value`` as JSON a person can read and diff."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode("utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` to ``path`` atomically, as JSON."""
    write_bytes(path, to_json(value))


def read_json(path: Path) -> Any:
    """Return what :func:`write_json` wrote.

    Raises
    ------
    InputError
        If the file is not JSON, or larger than :data:`MAX_JSON`.
    """
    if path.stat().st_size > MAX_JSON:
        raise InputError(f"{path}: larger than any file of a run")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: damaged, not JSON; run the stage that writes it again"
        ) from error


def spreadsheet_safe(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: with an apostrophe before it, if so.

    >>> [spreadsheet_safe(cell) for cell in ("=1+1", "-", "Fall", "")]
    ["'=1+1", "'-", 'Fall', '']
    """
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def spreadsheet_plain(cell: str) -> str:
    """Return a cell as it was before :func:`spreadsheet_safe`.

    >>> [spreadsheet_plain(cell) for cell in ("'=1+1", "'-", "Fall", "'s")]
    ['=1+1', '-', 'Fall', "'s"]
    """
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
