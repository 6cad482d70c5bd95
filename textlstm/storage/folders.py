"""Folders of our own: held by one process, for their owner alone, removed with care.

Nothing is deleted that textlstm did not put there: a folder that is a link, or that holds files of
other names, is refused.
"""

import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from textlstm.errors import InputError
from textlstm.storage.atomic import PRIVATE_FILE, PRIVATE_FOLDER, TEMPORARY


@contextmanager
def locked(lock: Path, taken: str) -> Iterator[None]:
    """Hold a lock file, which ends with the process, and is removed at the end of the block.

    Parameters
    ----------
    taken
        What to say where another process holds it.

    Raises
    ------
    InputError
        If another process holds the lock, or something else has its name.
    """
    from filelock import FileLock, Timeout

    lock.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        found = lock.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size:
            raise InputError(f"{lock}: this is no lock of textlstm; move it away")
    file = FileLock(lock, mode=PRIVATE_FILE)
    try:
        file.acquire(timeout=0)
    except Timeout as error:
        raise InputError(taken) from error
    try:
        yield
    finally:
        # Removed while it is held: who waits for it sees that it is gone, and makes a new one.
        try:
            with suppress(OSError):
                lock.unlink()
        finally:
            file.release()


def require_own_folder(folder: Path, is_ours: Callable[[str], bool]) -> None:
    """Check that a working folder, if it is there, is a folder and holds our own files alone.

    Parameters
    ----------
    is_ours
        Whether a name is of a file that textlstm puts there; temporary files are, besides.

    Raises
    ------
    InputError
        If the folder is a link or a file, or holds something else.
    """
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode):
        what = "a link" if stat.S_ISLNK(found.st_mode) else "no folder"
        raise InputError(f"{folder}: textlstm works there, and this is {what}; move it away")
    for name in sorted(path.name for path in folder.iterdir()):
        if not is_ours(name) and not TEMPORARY.fullmatch(name):
            raise InputError(
                f"{folder}: textlstm works there, and {name} is no file of its own; move it away"
            )


def make_private(folder: Path) -> None:
    """Make a folder for its owner alone (0700), if it is not there."""
    folder.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
    protect(folder)


def protect(path: Path) -> None:
    """Take a file, or a folder and all in it, from everyone but its owner."""
    if path.exists():
        path.chmod(PRIVATE_FOLDER if path.is_dir() else PRIVATE_FILE)
    for inside in path.rglob("*"):
        inside.chmod(PRIVATE_FOLDER if inside.is_dir() else PRIVATE_FILE)


def remove_folder(folder: Path, is_ours: Callable[[str], bool]) -> None:
    """Remove a working folder, if it is there, as far as :func:`require_own_folder` allows.

    Raises
    ------
    InputError
        If it is not ours; nothing is removed then.
    OSError
        If something cannot be removed.
    """
    require_own_folder(folder, is_ours)
    if folder.exists():
        shutil.rmtree(folder)
