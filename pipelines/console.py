"""Messages to the user: log lines on standard error, the path of an output on standard output.

Every line is :func:`.visible`: no name from outside can control the terminal.
"""

import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TextIO, cast

from textlstm.errors import visible

MODULES = "python -m pipelines."
"""Prefix of a stage's command where there is no console command."""


def as_called(text: str) -> str:
    """Return a text with the stages named as the user called them: ``textlstm STAGE`` if so."""
    console = Path(sys.argv[0]).stem == "textlstm"
    return text.replace(MODULES, "textlstm ") if console else text


def shell_quoted(name: str) -> str:
    """Return a name as the user types it behind a flag, in quotes where a shell needs them.

    >>> print(shell_quoted("year"), shell_quoted("Year of death"), shell_quoted('the "date"'))
    year "Year of death" 'the "date"'
    """
    # The command prompt of Windows knows double quotes only.
    plain = " " in name and re.fullmatch(r"[\w .,:/()+-]+", name)
    return f'"{name}"' if plain else shlex.quote(name)


_muted: list[bool] = []
"""Not empty while the stages run as steps of a larger work."""


@contextmanager
def muted() -> Iterator[None]:
    """Drop the lines that :func:`log` is given within the block."""
    _muted.append(True)
    try:
        yield
    finally:
        _muted.pop()


def log(message: str) -> None:
    """Print one line about the progress to standard error; standard output may be piped."""
    if not _muted:
        log_aloud(message)


def log_aloud(message: str) -> None:
    """Print one line even where others are muted."""
    # A progress bar on the terminal makes room for the line.
    tqdm = getattr(sys.modules.get("tqdm"), "tqdm", None)
    with tqdm.external_write_mode(sys.stderr) if tqdm else nullcontext():
        print(visible(message), file=sys.stderr, flush=True)


def log_for(stage: str) -> Callable[[str], None]:
    """Return :func:`log` with the name of the stage before each message."""
    return lambda message: log(f"{stage}: {message}")


def log_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Log a warning of a library in one line, without the file that it comes from."""
    log_aloud(f"warning: {message}")


def print_path(path: Path) -> None:
    """Print the path of an output: the only line on standard output."""
    print(visible(str(path)), flush=True)


class _ForgivingStream:
    """A stream that drops the text written after its reader has gone.

    The work continues: the table or the report is worth more than the messages about it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def open_standard_streams() -> None:
    """Make messages harmless where nobody reads them: they are dropped and never end the work.

    A closed standard stream is opened to the null device: otherwise the next file that is opened
    would take its number and receive the messages. Characters that the terminal's character set
    lacks are written as escapes.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
        if number:
            stream = getattr(sys, name) or os.fdopen(number, "w", encoding="utf-8")
            stream.reconfigure(errors="backslashreplace")
            setattr(sys, name, cast(TextIO, _ForgivingStream(stream)))
