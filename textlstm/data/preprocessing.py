"""Preprocessing: from a table to preprocessed records, divided into training and holdout.

The table is read a chunk at a time, and each distinct text is tokenized and kept once: the table
may be larger than memory.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from textlstm.config import DataConfig
from textlstm.data.cells import column, distinct_records
from textlstm.data.dates import says_when
from textlstm.data.distinct import DistinctBuilder
from textlstm.data.groups import PREFIX
from textlstm.data.handled import check_labels, count_handled, sentence
from textlstm.data.inputs import covariate_columns
from textlstm.data.labelled import LabelledTable
from textlstm.data.options import TableChoices
from textlstm.data.readers import iter_tables
from textlstm.data.records import SPLIT_COLUMN, SPLITS, UsableRecords, select_usable, write_records
from textlstm.data.splits import METHODS, split
from textlstm.errors import InputError, counted, quoted, row_number
from textlstm.monitor import SILENT, Monitor
from textlstm.storage.json_files import write_json
from textlstm.summaries import RecordsSummary
from textlstm.uncertainty.risk_control import uncodable_sentence

DATE_CELLS = 100
"""Cells of a column, at most, that are examined for dates."""


@dataclass(frozen=True)
class PreparedRecords:
    """Preprocessed records, divided for training and report.

    Attributes
    ----------
    table
        All records.
    usable
        The records that a model can learn from, and counts of the others.
    splits
        The usable records by the names of :data:`.SPLITS`.
    rare
        The records of dropped classes, with the column :data:`.SPLIT_COLUMN`.
    odd_labels
        Records with a label that is seldom meant, by kind.
    handled
        What was repaired or kept, by the names of :data:`.HANDLED`, odd labels included.
    config
        The settings by which the records were read and divided.
    """

    table: LabelledTable
    usable: UsableRecords
    splits: dict[str, pd.DataFrame]
    rare: pd.DataFrame
    odd_labels: dict[str, int]
    handled: dict[str, int]
    config: DataConfig

    def write(self, folder: Path) -> None:
        """Write the records of each split and ``summary.json``."""
        groups = (PREFIX + name for name in self.config.by)
        beside = covariate_columns(self.config.number, self.config.category)
        columns = ["record_id", "text", "label", *groups, *beside]
        for name in SPLITS:
            write_records(self.splits[name][columns], folder / f"{name}.parquet")
        write_records(self.rare[[*columns, SPLIT_COLUMN]], folder / "rare.parquet")
        summary: RecordsSummary = {
            "rows": len(self.table.records),
            "dropped": self.usable.dropped,
            "distinct_texts": int(self.usable.records["text"].nunique()),
            "handled": self.handled,
            "uncodable": {
                "records": self.usable.uncodable,
                "share": self.usable.uncodable_share,
            },
            "borderline": self.usable.borderline,
        }
        write_json(folder / "summary.json", summary)

    def messages(self, as_argument: Callable[[str], str]) -> Iterator[str]:
        """Yield lines that sum up the records.

        Parameters
        ----------
        as_argument
            Quotes the name of a column for the command line.
        """
        counts = ", ".join(f"{len(self.splits[name])} {name}" for name in SPLITS)
        yield f"{counted(len(self.table.records), 'record')} read; {counts}"
        for reason, number in self.usable.dropped.items():
            if number:
                yield f"{counted(number, 'record')} left out: {reason.replace('_', ' ')}"
        for name, number in self.handled.items():
            if number and name not in self.odd_labels:
                yield sentence(name, number)
        dated = self.table.date_column
        if dated and not METHODS[self.config.split].judged_by_latest:
            yield (
                f"column {quoted(dated)} says when records were made; --split temporal --date "
                f"{as_argument(dated)} holds out the latest of them, as records to come will be"
            )
        if self.usable.uncodable and not self.config.codes:
            yield uncodable_sentence(self.usable.uncodable_share)


def prepare(
    table: LabelledTable,
    config: DataConfig,
    seed: int,
    monitor: Monitor = SILENT,
    book: Collection[str] = (),
) -> PreparedRecords:
    """Select the usable records of a table and split them; log warnings about the labels.

    Given the codes of a ``book``, records of other labels are dropped.

    Raises
    ------
    InputError
        If too few records or classes are left.
    """
    odd_labels, warnings = check_labels(table.records["label"])
    for line in warnings:  # before anything is left out
        monitor.log(line)
    usable = select_usable(table.records, config, book)
    splits, rare = split(usable, config, seed)
    counts = count_handled(table.records, usable, splits, config)
    handled = table.repairs | odd_labels | counts
    return PreparedRecords(table, usable, splits, rare, odd_labels, handled, config)


def read_labelled(config: DataConfig, monitor: Monitor = SILENT) -> LabelledTable:
    """Read a table chunk by chunk, and preprocess its texts.

    Parameters
    ----------
    monitor
        Receives the progress, and a line about what was found out about the files.

    Raises
    ------
    InputError
        If the table cannot be read, has no rows, or repeats an id.
    """
    columns = {"text": config.text, "label": (config.label,)}
    columns |= {PREFIX + name: (name,) for name in config.by}
    columns |= {"date": (config.date,)} if config.date else {}
    beside = covariate_columns(config.number, config.category)
    columns |= {name: (name.partition(":")[2],) for name in beside}
    builders = {name: DistinctBuilder[tuple[str, ...]]() for name in columns}
    ids: list[pa.Array] = []
    date_column: str | None = None
    choices = TableChoices(config.sheet, config.query)
    tables = iter_tables(
        config.data, config.charset, config.delimiter, monitor.log, choices=choices
    )
    for table in monitor.track(tables, "reading", "records", size=len):
        for name, builder in builders.items():
            builder.add(distinct_records(table, columns[name], config.data, config.missing))
        if config.id:
            ids.append(pa.array(column(table, config.id, config.data), pa.string()))
        if date_column is None and len(table):
            date_column = _find_date_column(table, config)
    n_rows = len(builders["text"])
    if not n_rows:
        raise InputError(f"{config.data}: the table has no rows")
    if not config.id:
        ids.append(pa.array(np.arange(1, n_rows + 1)).cast(pa.string()))
    cells = {name: builder.build() for name, builder in builders.items()}
    labelled = LabelledTable.of(pa.chunked_array(ids).to_pandas(), cells, monitor)
    if config.id:
        _require_distinct_ids(labelled.records["record_id"], config)
    return labelled._replace(date_column=date_column or "")


def _find_date_column(table: pa.Table, config: DataConfig) -> str:
    """Return the first column that says when records were made; empty if there is none."""
    first = table[:DATE_CELLS]
    used = {*config.text, *config.number, *config.category, config.label, config.id}
    names = (name for name in first.column_names if name not in used)
    return next((name for name in names if says_when(name, column(first, name, config.data))), "")


def _require_distinct_ids(ids: pd.Series, config: DataConfig) -> None:
    """Raise an :class:`InputError` if an id occurs twice."""
    if not ids.is_unique:
        row = int(ids.duplicated().to_numpy().argmax())
        raise InputError(
            f"{config.data}: column {quoted(config.id)} repeats an id in row {row_number(row)}"
        )
