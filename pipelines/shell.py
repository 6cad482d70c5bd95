"""Run a stage as a command: its exit status, and how it answers a mistake or a defect."""

import gc
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from pipelines.console import log, log_warning, open_standard_streams
from pipelines.interrupts import Interrupted, interruptible
from textlstm.errors import InputError, quoted

OWN_PACKAGES = ("pipelines", "textlstm")
"""Packages whose absence is a defect of ours, not of the installation."""

HOW_TO_INSTALL = (
    "in the folder of textlstm run `make demo`, or `python -m pip install .` in an environment of "
    "your own (README.md says how), and use that environment's Python"
)

GC_THRESHOLD = 100_000
"""New objects after which Python's garbage collector runs.

With Python's default of some hundreds, it takes a sixth of the time of importing torch.
"""

SWITCH_INTERVAL = 0.0005
"""Seconds that a thread may hold Python's lock while others wait.

With Python's default of 0.005 s, threads that compute in libraries wait half of their time.
"""


@contextmanager
def timed() -> Iterator[Callable[[], float]]:
    """Give a function that returns the seconds since the start of the block."""
    started = time.perf_counter()
    yield lambda: round(time.perf_counter() - started, 3)


def run_and_exit(main: Callable[[Sequence[str] | None], None]) -> NoReturn:
    """Run a stage and exit with its :func:`status`, or with 1 for a defect."""
    gc.set_threshold(GC_THRESHOLD)
    sys.setswitchinterval(SWITCH_INTERVAL)
    open_standard_streams()
    warnings.showwarning = log_warning
    try:
        code = status(main)
    except SystemExit as end:  # raised by the parser of flags
        code = end.code if isinstance(end.code, int) else 0
    except Exception:
        for line in traceback.format_exc().splitlines():
            log(line)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything is written; Python's own cleanup would take half a second with torch loaded.
    os._exit(code)


def status(main: Callable[[Sequence[str] | None], None]) -> int:
    """Run a stage and return its exit status; a defect raises.

    0 is done, 2 the user's mistake, 130 an interruption by Ctrl-C, 143 one by SIGTERM.
    """
    try:
        with interruptible(), _memory_errors_explained():
            main(None)
    except InputError as error:
        log(f"error: {error}")
        return 2
    except OSError as error:
        log(f"error: {error.filename or 'a file'}: {error.strerror or error}")
        return 2
    except ModuleNotFoundError as error:
        from importlib.metadata import PackageNotFoundError

        is_ours = (error.name or "").startswith(OWN_PACKAGES)
        if is_ours and not isinstance(error, PackageNotFoundError):
            raise
        log(f"error: {quoted(error.name or '')} is not installed; {HOW_TO_INSTALL}")
        return 2
    except Interrupted as interruption:
        log(f"interrupted; {interruption.hint}")
        return interruption.status
    return 0


@contextmanager
def _memory_errors_explained() -> Iterator[None]:
    """Raise an :class:`InputError` in place of a library's own error about too little memory."""
    from textlstm.models.memory import is_shortage, require_addresses

    require_addresses()
    try:
        yield
    except (MemoryError, RuntimeError, ImportError, SystemError, OSError) as error:
        if not is_shortage(error):
            raise
        raise InputError(
            "there is not enough memory; end other programs, raise the limit of this process "
            "(ulimit -v), or give less: fewer --hidden-units, a smaller --ensemble-size or "
            "--batch-size"
        ) from None
