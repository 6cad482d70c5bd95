"""Usable records, and their split into training, validation, holdout."""

import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from textlstm.config import RARE_LABEL, DataConfig
from textlstm.errors import InputError, counted, quoted
from textlstm.files import replacing
from textlstm.labels import plain_label, require_short

PARTS = ("train", "validation", "holdout")
"""The parts a table is split into; training and validation are the training side."""

PART = "part"
"""Column of records of dropped classes: which of the :data:`PARTS` they belong to."""

SMALLEST_STRATUM = 0.5
"""Records of a class expected in a part, below which small classes are drawn as one stratum.

Rounding would give such a class no record in the part, though all of them together have some.
"""

_GROUP_FOLDS = 20

_ISO_8601 = re.compile(r"\s*-?[0-9]{4}")
"""How a date in ISO 8601 begins, which has its year first."""


# ---------------------------------------------------------------------------------- checking


class Usable(NamedTuple):
    """The records of a table, by what can be learned from them.

    Attributes
    ----------
    records
        Those a model learns from.
    rare
        Those of classes that ``--rare drop`` drops. No model can give them their label, so they
        count as errors in everything that is said of records in general.
    dropped
        How many records no model learns from, by reason.
    uncodable
        How many of the records with label and text have a label that no model can give: that of a
        class that is dropped or merged.
    borderline
        Classes that one record less would have made rare. To a new record they are what a rare
        class of the same size is to a record of the table.
    """

    records: pd.DataFrame
    rare: pd.DataFrame
    dropped: dict[str, int]
    uncodable: int
    borderline: list[str]

    @property
    def uncodable_share(self) -> float:
        """Return the share of these among all records with label and text."""
        return self.uncodable / (len(self.records) + len(self.rare))


def usable(records: pd.DataFrame, config: DataConfig) -> Usable:
    """Return the records that can be learned from, and what becomes of the others.

    Parameters
    ----------
    records
        Columns ``text`` (preprocessed) and ``label``, and any others, which are kept.

    Raises
    ------
    InputError
        If fewer than two classes remain.
    """
    records = records.assign(label=renamed(records["label"], plain_label))
    try:
        require_short(records["label"].unique())
    except InputError as error:
        raise InputError(f"column {quoted(config.label)}: {error}") from error
    no_label = records["label"] == ""
    no_text = ~no_label & (records["text"] == "")
    records = records[~(no_label | no_text)]
    counts = records["label"].value_counts()
    least = 0 if config.rare == "keep" else config.min_class_records
    frequent = set(counts.index[(counts >= least) & (counts.index != RARE_LABEL)])
    uncodable = ~records["label"].isin(frequent)
    # Merged, a single record would be a class of one, which no split can divide.
    drop = config.rare == "drop" or (config.rare == "merge" and uncodable.sum() == 1)
    rare = records[uncodable & drop]
    dropped = {
        "empty_label": int(no_label.sum()),
        "empty_text": int(no_text.sum()),
        "rare_class": len(rare),
    }
    if drop:
        records = records[~uncodable]
    elif config.rare == "merge":
        merged = renamed(records["label"], lambda one: one if one in frequent else RARE_LABEL)
        records = records.assign(label=merged)
    if records["label"].nunique() < 2:
        raise InputError(
            f"column {quoted(config.label)} leaves "
            f"{counted(records['label'].nunique(), 'class', 'classes')} to learn "
            f"({counted(len(records), 'usable record')}; left out: {_listed(dropped)}); two are "
            "needed"
        )
    return Usable(
        records.reset_index(drop=True),
        rare.reset_index(drop=True),
        dropped,
        int(uncodable.sum()),
        sorted(str(label) for label in frequent if counts[label] == least),
    )


def renamed(values: pd.Series, name: Callable[[str], str]) -> pd.Series:
    """Return the values under other names as a categorical, whose categories are sorted.

    >>> renamed(pd.Series(["b", "a", "B"]), str.lower).cat.codes.tolist()
    [1, 0, 1]
    """
    codes = values.astype("category")
    names = pd.Categorical([name(value) for value in codes.cat.categories])
    return pd.Series(names.take(codes.cat.codes.to_numpy()), index=values.index)


