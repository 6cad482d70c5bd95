"""What the stages' command lines share: messages, progress, interruptions, exit statuses."""

import gc
import os
import re
import shlex
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, NoReturn, TextIO, cast

from textlstm.errors import InputError, counted, listed, quoted, visible

MODULES = "python -m pipelines."
"""How a stage is called where there is no console command."""

OURS = ("pipelines", "textlstm")

HOW_TO_INSTALL = (
    "in the folder of textlstm run `make demo`, or `python -m pip install .` in an environment of "
    "your own (README.md says how), and use that environment's Python"
)

GARBAGE = 100_000
"""Objects made, less those freed, after which Python looks for unreachable ones among them."""

KEPT = "what is finished is kept, and the same command goes on from there"
"""What an interruption leaves, unless :func:`on_interrupt` says otherwise."""

NOTHING = "nothing was finished yet; the same command begins anew"
"""What it leaves where there is nothing to go on from."""

STOPPING = "stopping as soon as what is nearly done is kept; a second Ctrl-C stops at once"

MOMENT = 1.0
"""Seconds after which a stop that is still under way is told."""

TURN = 0.0005
"""Seconds that a thread may hold Python's lock when others want it."""


def as_called(text: str) -> str:
    """Return a text that names stages as they were called: by the console command, if so."""
    console = Path(sys.argv[0]).stem == "textlstm"
    return text.replace(MODULES, "textlstm ") if console else text


def argument(name: str) -> str:
    """Return a name as it is written behind a flag, between quotes where a shell needs them.

    >>> print(argument("year"), argument("Year of death"), argument('the "date"'))
    year "Year of death" 'the "date"'
    """
    # A command prompt of Windows knows double quotes alone.
    plain = " " in name and re.fullmatch(r"[\w .,:/()+-]+", name)
    return f'"{name}"' if plain else shlex.quote(name)


