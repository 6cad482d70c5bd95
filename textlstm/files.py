"""Files that are whole or absent: written beside their place, then renamed into it."""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from textlstm.errors import InputError

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula (OWASP, CSV injection)."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; on success it takes the place of ``path`` at once.

    A reader therefore sees the old file or the new one, never a part of either, whatever becomes of
    the process or the machine. On an exception the temporary file is removed and the old file
    stays; a killed process leaves the temporary file, see :func:`remove_leftovers`.

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
        _sync_folder(path.parent)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a renaming last through a failure of power, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of killed processes; no other process may be writing there."""
    for path in folder.glob(".*"):
        if re.fullmatch(r"\..+\.\d+(\.\w+)?", path.name):
            path.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` to ``path`` atomically, as JSON a person can read and diff."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes(path, (text + "\n").encode("utf-8"))


def read_json(path: Path) -> Any:
    """Return what :func:`write_json` wrote.

    Raises
    ------
    InputError
        If the file is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(
            f"{path}: damaged, not JSON; run the stage that writes it again"
        ) from error


def spreadsheet_safe(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: with an apostrophe before it, if so.

    >>> [spreadsheet_safe(cell) for cell in ("=1+1", "-", "Fall", "")]
    ["'=1+1", "'-", 'Fall', '']
    """
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
