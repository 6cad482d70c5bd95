"""Cells of tables: columns, text fields, and values from other libraries as text."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from textlstm.data.chunks import CHUNK_ROWS
from textlstm.errors import InputError, missing, quoted


def require_column(table: pa.Table, name: str, source: str) -> None:
    """Raise an :class:`InputError` that lists the columns, if the table has none of that name."""
    if name not in table.column_names:
        raise InputError(f"{source}: {missing('column', name, table.column_names)}")


def column(table: pa.Table, name: str, source: str) -> list[str]:
    """Return a column as text; missing cells are empty.

    Raises
    ------
    InputError
        If there is no such column, or its cells are bytes.
    """
    values, places = distinct_cells(table, name, source)
    cells: list[str] = np.array(values, dtype=object)[places].tolist()
    return cells


def distinct_cells(table: pa.Table, name: str, source: str) -> tuple[list[str], NDArray[np.int64]]:
    """Return the distinct cells of a column as text, and which one each row has (n,).

    Raises
    ------
    InputError
        As :func:`column`.
    """
    require_column(table, name, source)
    try:
        values, places = _distinct(table[name])
        return [as_text(value) for value in values], places.astype(np.int64)
    except InputError as error:
        raise InputError(f"{source}: column {quoted(name)}: {error}") from error
    except (pa.ArrowException, ValueError, OverflowError, LookupError) as error:
        raise InputError(
            f"{source}: column {quoted(name)}: a value that is out of range, such as a date, is "
            "not text, or has a time zone that is not known here"
        ) from error


def _distinct(cells: pa.ChunkedArray) -> tuple[list[Any], NDArray[Any]]:
    """Return the distinct values of a column, and which one each row has (n,)."""
    cells = cells.combine_chunks()
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    try:
        encoded = cells.dictionary_encode(null_encoding="encode")
        # Unlike to_numpy, this does not import pandas: half a second before a single record.
        return encoded.dictionary.to_pylist(), np.from_dlpack(encoded.indices)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # lists and the like
        return cells.to_pylist(), np.arange(len(cells))


def distinct_records(
    table: pa.Table, names: Sequence[str], source: str
) -> tuple[list[tuple[str, ...]], NDArray[np.int64]]:
    """Return the distinct rows of some columns as text, and which one each row has (n,).

    Most records of a registry repeat others: what is done for each text is done once.

    Raises
    ------
    InputError
        As :func:`column`.
    """
    columns = [distinct_cells(table, name, source) for name in names]
    if len(columns) == 1:
        return list(zip(columns[0][0], strict=True)), columns[0][1]
    cells, places = zip(*columns, strict=True)
    rows = np.zeros(len(table), dtype=np.int64)
    for values, place in zip(cells, places, strict=True):
        _, first, rows = np.unique(
            rows * len(values) + place, return_index=True, return_inverse=True
        )
    fields = [
        np.array(values, dtype=object)[mine[first]]
        for values, mine in zip(cells, places, strict=True)
    ]
    return list(zip(*fields, strict=True)), rows


class TextChunk(NamedTuple):
    """Some rows of a table, and the distinct records among them, preprocessed."""

    table: pa.Table  # n rows
    texts: list[str]
    places: NDArray[np.int64]  # (n,) the text of each row


class DistinctBuilder:
    """Rows of some columns of a table that comes in parts; each distinct one is kept once."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, ...], int] = {}
        self._places: list[NDArray[np.int32]] = []

    def __len__(self) -> int:
        return sum(map(len, self._places))

    def add(self, table: pa.Table, names: Sequence[str], source: str) -> None:
        """Add these columns of the next part.

        Raises
        ------
        InputError
            As :func:`column`.
        """
        rows, places = distinct_records(table, names, source)
        numbers = [self._numbers.setdefault(row, len(self._numbers)) for row in rows]
        self._places.append(np.array(numbers, dtype=np.int32)[places])

    @property
    def distinct(self) -> list[tuple[str, ...]]:
        """Return the distinct rows."""
        return list(self._numbers)

    @property
    def places(self) -> NDArray[np.int32]:
        """Return which of them each row is (n,)."""
        return np.concatenate(self._places)


def as_records(texts: Any) -> Iterator[tuple[str, ...]]:
    """Yield the text fields of each record, whatever they came in.

    Parameters
    ----------
    texts
        A sequence of n strings, or a DataFrame or array (n, F) of F text fields in reading order.
        Missing values become empty fields, numbers their decimal form.

    Raises
    ------
    InputError
        If ``texts`` is a single string or has more than two dimensions, a value is bytes, or the
        records have different numbers of fields.

    >>> list(as_records(["asthma", None]))
    [('asthma',), ('',)]
    """
    n_fields = None
    for row in _row_iterator(texts):
        record = tuple(as_text(value) for value in row)
        if len(record) != (n_fields := n_fields or len(record)):
            raise InputError("every record must have the same number of text fields")
        yield record


def _row_iterator(texts: Any) -> Iterator[Collection[Any]]:
    """Yield the cells of each record."""
    kind = type(texts).__name__
    if isinstance(texts, str | bytes):
        raise InputError("texts must be a sequence of texts, not a single one")
    if isinstance(texts, Mapping | Set):
        raise InputError(f"texts must stand in an order, in a list or a table, not {kind}")
    if isinstance(texts, pa.Array | pa.ChunkedArray):
        texts = texts.to_pylist()
    elif isinstance(texts, pa.Table):
        texts = list(zip(*(one.to_pylist() for one in texts.columns), strict=True))
    if hasattr(texts, "iloc"):  # of pandas, which makes an object of each cell that is asked for
        for start in range(0, len(texts), CHUNK_ROWS):
            yield from _row_iterator(texts.iloc[start : start + CHUNK_ROWS].to_numpy(dtype=object))
    elif hasattr(texts, "to_numpy"):
        try:
            cells = texts.to_numpy(dtype=object)
        except (TypeError, ValueError) as error:
            raise InputError(f"texts must be a sequence or a table, not {kind}") from error
        yield from _row_iterator(cells)
    elif isinstance(texts, np.ndarray):
        if texts.ndim not in (1, 2):
            raise InputError(f"texts must have 1 or 2 dimensions, not {texts.ndim}")
        yield from texts[:, None] if texts.ndim == 1 else texts
    elif isinstance(texts, Iterable):
        yield from (row if isinstance(row, list | tuple) else (row,) for row in texts)
    else:
        raise InputError(f"texts must be a sequence or a table, not {kind}")


def as_text(value: Any) -> str:
    """Return a cell as text: missing values are empty, numbers their decimal form.

    Raises
    ------
    InputError
        If the value is bytes: their encoding is not known.
    """
    if type(value) is str:
        return value
    if isinstance(value, bytes):
        raise InputError("a value is bytes, not text; decode it first")
    if value is None or isinstance(value, bool | int):
        return "" if value is None else str(value)
    import pandas as pd  # late: few tables have values of other types, and it takes half a second

    return "" if pd.api.types.is_scalar(value) and pd.isna(value) else str(value)
