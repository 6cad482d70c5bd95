"""Finished files and folders take the places of old ones: at every moment the old or the new.

The new ones wait in a working folder beside their places. Where one of them cannot be put in its
place, all that were put there go back. A swap that was cut off is carried out to its end.
"""

import ctypes
import errno
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from textlstm.storage import folders
from textlstm.storage.atomic import fsync_folder, write_all

EXCHANGE, HERE = 2, -100
"""RENAME_EXCHANGE and AT_FDCWD of Linux: two paths change places; paths are as given."""

CANNOT_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.EXDEV, errno.EOPNOTSUPP)
"""What a system or a file system answers that has no exchange."""


def numbers(folder: Path, names: Sequence[str]) -> dict[str, int]:
    """Return the file number (inode) of each of the names that are in a folder.

    It stays with a file when it is renamed, and so tells whether it has been.
    """
    return {name: _number(folder / name) for name in names if os.path.lexists(folder / name)}


def swap_folders(
    working: Path, place: Path, new: Mapping[str, int | None], stale: Sequence[str]
) -> None:
    """Put new ones in their places, and take away what is stale; the old ones go to ``working``.

    Parameters
    ----------
    new
        Names in the working folder, and their file :func:`numbers` before the swap began: where a
        swap was cut off, another number tells that the name is that of an old one already.
    stale
        Names in ``place`` that go, without another in their place.

    Raises
    ------
    OSError
        If one of them cannot be renamed; all is as it was then.
    """
    with ExitStack() as undo:
        for name, number in new.items():
            if os.path.lexists(working / name) and _number(working / name) == number:
                undo.callback(_put(working / name, place / name))
        for name in stale:
            if os.path.lexists(place / name):
                undo.callback(_put(place / name, working / name))
        fsync_folder(place)
        undo.pop_all()


def write_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files to a folder, by name.

    Where it holds old files of these names and nothing else, the new ones are written beside it,
    and the folders exchanged: whatever becomes of the process, all old ones or all new ones are
    there. Elsewhere they take their places one after the other, in the order of ``contents``.

    Raises
    ------
    InputError
        If another process writes there, or something else has the name of the working folder.
    OSError
        If they cannot be written; the old files stay then.
    """
    place = folder.resolve()
    if not _can_be_exchanged(place, contents):
        write_all(folder, contents)
        return
    taken = f"{folder}: another process writes there; wait for it, or give another folder"
    working = place.with_name(f".{place.name}.unfinished")
    with folders.locked(place.with_name(f".{place.name}.lock"), taken):
        folders.remove_folder(working, contents.__contains__)  # what a kill left
        try:
            write_all(working, contents)
            for one in (place, *place.iterdir()):
                (working / one.relative_to(place)).chmod(one.stat().st_mode & 0o777)
            _exchange(working, place)
            fsync_folder(place.parent)
        finally:
            folders.remove_folder(working, contents.__contains__)


def _can_be_exchanged(place: Path, contents: Mapping[str, bytes]) -> bool:
    """Return whether a folder holds nothing but files of these names, and is free to be moved."""
    if not place.is_dir() or place == Path.cwd() or place.is_mount():
        return False
    found = list(place.iterdir())
    ours = all(one.name in contents and one.is_file() and not one.is_symlink() for one in found)
    return bool(found) and ours and os.access(place.parent, os.W_OK)


def _number(path: Path) -> int:
    return path.lstat().st_ino


def _put(new: Path, place: Path) -> Callable[[], None]:
    """Put a file or folder in its place; what was there stands where the new one was.

    Where the system can exchange paths (Linux), a reader finds the old one or the new one at every
    moment; elsewhere it is away between two renamings. What is returned undoes it.
    """
    if not os.path.lexists(place):
        new.rename(place)
        return lambda: _rename(place, new)
    _exchange(new, place)
    return lambda: _exchange(new, place)


def _rename(one: Path, other: Path) -> None:
    one.rename(other)


def _exchange(one: Path, other: Path) -> None:
    if _exchanged(one, other):
        return
    aside = one.with_name(f"{one.name}.aside")
    other.rename(aside)
    try:
        one.rename(other)
    except OSError:
        aside.rename(other)
        raise
    aside.rename(one)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two paths at once, and say whether the system can."""
    rename = _renameat2()
    if rename is None:
        return False
    sys.audit("os.rename", one, other, -1, -1)  # as Python's own renaming tells it
    if rename(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(other))


@cache
def _renameat2() -> Any:
    """Return the system's call, or None where there is none."""
    on_linux = sys.platform.startswith("linux")
    return getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if on_linux else None
