"""Records: select the usable ones, and store them in Parquet files, one for each split."""

from collections.abc import Collection, Mapping, Sequence
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
from textlstm.storage.damage import damage_explained
from textlstm.storage.json_files import read_json
from textlstm.summaries import RecordsSummary

SPLITS = ("train", "validation", "holdout")
"""Names of the splits of a table; train and validation are the training side."""

SPLIT_COLUMN = "part"
"""Column of records of dropped classes: the name of their split."""


class UsableRecords(NamedTuple):
    """The records that a model can learn from, and counts of the others.

    Attributes
    ----------
    records
        The records that a model learns from.
    rare
        The records of classes that ``--rare drop`` drops. No model can give them their label, so
        they count as errors in all measures of records in general.
    dropped
        Number of records that no model learns from, by reason.
    uncodable
        Number of records with label and text whose label no model can give: their class is dropped
        or merged.
    borderline
        Classes that one record less would have made rare. A new record meets them as a record of
        the table meets a rare class of the same size.
    """

    records: pd.DataFrame
    rare: pd.DataFrame
    dropped: dict[str, int]
    uncodable: int
    borderline: list[str]

    @property
    def uncodable_share(self) -> float:
        """Return the share of uncodable records among all records with label and text."""
        return self.uncodable / (len(self.records) + len(self.rare))


def select_usable(
    records: pd.DataFrame, config: DataConfig, book: Collection[str] = ()
) -> UsableRecords:
    """Select the records that a model can learn from, and count the others.

    Parameters
    ----------
    records
        Columns ``text`` (preprocessed) and ``label``; other columns are kept.
    book
        Codes of a book: no code of it is rare, and records of other codes are dropped.

    Raises
    ------
    InputError
        If fewer than two classes remain.
    """
    records, dropped = with_label_and_text(records, config.label)
    counts = records["label"].value_counts()
    least = 0 if book or config.rare == "keep" else config.min_class_records
    frequent = set(counts.index[(counts >= least) & (counts.index != RARE_LABEL)])
    if book:
        frequent &= set(book)
    uncodable = ~records["label"].isin(frequent)
    # Merged, a single record would be a class of one, which no split can divide.
    drop = bool(book) or config.rare == "drop" or (config.rare == "merge" and uncodable.sum() == 1)
    rare = records[uncodable & drop]
    dropped["outside_book" if book else "rare_class"] = len(rare)
    if drop:
        records = records[~uncodable]
    elif config.rare == "merge":
        merged = relabel(records["label"], lambda name: name if name in frequent else RARE_LABEL)
        records = records.assign(label=merged)
    if records["label"].nunique() < 2:
        raise InputError(
            f"column {quoted(config.label)} leaves "
            f"{counted(records['label'].nunique(), 'class', 'classes')} to learn "
            f"({counted(len(records), 'usable record')}; left out: {_listed_counts(dropped)}); "
            "two are needed"
        )
    return UsableRecords(
        records.reset_index(drop=True),
        rare.reset_index(drop=True),
        dropped,
        int(uncodable.sum()),
        sorted(str(label) for label in frequent if counts[label] == least),
    )


def with_label_and_text(
    records: pd.DataFrame, label_column: str, known: Collection[str] = ()
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Normalise the labels, select the records that have a label and a text, and count the others.

    Parameters
    ----------
    records
        Columns ``text`` (preprocessed) and ``label``; other columns are kept.
    label_column
        Name of the labels in the table, for the message.
    known
        Labels of a model: they are kept as they are.

    Returns
    -------
    tuple
        The records, and the number of those left out by reason.

    Raises
    ------
    InputError
        If a label is too long.
    """
    records = records.assign(
        label=relabel(records["label"], lambda name: name if name in known else plain_label(name))
    )
    try:
        require_short(records["label"].unique())
    except InputError as error:
        raise InputError(f"column {quoted(label_column)}: {error}") from error
    no_label = records["label"] == ""
    no_text = ~no_label & (records["text"] == "")
    dropped = {"empty_label": int(no_label.sum()), "empty_text": int(no_text.sum())}
    return records[~(no_label | no_text)], dropped


def texts_by_class(records: pd.DataFrame) -> dict[str, list[str]]:
    """Return the texts of each class; the class with the most records comes first.

    >>> records = {"text": ["fall", "mi", "mi"], "label": ["External", "Heart", "Heart"]}
    >>> texts_by_class(pd.DataFrame(records))
    {'Heart': ['mi', 'mi'], 'External': ['fall']}
    """
    labels = Distinct[str].of(records["label"])
    order = np.argsort(-labels.counts, kind="stable")
    return {labels.values[row]: interned(records["text"][labels.inverse == row]) for row in order}


def _listed_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())


def write_records(records: pd.DataFrame, path: Path) -> None:
    """Write records as a Parquet file of text columns; each distinct text is stored once."""
    table = pa.Table.from_pandas(records, preserve_index=False).replace_schema_metadata()
    with atomic_write(path) as temporary:
        # Without Arrow's own schema, every reader of the file sees categoricals as text.
        pq.write_table(table, temporary, store_schema=False)


def read_records(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read columns of a file of :func:`write_records`, as categoricals."""
    with damage_explained(path):
        table = pq.read_table(path, columns=list(columns), read_dictionary=list(columns))
        return pd.DataFrame(table.to_pandas())


def read_rare(folder: Path) -> pd.DataFrame:
    """Read the records of dropped classes in a folder, with their :data:`SPLIT_COLUMN`."""
    path = folder / "rare.parquet"
    with damage_explained(path):
        return read_records(path, pq.read_schema(path).names)


def read_summary(folder: Path) -> RecordsSummary:
    """Read what ``preprocess`` wrote about the table of the records in a folder.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    path = folder / "summary.json"
    with damage_explained(path):
        summary: RecordsSummary = read_json(path)
        if missing := RecordsSummary.__required_keys__ - summary.keys():
            raise KeyError(*missing)
    return summary


def read_splits(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the records of all :data:`SPLITS` in a folder, by the names of the splits.

    All columns but ``record_id`` are categoricals, of the same categories in all splits.
    """
    paths = [folder / f"{name}.parquet" for name in SPLITS]
    with damage_explained(folder):
        repeated = [name for name in pq.read_schema(paths[0]).names if name != "record_id"]
        tables = [pq.read_table(path, read_dictionary=repeated) for path in paths]
        whole = pa.concat_tables(tables).unify_dictionaries().to_pandas()
    ends = np.cumsum([0, *map(len, tables)])
    return {
        name: whole[start:end] for name, (start, end) in zip(SPLITS, pairwise(ends), strict=True)
    }


def learned_labels(splits: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return the labels that a run's model learns, sorted.

    A class that only validation records have is learned by the networks that train on them.

    Parameters
    ----------
    splits
        ``train`` and ``validation``, with a column ``label``.
    """
    return sorted({*splits["train"]["label"].unique(), *splits["validation"]["label"].unique()})
