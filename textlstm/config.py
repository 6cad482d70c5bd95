"""Settings of a run: which records, which recipe, which seed; checked when they are built.

Every field carries one help sentence with its unit; the stages make their flags, and the estimator
its parameters, from these fields, so a setting is described in one place. A recipe is a TOML file
with the sections ``[encoding]``, ``[network]`` and ``[training]``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from textlstm.errors import InputError, without_password
from textlstm.formats import ENDINGS, alternatives
from textlstm.recipe import Recipe
from textlstm.settings import Settings, flag_of, setting

MIN_PROBABILITY = 0.5
"""Probability of the predicted label under which a record goes to a person, by default."""

RARE_LABEL = "(rare classes)"
"""Class that ``--rare merge`` merges rare classes into; it always goes to a person."""

MAX_SEED = 2**32 - 1
"""Largest seed that NumPy and scikit-learn take."""


@dataclass(frozen=True)
class DataConfig(Settings):
    """Settings of the records: where they are, and how they are split."""

    data: str = setting(
        "data/sample.csv",
        f"table of records: a {alternatives(ENDINGS)} file, a text file packed as .csv.gz or "
        ".csv.zst, a folder of such files, or hub:owner/name for a data set of the Hugging Face "
        "hub",
    )
    text: tuple[str, ...] = setting(
        ("cause",), "text columns in reading order, such as the lines of a death certificate"
    )
    label: str = setting("category", "column of the label to predict")
    id: str = setting("", "column of record ids (default: the row number, from 1)")
    date: str = setting("", "column of dates; --split temporal needs it")
    by: tuple[str, ...] = setting(
        (),
        "columns of groups, such as sex, age or year; the model is measured in each group; dates "
        "are grouped by year, ages by ten years",
    )
    number: tuple[str, ...] = setting(
        (), "columns of numbers beside the text, such as age, that the model reads too"
    )
    category: tuple[str, ...] = setting(
        (), "columns of categories beside the text, such as sex or place, that the model reads too"
    )
    charset: str = setting(
        "utf-8", "character set of a text file, such as utf-8 or latin-1; bytes that it lacks are "
        "an error",
    )  # fmt: skip
    delimiter: str = setting(
        "",
        "sign between the cells of a .csv or .tsv file, such as ';', or tab (default: read from "
        "the header)",
    )
    sheet: str = setting("", "sheet of a workbook that is read (default: the first)")
    query: str = setting(
        "",
        "query in SQL whose rows are the records, where --data is the address of a database: "
        "sqlite:///deaths.db or postgresql://user@host/database",
    )
    missing: tuple[str, ...] = setting(
        (),
        "cells that stand for a missing value and are read as empty, such as NA nan . (default: "
        "none; NA is a word as others are)",
    )
    split: str = setting(
        "stratified",
        "how the holdout is drawn: at random within each class (stratified), at random with "
        "identical texts on the same side (grouped), or the latest records (temporal)",
        choices=("stratified", "grouped", "temporal"),
    )
    holdout: float = setting(
        0.30,
        "share of the records that is held out: the model is measured on them, and learns nothing "
        "from them",
        low=0.01,
        high=0.9,
    )
    validation: float = setting(
        0.10,
        "share of the training records that each network of the ensemble does not train on: they "
        "serve for early stopping and calibration",
        low=0.01,
        high=0.5,
    )
    abbreviations: str = setting(
        "",
        "CSV file with the columns abbreviation and meaning; an abbreviation that is not in the "
        "vocabulary is read as its meaning; the bundle keeps them",
    )
    rare: str = setting(
        "drop",
        "what happens to records of rare classes (see --min-class-records): they are left out "
        "(drop), merged into one class (merge), or kept as they are (keep)",
        choices=("drop", "merge", "keep"),
    )
    min_class_records: int = setting(10, "number of records under which a class is rare", low=1)
    codes: str = setting(
        "",
        "code book of the labels: a table with the columns code, parent and description, or icd10 "
        "or icd10cm; a label may be a code at any level, and no class is rare",
    )
    crosswalk: str = setting(
        "",
        "table with the columns old, new and share that maps labels of another revision to codes "
        "of the book",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.text:
            raise InputError("--text needs at least one column")
        if len({*self.text, self.label}) <= len(self.text):
            raise InputError("--text and --label must name different columns, each once")
        beside = (*self.number, *self.category)
        if len({*beside, *self.text, self.label}) < len(beside) + len(self.text) + 1:
            raise InputError(
                "--number and --category must name columns beside --text and --label, each once"
            )
        if len(set(self.by)) < len(self.by):
            raise InputError("--by must name each column once")
        if self.codes and (beside or self.rare == "merge"):
            raise InputError("--codes takes no --number, --category or --rare merge")
        if self.crosswalk and not self.codes:
            raise InputError("--crosswalk needs --codes, the book whose codes it gives")
        if self.split == "temporal" and not self.date:
            raise InputError("--split temporal needs --date, the column of dates")


@dataclass(frozen=True)
class RunConfig:
    """All settings of a run, as they are written to ``RUN/config.json``.

    ``recipe_name`` says where the recipe came from; the values in ``recipe`` count, flags included.
    """

    data: DataConfig = field(default_factory=DataConfig)
    recipe: Recipe = field(default_factory=Recipe)
    recipe_name: str = "default"
    seed: int = 0

    def __post_init__(self) -> None:
        self.recipe.training.require_consistent()

    def to_dict(self) -> dict[str, object]:
        """Return nested dictionaries, as JSON holds them, without any password."""
        values = asdict(self)
        values["data"]["data"] = without_password(self.data.data)
        return values

    def differences(self, other: Self) -> list[str]:
        """Return the flags of the fields whose values differ from those of another run."""
        flags = [] if self.seed == other.seed else ["--seed"]
        for ours, theirs in zip(self._sections(), other._sections(), strict=True):
            names = ours.names()
            flags += [flag_of(n) for n in names if getattr(ours, n) != getattr(theirs, n)]
        return flags

    def _sections(self) -> list[Settings]:
        return [self.data, *(getattr(self.recipe, item.name) for item in fields(Recipe))]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from the dictionaries of :meth:`to_dict`."""
        return cls(
            data=DataConfig(**values["data"]),
            recipe=Recipe.from_dict(values["recipe"]),
            recipe_name=values["recipe_name"],
            seed=values["seed"],
        )
