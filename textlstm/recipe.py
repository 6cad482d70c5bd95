"""Recipes: the settings of a model and of its training, read from TOML files."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any, Self

from textlstm.errors import InputError, did_you_mean, no_such, quoted
from textlstm.network_config import NetworkConfig
from textlstm.recipe_sections import EncodingConfig, TrainingConfig
from textlstm.settings import Settings

_SHIPPED = resources.files("textlstm") / "recipes"


def section_settings(section: Any) -> type[Settings]:
    """Return the class of the settings in a section of a recipe."""
    kind: type[Settings] = section.type
    return kind


@dataclass(frozen=True)
class Recipe:
    """A model and its training, apart from any data."""

    encoding: EncodingConfig = field(default_factory=EncodingConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of all fields of all sections; no two sections share one."""
        return [item.name for section in fields(cls) for item in fields(section_settings(section))]

    @classmethod
    def from_dict(cls, sections: Mapping[str, Any]) -> Self:
        """Build from ``{section: {field: value}}``.

        Raises
        ------
        InputError
            If a section or field is unknown or a value is out of range.
        """
        kinds = {section.name: section_settings(section) for section in fields(cls)}
        for name, values in sections.items():
            if name not in kinds:
                raise InputError(f"a recipe has {no_such('section', name, kinds)}")
            if not isinstance(values, Mapping):
                raise InputError(f"[{name}] of a recipe must be a section, not {quoted(values)}")
            if unknown := sorted(set(values) - set(kinds[name].names())):
                raise InputError(
                    f"section [{name}] of a recipe has "
                    f"{no_such('field', unknown[0], kinds[name].names())}"
                )
        built: dict[str, Any] = {name: kinds[name](**values) for name, values in sections.items()}
        return cls(**built)

    def with_fields(self, **values: Any) -> Self:
        """Return a copy with some fields, of any section, replaced.

        >>> Recipe().with_fields(epochs=3, hidden_units=32).network.hidden_units
        32
        """
        if unknown := sorted(set(values) - set(self.names())):
            raise InputError(f"a recipe has {no_such('field', unknown[0], self.names())}")
        for item in fields(self):
            section = getattr(self, item.name)
            of_section = {name: value for name, value in values.items() if name in section.names()}
            self = replace(self, **{item.name: replace(section, **of_section)})
        return self

    def items(self) -> list[tuple[str, Any]]:
        """Return the name and the value of each field of all sections.

        >>> dict(Recipe().with_fields(epochs=3).items())["epochs"]
        3
        """
        sections = [getattr(self, item.name) for item in fields(self)]
        return [(name, getattr(section, name)) for section in sections for name in section.names()]

    def to_dict(self) -> dict[str, object]:
        """Return ``{section: {field: value}}``, as TOML or JSON holds it."""
        return asdict(self)


def recipe_toml(recipe: Recipe, sentence: str) -> str:
    """Return a recipe as the text of a TOML file that begins with a sentence about it.

    >>> tomllib.loads(recipe_toml(Recipe(), "Mine."))["network"]["cell"]
    'lstm'
    """
    lines = [f"# {sentence}"]
    for section, values in asdict(recipe).items():
        lines += ["", f"[{section}]"]
        # JSON writes numbers, texts, lists and truth values as TOML does.
        lines += [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def shipped_recipes() -> dict[str, str]:
    """Return the recipes in the package: what each is in a sentence, by its name.

    The sentence is the first line of its file.

    >>> shipped_recipes()["gru"]
    'A bidirectional GRU.'
    """
    texts = {item.name: item.read_text("utf-8") for item in _SHIPPED.iterdir()}
    first_lines = {name: text.split("\n")[0].removeprefix("# ") for name, text in texts.items()}
    suffix = ".toml"
    return {
        name.removesuffix(suffix): first_lines[name]
        for name in sorted(texts)
        if name.endswith(suffix)
    }


def as_fields(message: str) -> str:
    """Return a message with field names in place of flags, for a user who gave no flags.

    >>> as_fields("--learning-rate must be at least 0.0, not -1.0")
    'learning_rate must be at least 0.0, not -1.0'
    """
    return re.sub(r"--([a-z]+(-[a-z]+)*)", lambda flag: flag[1].replace("-", "_"), message)


def load_recipe(source: str | Path | Recipe) -> Recipe:
    """Return a shipped recipe by its name, or the recipe of a TOML file.

    A file that begins with ``base = "default"``, or another recipe, takes from it all fields that
    it does not name itself. Without a base they have the defaults of the fields.

    Raises
    ------
    InputError
        If there is no such recipe, or the file is not one, or extends itself.

    >>> load_recipe("okut-table2").network.hidden_units
    200
    """
    return source if isinstance(source, Recipe) else _load(str(source), ())


def _load(source: str, extended_by: tuple[str, ...]) -> Recipe:
    """Return the recipe of a name or a file that others extend."""
    text = _read(source)
    try:
        sections = tomllib.loads(text)
        base = sections.pop("base", None)
        recipe = Recipe.from_dict(sections)
        if base is None:
            return recipe
        if not isinstance(base, str) or base in (*extended_by, source):
            raise InputError(f"base {quoted(base)} is not another recipe")
        given = {name: value for values in sections.values() for name, value in values.items()}
        return _load(base, (*extended_by, source)).with_fields(**given)
    except (tomllib.TOMLDecodeError, InputError) as error:
        raise InputError(f"recipe {source!r}: {as_fields(str(error))}") from error


def _read(source: str) -> str:
    """Return the text of a shipped recipe, or of a file."""
    if source in (shipped := shipped_recipes()):
        return (_SHIPPED / f"{source}.toml").read_text("utf-8")
    try:
        return Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        question = did_you_mean(source, shipped) or "."
        raise InputError(
            f"no recipe {source!r}{question} Give one of {', '.join(shipped)}, or a readable .toml "
            "file"
        ) from error
