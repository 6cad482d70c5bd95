"""Read the table to be scored as chunks of rows and their distinct records, and preprocess them.

Torch is not needed here: a mistake in the table is answered before anything slow is imported.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from textlstm.data.cells import distinct_records, require_column
from textlstm.data.distinct import Distinct
from textlstm.data.inputs import Input, Values, joined_inputs, table_values
from textlstm.data.options import ONLY_TABLE, Limits, TableChoices
from textlstm.data.readers import iter_tables
from textlstm.storage.atomic import is_empty
from textlstm.text.worker import Preprocess

SHARD_ROWS = 1 << 15
"""Rows that are scored and kept together: an interrupted job repeats no more than a few shards."""


BEGINNING = Limits(chunk_bytes=1 << 16, chunk_rows=1)
"""Limits under which a reader reads only the beginning of a table; all lines of JSON lines."""


@dataclass(frozen=True)
class RecordChunk:
    """A chunk of a table, and the text fields of its records.

    Attributes
    ----------
    table
        n rows.
    records
        The distinct text fields of the n records.
    values
        Their covariates; None for a model without any.
    """

    table: pa.Table
    records: Distinct[tuple[str, ...]]
    values: Distinct[Values] | None = None

    def preprocessed(self, preprocess: Preprocess) -> "InputChunk":
        """Preprocess the distinct records."""
        return InputChunk(self.table, joined_inputs(self.records.map(preprocess), self.values))


@dataclass(frozen=True)
class InputChunk:
    """A chunk of a table, and the inputs of its records.

    Attributes
    ----------
    table
        n rows.
    inputs
        Of the n records; two distinct records may have the same preprocessed text.
    """

    table: pa.Table
    inputs: Distinct[Input]


def read_chunks(
    data: str,
    columns: Sequence[str],
    charset: str = "utf-8",
    delimiter: str = "",
    log: Callable[[str], object] = str,
    rows: int = SHARD_ROWS,
    choices: TableChoices = ONLY_TABLE,
    missing: Sequence[str] = (),
    beside: Sequence[str] = (),
) -> Iterator[RecordChunk]:
    """Read a table in chunks of at most ``rows`` rows; there is at least one chunk.

    Parameters
    ----------
    columns
        Names of the text columns, in reading order.
    charset, delimiter, log, choices
        As in :func:`.iter_tables`.
    missing
        As in :func:`.distinct_records`.
    beside
        Columns of covariates, as in :func:`.table_values`.

    Raises
    ------
    InputError
        If the table cannot be read or lacks a text column.
    """
    for table in _tables(data, columns, charset, delimiter, log, choices=choices):
        for start in range(0, len(table) or 1, rows):
            chunk = table.slice(start, rows)
            records = distinct_records(chunk, columns, data, missing)
            yield RecordChunk(chunk, records, table_values(chunk, beside, data, missing))


def read_beginning(
    data: str,
    columns: Sequence[str],
    charset: str = "utf-8",
    delimiter: str = "",
    choices: TableChoices = ONLY_TABLE,
) -> pa.Table:
    """Return the first rows of a table that has the text columns; see :func:`read_chunks`.

    Raises
    ------
    InputError
        As :func:`read_chunks`, of the beginning of the table.
    """
    tables = _tables(data, columns, charset, delimiter, limits=BEGINNING, choices=choices)
    table = next(tables)
    for name in columns:
        require_column(table, name, data)
    return table


def _tables(
    data: str,
    columns: Sequence[str],
    charset: str,
    delimiter: str,
    log: Callable[[str], object] = str,
    limits: Limits | None = None,
    choices: TableChoices = ONLY_TABLE,
) -> Iterator[pa.Table]:
    """Yield the rows of a table; a file of 0 bytes, as on a day without deaths, has none."""
    if is_empty(Path(data)):
        return iter([pa.table(dict.fromkeys(columns, pa.array([], pa.string())))])
    return iter_tables(data, charset, delimiter, log, limits, choices)


def preprocess_chunks(
    chunks: Iterable[RecordChunk], preprocess: Preprocess
) -> Iterator[InputChunk]:
    """Preprocess the records of chunks, a chunk at a time."""
    return (chunk.preprocessed(preprocess) for chunk in chunks)