def distinct(values: pd.Series) -> tuple[list[str], NDArray[np.intp]]:
    """Return the distinct values, in the order in which they first come, and which one each is.

    >>> distinct(pd.Series(["b", "a", "b"]))
    (['b', 'a'], array([0, 1, 0]))
    """
    places, found = values.factorize()
    return [str(value) for value in found], places


def as_list(values: pd.Series) -> list[str]:
    """Return the values as a list in which equal ones are one object."""
    found, places = distinct(values)
    cells: list[str] = np.array(found, dtype=object)[places].tolist()
    return cells


def texts_by_class(records: pd.DataFrame) -> dict[str, list[str]]:
    """Return the texts of each class, the class of the most records first.

    >>> records = {"text": ["fall", "mi", "mi"], "label": ["External", "Heart", "Heart"]}
    >>> texts_by_class(pd.DataFrame(records))
    {'Heart': ['mi', 'mi'], 'External': ['fall']}
    """
    labels, numbers = distinct(records["label"])
    order = np.argsort(-np.bincount(numbers), kind="stable")
    return {labels[one]: as_list(records["text"][numbers == one]) for one in order}


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())


# ---------------------------------------------------------------------------------- on the disk


def write_records(records: pd.DataFrame, path: Path) -> None:
    """Write records as a Parquet file of texts, in which each distinct one is kept once."""
    table = pa.Table.from_pandas(records, preserve_index=False).replace_schema_metadata()
    with replacing(path) as temporary:
        # Without Arrow's own schema, categoricals are text to whatever reads the file.
        pq.write_table(table, temporary, store_schema=False)


