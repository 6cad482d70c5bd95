"""Files that are whole or absent: written beside their place, then renamed into it."""

import hashlib
import importlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from textlstm.errors import InputError

fcntl: Any = importlib.import_module("fcntl") if os.name == "posix" else None
"""Locks that end with their process; Windows has no such module."""

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
"""Permissions of what holds texts of records: it is for its owner alone."""

TEMPORARY = re.compile(r"\..*\.unfinished-[0-9]+(\.\w+)?", re.DOTALL)
"""Names of the files that :func:`atomic_write` writes to."""


@contextmanager
def atomic_write(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path to write to; on success it takes the place of ``path`` at once.

    A reader therefore sees the old file or the new one, never a part of either, whatever becomes of
    the process or the machine. On an exception the temporary file is removed and the old file
    stays. A process that is killed leaves its temporary file; the next one that writes to the
    folder removes it.

    Parameters
    ----------
    private
        Whether a new file is for its owner alone (0600), whatever the umask is. A file that is
        there already keeps its permissions in either case.

    Raises
    ------
    InputError
        If no file may be put there; see :func:`require_writable`.
    OSError
        If the disk is full or cannot be written; it names ``path``.
    """
    require_writable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent)
    # The suffix is kept because some writers choose their format by it.
    temporary = path.with_name(f".{path.stem}.unfinished-{os.getpid()}{path.suffix}")
    try:
        with naming(path), _created(temporary, PRIVATE_FILE if private else 0o666):
            yield temporary
            with temporary.open("rb+") as handle:
                os.fsync(handle.fileno())
            move_into_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def require_writable(path: Path) -> None:
    """Check that a file may be put at a path.

    Raises
    ------
    InputError
        If what is above it is no folder, or a pipe, a socket or a device is there.
    """
    above = next(one for one in path.absolute().parents if os.path.lexists(one))
    if not above.is_dir():
        raise InputError(f"{path}: {above} is no folder; give another place")
    with suppress(FileNotFoundError):
        there = path.lstat().st_mode
        if not (stat.S_ISREG(there) or stat.S_ISLNK(there) or stat.S_ISDIR(there)):
            raise InputError(f"{path}: a pipe, a socket or a device is there; give another name")


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Have what the system raises within the block name a path."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def is_plain_file(path: Path) -> bool:
    """Return whether there is a file whose content stays: none that the system makes up.

    Such a one, as in ``/proc``, has a size of 0 and yet a content.
    """
    return path.is_file() and (path.stat().st_size > 0 or is_empty(path))


def is_empty(path: Path) -> bool:
    """Return whether there is a file without a byte."""
    if not path.is_file():
        return False
    with naming(path), path.open("rb") as handle:
        return not handle.read(1)


def move_into_place(new: Path, path: Path) -> None:
    """Rename a file into its place, with the permissions of the file that is there, if one is."""
    require_writable(path)
    with suppress(FileNotFoundError):
        there = path.lstat().st_mode
        if stat.S_ISREG(there):  # where a link is, the file that it leads to stays as it is
            new.chmod(there & 0o777)
    new.replace(path)
    fsync_folder(path.parent)


@contextmanager
def _created(path: Path, mode: int) -> Iterator[None]:
    """Make a new empty file, locked within the block: :func:`remove_leftovers` leaves it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        if fcntl is None:  # on Windows, a file that is open cannot be renamed
            os.close(handle)
            break
        fcntl.flock(handle, fcntl.LOCK_EX)
        if _is_still(path, handle):
            break
        os.close(handle)  # another process swept it away before it was locked
    try:
        yield
    finally:
        if fcntl is not None:
            os.close(handle)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files in a folder whose processes are no more: they may hold texts.

    Files are recognised by the name that :func:`atomic_write` gives; those in use are locked. Where
    the system has no such locks, as on Windows, nothing is removed.
    """
    if fcntl is None:
        return
    for path in [Path(one.path) for one in os.scandir(folder) if TEMPORARY.fullmatch(one.name)]:
        with suppress(OSError):  # in use, a link, gone meanwhile, or another user's
            handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_still(path, handle):
                    path.unlink()
            finally:
                os.close(handle)


def _is_still(path: Path, handle: int) -> bool:
    """Return whether an open regular file still stands at its path."""
    opened = os.fstat(handle)
    try:
        return stat.S_ISREG(opened.st_mode) and os.path.samestat(opened, path.lstat())
    except FileNotFoundError:
        return False


def fsync_folder(folder: Path) -> None:
    """Make a renaming last through a failure of power, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_bytes(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write ``content`` to ``path`` as :func:`atomic_write` does."""
    with atomic_write(path, private=private) as temporary:
        temporary.write_bytes(content)


def write_all(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files to a folder, by name: none takes its place before all are written.

    They take their places one after the other, in the order of ``contents``.
    """
    with ExitStack() as stack:
        for name in reversed(list(contents)):  # what is entered first is left last
            stack.enter_context(atomic_write(folder / name)).write_bytes(contents[name])


def existing(paths: Iterable[Path]) -> list[tuple[str, int, int]]:
    """Return where files are, links followed, their sizes in bytes and times in nanoseconds."""
    found = [(path.resolve(), path.stat()) for path in paths]
    return [(str(path), of.st_size, of.st_mtime_ns) for path, of in found]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with naming(path), path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
