"""Parquet and Arrow files, whoever made them: every value is checked, and unpacked to a limit.

A few bytes of such a file can stand for millions of rows, and a wrong offset in it makes what reads
a value reach beyond the file. So rows, cells and bytes are counted before a value is touched, and
Arrow checks all offsets and texts (Arrow, "Security considerations": ``validate(full=True)``).
"""

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types

from textlstm.allowance import Allowance, is_text, is_view, unpacked_bytes
from textlstm.delimited import chunk_rows, require_columns
from textlstm.errors import InputError, quoted
from textlstm.parquet import page_bytes

MAX_WIDTH = 1 << 12
"""Bytes of a value of fixed width, and values of a list of fixed length, at most."""

MISFIT = "{}: its classes and their names do not fit"

ARROW_FILE = b"ARROW1\0\0"
"""How an Arrow file begins; what follows is what an Arrow stream consists of."""


def read_parquet(path: Path, allowance: Allowance | None = None) -> Iterator[pa.Table]:
    """Yield the rows of a Parquet file, at least one part, be it empty.

    Raises
    ------
    InputError
        If the file is damaged, cannot be read, or unpacks to more than is allowed, by default to a
        file of its size.
    """
    with _readable(path, "Parquet"):
        allowance = allowance or Allowance(path.stat().st_size)
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            _require_table(schema, path, _is_counted_late)
            plain, classes = _plain(schema), _classes(schema, path)
            n_rows = file.metadata.num_rows
            n_bytes = max(page_bytes(path), _fixed_bytes(schema, n_rows))
            allowance.require(path, n_rows, n_rows * len(schema), n_bytes)
        texts = [field.name for field in schema if _holds_text(field.type)]
        # A text that stands in a million rows is read once: how large the rows would be is known
        # before they are made.
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            yield _named(plain.empty_table(), classes, path, allowance)
            for batch in file.iter_batches(chunk_rows(len(schema))):
                _check(batch, path, allowance)
                yield _named(_cast(batch, plain), classes, path, allowance)


def read_arrow(path: Path, allowance: Allowance | None = None) -> Iterator[pa.Table]:
    """Yield the rows of an Arrow file or stream, at least one part, be it empty.

    Raises
    ------
    InputError
        As :func:`read_parquet`; or if the values are compressed.
    """
    with _readable(path, "Arrow"):
        allowance = allowance or Allowance(path.stat().st_size)
        with pa.OSFile(str(path)) as file:
            _to_first_message(file)
            for message in pa.ipc.MessageReader.open_stream(file):
                _require_not_compressed(message.metadata.to_pybytes(), path)
        with pa.OSFile(str(path)) as file:
            _to_first_message(file)
            reader = pa.ipc.open_stream(file)
            _require_table(reader.schema, path)
            plain, classes = _plain(reader.schema), _classes(reader.schema, path)
            yield _named(plain.empty_table(), classes, path, allowance)
            for whole in reader:
                _check(whole, path, allowance)
                n_rows = chunk_rows(whole.num_columns)
                for start in range(0, len(whole), n_rows):
                    part = _cast(whole.slice(start, n_rows), plain)
                    yield _named(part, classes, path, allowance)