def read_records(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return columns of what :func:`write_records` wrote, as categoricals."""
    table = pq.read_table(path, columns=list(columns), read_dictionary=list(columns))
    return pd.DataFrame(table.to_pandas())


def read_rare(folder: Path) -> pd.DataFrame:
    """Return the records of dropped classes that stand in a folder, and their :data:`PART`."""
    path = folder / "rare.parquet"
    return read_records(path, pq.read_schema(path).names)


def read_parts(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the :data:`PARTS` that :func:`write_records` wrote to a folder, by their names.

    All columns but ``record_id`` are categoricals, of the same categories in all parts.
    """
    paths = [folder / f"{name}.parquet" for name in PARTS]
    repeated = [name for name in pq.read_schema(paths[0]).names if name != "record_id"]
    tables = [pq.read_table(path, read_dictionary=repeated) for path in paths]
    whole = pa.concat_tables(tables).unify_dictionaries().to_pandas()
    ends = np.cumsum([0, *map(len, tables)])
    return {
        name: whole[start:end] for name, (start, end) in zip(PARTS, pairwise(ends), strict=True)
    }


def learned_labels(parts: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return the labels that a run's model learns, sorted.

    A class that only the validation part has is learned by the networks that train on it.

    Parameters
    ----------
    parts
        ``train`` and ``validation``, with a column ``label``.
    """
    return sorted({*parts["train"]["label"].unique(), *parts["validation"]["label"].unique()})


# ---------------------------------------------------------------------------------- splitting


def split(
    usable: Usable, config: DataConfig, seed: int
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Divide usable records into the :data:`PARTS`, and those of dropped classes in the same way.

    The validation part is drawn from the training side, in the same way as the holdout.

    Parameters
    ----------
    usable
        Records with columns ``text``, ``label`` and, for a temporal split, ``date``.

    Returns
    -------
    parts
        The records of each part.
    rare
        The records of dropped classes, with a column :data:`PART`.

    Raises
    ------
    InputError
        If there are too few records, or a date cannot be read.
    """
    records, rare, how = usable.records, usable.rare, config.split
    counts = records["label"].value_counts()
    if how == "stratified" and (counts == 1).any():
        raise InputError(
            f"class {quoted(counts.index[counts == 1][0])} has one record, which no stratified "
            "split can divide; use --rare merge or --rare drop, or another split"
        )
    if how == "temporal":  # told of all records at once, by the column's own name
        _dates(pd.concat([records["date"], rare["date"]]), config.date)
    train, holdout = divide(records, config.holdout, how, seed)
    rare, rare_holdout = divide_rare(rare, train, holdout, config.holdout, how, seed)
    train, validation = divide(train, config.validation, how, seed)
    rare, rare_validation = divide_rare(rare, train, validation, config.validation, how, seed)
    learned = set(train["label"].unique()) | set(validation["label"].unique())
    measured = set(holdout["label"].unique())
    if train["label"].nunique() < 2 or learned.isdisjoint(measured):
        raise InputError(
            f"the {how} split leaves "
            f"{counted(train['label'].nunique(), 'class', 'classes')} to train on and "
            f"{len(learned & measured)} of them to measure; use another split"
        )
    parts = dict(zip(PARTS, (train, validation, holdout), strict=True))
    of_parts = zip(PARTS, (rare, rare_validation, rare_holdout), strict=True)
    return parts, pd.concat([some.assign(**{PART: name}) for name, some in of_parts])


def divide(
    records: pd.DataFrame, share: float, how: str, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return ``records`` in two parts, the second with ``share`` of the rows.

    ``stratified`` gives each class its share, ``grouped`` moreover keeps equal texts together,
    ``temporal`` puts the latest dates into the second part.
    """
    if how == "temporal":
        # Of one date, such as a year, chance decides: rows may be in the order of their labels.
        chance = np.random.default_rng(seed).random(len(records))
        order = np.lexsort((chance, _dates(records["date"])))
        second = order[len(order) - round(share * len(order)) :]
    elif how == "grouped":
        second = _grouped(records, share, seed)
    else:
        second = _stratified(records["label"], share, seed)
    chosen = np.zeros(len(records), dtype=bool)
    chosen[second] = True
    if chosen.all() or not chosen.any():
        raise InputError(
            f"{counted(len(records), 'usable record is', 'usable records are')} too few for a "
            f"{how} split"
        )
    return records[~chosen], records[chosen]


def divide_rare(
    rare: pd.DataFrame,
    first: pd.DataFrame,
    second: pd.DataFrame,
    share: float,
    how: str,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return records of dropped classes in two parts, as :func:`divide` divided all others.

    Each part then has as large a share of them as new records are expected to have.
    """
    if how == "temporal":
        ends = (_dates(part["date"]) for part in (first, second))
        chosen = _with_the_second(_dates(rare["date"]), *ends, seed=seed)
    elif how == "grouped":
        texts, places = distinct(rare["text"])
        known = [np.isin(texts, part["text"].unique().astype(str)) for part in (first, second)]
        new = drawn_share(int((~known[0] & ~known[1]).sum()), share, seed)
        known[1][np.flatnonzero(~known[0] & ~known[1])[new]] = True
        chosen = known[1][places]
    else:
        chosen = np.zeros(len(rare), dtype=bool)
        chosen[drawn_share(len(rare), share, seed)] = True
    return rare[~chosen], rare[chosen]


def _with_the_second(
    dates: NDArray[Any], first: NDArray[Any], second: NDArray[Any], *, seed: int
) -> NDArray[np.bool_]:
    """Return which dates (n,) go with the second part; of its first date, as large a share goes."""
    edge = second.min()
    share = (second == edge).sum() / ((first == edge).sum() + (second == edge).sum())
    tied = np.flatnonzero(dates == edge)
    chosen: NDArray[np.bool_] = dates > edge
    chosen[tied[drawn_share(len(tied), float(share), seed)]] = True
    return chosen


def drawn_share(n: int, share: float, seed: int) -> NDArray[np.int64]:
    """Return ``share`` of n rows, drawn at random; what is left over is a record by chance.

    However few rows there are, each is drawn with the probability ``share``.
    """
    generator = np.random.default_rng(seed)
    return generator.permutation(n)[: math.floor(share * n + generator.random())]


def _stratified(labels: pd.Series, share: float, seed: int) -> np.ndarray[Any, Any]:
    """Return the rows of the second part, each class by its share.

    Classes under :data:`SMALLEST_STRATUM` are one stratum; if it has one record, this stays in the
    first part.
    """
    codes = labels.astype("category").cat.codes.to_numpy()
    small = np.bincount(codes)[codes] * share < SMALLEST_STRATUM
    strata = np.unique(np.where(small, -1, codes), return_inverse=True)[1]
    counts = np.bincount(strata)
    rows = np.flatnonzero(counts[strata] > 1)
    n_second = int(np.ceil(share * len(rows)))
    n_strata = int((counts > 1).sum())
    # Where a part has fewer places than there are classes, no draw can stratify it.
    fits = min(n_second, len(rows) - n_second) >= n_strata
    if np.bincount(codes).max(initial=0) < 2:
        n_given = len(np.unique(codes))
        few = f"{counted(len(codes), 'record')} of {counted(n_given, 'class', 'classes')}"
        raise InputError(f"there is too little to split: {few}")
    _, second = train_test_split(
        rows, test_size=share, random_state=seed, stratify=strata[rows] if fits else None
    )
    return np.asarray(second)


def _grouped(records: pd.DataFrame, share: float, seed: int) -> np.ndarray[Any, Any]:
    """Return rows of whole text groups, in number within a twentieth of ``share``."""
    groups = records["text"].factorize()[0]
    folds = min(_GROUP_FOLDS, int(groups.max()) + 1)
    if folds < 2:
        raise InputError("all texts are equal; a grouped split is not possible")
    codes = records["label"].factorize()[0]
    splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Classes smaller than the number of folds cannot be in each of them, nor need they.
        warnings.simplefilter("ignore", UserWarning)
        try:
            tests = [test for _, test in splitter.split(codes, codes, groups)]
        except ValueError as error:
            raise InputError(
                f"{counted(len(records), 'usable record is', 'usable records are')} too few for a "
                "grouped split"
            ) from error
    # The largest groups are dealt out first, to the first folds: without an order drawn anew the
    # commonest text would be held out whatever the seed.
    chosen = np.zeros(len(records), dtype=bool)
    for fold in np.random.default_rng(seed).permutation(folds):
        if chosen.sum() + len(tests[fold]) <= (share + 0.5 / folds) * len(records):
            chosen[tests[fold]] = True
    return np.flatnonzero(chosen)


def says_when(name: str, cells: Sequence[str]) -> bool:
    """Return whether a column, by its name or by some of its cells, says when records were made.

    >>> says_when("Year of death", ["2021"]), says_when("date", [""]), says_when("update", ["no"])
    (True, True, False)
    >>> says_when("DateOfDeath", []), says_when("YEAR", []), says_when("birth_date", ["2021-03-01"])
    (True, True, False)
    >>> says_when("x", ["2021-03-01", "", "2022-12-31 10:00"]), says_when("x", ["2021", "4-1"])
    (True, False)
    """
    given = [cell.strip() for cell in cells if cell.strip()]
    words = re.findall(
        r"[a-z]+|[A-Z][a-z]*", re.sub(r"[A-Z]{2,}", lambda found: found[0].lower(), name)
    )
    words = [word.lower() for word in words]
    if not {"birth", "born", "dob"}.isdisjoint(words):
        return False
    dated = all(re.match(r"(19|20)\d\d-\d\d(-\d\d|$)", cell) for cell in given)
    return "year" in words or "date" in words or bool(given and dated)


def _dates(values: pd.Series, name: str = "date") -> np.ndarray[Any, Any]:
    """Return the dates of a column, which is called ``name`` in the table."""
    found, places = distinct(values)
    empty = int(np.array([not one.strip() for one in found], dtype=bool)[places].sum())
    if empty:
        raise InputError(
            f"{counted(empty, 'usable record has', 'usable records have')} an empty "
            f"{quoted(name)}, as those of review import have; fill it in, leave them out, or use "
            "another split"
        )
    # pandas takes "now" and "today" for dates as well: another split every day.
    written = [one if _ISO_8601.match(one) else None for one in found]
    dates = pd.to_datetime(pd.Series(written), errors="coerce", format="ISO8601", utc=True)
    if unreadable := int(dates.isna().to_numpy()[places].sum()):
        raise InputError(
            f"the {quoted(name)} of {counted(unreadable, 'usable record')} cannot be read as a "
            "date; use ISO 8601, such as 2021-12-31"
        )
    ordered: np.ndarray[Any, Any] = dates.to_numpy()[places]
    return ordered
