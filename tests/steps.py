"""Kills between the steps in which work changes the file system.

After kill -9, the disk holds what it held before the next step. Here the work is ended by an
exception in place of a process, and from then on every step raises that exception: code that cleans
up after an exception can do nothing, just as in a process that was killed.
"""

import os
import sys
from contextlib import contextmanager
from pathlib import Path

STEPS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate", "os.link"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Killed(BaseException):
    """A process would have been killed here."""


class _Watch:
    def __init__(self, root, last):
        self.root, self.last, self.taken = str(root), last, 0

    def check(self, event, arguments):
        path = os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes) else None
        path = str(arguments[0]) if hasattr(arguments[0], "__fspath__") else path
        in_root = path is not None and (path.startswith(self.root) or not Path(path).is_absolute())
        step = event in STEPS or (event == "open" and (arguments[2] or 0) & WRITING)
        if not (in_root and step):
            return
        if self.last is not None and self.taken >= self.last:
            raise Killed
        self.taken += 1


_watch = None


def _hook(event, arguments):  # Python cannot remove an audit hook
    if _watch is not None and (event in STEPS or event == "open"):
        _watch.check(event, arguments)


sys.addaudithook(_hook)


@contextmanager
def watched(root, last=None):
    """Count the steps in a folder; if ``last`` is given, each step after it raises Killed."""
    global _watch
    _watch = watch = _Watch(root, last)
    try:
        yield watch
    finally:
        _watch = None


def killed_at_every_step(root, work, every=1):
    """Kill work before each of its steps, and yield the number of steps before the kill.

    The kills end when the work reaches its end; ``every`` is the number of steps between two kills.
    The caller restores the folder before it asks for the next kill.
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
