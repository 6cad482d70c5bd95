"""Usable records, and their split into training, validation, holdout."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from textlstm.config import RARE_LABEL, DataConfig
from textlstm.data.distinct import Distinct, interned, relabel
from textlstm.data.labels import plain_label, require_short
from textlstm.errors import InputError, counted, quoted
from textlstm.storage.atomic import atomic_write

SPLITS = ("train", "validation", "holdout")
"""The parts a table is split into; training and validation are the training side."""

SPLIT = "part"
"""Column of records of dropped classes: which of the :data:`SPLITS` they belong to."""


class UsableRecords(NamedTuple):
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


def select_usable(records: pd.DataFrame, config: DataConfig) -> UsableRecords:
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
    records = records.assign(label=relabel(records["label"], plain_label))
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
        merged = relabel(records["label"], lambda one: one if one in frequent else RARE_LABEL)
        records = records.assign(label=merged)
    if records["label"].nunique() < 2:
        raise InputError(
            f"column {quoted(config.label)} leaves "
            f"{counted(records['label'].nunique(), 'class', 'classes')} to learn "
            f"({counted(len(records), 'usable record')}; left out: {_listed(dropped)}); two are "
            "needed"
        )
    return UsableRecords(
        records.reset_index(drop=True),
        rare.reset_index(drop=True),
        dropped,
        int(uncodable.sum()),
        sorted(str(label) for label in frequent if counts[label] == least),
    )


def texts_by_class(records: pd.DataFrame) -> dict[str, list[str]]:
    """Return the texts of each class, the class of the most records first.

    >>> records = {"text": ["fall", "mi", "mi"], "label": ["External", "Heart", "Heart"]}
    >>> texts_by_class(pd.DataFrame(records))
    {'Heart': ['mi', 'mi'], 'External': ['fall']}
    """
    labels = Distinct[str].of(records["label"])
    order = np.argsort(-labels.counts, kind="stable")
    return {labels.values[row]: interned(records["text"][labels.inverse == row]) for row in order}


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())


def write_records(records: pd.DataFrame, path: Path) -> None:
    """Write records as a Parquet file of texts, in which each distinct one is kept once."""
    table = pa.Table.from_pandas(records, preserve_index=False).replace_schema_metadata()
    with atomic_write(path) as temporary:
        # Without Arrow's own schema, categoricals are text to whatever reads the file.
        pq.write_table(table, temporary, store_schema=False)


def read_records(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return columns of what :func:`write_records` wrote, as categoricals."""
    table = pq.read_table(path, columns=list(columns), read_dictionary=list(columns))
    return pd.DataFrame(table.to_pandas())


def read_rare(folder: Path) -> pd.DataFrame:
    """Return the records of dropped classes that stand in a folder, and their :data:`SPLIT`."""
    path = folder / "rare.parquet"
    return read_records(path, pq.read_schema(path).names)


def read_parts(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the :data:`SPLITS` that :func:`write_records` wrote to a folder, by their names.

    All columns but ``record_id`` are categoricals, of the same categories in all parts.
    """
    paths = [folder / f"{name}.parquet" for name in SPLITS]
    repeated = [name for name in pq.read_schema(paths[0]).names if name != "record_id"]
    tables = [pq.read_table(path, read_dictionary=repeated) for path in paths]
    whole = pa.concat_tables(tables).unify_dictionaries().to_pandas()
    ends = np.cumsum([0, *map(len, tables)])
    return {
        name: whole[start:end] for name, (start, end) in zip(SPLITS, pairwise(ends), strict=True)
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
