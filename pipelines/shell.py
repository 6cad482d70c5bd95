"""What the stages' command lines share: flags made from settings, messages, exit statuses."""

import argparse
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn, get_args, get_origin

from textlstm.config import (
    MAX_SEED,
    DataConfig,
    Recipe,
    RunConfig,
    Settings,
    load_recipe,
    section_settings,
    shipped_recipes,
)
from textlstm.errors import InputError, visible

DEMO_RUN = "runs/demo"

GARBAGE = 100_000
"""Objects made, less those freed, after which Python looks for unreachable ones among them."""

KEPT = "what is finished is kept, and the same command goes on from there"
"""What an interruption leaves, unless :func:`leaving` says otherwise."""

TURN = 0.0005
"""Seconds that a thread may hold Python's lock when others want it."""


class Parser(argparse.ArgumentParser):
    """A parser that answers a mistake with one line and status 2."""

    def error(self, message: str) -> NoReturn:
        """Print the mistake and leave."""
        say(f"error: {message} (see --help)")
        self.exit(2)


def parser(description: str | None) -> Parser:
    """Return the parser of a stage, described by its module's docstring."""
    return Parser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )


def add_run(arguments: argparse.ArgumentParser, default: str | None = None) -> None:
    """Add ``--run``."""
    arguments.add_argument(
        "--run",
        metavar="RUN",
        default=default or argparse.SUPPRESS,
        required=default is None,
        help="folder of the run" + (f" (default: {default})" if default else ""),
    )


def add_device(arguments: argparse.ArgumentParser) -> None:
    """Add ``--device``."""
    arguments.add_argument(
        "--device", default="auto", help="auto (a GPU if there is one), cpu, cuda, cuda:1 ..."
    )


def add_reading(arguments: argparse.ArgumentParser, source: str) -> None:
    """Add ``--text`` and ``--encoding``, of the table that the flag ``source`` names."""
    arguments.add_argument(
        "--text",
        nargs="+",
        default=(),
        metavar="COL",
        help="text columns, in order (default: as in training)",
    )
    arguments.add_argument(
        "--encoding",
        default="",
        help=f"character encoding of {source} (default: UTF-8 where a file begins with its byte "
        "order mark, else as in training)",
    )


def add_run_config(arguments: argparse.ArgumentParser) -> None:
    """Add the flags of the data and of every field of the recipe."""
    arguments.add_argument("--seed", type=int, default=0, help="seed of all chance (default: 0)")
    arguments.add_argument(
        "--recipe",
        default="default",
        metavar="NAME|FILE.toml",
        help=f"one of {', '.join(shipped_recipes())}, or a TOML file (default: default)",
    )
    _add_settings(arguments.add_argument_group("records"), DataConfig, show_defaults=True)
    for section in fields(Recipe):
        group = arguments.add_argument_group(f"recipe, [{section.name}] (default: the recipe's)")
        _add_settings(group, section_settings(section), show_defaults=False)


def run_config(given: argparse.Namespace) -> RunConfig:
    """Return the run's settings: flags win over the recipe, the recipe over defaults."""
    flags = vars(given)
    if not 0 <= given.seed <= MAX_SEED:
        raise InputError(f"--seed must lie between 0 and {MAX_SEED}, not {given.seed}")
    recipe = load_recipe(given.recipe)
    return RunConfig(
        data=DataConfig(**{name: flags[name] for name in DataConfig.names() if name in flags}),
        recipe=recipe.with_fields(
            **{name: flags[name] for name in recipe.names() if name in flags}
        ),
        recipe_name=str(given.recipe),
        seed=given.seed,
    )