@contextmanager
def _readable(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # Arrow's kinds, and Python's where a name is not even text
        raise InputError(f"{path}: not a readable {what} file") from error


# ---------------------------------------------------------------------------------- checking


def _require_table(
    schema: pa.Schema,
    path: Path,
    refused: Callable[[pa.DataType], bool] = lambda _: False,
) -> None:
    """Raise an :class:`InputError` if columns are too many or hold what no cell of a table does."""
    require_columns(schema.names, path)
    for field in schema:
        read = is_view(field.type) or _is_cell(field.type)
        if not read or refused(field.type):
            raise InputError(
                f"{path}: column {quoted(field.name)} is of a type that is not read here; "
                "leave it out, or make it text"
            )


def _is_cell(kind: pa.DataType) -> bool:
    if isinstance(kind, pa.BaseExtensionType):
        return _is_cell(kind.storage_type)
    if types.is_dictionary(kind):
        return _is_value(kind.value_type)
    if types.is_map(kind):
        return _is_cell(kind.key_type) and _is_cell(kind.item_type)
    if types.is_struct(kind):  # one without fields cannot be written
        return bool(kind.num_fields) and all(
            _is_cell(kind.field(number).type) for number in range(kind.num_fields)
        )
    if types.is_fixed_size_list(kind) and kind.list_size > MAX_WIDTH:
        return False
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _is_cell(kind.value_type)
    return _is_value(kind)


def _is_value(kind: pa.DataType) -> bool:
    if types.is_fixed_size_binary(kind):
        return bool(0 < kind.byte_width <= MAX_WIDTH)
    if types.is_interval(kind):  # which only Arrow can write
        return False
    return is_text(kind) or bool(
        types.is_null(kind) or types.is_primitive(kind) or types.is_decimal(kind)
    )


def _is_counted_late(kind: pa.DataType) -> bool:
    """Return whether Parquet's reader tells how large such values are once they are in memory.

    So it is with lists and the like, and with texts of Arrow's extension types.
    """
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
        return _is_counted_late(kind) or is_text(kind)
    return bool(types.is_nested(kind))


def _holds_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if types.is_dictionary(kind) else kind
    return is_text(kind) or is_view(kind)


def _fixed_bytes(schema: pa.Schema, n_rows: int) -> int:
    """Return how many bytes the values of fixed width of so many rows are."""
    kinds = (
        kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
        for kind in schema.types
    )
    return n_rows * sum(int(kind.byte_width) for kind in kinds if types.is_fixed_size_binary(kind))


def _check(batch: pa.RecordBatch, path: Path, allowance: Allowance) -> None:
    """Count what a batch unpacks to, and check every value.

    Raises
    ------
    InputError
        If it is more than is allowed, or reading a value would reach beyond its buffer.
    """
    allowance.spend_rows(path, len(batch), batch.num_columns)
    for name, values in zip(batch.schema.names, batch.columns, strict=True):
        try:
            if is_view(values.type):
                # Many of them may show the same text, which each of them has to be checked for.
                values.validate()
                allowance.spend_bytes(path, unpacked_bytes(values))
            values.validate(full=True)
            allowance.spend_bytes(path, unpacked_bytes(values))
        except pa.ArrowException as error:
            raise InputError(
                f"{path}: column {quoted(name)} is damaged, or holds text that is not UTF-8"
            ) from error


def _cast(batch: pa.RecordBatch, plain: pa.Schema) -> pa.Table:
    """Return a checked batch as a table of columns of other types."""
    columns = []
    for values, field in zip(batch.columns, plain, strict=True):
        # Arrow's cast of views reads missing values, too, which its validation does not look at.
        cells = pa.array(values.to_pylist(), field.type) if is_view(values.type) else values
        columns.append(cells.cast(field.type))
    return pa.Table.from_arrays(columns, schema=plain)


def _plain(schema: pa.Schema) -> pa.Schema:
    """Return a schema of columns that every format can hold: without dictionaries and views."""
    fields = []
    for field in schema:
        kind = field.type.value_type if types.is_dictionary(field.type) else field.type
        if is_view(kind):
            kind = pa.string() if types.is_string_view(kind) else pa.binary()
        fields.append(field.with_type(kind))
    return pa.schema(fields, schema.metadata)


# ---------------------------------------------------------------------------------- Arrow's own


def _to_first_message(file: pa.NativeFile) -> None:
    if file.read(len(ARROW_FILE)) != ARROW_FILE:
        file.seek(0)


def _require_not_compressed(message: bytes, path: Path) -> None:
    """Raise an :class:`InputError` if the values behind a message are compressed.

    Arrow unpacks them before anybody can count. The message is a table of FlatBuffers, as
    Message.fbs and Schema.fbs of the Arrow format lay it down.
    """
    kind = _field(message, _root(message), 1)
    if kind is None or message[kind] == 1:  # a schema
        return
    body = _table(message, _root(message), 2)
    if message[kind] == 2:  # a dictionary, whose values are a batch of records
        body = _table(message, body, 1)
    if _field(message, body, 3) is not None:
        raise InputError(f"{path}: its values are compressed; write them without compression")


def _root(message: bytes) -> int:
    return int(struct.unpack_from("<I", message)[0])


def _table(message: bytes, table: int, number: int) -> int:
    """Return where the table lies that is a field of a table."""
    place = _field(message, table, number)
    if place is None:
        raise ValueError("a message without its header")
    return place + int(struct.unpack_from("<I", message, place)[0])


def _field(message: bytes, table: int, number: int) -> int | None:
    """Return where a field of a table lies, if the table has it."""
    layout = table - struct.unpack_from("<i", message, table)[0]
    entry = 4 + 2 * number
    if entry >= struct.unpack_from("<H", message, layout)[0]:
        return None
    offset = struct.unpack_from("<H", message, layout + entry)[0]
    return table + offset if offset else None


# ---------------------------------------------------------------------------------- classes


def _classes(schema: pa.Schema, path: Path) -> dict[str, pa.Array]:
    """Return the names of the classes of columns that hold their numbers, as the schema has them.

    ``datasets`` writes them so.
    """
    known = (schema.metadata or {}).get(b"huggingface")
    if known is None:
        return {}
    try:
        classes = {
            name: feature["names"]
            for name, feature in json.loads(known)["info"]["features"].items()
            if feature.get("_type") == "ClassLabel" and name in schema.names
        }
        if not all(isinstance(names, list) for names in classes.values()):
            raise TypeError("names that are no list")
        return {name: pa.array(names, pa.string()) for name, names in classes.items()}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(MISFIT.format(path)) from error


def _named(
    table: pa.Table, classes: Mapping[str, pa.Array], path: Path, allowance: Allowance
) -> pa.Table:
    """Return a table with the names of classes in place of their numbers.

    A number without a name is an error, but for -1: no class. A name counts wherever it stands: a
    long one of a small file may be that of all rows.
    """
    for name, names in classes.items():
        try:
            column = _numbered(table[name], names)
        except pa.ArrowException as error:
            raise InputError(MISFIT.format(path)) from error
        allowance.spend_bytes(path, unpacked_bytes(column))
        place = table.column_names.index(name)
        table = table.set_column(place, name, column.dictionary_decode())
    return table.replace_schema_metadata()


def _numbered(numbers: pa.ChunkedArray, names: pa.Array) -> pa.DictionaryArray:
    codes = numbers.cast(pa.int64()).combine_chunks()
    codes = pc.if_else(pc.equal(codes, -1), pa.scalar(None, pa.int64()), codes)
    return pa.DictionaryArray.from_arrays(codes, names)
