"""The steps in which work changes the file system, and a process that ends before one of them.

What kill -9 leaves is what stood on the disk before the next step. In place of a process, the work
ends by an exception, from which on no step is taken any more: whatever tidies up behind an
exception does nothing, as it would not in a process that is no more.
"""

import os
import sys
from contextlib import contextmanager
from pathlib import Path

STEPS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate", "os.link"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Killed(BaseException):
    """The process would have ended here."""


class _Watch:
    def __init__(self, root, last):
        self.root, self.last, self.taken = str(root), last, 0

    def heed(self, event, arguments):
        path = os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes) else None
        path = str(arguments[0]) if hasattr(arguments[0], "__fspath__") else path
        here = path is not None and (path.startswith(self.root) or not Path(path).is_absolute())
        step = event in STEPS or (event == "open" and (arguments[2] or 0) & WRITING)
        if not (here and step):
            return
        if self.last is not None and self.taken >= self.last:
            raise Killed
        self.taken += 1


_watch = None


def _hook(event, arguments):  # which Python keeps to its end
    if _watch is not None and (event in STEPS or event == "open"):
        _watch.heed(event, arguments)


sys.addaudithook(_hook)


@contextmanager
def watched(root, last=None):
    """Count the steps in a folder; all after the ``last`` one, if that is given, raise Killed."""
    global _watch
    _watch = watch = _Watch(root, last)
    try:
        yield watch
    finally:
        _watch = None


def killed_at_every_step(root, work, every=1):
    """Yield the number of steps before each kill, for as long as the work does not get to its end.

    ``every`` says after how many more steps the next kill comes.

    Whoever asks for the next one puts the folder back to what it was before.
    """
    last = 0
    while True:
        try:
            with watched(root, last):
                work()
            return
        except Killed:
            yield last
        last += every
