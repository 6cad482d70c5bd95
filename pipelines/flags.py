"""Flags that several stages share, and the parser that explains them by examples."""

import argparse
import os
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

from pipelines.console import MODULES, as_called, log
from textlstm.errors import did_you_mean, quoted, split_password

EXAMPLES = "\nFor example:\n"
"""Heading in a stage's docstring between its description and its examples."""

KNOWN_DEVICES = ("auto", "cpu")
"""Devices that every machine has."""


class Parser(argparse.ArgumentParser):
    """A parser that answers a mistake with one line and exit status 2."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the parsed flags.

        An argument that is not valid UTF-8 is refused: it could not be written to the settings of
        a run. An unknown flag is refused with the nearest known one.
        """
        words = sys.argv[1:] if args is None else list(args)
        for word in words:
            if not _is_utf8(word):
                self.error(f"{quoted(word)} is not UTF-8; rename the file, folder or column")
        parsed, unknown = self.parse_known_args(words, namespace)
        if unknown_flags := [word for word in unknown if word.startswith("-")]:
            flag = unknown_flags[0].partition("=")[0]
            self.error(
                f"there is no flag {quoted(flag)}{did_you_mean(flag, list(_flags_of(self)))}"
            )
        if unknown:
            self.error(f"{quoted(unknown[0])} belongs to no flag")
        _hide_password(parsed)
        return parsed

    def error(self, message: str) -> NoReturn:
        """Log the mistake and exit."""
        log(f"error: {message} (see --help)")
        self.exit(2)


def _hide_password(parsed: argparse.Namespace) -> None:
    """Keep a password that ``--data`` gives out of settings and messages.

    It goes where the library of PostgreSQL looks for it.
    """
    if "data" in parsed:
        parsed.data, password = split_password(parsed.data)
        if password:
            os.environ["PGPASSWORD"] = password


class _Version(argparse.Action):
    """Print the version and exit."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from textlstm import __version__

        print(f"textlstm {__version__}")
        parser.exit()


def _is_utf8(argument: str) -> bool:
    """Return whether every byte of an argument was decoded: no surrogate stands for one."""
    try:
        argument.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _flags_of(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the flags of a parser and of its subcommands."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for subparser in action.choices.values():
                yield from _flags_of(subparser)


def parser(stage: str, description: str | None, usage: str = "") -> Parser:
    """Return the parser of a stage, named as the user called it.

    Parameters
    ----------
    stage
        The name of its module in this package.
    description
        The docstring of that module; its examples stand at the end of the help.
    usage
        The most important flags, if all flags are too many for a line.
    """
    name = as_called(MODULES + stage)
    stage_parser = Parser(
        prog=name, usage=f"{name} {usage}" if usage else None, **help_options(description)
    )
    add_version(stage_parser)
    return stage_parser


def help_options(description: str | None) -> dict[str, Any]:
    """Return the options of a parser whose help is a docstring, its examples at the end."""
    about, heading, examples = as_called(description or "").partition(EXAMPLES)
    return {
        "description": about.strip(),
        "epilog": (heading + examples).strip(),
        "formatter_class": argparse.RawDescriptionHelpFormatter,
        "argument_default": argparse.SUPPRESS,
        "allow_abbrev": False,
    }


def parse_number(word: str) -> float:
    """Return the number that a flag gives; a percentage becomes a share.

    >>> parse_number("2%"), parse_number("0.02")
    (0.02, 0.02)
    """
    share = word.strip().removesuffix("%")
    try:
        return float(share) / 100 if share != word.strip() else float(word)
    except ValueError:
        hint = "write 0.02, with a point" if "," in word else "write a number such as 0.02 or 2%"
        raise argparse.ArgumentTypeError(f"{quoted(word)} is no number; {hint}") from None


def add_version(arguments: argparse._ActionsContainer) -> None:
    """Add ``--version``."""
    arguments.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")


def add_run(arguments: argparse._ActionsContainer, default: str | None = None) -> None:
    """Add ``--run``."""
    arguments.add_argument(
        "--run",
        metavar="RUN",
        default=default or argparse.SUPPRESS,
        required=default is None,
        help="folder of the run" + (f" (default: {default})" if default else ""),
    )


def add_device(arguments: argparse._ActionsContainer, default: str = "auto") -> None:
    """Add ``--device``; with the default ``argparse.SUPPRESS`` it is absent unless given."""
    arguments.add_argument(
        "--device",
        default=default,
        help="device that computes: auto (a GPU if there is one), cpu, cuda, cuda:1 ... (default: "
        "auto)",
    )


def require_device(name: str) -> None:
    """Raise an :class:`.InputError` at once if this machine has no such device.

    The check of a device beyond :data:`KNOWN_DEVICES` imports torch, which takes seconds; without
    it, the training would fail after the earlier stages have run.
    """
    if name not in KNOWN_DEVICES:
        from textlstm.models.logits import resolve_device

        resolve_device(name)


def add_table_format(arguments: argparse._ActionsContainer, source: str) -> None:
    """Add the flags that say how to read the table that flag ``source`` names."""
    arguments.add_argument(
        "--text",
        nargs="+",
        default=(),
        metavar="COL",
        help="text columns, in reading order (default: as in training)",
    )
    arguments.add_argument(
        "--charset",
        default="",
        help=f"character set of {source}, such as utf-8 or latin-1 (default: UTF-8 where a file "
        "begins with its byte order mark, else as in training)",
    )
    arguments.add_argument(
        "--delimiter",
        default="",
        help=f"sign between the cells of {source}, such as ';', or tab (default: read from the "
        "header)",
    )
    arguments.add_argument(
        "--sheet", default="", help=f"sheet of a workbook {source} (default: the first)"
    )
    arguments.add_argument(
        "--query", default="", help=f"query in SQL, where {source} is the address of a database"
    )
