"""Tables in, as text, a chunk of rows at a time.

Everything is read as text: ``0123`` stays ``0123``, and ``NA``, ``None`` and ``null`` are words.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from textlstm.delimited import CHUNK_ROWS, decoded, from_rows, in_chunks, lines, read_delimited
from textlstm.errors import InputError, missing, quoted

MAX_UNPACKED, MAX_RATIO = 1 << 31, 1000
"""What a Parquet file may unpack to: so many bytes, and beyond them so many times its own size."""


def read_table(source: str, encoding: str = "utf-8") -> pa.Table:
    """Return a whole table; see :func:`read_chunks`."""
    return pa.concat_tables(read_chunks(source, encoding))


def read_chunks(source: str, encoding: str = "utf-8") -> Iterator[pa.Table]:
    """Yield the rows of a table in order, some at a time, at least one part, be it empty.

    Parameters
    ----------
    source
        A ``.csv``, ``.tsv``, ``.jsonl`` or ``.parquet`` file; a folder that ``datasets`` can load;
        or, if nothing of that name exists, the id of a Hugging Face dataset, of which the split
        ``train`` is read. Text formats give strings only.
    encoding
        Of a text file; decoding is strict. A UTF-8 byte order mark is dropped.

    Raises
    ------
    InputError
        If the source cannot be found, decoded or parsed, or names a column twice. The message
        gives the offset or row, never the text.
    """
    if re.match(r"\w+://|file:", source):
        raise InputError(f"{source}: an address, not a file; download it first")
    path = Path(source)
    readers: dict[str, Callable[[], Iterator[pa.Table]]] = {
        ".csv": lambda: read_delimited(path, ",", encoding),
        ".tsv": lambda: read_delimited(path, "\t", encoding),
        ".jsonl": lambda: _from_json_lines(path, encoding),
        ".parquet": lambda: _from_parquet(path),
    }
    if path.is_dir():
        chunks = _from_datasets(source)
    elif path.suffix.lower() in readers:
        if not path.is_file():
            raise InputError(f"{source}: no such file")
        chunks = readers[path.suffix.lower()]()
    elif path.exists():
        raise InputError(f"{source}: unknown format; use {', '.join(readers)}")
    else:
        chunks = _from_datasets(source)
    first = next(chunks)
    names = first.column_names
    if repeated := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{source}: the column name {quoted(repeated[0])} stands there twice")
    yield from chain([first], chunks)


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
    cells = table[name].combine_chunks()
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    try:
        encoded = cells.dictionary_encode(null_encoding="encode")
        # Unlike to_numpy, this does not import pandas: half a second before a single record.
        values, places = encoded.dictionary.to_pylist(), np.from_dlpack(encoded.indices)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # lists and the like
        values, places = cells.to_pylist(), np.arange(len(cells))
    try:
        return [as_text(value) for value in values], places.astype(np.int64)
    except InputError as error:
        raise InputError(f"{source}: column {name!r}: {error}") from error


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


class Part(NamedTuple):
    """Some rows of a table, and the distinct records among them, preprocessed."""

    table: pa.Table  # n rows
    texts: list[str]
    places: NDArray[np.int64]  # (n,) the text of each row


class DistinctRows:
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
    for row in _rows(texts):
        record = tuple(as_text(value) for value in row)
        if len(record) != (n_fields := n_fields or len(record)):
            raise InputError("every record must have the same number of text fields")
        yield record


def _rows(texts: Any) -> Iterator[Collection[Any]]:
    """Yield the cells of each record."""
    if isinstance(texts, str | bytes):
        raise InputError("texts must be a sequence of texts, not a single one")
    if hasattr(texts, "iloc"):  # of pandas, which makes an object of each cell that is asked for
        for start in range(0, len(texts), CHUNK_ROWS):
            yield from _rows(texts.iloc[start : start + CHUNK_ROWS].to_numpy(dtype=object))
    elif hasattr(texts, "to_numpy"):
        yield from _rows(texts.to_numpy(dtype=object))
    elif isinstance(texts, np.ndarray):
        if texts.ndim not in (1, 2):
            raise InputError(f"texts must have 1 or 2 dimensions, not {texts.ndim}")
        yield from texts[:, None] if texts.ndim == 1 else texts
    elif isinstance(texts, Iterable):
        yield from (row if isinstance(row, list | tuple) else (row,) for row in texts)
    else:
        raise InputError(f"texts must be a sequence or a table, not {type(texts).__name__}")


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


def _from_json_lines(path: Path, encoding: str) -> Iterator[pa.Table]:
    # A row need not name every column: it takes a reading of all to know them.
    names = list(dict.fromkeys(name for row in _json_rows(path, encoding) for name in row))

    def build(rows: list[dict[str, Any]]) -> pa.Table:
        return from_rows([[_json_text(row.get(name)) for name in names] for row in rows], names)

    yield from in_chunks(_json_rows(path, encoding), build)


def _json_rows(path: Path, encoding: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines(decoded(path, encoding)), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: line {number} is not JSON") from error
        if not isinstance(row, dict):
            raise InputError(f"{path}: line {number} is not a JSON object")
        yield row


def _json_text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, list | dict) else as_text(value)


def _from_parquet(path: Path) -> Iterator[pa.Table]:
    try:
        limit = max(MAX_UNPACKED, MAX_RATIO * path.stat().st_size)
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
        texts = [field.name for field in schema if _is_text(field.type)]
        # A text that stands in a million rows is read once: how large the rows would be is known
        # before they are made.
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            yield schema.empty_table()
            for batch in file.iter_batches(CHUNK_ROWS):
                limit -= sum(map(_unpacked_bytes, batch.columns))
                if limit < 0:
                    raise InputError(
                        f"{path}: unpacks to more than {MAX_RATIO} times its size; if it is not "
                        "a bomb, give it as CSV"
                    )
                yield pa.Table.from_batches([batch]).cast(schema)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a readable Parquet file") from error


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)
    )


def _unpacked_bytes(column: pa.Array) -> int:
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pc.binary_length(column.dictionary).to_numpy(zero_copy_only=False)
    rows = column.indices.drop_null().to_numpy()
    return int(lengths[rows].sum(dtype=np.int64)) + 4 * len(column)


def _from_datasets(source: str) -> Iterator[pa.Table]:
    # Imported late: it takes a second, and most tables are files.
    import datasets

    _require_no_addresses(Path(source) / "README.md")
    try:
        if (Path(source) / "state.json").is_file():
            dataset = datasets.load_from_disk(source)
        else:
            dataset = datasets.load_dataset(source, split="train")
    except Exception as error:  # the hub, the cache and every builder raise their own kinds
        raise InputError(
            f"{source}: neither a file nor a dataset that can be loaded ({type(error).__name__})"
        ) from error
    rows = dataset.with_format("arrow")
    for start in range(0, max(len(dataset), 1), CHUNK_ROWS):
        table = rows[start : start + CHUNK_ROWS]
        for name, feature in dataset.features.items():
            if isinstance(feature, datasets.ClassLabel):
                names = [None if code is None else feature.names[code]
                         for code in table[name].to_pylist()]  # fmt: skip
                place = table.column_names.index(name)
                table = table.set_column(place, name, pa.array(names, pa.string()))
        yield table


def _require_no_addresses(card: Path) -> None:
    """Refuse a folder whose card sends ``datasets`` elsewhere for the records."""
    from huggingface_hub import DatasetCard

    if not card.is_file():
        return
    try:
        configs = DatasetCard.load(card).data.to_dict().get("configs")
    except Exception as error:  # whatever its author wrote there
        raise InputError(f"{card}: not a readable card of a dataset") from error
    if "://" in str(configs):
        raise InputError(f"{card}: names files on other machines; download them first")
