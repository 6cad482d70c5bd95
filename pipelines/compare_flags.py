"""Flags of the stage that compares models: recipes and seeds on a table, or runs already made."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipelines import run_flags
from pipelines.flags import Parser, add_device, parser
from textlstm.config import MAX_SEED, DataConfig, RunConfig
from textlstm.errors import InputError, counted, quoted
from textlstm.recipe import Recipe, load_recipe, shipped_recipes
from textlstm.settings import flag_of

USAGE = "[--recipes NAME [NAME ...]] [--seeds N] [--data FILE] [flags] | --runs RUN [RUN ...]"

ONLY_WITH_RECIPES = ("seeds", "search", "overwrite", "device")
"""Flags that say how models are trained, beside those of records and recipes."""

DEFAULT_SEEDS = 3
"""Number of seeds, if ``--seeds`` is not given."""

DEFAULT_OUT = "runs/comparison"
"""Folder of the comparison, if ``--out`` is not given."""


def compare_parser(description: str | None) -> Parser:
    """Return the parser of the stage."""
    stage_parser = parser("compare", description, USAGE)
    _add_models(stage_parser.add_argument_group("models"))
    usual = stage_parser.add_argument_group("training and output")
    usual.add_argument(
        "--out",
        default=DEFAULT_OUT,
        metavar="FOLDER",
        help=f"folder of the comparison and of its runs (default: {DEFAULT_OUT})",
    )
    usual.add_argument(
        "--overwrite",
        action="store_true",
        help="train again what was trained here on other records or settings",
    )
    add_device(usual, default=argparse.SUPPRESS)
    run_flags.add_records_and_recipe(stage_parser)
    return stage_parser


def _add_models(models: argparse._ActionsContainer) -> None:
    """Add the flags that say which models are compared."""
    models.add_argument(
        "--recipes",
        nargs="+",
        metavar="NAME|FILE.toml",
        help="recipes that are trained on a table: of those below, or TOML files (default: all "
        "below)",
    )
    models.add_argument(
        "--runs", nargs="+", metavar="RUN", help="folders of runs that were made already"
    )
    models.add_argument(
        "--seeds",
        type=int,
        metavar="N",
        help="number of seeds: each recipe is trained N times, on splits of its own for each seed "
        f"(default: {DEFAULT_SEEDS})",
    )
    models.add_argument(
        "--search",
        type=int,
        metavar="N",
        help="search sizes, length and dropout of one recipe in N trials, on training records "
        "alone, and compare the recipe that is found with it (needs optuna)",
    )


def require_runs_alone(given: argparse.Namespace) -> None:
    """Raise an :class:`InputError` if runs are given, and flags of a training beside them."""
    flags = vars(given)
    training = ["recipes", *ONLY_WITH_RECIPES, *DataConfig.names(), *Recipe.names()]
    if "runs" in flags and (unused := [name for name in training if name in flags]):
        raise InputError(f"--runs are compared as they are; leave out {flag_of(unused[0])}")


def seeds(given: argparse.Namespace) -> range:
    """Return the seeds from 0 on: after a search, the one whose training records were searched."""
    if "search" in given and "seeds" in given:
        raise InputError("--search is for one split of the records; leave out --seeds")
    number = 1 if "search" in given else getattr(given, "seeds", DEFAULT_SEEDS)
    if not 1 <= number <= MAX_SEED:
        raise InputError(f"--seeds must be 1 or more, not {number}")
    return range(number)


def recipes(given: argparse.Namespace) -> dict[str, RunConfig]:
    """Return the settings of each recipe by its name, with the seed 0.

    Raises
    ------
    InputError
        If two recipes have the same name, or there is only one.
    """
    searched = "search" in given
    sources = getattr(given, "recipes", ["default"] if searched else list(shipped_recipes()))
    names = [Path(source).stem for source in sources]
    if searched and len(names) > 1:
        raise InputError("--search is for one recipe; give --recipes one name")
    if searched and given.search < 1:
        raise InputError(f"--search must be 1 or more trials, not {given.search}")
    if not searched and len(names) < 2:
        raise InputError("--recipes needs two recipes or more to compare")
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"--recipes: {counted(names.count(name), 'recipe')} {quoted(name)}")
    return {
        name: run_flags.config_of(given, load_recipe(source), source)
        for name, source in zip(names, sources, strict=True)
    }


def run_names(folders: Sequence[str]) -> dict[str, Path]:
    """Return the folders of runs by their names, which hold no more of the path than is needed.

    >>> list(run_names(["runs/a", "runs/b/"])), list(run_names(["x/a", "y/a"]))
    (['a', 'b'], ['x/a', 'y/a'])
    """
    paths = [Path(folder) for folder in folders]
    if len(paths) < 2:
        raise InputError("--runs needs two runs or more to compare")
    places = [path.resolve() for path in paths]
    if len(set(places)) < len(places):
        raise InputError("--runs must name each run once")
    last_names = [path.name for path in places]
    unique = len(set(last_names)) == len(last_names)
    return {
        name if unique else str(path): path for name, path in zip(last_names, paths, strict=True)
    }
