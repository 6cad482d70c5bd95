"""Atomic writes: a file is complete or absent, for it is written beside its path and renamed."""

import hashlib
import importlib
import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from textlstm.errors import InputError

fcntl: Any = importlib.import_module("fcntl") if os.name == "posix" else None
"""Module of locks that end with their process; None on Windows, which has no such locks."""

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
"""Permissions of files and folders that hold texts of records: for their owner only."""

TEMPORARY = re.compile(r"\..*\.unfinished-[0-9]+(\.\w+)?", re.DOTALL)
"""Names of the files that :func:`atomic_write` writes to."""


@contextmanager
def atomic_write(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path to write to; on success that file replaces ``path`` in one step.

    A reader sees the old file or the new one, never a part of either, even if the process is
    killed or the power fails. On an exception the temporary file is removed and the old file stays.
    A process that is killed leaves its temporary file; the next one that writes to the folder
    removes it.

    Parameters
    ----------
    private
        Whether a new file is for its owner only (0600), whatever the umask is. A file that exists
        keeps its permissions in either case.

    Raises
    ------
    InputError
        If no file may be written there; see :func:`require_writable`.
    OSError
        If the disk is full or cannot be written; it names ``path``.
    """
    require_writable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent)
    # The suffix is kept because some writers choose their format by it.
    temporary = path.with_name(f".{path.stem}.unfinished-{os.getpid()}{path.suffix}")
    try:
        with name_in_errors(path), _created(temporary, PRIVATE_FILE if private else 0o666):
            yield temporary
            with temporary.open("rb+") as handle:
                os.fsync(handle.fileno())
            move_into_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def require_writable(path: Path) -> None:
    """Check that a file may be written at a path.

    Raises
    ------
    InputError
        If a path above it is no folder, or a pipe, a socket or a device has its name.
    """
    above = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
    if not above.is_dir():
        raise InputError(f"{path}: {above} is no folder; give another place")
    with suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode)):
            raise InputError(f"{path}: a pipe, a socket or a device is there; give another name")


@contextmanager
def name_in_errors(path: Path) -> Iterator[None]:
    """Name a path in each OSError that the block raises."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def is_plain_file(path: Path) -> bool:
    """Return whether a path is a file on a disk, and not one that the system makes up.

    A made-up file, as in ``/proc``, has a size of 0 and yet a content.
    """
    return path.is_file() and (path.stat().st_size > 0 or is_empty(path))


def is_empty(path: Path) -> bool:
    """Return whether a path is a file without any byte."""
    if not path.is_file():
        return False
    with name_in_errors(path), path.open("rb") as handle:
        return not handle.read(1)


def move_into_place(new: Path, path: Path) -> None:
    """Rename a file to ``path``; a file that it replaces hands on its permissions."""
    require_writable(path)
    with suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):  # a link is replaced by itself, and its target does not change
            new.chmod(mode & 0o777)
    new.replace(path)
    fsync_folder(path.parent)


@contextmanager
def _created(path: Path, mode: int) -> Iterator[None]:
    """Create an empty file, and lock it within the block against :func:`remove_leftovers`."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        if fcntl is None:  # Windows cannot rename an open file
            os.close(handle)
            break
        fcntl.flock(handle, fcntl.LOCK_EX)
        if _is_still_at(path, handle):
            break
        os.close(handle)  # another process removed it before it was locked
    try:
        yield
    finally:
        if fcntl is not None:
            os.close(handle)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that killed processes left in a folder; they may hold texts.

    The files are recognised by the names that :func:`atomic_write` gives; those in use are locked
    and stay. Where the system has no such locks, as on Windows, nothing is removed.
    """
    if fcntl is None:
        return
    leftovers = [entry.path for entry in os.scandir(folder) if TEMPORARY.fullmatch(entry.name)]
    for path in map(Path, leftovers):
        with suppress(OSError):  # in use, a link, gone meanwhile, or another user's
            handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_still_at(path, handle):
                    path.unlink()
            finally:
                os.close(handle)


def _is_still_at(path: Path, handle: int) -> bool:
    """Return whether an open regular file is still the file at a path."""
    opened = os.fstat(handle)
    try:
        return stat.S_ISREG(opened.st_mode) and os.path.samestat(opened, path.lstat())
    except FileNotFoundError:
        return False


def fsync_folder(folder: Path) -> None:
    """Make a renaming in a folder survive a power failure, where the system can."""
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


def write_all(folder: Path, contents: Mapping[str, bytes], private: Collection[str] = ()) -> None:
    """Write several files, by name, to a folder; none is replaced before all are written.

    They are replaced one after the other, in the order of ``contents``; ``private`` names those
    that are for their owner only.
    """
    with ExitStack() as stack:
        for name in reversed(list(contents)):  # an ExitStack ends its blocks in reverse order
            path = stack.enter_context(atomic_write(folder / name, private=name in private))
            path.write_bytes(contents[name])


def file_stats(paths: Iterable[Path]) -> list[tuple[str, int, int]]:
    """Return path (links resolved), size in bytes and time in nanoseconds of each file."""
    stats = [(path.resolve(), path.stat()) for path in paths]
    return [(str(path), of_file.st_size, of_file.st_mtime_ns) for path, of_file in stats]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with name_in_errors(path), path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
