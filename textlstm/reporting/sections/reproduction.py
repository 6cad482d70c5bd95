"""Reproducibility: the command that makes the run again."""

import shlex
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from textlstm.config import DataConfig, RunConfig
from textlstm.data.dataset import HUB
from textlstm.recipe import Recipe, load_recipe, shipped_recipes
from textlstm.reporting.sections.section import ReportInput, Section

FILE_SETTINGS = ("data", "abbreviations")
"""Settings that name a file."""


@dataclass(frozen=True)
class PublicReproduction:
    """The command line of the run, without folders."""

    command: str


class Reproduction(Section[PublicReproduction]):
    """The command that makes the run again."""

    def public(self, source: ReportInput) -> PublicReproduction:
        """Return the command; paths, which tell about the computer, are cut to file names."""
        return PublicReproduction(command_line(source.config))


def command_line(config: RunConfig) -> str:
    """Return the command that makes the run again, without flags that change nothing.

    A recipe from a file is spelled out, since the file may have changed. A file is named without
    its folder, since the path tells about the computer, and the report is made to be shown.

    >>> command_line(RunConfig(DataConfig(label="manner of death"), load_recipe("default"), seed=1))
    "python -m pipelines.run --run RUN --seed 1 --recipe default --label 'manner of death'"
    """
    words = ["python", "-m", "pipelines.run", "--run", "RUN", "--seed", str(config.seed)]
    recipe = Recipe()
    if config.recipe_name in shipped_recipes():
        recipe = load_recipe(config.recipe_name)
        words += ["--recipe", config.recipe_name]
    pairs = [(config.data, DataConfig())] + [
        (getattr(config.recipe, section.name), getattr(recipe, section.name))
        for section in fields(Recipe)
    ]
    for used, default in pairs:
        for name in used.names():
            if (value := getattr(used, name)) != getattr(default, name):
                words += _flag(name, _without_folder(value) if name in FILE_SETTINGS else value)
    return shlex.join(words)


def _without_folder(table: str) -> str:
    """Return the name of a file without the folders it is in; the name of a data set as it is."""
    return table if table.startswith(HUB) else Path(table).name


def _flag(name: str, value: Any) -> list[str]:
    """Return the words of a flag."""
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    values = value if isinstance(value, tuple) else (value,)
    return [f"--{flag}", *map(str, values)]