def text_columns(given: Sequence[str], trained: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of the texts: those of the training, unless ``--text`` gives others.

    Raises
    ------
    InputError
        If there are more or fewer of them than the model reads.
    """
    columns = tuple(given) or tuple(trained)
    if len(columns) != len(trained):
        raise InputError(
            f"--text names {counted(len(columns), 'column')}; the model reads {len(trained)}: "
            f"{listed(trained)}"
        )
    return columns


def encoding_of(source: str, given: str, trained: str) -> str:
    """Return the character encoding of a table: as given, else that of the training table.

    Raises
    ------
    InputError
        If none is given, and the table is hardly in that of the training table.
    """
    if given or trained == "utf-8" or not Path(source).is_file():
        return given or trained
    from textlstm.data.charset import presumed_encoding

    return presumed_encoding(Path(source), trained)


def require_another_file(out: Path, *sources: str) -> None:
    """Raise an :class:`InputError` if ``--out`` would write over, or among, what is read.

    Or if no file may be put there at all, see :func:`.require_writable`.
    A file in a folder that is read would be taken for a part of the table from then on.
    """
    from textlstm.data.dataset import data_files, places
    from textlstm.storage.atomic import require_writable

    require_writable(out)
    for source in map(Path, sources):
        is_folder = source.is_dir()
        if is_folder and out.resolve().parent in [place.resolve() for place in places(source)]:
            raise InputError(f"--out {out}: lies in {source}, which is read; give another place")
        # The file may have several names: links lead to it, too.
        for read in data_files(source) if is_folder else [source]:
            if out.exists() and read.exists() and out.samefile(read):
                raise InputError(f"--out {out}: this is {read} itself; give another name")


def log(message: str) -> None:
    """Print one :func:`visible` line about the progress, beside what standard output may pipe."""
    # A bar that is shown makes room for the line.
    tqdm = getattr(sys.modules.get("tqdm"), "tqdm", None)
    with tqdm.external_write_mode(sys.stderr) if tqdm else nullcontext():
        print(visible(message), file=sys.stderr, flush=True)


def hand_over(path: Path) -> None:
    """Print the path of what was made, the one line of standard output, :func:`visible` too."""
    print(visible(str(path)), flush=True)


def saying(stage: str) -> Callable[[str], None]:
    """Return :func:`log`, with the name of the stage first."""
    return lambda message: log(f"{stage}: {message}")


@contextmanager
def timed() -> Iterator[Callable[[], float]]:
    """Give a function that returns the seconds since the start."""
    started = time.perf_counter()
    yield lambda: round(time.perf_counter() - started, 3)


class Interrupted(KeyboardInterrupt):
    """SIGINT or SIGTERM came; the status is what a shell would give a process it killed."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number
        self.outcome = KEPT


@contextmanager
def interruptible(finishes: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Raise :class:`Interrupted` on SIGINT and SIGTERM; on a second one, exit at once.

    A stop that takes more than a moment is told.

    Parameters
    ----------
    finishes
        Asks the work at hand to end by a KeyboardInterrupt of its own; says whether it will.
    """
    came: list[int] = []
    asked, ended = threading.Event(), threading.Event()

    def tell() -> None:
        asked.wait()
        if not ended.wait(MOMENT):
            log(STOPPING)

    def answer(number: int, _: Any) -> None:
        if came:
            os._exit(128 + number)
        came.append(number)
        asked.set()
        if not finishes():
            raise Interrupted(number)

    # Begun before it is needed: a thread cannot safely be begun while a signal is answered.
    threading.Thread(target=tell, daemon=True).start()
    before = {one: signal.signal(one, answer) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Interrupted:
        raise
    except KeyboardInterrupt as error:
        raise Interrupted(came[0] if came else signal.SIGINT) from error
    finally:
        ended.set()
        asked.set()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def on_interrupt(outcome: str | Callable[[], str]) -> Iterator[None]:
    """Have an interruption tell what it leaves: a text, or what is asked for it then."""
    try:
        yield
    except Interrupted as interruption:
        interruption.outcome = outcome if isinstance(outcome, str) else outcome()
        raise


class _Outlet:
    """A stream whose reader may go away: what nobody reads any more is dropped.

    The work goes on: the table or the report that it makes is worth more than its messages.
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


def open_outlets() -> None:
    """Have messages go nowhere where nobody takes them, and never end the work.

    A standard stream that is closed is opened to nowhere: the next file to be opened would else be
    taken for it. Characters that the terminal's encoding lacks are written as escapes.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
        if number:
            stream = getattr(sys, name) or os.fdopen(number, "w", encoding="utf-8")
            stream.reconfigure(errors="backslashreplace")
            setattr(sys, name, cast(TextIO, _Outlet(stream)))


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning of a library as a line of ours, without the file that it comes from."""
    log(f"warning: {message}")


def run_and_exit(main: Callable[[Sequence[str] | None], None]) -> NoReturn:
    """Run a stage and exit with its :func:`status`, or with 1 for a defect."""
    # Looking for garbage as often as Python does takes a sixth of the time of importing torch, and
    # threads that compute in libraries would wait half of their time for those that do not.
    gc.set_threshold(GARBAGE)
    sys.setswitchinterval(TURN)
    open_outlets()
    warnings.showwarning = _show_warning
    try:
        code = status(main)
    except SystemExit as end:  # of the parser of flags
        code = end.code if isinstance(end.code, int) else 0
    except Exception:
        for line in traceback.format_exc().splitlines():
            log(line)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # All is written. What Python would tidy up behind torch now takes half a second.
    os._exit(code)


@contextmanager
def shortage_told() -> Iterator[None]:
    """Raise what a library says for lack of memory as an :class:`InputError`."""
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


def status(main: Callable[[Sequence[str] | None], None]) -> int:
    """Run a stage and return 0 for done, 2 for the user's mistake, 130 or 143 for interrupted.

    143 is for SIGTERM; a defect raises.
    """
    try:
        with interruptible(), shortage_told():
            main(None)
    except InputError as error:
        log(f"error: {error}")
        return 2
    except OSError as error:
        log(f"error: {error.filename or 'a file'}: {error.strerror or error}")
        return 2
    except ModuleNotFoundError as error:
        from importlib.metadata import PackageNotFoundError

        if (error.name or "").startswith(OURS) and not isinstance(error, PackageNotFoundError):
            raise
        log(f"error: {quoted(error.name or '')} is not installed; {HOW_TO_INSTALL}")
        return 2
    except Interrupted as interruption:
        log(f"interrupted; {interruption.outcome}")
        return interruption.status
    return 0
