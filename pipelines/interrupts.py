"""Interruptions: Ctrl-C and SIGTERM stop a stage, and the user is told how to resume it."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pipelines.console import log_aloud

RESUME_HINT = "finished work is kept, and the same command resumes it"
"""Message after an interruption, unless :func:`on_interrupt` gives another."""

NOTHING_TO_RESUME = "nothing was finished yet; the same command starts again from the beginning"
"""Message where the same command has nothing to resume from."""

STOPPING = "stopping as soon as the current step is saved; a second Ctrl-C stops at once"
"""Message while the work finishes the step that it keeps."""

STOPPING_AFTER = 1.0
"""Seconds after an interruption until :data:`STOPPING` is logged."""


class Interrupted(KeyboardInterrupt):
    """SIGINT or SIGTERM arrived.

    ``status`` is the exit status that a shell gives a process it killed, and ``hint`` the message
    that tells the user how to resume.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__()
        self.status = 128 + signal_number
        self.hint = RESUME_HINT


@contextmanager
def interruptible(request_stop: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Raise :class:`Interrupted` on SIGINT and SIGTERM; on a second signal, exit at once.

    A stop that takes longer than :data:`STOPPING_AFTER` is logged.

    Parameters
    ----------
    request_stop
        Asks the running work to end by a KeyboardInterrupt of its own; returns whether it will.
    """
    received: list[int] = []
    stopping, ended = threading.Event(), threading.Event()

    def log_slow_stop() -> None:
        stopping.wait()
        if not ended.wait(STOPPING_AFTER):
            log_aloud(STOPPING)

    def handle(signal_number: int, _: Any) -> None:
        if received:
            os._exit(128 + signal_number)
        received.append(signal_number)
        stopping.set()
        if not request_stop():
            raise Interrupted(signal_number)

    # Started in advance: starting a thread inside a signal handler is not safe.
    threading.Thread(target=log_slow_stop, daemon=True).start()
    earlier_handlers = {
        number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    except Interrupted:
        raise
    except KeyboardInterrupt as error:
        raise Interrupted(received[0] if received else signal.SIGINT) from error
    finally:
        ended.set()
        stopping.set()
        for number, handler in earlier_handlers.items():
            signal.signal(number, handler)


@contextmanager
def on_interrupt(hint: str | Callable[[], str]) -> Iterator[None]:
    """Set the message of an interruption within the block: a text, or a function called then."""
    try:
        yield
    except Interrupted as interruption:
        interruption.hint = hint if isinstance(hint, str) else hint()
        raise
