"""Flags of the stages that start a run: one for each setting of the data and of the recipe."""

import argparse
from collections.abc import Sequence
from dataclasses import fields
from textwrap import fill
from typing import Any, get_args, get_origin

from pipelines.flags import Parser, add_device, add_run, parse_number, parser
from textlstm.config import MAX_SEED, DataConfig, RunConfig
from textlstm.errors import InputError
from textlstm.recipe import Recipe, load_recipe, section_settings, shipped_recipes
from textlstm.settings import Settings

DEMO_RUN = "runs/demo"
"""Folder of the run where no flag is given."""

FIRST_FLAGS = ("data", "text", "label")
"""Settings that stand first in the help: most runs set them."""


MAX_CHOICES = 5
"""Choices that stand beside a flag in the help, at most; more would not fit into a line."""

METAVARS = {str: "COL", int: "N", "missing": "CELL"}
"""Names in the help for the items of a setting that holds several, by their type or its name."""


def run_parser(
    stage: str, description: str | None, default: str | None = None, *, device: bool = False
) -> Parser:
    """Return the parser of a stage that takes all settings, the most used ones first.

    Parameters
    ----------
    stage, description
        As for :func:`.parser`.
    default
        Folder of the run if ``--run`` is not given; None makes ``--run`` required.
    device
        Whether the stage takes ``--device``.
    """
    usage = "[--data FILE] [--text COL [COL ...]] [--label COL] {} [flags]"
    stage_parser = parser(
        stage, description, usage.format("[--run RUN]" if default else "--run RUN")
    )
    usual = stage_parser.add_argument_group("flags of most runs")
    _add_settings(usual, DataConfig, FIRST_FLAGS)
    add_run(usual, default)
    usual.add_argument(
        "--recipe",
        default="default",
        metavar="NAME|FILE.toml",
        help="settings of the model: one of the recipes below, or a TOML file (default: default)",
    )
    usual.add_argument(
        "--seed",
        type=int,
        default=0,
        help="seed of all random numbers; the same seed gives the same model (default: 0)",
    )
    usual.add_argument(
        "--overwrite",
        action="store_true",
        default=False,
        help="replace a finished run of other records or settings",
    )
    if device:
        add_device(usual)
    rest = [name for name in DataConfig.names() if name not in FIRST_FLAGS]
    _add_settings(stage_parser.add_argument_group("records"), DataConfig, rest)
    _add_recipe(stage_parser)
    return stage_parser


def add_records_and_recipe(stage_parser: Parser) -> None:
    """Add the flags of the records and of the recipes, those of the table first."""
    names = [*FIRST_FLAGS, *(name for name in DataConfig.names() if name not in FIRST_FLAGS)]
    _add_settings(stage_parser.add_argument_group("records"), DataConfig, names)
    _add_recipe(stage_parser)


def _add_recipe(stage_parser: Parser) -> None:
    """Add a flag for each field of a recipe, and list the shipped recipes in the help."""
    stage_parser.epilog = f"recipes:\n{_recipe_lines()}\n\n{stage_parser.epilog or ''}"
    for section in fields(Recipe):
        group = stage_parser.add_argument_group(
            f"recipe, section [{section.name}] (default: the value of the recipe)"
        )
        _add_settings(group, section_settings(section))


def _recipe_lines() -> str:
    """Return the shipped recipes, each with its sentence, in lines of 80 columns at most."""
    return "\n".join(
        fill(f"{name}: {what}", 80, initial_indent="  ", subsequent_indent="      ")
        for name, what in shipped_recipes().items()
    )


def run_config(parsed: argparse.Namespace) -> RunConfig:
    """Return the settings of a run: flags win over the recipe, the recipe over defaults."""
    if not 0 <= parsed.seed <= MAX_SEED:
        raise InputError(f"--seed must lie between 0 and {MAX_SEED}, not {parsed.seed}")
    return config_of(parsed, load_recipe(parsed.recipe), str(parsed.recipe), parsed.seed)


def config_of(
    parsed: argparse.Namespace, recipe: Recipe, recipe_name: str, seed: int = 0
) -> RunConfig:
    """Return the settings of a run by a recipe, whose values the flags replace."""
    flags = vars(parsed)
    return RunConfig(
        data=DataConfig(**{name: flags[name] for name in DataConfig.names() if name in flags}),
        recipe=recipe.with_fields(
            **{name: flags[name] for name in recipe.names() if name in flags}
        ),
        recipe_name=recipe_name,
        seed=seed,
    )


def _add_settings(
    group: argparse._ActionsContainer, kind: type[Settings], names: Sequence[str] | None = None
) -> None:
    """Add a flag for each setting, or for those named, with the setting's own help sentence.

    Defaults are shown only of settings that are named: those of the others come from the recipe.
    """
    settings = {setting.name: setting for setting in fields(kind)}
    for setting in map(settings.__getitem__, settings if names is None else names):
        options: dict[str, Any] = {"help": setting.metadata["help"].replace("%", "%%")}
        value: Any = setting.default
        default = " ".join(value) if isinstance(value, tuple) else value
        if names is not None and default != "":
            options["help"] += f" (default: {default})"
        if setting.type is bool:
            options["action"] = argparse.BooleanOptionalAction
        elif get_origin(setting.type) is tuple:
            item_type = get_args(setting.type)[0]
            metavar = METAVARS.get(setting.name, METAVARS[item_type])
            options |= {"nargs": "+", "type": item_type, "metavar": metavar}
        else:
            choices = setting.metadata["choices"]
            read = parse_number if setting.type is float else setting.type
            options |= {"type": read, "choices": choices}
            if not choices or len(choices) > MAX_CHOICES:
                options["metavar"] = setting.name.upper()
            if choices and len(choices) > MAX_CHOICES:
                options["help"] += f": {', '.join(choices)}"
        group.add_argument("--" + setting.name.replace("_", "-"), **options)
