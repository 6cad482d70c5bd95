"""Swap finished files and folders with old ones: at every moment all are the old or the new.

The new ones wait in a working folder beside their targets. If a new file cannot be put in its
place, all that were swapped before it are swapped back. A swap that was cut off can be finished.
"""

import ctypes
import errno
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from textlstm.storage import folders
from textlstm.storage.atomic import fsync_folder, write_all

RENAME_EXCHANGE, AT_FDCWD = 2, -100
"""Constants of Linux's renameat2: exchange two paths; resolve them from the working directory."""

CANNOT_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.EXDEV, errno.EOPNOTSUPP)
"""Error numbers of a system or a file system that cannot exchange paths."""


def inode_numbers(folder: Path, names: Sequence[str]) -> dict[str, int]:
    """Return the inode number of each name that exists in a folder.

    A file keeps its number when it is renamed: so the number tells whether it has been swapped.
    """
    return {name: _inode(folder / name) for name in names if os.path.lexists(folder / name)}


def swap_folders(
    working: Path, target: Path, new: Mapping[str, int | None], stale: Sequence[str]
) -> None:
    """Move new files and folders from ``working`` to ``target``, and the old ones to ``working``.

    Parameters
    ----------
    new
        Names in ``working``, with their :func:`inode_numbers` before the swap began: if a swap was
        cut off, another number shows that the old file stands there already.
    stale
        Names in ``target`` to remove without replacement.

    Raises
    ------
    OSError
        If a file cannot be renamed; then nothing is changed.
    """
    with ExitStack() as undo:
        for name, inode in new.items():
            if os.path.lexists(working / name) and _inode(working / name) == inode:
                undo.callback(_put(working / name, target / name))
        for name in stale:
            if os.path.lexists(target / name):
                undo.callback(_put(target / name, working / name))
        fsync_folder(target)
        undo.pop_all()


def write_folder(
    folder: Path,
    contents: Mapping[str, bytes],
    *,
    private: Collection[str] = (),
    at_once: bool = False,
) -> None:
    """Write files, by name, to a folder: all of the old ones are replaced, or none.

    If the folder holds only old files of these names, the new ones are written beside it, and the
    two folders are exchanged in one step. Otherwise the files are replaced one after the other, in
    the order of ``contents``.

    Parameters
    ----------
    private
        Names of new files that are for their owner only; old files keep their permissions.
    at_once
        Whether a folder that is new or empty appears in one step as well, with all files.

    Raises
    ------
    InputError
        If another process writes there, or something else has the name of the working folder.
    OSError
        If a file cannot be written; then the old files stay.
    """
    target = folder.resolve()
    is_new = at_once and not os.path.lexists(target)
    if not is_new and not _can_be_exchanged(target, contents, may_be_empty=at_once):
        write_all(folder, contents, private)
        return
    in_use = f"{folder}: another process writes there; wait for it, or give another folder"
    working = target.with_name(f".{target.name}.unfinished")
    with folders.locked(target.with_name(f".{target.name}.lock"), in_use):
        folders.remove_folder(working, contents.__contains__)  # a killed process may leave it
        try:
            write_all(working, contents, private)
            if is_new:
                working.rename(target)
                fsync_folder(target.parent)
                return
            for old in (target, *target.iterdir()):
                (working / old.relative_to(target)).chmod(old.stat().st_mode & 0o777)
            _exchange(working, target)
            fsync_folder(target.parent)
        finally:
            folders.remove_folder(working, contents.__contains__)


def _can_be_exchanged(folder: Path, contents: Mapping[str, bytes], *, may_be_empty: bool) -> bool:
    """Return whether a folder holds only files of these names, and can be renamed."""
    if not folder.is_dir() or folder == Path.cwd() or folder.is_mount():
        return False
    paths = list(folder.iterdir())
    only_these = all(
        path.name in contents and path.is_file() and not path.is_symlink() for path in paths
    )
    return (bool(paths) or may_be_empty) and only_these and os.access(folder.parent, os.W_OK)


def _inode(path: Path) -> int:
    return path.lstat().st_ino


def _put(new: Path, target: Path) -> Callable[[], None]:
    """Move a file or folder to its target, and an old one there to ``new``; return the undoing.

    Where the system can exchange paths (Linux), a reader finds the old one or the new one at every
    moment; elsewhere the target is missing between two renamings.
    """
    if not os.path.lexists(target):
        new.rename(target)
        return lambda: _rename(target, new)
    _exchange(new, target)
    return lambda: _exchange(new, target)


def _rename(source: Path, target: Path) -> None:
    source.rename(target)


def _exchange(first: Path, second: Path) -> None:
    if _exchanged(first, second):
        return
    aside = first.with_name(f"{first.name}.aside")
    second.rename(aside)
    try:
        first.rename(second)
    except OSError:
        aside.rename(second)
        raise
    aside.rename(first)


def _exchanged(first: Path, second: Path) -> bool:
    """Exchange two paths in one step, and return whether the system can."""
    renameat2 = _renameat2()
    if renameat2 is None:
        return False
    sys.audit("os.rename", first, second, -1, -1)  # the event that Python's own rename raises
    paths = os.fsencode(first), os.fsencode(second)
    if renameat2(AT_FDCWD, paths[0], AT_FDCWD, paths[1], RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(second))


@cache
def _renameat2() -> Any:
    """Return the system call renameat2, or None where there is none."""
    on_linux = sys.platform.startswith("linux")
    return getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if on_linux else None
