"""Working folders: locked by one process, private to their owner, removed with care.

Nothing is deleted that textlstm did not write: a folder that is a link, or that holds files of
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
def locked(lock: Path, in_use: str) -> Iterator[None]:
    """Hold a lock file within the block, and remove it at the end; it ends with the process.

    Parameters
    ----------
    in_use
        Message of the error if another process holds the lock.

    Raises
    ------
    InputError
        If another process holds the lock, or something else has its name.
    """
    from filelock import FileLock, Timeout

    lock.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        stats = lock.lstat()
        if not stat.S_ISREG(stats.st_mode) or stats.st_size:
            raise InputError(f"{lock}: this is no lock of textlstm; move it away")
    file_lock = FileLock(lock, mode=PRIVATE_FILE)
    try:
        file_lock.acquire(timeout=0)
    except Timeout as error:
        raise InputError(in_use) from error
    try:
        yield
    finally:
        # Removed while it is held: a process that waits for it notices, and makes a new one.
        try:
            with suppress(OSError):
                lock.unlink()
        finally:
            file_lock.release()


def require_own_folder(folder: Path, is_own_name: Callable[[str], bool]) -> None:
    """Check that a working folder, if it exists, is a folder and holds only files of our own.

    Parameters
    ----------
    is_own_name
        Whether textlstm writes files of this name there; temporary files are allowed as well.

    Raises
    ------
    InputError
        If the folder is a link or a file, or holds other files.
    """
    try:
        mode = folder.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        kind = "a link" if stat.S_ISLNK(mode) else "no folder"
        raise InputError(f"{folder}: textlstm works there, and this is {kind}; move it away")
    for name in sorted(path.name for path in folder.iterdir()):
        if not is_own_name(name) and not TEMPORARY.fullmatch(name):
            raise InputError(
                f"{folder}: textlstm works there, and {name} is no file of its own; move it away"
            )


def make_private(folder: Path) -> None:
    """Make a folder for its owner only (0700), if it does not exist."""
    folder.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
    protect(folder)


def protect(path: Path) -> None:
    """Restrict a file, or a folder and everything in it, to its owner (0600 and 0700)."""
    if path.exists():
        path.chmod(PRIVATE_FOLDER if path.is_dir() else PRIVATE_FILE)
    for inside in path.rglob("*"):
        inside.chmod(PRIVATE_FOLDER if inside.is_dir() else PRIVATE_FILE)


def remove_folder(folder: Path, is_own_name: Callable[[str], bool]) -> None:
    """Remove a working folder, if it exists and passes :func:`require_own_folder`.

    Raises
    ------
    InputError
        If it holds other files; nothing is removed then.
    OSError
        If a file cannot be removed.
    """
    require_own_folder(folder, is_own_name)
    if folder.exists():
        shutil.rmtree(folder)
