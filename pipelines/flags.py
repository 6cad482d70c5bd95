"""The flags of the stages: made from settings, checked, and explained by examples."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, NoReturn, get_args, get_origin

from pipelines.shell import MODULES, as_called, log
from textlstm.config import MAX_SEED, DataConfig, RunConfig
from textlstm.errors import InputError, near, quoted
from textlstm.recipe import Recipe, load_recipe, section_settings, shipped_recipes
from textlstm.settings import Settings

DEMO_RUN = "runs/demo"

FIRST = ("data", "text", "label")
"""Settings of the data that stand first in the help: few runs do without them."""

EXAMPLES = "\nFor example:\n"
"""Divides what a docstring says of a stage from how it is called."""

ANY_DEVICE = ("auto", "cpu")
"""Devices that every machine has."""


class Parser(argparse.ArgumentParser):
    """A parser that answers a mistake with one line and status 2."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return what the flags say.

        An argument that is not text is refused, whatever it is for: it could not be written to the
        settings of a run. An unknown flag is, with the one that was meant, if any.
        """
        given = sys.argv[1:] if args is None else list(args)
        for argument in given:
            if not _is_text(argument):
                self.error(f"{quoted(argument)} is not UTF-8; rename the file, folder or column")
        found, unknown = self.parse_known_args(given, namespace)
        if wrong := [one.partition("=")[0] for one in unknown if one.startswith("-")]:
            self.error(
                f"there is no flag {quoted(wrong[0])}{near(wrong[0], list(_flags_of(self)))}"
            )
        if unknown:
            self.error(f"{quoted(unknown[0])} belongs to no flag")
        return found

    def error(self, message: str) -> NoReturn:
        """Print the mistake and leave."""
        log(f"error: {message} (see --help)")
        self.exit(2)


class _Version(argparse.Action):
    """Print the version and leave."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from textlstm import __version__

        print(f"textlstm {__version__}")
        parser.exit()


