"""What tests of several folders share."""

import contextlib
import os
from unittest import mock

from filelock import FileLock

from textlstm.text.tokenizing import preprocess


def preprocessed_here():
    """Preprocess texts in this process within the block: another would import for a second."""
    return mock.patch(
        "textlstm.text.worker.preprocessing_process", lambda: contextlib.nullcontext(preprocess)
    )


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
