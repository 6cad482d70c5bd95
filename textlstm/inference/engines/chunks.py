"""Read the table to be scored as chunks of rows and their distinct records, and preprocess them.

Torch is not needed here: a mistake in the table is answered before anything slow is imported.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from textlstm.data.cells import distinct_records
from textlstm.data.distinct import Distinct
from textlstm.data.readers import iter_tables
from textlstm.storage.atomic import is_empty
from textlstm.text.worker import Preprocess

SHARD_ROWS = 1 << 15
"""Rows that are scored and kept together: an interrupted job repeats no more than a few shards."""


@dataclass(frozen=True)
class RecordChunk:
    """A chunk of a table, and the text fields of its records.

    Attributes
    ----------
    table
        n rows.
    records
        The distinct text fields of the n records.
    """

    table: pa.Table
    records: Distinct[tuple[str, ...]]

    def preprocessed(self, preprocess: Preprocess) -> "TextChunk":
        """Preprocess the distinct records."""
        return TextChunk(self.table, self.records.map(preprocess))


@dataclass(frozen=True)
class TextChunk:
    """A chunk of a table, and the preprocessed texts of its records.

    Attributes
    ----------
    table
        n rows.
    texts
        The preprocessed texts of the n records; two distinct records may have the same text.
    """

    table: pa.Table
    texts: Distinct[str]


def read_chunks(
    data: str,
    columns: Sequence[str],
    charset: str = "utf-8",
    delimiter: str = "",
    log: Callable[[str], object] = str,
    rows: int = SHARD_ROWS,
) -> Iterator[RecordChunk]:
    """Read a table in chunks of at most ``rows`` rows; there is at least one chunk.

    A file of 0 bytes, as on a day without deaths, is read as a table without rows.

    Parameters
    ----------
    columns
        Names of the text columns, in reading order.
    charset, delimiter, log
        As in :func:`.iter_tables`.

    Raises
    ------
    InputError
        If the table cannot be read or lacks a text column.
    """
    if is_empty(Path(data)):
        tables = iter([pa.table(dict.fromkeys(columns, pa.array([], pa.string())))])
    else:
        tables = iter_tables(data, charset, delimiter, log)
    for table in tables:
        for start in range(0, len(table) or 1, rows):
            chunk = table.slice(start, rows)
            yield RecordChunk(chunk, distinct_records(chunk, columns, data))


def read_first(chunks: Iterator[RecordChunk]) -> tuple[RecordChunk, Iterator[RecordChunk]]:
    """Read the first chunk; return it, and an iterator over all chunks.

    The iterator gives the first chunk away, so that it does not stay in memory to the end.
    """
    first = next(chunks)
    pending = [first]

    def all_chunks() -> Iterator[RecordChunk]:
        while pending:
            yield pending.pop()
        yield from chunks

    return first, all_chunks()


def preprocess_chunks(chunks: Iterable[RecordChunk], preprocess: Preprocess) -> Iterator[TextChunk]:
    """Preprocess the records of chunks, a chunk at a time."""
    return (chunk.preprocessed(preprocess) for chunk in chunks)
