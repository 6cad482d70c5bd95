"""Folders that tests share, each made once in a session, whichever process needs it first."""

import os

from filelock import FileLock


def made_once(tmp_path_factory, name, make):
    """Return a folder of this name, after ``make(folder)`` filled it in one of the processes."""
    root = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        root = root.parent
    folder, done = root / name, root / f"{name}.done"
    with FileLock(root / f"{name}.lock"):
        if not done.exists():
            folder.mkdir()
            make(folder)
            done.touch()
    return folder
