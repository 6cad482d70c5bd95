"""Cells of tables as text: columns, records of several columns, values of other libraries."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from textlstm.data.distinct import Distinct, combined
from textlstm.data.options import LIMITS
from textlstm.errors import InputError, no_such, quoted


def require_column(table: pa.Table, name: str, source: str) -> None:
    """Raise an :class:`InputError` that lists the columns, if the table has no such column."""
    if name not in table.column_names:
        raise InputError(f"{source}: {no_such('column', name, table.column_names)}")


def column(table: pa.Table, name: str, source: str) -> list[str]:
    """Return a column as text; missing cells are empty.

    Raises
    ------
    InputError
        If there is no such column, or its cells are bytes.
    """
    return list(distinct_cells(table, name, source))


def distinct_cells(table: pa.Table, name: str, source: str) -> Distinct[str]:
    """Return the distinct cells of a column as text; missing cells are empty.

    Raises
    ------
    InputError
        As :func:`column`.
    """
    require_column(table, name, source)
    try:
        cells = _distinct_values(table[name])
        return cells.map(lambda values: [as_text(value) for value in values])
    except InputError as error:
        raise InputError(f"{source}: column {quoted(name)}: {error}") from error
    except (pa.ArrowException, ValueError, OverflowError, LookupError) as error:
        raise InputError(
            f"{source}: column {quoted(name)}: a value that is out of range, such as a date, is "
            "not text, or has a time zone that is not known here"
        ) from error


def _distinct_values(cells: pa.ChunkedArray) -> Distinct[Any]:
    """Return the distinct values of a column; of lists and the like, each value."""
    cells = cells.combine_chunks()
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    try:
        encoded = cells.dictionary_encode(null_encoding="encode")
        # Unlike to_numpy, this does not import pandas: half a second before a single record.
        inverse = np.from_dlpack(encoded.indices).astype(np.int64)
        return Distinct(encoded.dictionary.to_pylist(), inverse)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # of a type without a hash
        return Distinct(cells.to_pylist(), np.arange(len(cells)))


def distinct_records(
    table: pa.Table, names: Sequence[str], source: str, missing: Collection[str] = ()
) -> Distinct[tuple[str, ...]]:
    """Return the distinct records of a table: their cells in these columns, as text.

    Parameters
    ----------
    missing
        Cells that are read as empty, with or without blanks around them.

    Raises
    ------
    InputError
        As :func:`column`.
    """
    columns = [distinct_cells(table, name, source) for name in names]
    if missing:
        columns = [cells.map(partial(_without_missing, missing=missing)) for cells in columns]
    return combined(columns)


def _without_missing(cells: Sequence[str], missing: Collection[str]) -> list[str]:
    return ["" if cell.strip() in missing else cell for cell in cells]


def without_missing(
    table: pa.Table, names: Sequence[str], source: str, missing: Collection[str]
) -> pa.Table:
    """Return a table in whose columns ``names`` the cells in ``missing`` are empty.

    Raises
    ------
    InputError
        As :func:`column`.
    """
    for name in names if missing else ():
        cells = pa.array(_without_missing(column(table, name, source), missing), pa.string())
        table = table.set_column(table.column_names.index(name), name, cells)
    return table


def as_records(texts: Any, chunk_rows: int = LIMITS.chunk_rows) -> Iterator[tuple[str, ...]]:
    """Yield the text fields of each record of a sequence, a table, an array or a DataFrame.

    Parameters
    ----------
    texts
        A sequence of n strings, or a DataFrame or array (n, F) of F text fields in reading order.
        Missing values become empty fields, numbers their decimal form.
    chunk_rows
        Rows of a DataFrame that are converted at a time.

    Raises
    ------
    InputError
        If ``texts`` is a single string or has more than two dimensions, a value is bytes, or the
        records have different numbers of fields.

    >>> list(as_records(["asthma", None]))
    [('asthma',), ('',)]
    """
    n_fields = None
    for row in _row_iterator(texts, chunk_rows):
        record = tuple(as_text(value) for value in row)
        if len(record) != (n_fields := n_fields or len(record)):
            raise InputError("every record must have the same number of text fields")
        yield record


def _row_iterator(texts: Any, chunk_rows: int) -> Iterator[Collection[Any]]:
    """Yield the cells of each record."""
    kind = type(texts).__name__
    if isinstance(texts, str | bytes):
        raise InputError("texts must be a sequence of texts, not a single one")
    if isinstance(texts, Mapping | Set):
        raise InputError(f"texts must stand in an order, in a list or a table, not {kind}")
    if isinstance(texts, pa.Array | pa.ChunkedArray):
        texts = texts.to_pylist()
    elif isinstance(texts, pa.Table):
        texts = list(zip(*(cells.to_pylist() for cells in texts.columns), strict=True))
    if hasattr(texts, "iloc"):  # of pandas, which makes an object of each cell that is asked for
        for start in range(0, len(texts), chunk_rows):
            rows = texts.iloc[start : start + chunk_rows]
            yield from _row_iterator(rows.to_numpy(dtype=object), chunk_rows)
    elif hasattr(texts, "to_numpy"):
        try:
            cells = texts.to_numpy(dtype=object)
        except (TypeError, ValueError) as error:
            raise InputError(f"texts must be a sequence or a table, not {kind}") from error
        yield from _row_iterator(cells, chunk_rows)
    elif isinstance(texts, np.ndarray):
        if texts.ndim not in (1, 2):
            raise InputError(f"texts must have 1 or 2 dimensions, not {texts.ndim}")
        yield from texts[:, None] if texts.ndim == 1 else texts
    elif isinstance(texts, Iterable):
        yield from (row if isinstance(row, list | tuple) else (row,) for row in texts)
    else:
        raise InputError(f"texts must be a sequence or a table, not {kind}")


def as_text(value: Any) -> str:
    """Return a cell as text: a missing value is empty, a number has its decimal form.

    Raises
    ------
    InputError
        If the value is bytes: their character set is not known.
    """
    if type(value) is str:
        return value
    if isinstance(value, bytes):
        raise InputError("a value is bytes, not text; decode it first")
    if value is None or isinstance(value, bool | int):
        return "" if value is None else str(value)
    import pandas as pd  # late: it takes half a second, and few tables have other types of values

    return "" if pd.api.types.is_scalar(value) and pd.isna(value) else str(value)
