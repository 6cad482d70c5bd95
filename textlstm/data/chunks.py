"""Tables in chunks: how many rows and columns a chunk may have, and how it is built."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from textlstm.errors import InputError, quoted
from textlstm.text.cleaning import LONE_SURROGATE

CHUNK_ROWS = 100_000
"""Rows read at a time from sources that are counted in rows."""

CHUNK_CELLS = 1 << 22
"""Cells read at a time: fewer rows than :data:`CHUNK_ROWS` where there are many columns."""

MAX_COLUMNS = 1 << 14
"""Columns of a table, at most, as of a spreadsheet: each costs memory in every part."""


def in_chunks(
    rows: Iterable[Sequence[str]], build: Callable[[list[Sequence[str]]], pa.Table]
) -> Iterator[pa.Table]:
    """Yield tables built of so many rows of cells each, at least one table, be it empty.

    A table is of :data:`CHUNK_ROWS` rows, or of as many as make :data:`CHUNK_CELLS` cells.
    """
    some: list[Sequence[str]] = []
    n_cells, n_tables = 0, 0
    for row in rows:
        some.append(row)
        n_cells += len(row)
        if len(some) >= CHUNK_ROWS or n_cells >= CHUNK_CELLS:
            yield build(some)
            some, n_cells, n_tables = [], 0, n_tables + 1
    if some or not n_tables:
        yield build(some)


def chunk_rows(n_columns: int) -> int:
    """Return how many rows of so many columns are read at a time."""
    return max(1, min(CHUNK_ROWS, CHUNK_CELLS // max(1, n_columns)))


def require_columns(names: Sequence[str], path: Path) -> None:
    """Raise an :class:`InputError` if a table has too many columns, or two of one name."""
    if len(names) > MAX_COLUMNS:
        raise InputError(f"{path}: {len(names):,} columns; at most {MAX_COLUMNS:,} are read")
    if len(set(names)) < len(names):
        repeated, _ = Counter(names).most_common(1)[0]
        raise InputError(f"{path}: the column name {quoted(repeated)} stands there twice")


def from_rows(rows: Sequence[Sequence[str]], names: Sequence[str]) -> pa.Table:
    """Return rows of cells as a table."""
    columns: Iterable[Sequence[str]] = zip(*rows, strict=True) if rows else [()] * len(names)
    return pa.Table.from_arrays([_string_array(cells) for cells in columns], names=list(names))


def _string_array(cells: Iterable[str]) -> pa.Array:
    try:
        return pa.array(cells, pa.string())
    except UnicodeEncodeError:  # JSON can spell half a character
        return pa.array([LONE_SURROGATE.sub("\ufffd", cell) for cell in cells], pa.string())