def _add_settings(group: Any, kind: type[Settings], *, show_defaults: bool) -> None:
    """Add a flag for each field, described by the field's own sentence."""
    for item in fields(kind):
        options: dict[str, Any] = {"help": item.metadata["help"].replace("%", "%%")}
        shown = " ".join(item.default) if isinstance(item.default, tuple) else item.default
        if show_defaults and shown != "":
            options["help"] += f" (default: {shown})"
        if item.type is bool:
            options["action"] = argparse.BooleanOptionalAction
        elif get_origin(item.type) is tuple:
            options |= {"nargs": "+", "type": get_args(item.type)[0], "metavar": "COL"}
        else:
            choices = item.metadata["choices"]
            options |= {"type": item.type, "choices": choices}
            options |= {} if choices else {"metavar": item.name.upper()}
        group.add_argument("--" + item.name.replace("_", "-"), **options)


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
            f"--text names {len(columns)} column(s); the model reads {len(trained)}: "
            f"{', '.join(trained)}"
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
    from textlstm.delimited import presumed_encoding

    return presumed_encoding(Path(source), trained)


def require_another_file(out: Path, *sources: str) -> None:
    """Raise an :class:`InputError` if ``--out`` would write over one of the files that are read."""
    for source in sources:
        if out.exists() and Path(source).exists() and out.samefile(source):
            raise InputError(f"--out {out}: this is {source} itself; give another name")


def say(message: str) -> None:
    """Print one :func:`visible` line about the progress, beside what standard output may pipe."""
    print(visible(message), file=sys.stderr, flush=True)


def hand_over(path: Path) -> None:
    """Print the path of what was made, the one line of standard output, :func:`visible` too."""
    print(visible(str(path)), flush=True)


def progress(items: Iterable[Any], title: str) -> Iterable[Any]:
    """Return the items, with a progress bar on a terminal."""
    from tqdm import tqdm

    return tqdm(items, desc=title, leave=False, disable=not sys.stderr.isatty())


@contextmanager
def bar(total: int, title: str) -> Iterator[Callable[[str], None]]:
    """Give a function that counts one of ``total`` steps: on a bar, or elsewhere as a line."""
    from tqdm import tqdm

    on_terminal = sys.stderr.isatty()
    with tqdm(total=total, desc=title, leave=False, disable=not on_terminal) as shown:

        def advance(line: str) -> None:
            if on_terminal:
                shown.set_postfix_str(visible(line), refresh=False)
                shown.update()
            else:
                say(line)

        yield advance


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

    Parameters
    ----------
    finishes
        Asks the work at hand to end by a KeyboardInterrupt of its own; says whether it will.
    """
    came: list[int] = []

    def answer(number: int, _: Any) -> None:
        if came:
            os._exit(128 + number)
        came.append(number)
        if not finishes():
            raise Interrupted(number)

    before = {one: signal.signal(one, answer) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Interrupted:
        raise
    except KeyboardInterrupt as error:
        raise Interrupted(came[0] if came else signal.SIGINT) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def leaving(outcome: str) -> Iterator[None]:
    """Have an interruption tell what it leaves."""
    try:
        yield
    except Interrupted as interruption:
        interruption.outcome = outcome
        raise


def leave(main: Callable[[Sequence[str] | None], None]) -> NoReturn:
    """Run a stage and exit with its :func:`status`."""
    # Looking for garbage as often as Python does takes a sixth of the time of importing torch, and
    # threads that compute in libraries would wait half of their time for those that do not.
    gc.set_threshold(GARBAGE)
    sys.setswitchinterval(TURN)
    code = status(main)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # nobody listens any more
            stream.flush()
    # All is written. What Python would tidy up behind torch now takes half a second.
    os._exit(code)


def status(main: Callable[[Sequence[str] | None], None]) -> int:
    """Run a stage and return 0 for done, 2 for the user's mistake, 130 or 143 for interrupted.

    143 is for SIGTERM; a defect raises.
    """
    try:
        with interruptible():
            main(None)
    except InputError as error:
        say(f"error: {error}")
        return 2
    except OSError as error:
        say(f"error: {error.filename or 'a file'}: {error.strerror or error}")
        return 2
    except Interrupted as interruption:
        say(f"interrupted; {interruption.outcome}")
        return interruption.status
    return 0
