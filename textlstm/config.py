"""What a run is made of: frozen settings, checked when they are built.

Every field carries one sentence with its unit; the stages make their flags, and the estimator its
parameters, from these fields, so a setting is described in one place. A recipe is a TOML file with
the sections ``[encoding]``, ``[network]`` and ``[training]``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from textlstm.errors import InputError
from textlstm.recipe import Recipe
from textlstm.settings import Settings, setting

MIN_PROBABILITY = 0.5
"""Below this top probability a record goes to a person, unless the user says otherwise."""

RARE_LABEL = "(rare classes)"
"""The class that ``--rare merge`` merges rare classes into; it always goes to a person."""

MAX_SEED = 2**32 - 1
"""The largest seed NumPy and scikit-learn take."""


@dataclass(frozen=True)
class DataConfig(Settings):
    """Which records, and how they are divided."""

    data: str = setting("data/sample.csv", "table of records: .csv, .tsv, .jsonl, .parquet or "
                        ".arrow, a folder of such files, or hub:owner/name, a data set of the "
                        "Hugging Face hub")  # fmt: skip
    text: tuple[str, ...] = setting(
        ("cause",), "text columns, in reading order: the lines of one certificate"
    )
    label: str = setting("category", "column of the label to learn")
    id: str = setting("", "column of record ids (default: the row number, from 1)")
    date: str = setting("", "column of dates; needed by --split temporal")
    by: tuple[str, ...] = setting(
        (), "columns of groups to measure the model in, such as sex, age or year; of dates the "
        "year counts, of ages ten years"
    )  # fmt: skip
    charset: str = setting("utf-8", "character encoding of a text file, read strictly")
    delimiter: str = setting("", "what separates the cells of a .csv or .tsv file: a sign such as "
                             "';', or tab (default: what its header shows)")  # fmt: skip
    split: str = setting(
        "stratified",
        "how the holdout is drawn: stratified by label, grouped (identical texts on one side), "
        "or temporal (the latest records)",
        choices=("stratified", "grouped", "temporal"),
    )
    holdout: float = setting(0.30, "share of the records held out", low=0.01, high=0.9)
    validation: float = setting(
        0.10,
        "share of the training records a network leaves out, to be judged and calibrated by: the "
        "validation part for the first one, another part for each of the others",
        low=0.01,
        high=0.5,
    )
    abbreviations: str = setting(
        "", "CSV with the columns abbreviation and meaning: what words that are not in the "
        "vocabulary stand for; kept in the bundle"
    )  # fmt: skip
    rare: str = setting(
        "drop",
        "what becomes of classes under --min-class-records: drop the records, merge them into "
        "one class, or keep them",
        choices=("drop", "merge", "keep"),
    )
    min_class_records: int = setting(10, "records a class needs to count as not rare", low=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.text:
            raise InputError("--text needs at least one column")
        if len({*self.text, self.label}) <= len(self.text):
            raise InputError("--text and --label must name different columns, each once")
        if len(set(self.by)) < len(self.by):
            raise InputError("--by must name each column once")
        if self.split == "temporal" and not self.date:
            raise InputError("--split temporal needs --date, the column of dates")


@dataclass(frozen=True)
class RunConfig:
    """Everything a run used: what is written to ``RUN/config.json``.

    ``recipe_name`` says where the recipe came from; the values in ``recipe`` count, flags included.
    """

    data: DataConfig = field(default_factory=DataConfig)
    recipe: Recipe = field(default_factory=Recipe)
    recipe_name: str = "default"
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return nested dictionaries, fit for JSON."""
        return asdict(self)

    def differences(self, other: Self) -> list[str]:
        """Return the flags of the fields whose values differ from another run's."""
        found = [] if self.seed == other.seed else ["--seed"]
        for mine, theirs in zip(self._sections(), other._sections(), strict=True):
            names = [name for name in mine.names() if getattr(mine, name) != getattr(theirs, name)]
            found += ["--" + name.replace("_", "-") for name in names]
        return found

    def _sections(self) -> list[Settings]:
        return [self.data, *(getattr(self.recipe, item.name) for item in fields(Recipe))]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from what :meth:`to_dict` gave."""
        return cls(
            data=DataConfig(**values["data"]),
            recipe=Recipe.from_dict(values["recipe"]),
            recipe_name=values["recipe_name"],
            seed=values["seed"],
        )
