"""Chunks of tables: built from rows of text, of a limited number of rows and columns."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from textlstm.data.options import Limits
from textlstm.errors import InputError, quoted
from textlstm.text.cleaning import LONE_SURROGATE

MAX_COLUMNS = 1 << 14
"""Columns of a table, at most, as of a spreadsheet: each costs memory in every chunk."""


def in_chunks(
    rows: Iterable[Sequence[str]],
    build: Callable[[list[Sequence[str]]], pa.Table],
    limits: Limits,
) -> Iterator[pa.Table]:
    """Build a table of each chunk of rows; yield at least one table, which may be empty.

    A chunk has ``limits.chunk_rows`` rows, or as many as make ``limits.chunk_cells`` cells.
    """
    chunk: list[Sequence[str]] = []
    n_cells, n_tables = 0, 0
    for row in rows:
        chunk.append(row)
        n_cells += len(row)
        if len(chunk) >= limits.chunk_rows or n_cells >= limits.chunk_cells:
            yield build(chunk)
            chunk, n_cells, n_tables = [], 0, n_tables + 1
    if chunk or not n_tables:
        yield build(chunk)


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
    except UnicodeEncodeError:  # of a lone surrogate, which JSON can spell
        return pa.array([LONE_SURROGATE.sub("\ufffd", cell) for cell in cells], pa.string())