def _is_text(argument: str) -> bool:
    """Return whether no byte of an argument is outside of the terminal's encoding."""
    try:
        argument.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _flags_of(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the flags of a parser and of its ways."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for way in action.choices.values():
                yield from _flags_of(way)


def parser(stage: str, description: str | None, usage: str = "") -> Parser:
    """Return the parser of a stage, named as it was called.

    Parameters
    ----------
    stage
        The name of its module in this package.
    description
        The docstring of that module; what stands under ``For example:`` ends the help.
    usage
        The flags that matter most, where there are too many for a line.
    """
    name = as_called(MODULES + stage)
    made = Parser(prog=name, usage=f"{name} {usage}" if usage else None, **explained(description))
    add_version(made)
    return made


def add_version(arguments: argparse._ActionsContainer) -> None:
    """Add ``--version``."""
    arguments.add_argument(
        "--version", action=_Version, nargs=0, help="print the version and leave"
    )


def explained(description: str | None) -> dict[str, Any]:
    """Return how a parser explains itself by a docstring, whose examples end the help."""
    about, heading, examples = as_called(description or "").partition(EXAMPLES)
    return {
        "description": about.strip(),
        "epilog": (heading + examples).strip(),
        "formatter_class": argparse.RawDescriptionHelpFormatter,
        "argument_default": argparse.SUPPRESS,
        "allow_abbrev": False,
    }


def number(word: str) -> float:
    """Return the number that a flag gives; a percentage is a share.

    >>> number("2%"), number("0.02")
    (0.02, 0.02)
    """
    share = word.strip().removesuffix("%")
    try:
        return float(share) / 100 if share != word.strip() else float(word)
    except ValueError:
        hint = "write 0.02, with a point" if "," in word else "write a number such as 0.02 or 2%"
        raise argparse.ArgumentTypeError(f"{quoted(word)} is no number; {hint}") from None


def add_run(arguments: argparse._ActionsContainer, default: str | None = None) -> None:
    """Add ``--run``."""
    arguments.add_argument(
        "--run",
        metavar="RUN",
        default=default or argparse.SUPPRESS,
        required=default is None,
        help="folder of the run" + (f" (default: {default})" if default else ""),
    )


def add_device(arguments: argparse._ActionsContainer) -> None:
    """Add ``--device``."""
    arguments.add_argument(
        "--device", default="auto", help="auto (a GPU if there is one), cpu, cuda, cuda:1 ..."
    )


def require_device(name: str) -> None:
    """Raise an :class:`InputError` at once if this machine has no such device.

    To ask for others than :data:`ANY_DEVICE` takes the seconds of importing torch, and is better
    than to find out after the stages before the training.
    """
    if name not in ANY_DEVICE:
        from textlstm.models.logits import resolve_device

        resolve_device(name)


def add_reading(arguments: argparse._ActionsContainer, source: str) -> None:
    """Add ``--text`` and ``--charset``, of the table that the flag ``source`` names."""
    arguments.add_argument(
        "--text",
        nargs="+",
        default=(),
        metavar="COL",
        help="text columns, in order (default: as in training)",
    )
    arguments.add_argument(
        "--charset",
        default="",
        help=f"character encoding of {source} (default: UTF-8 where a file begins with its byte "
        "order mark, else as in training)",
    )
    arguments.add_argument(
        "--delimiter",
        default="",
        help=f"what separates the cells of {source}: a sign such as ';', or tab (default: what "
        "the header shows)",
    )


def run_parser(
    stage: str, description: str | None, default: str | None = None, *, device: bool = False
) -> Parser:
    """Return the parser of a stage that takes all settings, the usual ones first.

    Parameters
    ----------
    stage, description
        As of :func:`parser`.
    default
        The folder of the run where none is given.
    device
        Whether the stage takes ``--device``.
    """
    usage = "[--data FILE] [--text COL [COL ...]] [--label COL] {} [flags]"
    made = parser(stage, description, usage.format("[--run RUN]" if default else "--run RUN"))
    usual = made.add_argument_group("what most runs are told")
    _add_settings(usual, DataConfig, FIRST)
    add_run(usual, default)
    usual.add_argument(
        "--recipe",
        default="default",
        metavar="NAME|FILE.toml",
        help=f"one of {', '.join(shipped_recipes())}, or a TOML file (default: default)",
    )
    usual.add_argument("--seed", type=int, default=0, help="seed of all chance (default: 0)")
    usual.add_argument(
        "--overwrite",
        action="store_true",
        default=False,
        help="replace a finished run of other records or settings",
    )
    if device:
        add_device(usual)
    rest = [name for name in DataConfig.names() if name not in FIRST]
    _add_settings(made.add_argument_group("records"), DataConfig, rest)
    for section in fields(Recipe):
        group = made.add_argument_group(f"recipe, [{section.name}] (default: the recipe's)")
        _add_settings(group, section_settings(section))
    return made


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


def _add_settings(
    group: argparse._ActionsContainer, kind: type[Settings], names: Sequence[str] | None = None
) -> None:
    """Add a flag for each field, or for those named, described by the field's own sentence.

    Defaults are told of those named: the others follow the recipe.
    """
    items = {item.name: item for item in fields(kind)}
    for item in map(items.__getitem__, items if names is None else names):
        options: dict[str, Any] = {"help": item.metadata["help"].replace("%", "%%")}
        shown = " ".join(item.default) if isinstance(item.default, tuple) else item.default
        if names is not None and shown != "":
            options["help"] += f" (default: {shown})"
        if item.type is bool:
            options["action"] = argparse.BooleanOptionalAction
        elif get_origin(item.type) is tuple:
            options |= {"nargs": "+", "type": get_args(item.type)[0], "metavar": "COL"}
        else:
            choices = item.metadata["choices"]
            read = number if item.type is float else item.type
            options |= {"type": read, "choices": choices}
            options |= {} if choices else {"metavar": item.name.upper()}
        group.add_argument("--" + item.name.replace("_", "-"), **options)
