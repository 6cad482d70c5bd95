"""Parquet and Arrow files from any source: check every value, and limit what they unpack to.

A few bytes of such a file can stand for millions of rows, and a wrong offset in it makes a reader
of a value reach beyond the file. So rows, cells and bytes are counted before a value is touched,
and Arrow checks all offsets and texts (Arrow, "Security considerations": ``validate(full=True)``).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from textlstm.data.allowance import Allowance, is_text, is_view, unpacked_bytes
from textlstm.data.arrow_messages import require_not_compressed, skip_marker
from textlstm.data.chunks import require_columns
from textlstm.data.class_names import class_names_of, name_classes
from textlstm.data.options import ReadOptions
from textlstm.data.parquet_pages import page_bytes
from textlstm.errors import InputError, quoted

MAX_WIDTH = 1 << 12
"""Bytes of a value of fixed width, and values of a list of fixed length, at most."""


def read_parquet(path: Path, options: ReadOptions) -> Iterator[pa.Table]:
    """Yield the rows of a Parquet file in chunks, at least one, which may be empty.

    Raises
    ------
    InputError
        If the file is damaged, cannot be read, or unpacks to more than its allowance.
    """
    with _readable(path, "Parquet"):
        allowance = options.allowance or Allowance(path.stat().st_size)
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            _require_table(schema, path, _is_counted_late)
            plain, classes = _plain_schema(schema), class_names_of(schema, path)
            n_rows = file.metadata.num_rows
            n_bytes = max(page_bytes(path), _fixed_bytes(schema, n_rows))
            allowance.require(path, n_rows, n_rows * len(schema), n_bytes)
        texts = [field.name for field in schema if _holds_text(field.type)]
        # A text that a million rows share is read once: the size of the rows is known before they
        # are made.
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            yield name_classes(plain.empty_table(), classes, path, allowance)
            for batch in file.iter_batches(options.limits.rows_at_a_time(len(schema))):
                _check(batch, path, allowance)
                yield name_classes(_cast(batch, plain), classes, path, allowance)


def read_arrow(path: Path, options: ReadOptions) -> Iterator[pa.Table]:
    """Yield the rows of an Arrow file or stream in chunks, at least one, which may be empty.

    Raises
    ------
    InputError
        As :func:`read_parquet`; or if the values are compressed.
    """
    with _readable(path, "Arrow"):
        allowance = options.allowance or Allowance(path.stat().st_size)
        with pa.OSFile(str(path)) as file:
            skip_marker(file)
            for message in pa.ipc.MessageReader.open_stream(file):
                require_not_compressed(message.metadata.to_pybytes(), path)
        with pa.OSFile(str(path)) as file:
            skip_marker(file)
            reader = pa.ipc.open_stream(file)
            _require_table(reader.schema, path)
            plain, classes = _plain_schema(reader.schema), class_names_of(reader.schema, path)
            yield name_classes(plain.empty_table(), classes, path, allowance)
            for batch in reader:
                _check(batch, path, allowance)
                n_rows = options.limits.rows_at_a_time(batch.num_columns)
                for start in range(0, len(batch), n_rows):
                    chunk = _cast(batch.slice(start, n_rows), plain)
                    yield name_classes(chunk, classes, path, allowance)


@contextmanager
def _readable(path: Path, format_name: str) -> Iterator[None]:
    """Raise every error of the block as an :class:`InputError`."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # Arrow's errors, and Python's if a name is not even text
        raise InputError(f"{path}: not a readable {format_name} file") from error


def _require_table(
    schema: pa.Schema,
    path: Path,
    refused: Callable[[pa.DataType], bool] = lambda _: False,
) -> None:
    """Raise an :class:`InputError` if there are too many columns, or one of an unknown type."""
    require_columns(schema.names, path)
    for field in schema:
        readable = is_view(field.type) or _is_cell(field.type)
        if not readable or refused(field.type):
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
    if types.is_struct(kind):  # a struct without fields cannot be written
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
    """Return whether the size of such values is known only after Parquet's reader unpacked them.

    That is so of lists and the like, and of texts of Arrow's extension types.
    """
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
        return _is_counted_late(kind) or is_text(kind)
    return bool(types.is_nested(kind))


def _holds_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if types.is_dictionary(kind) else kind
    return is_text(kind) or is_view(kind)


def _fixed_bytes(schema: pa.Schema, n_rows: int) -> int:
    """Return the bytes of the values of fixed width."""
    kinds = (
        kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
        for kind in schema.types
    )
    return n_rows * sum(int(kind.byte_width) for kind in kinds if types.is_fixed_size_binary(kind))


def _check(batch: pa.RecordBatch, path: Path, allowance: Allowance) -> None:
    """Count the unpacked size of a batch, and check every value.

    Raises
    ------
    InputError
        If the batch is larger than allowed, or reading a value would reach beyond its buffer.
    """
    allowance.spend_rows(path, len(batch), batch.num_columns)
    for name, values in zip(batch.schema.names, batch.columns, strict=True):
        try:
            if is_view(values.type):
                # Many views may show one text, which the full validation checks for each of them.
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
        # Arrow's cast of views also reads missing values, which its validation does not check.
        cells = pa.array(values.to_pylist(), field.type) if is_view(values.type) else values
        columns.append(cells.cast(field.type))
    return pa.Table.from_arrays(columns, schema=plain)


def _plain_schema(schema: pa.Schema) -> pa.Schema:
    """Return a schema that every format can hold: without dictionaries and views."""
    fields = []
    for field in schema:
        kind = field.type.value_type if types.is_dictionary(field.type) else field.type
        if is_view(kind):
            kind = pa.string() if types.is_string_view(kind) else pa.binary()
        fields.append(field.with_type(kind))
    return pa.schema(fields, schema.metadata)
