"""Unpacked sizes of the pages of a Parquet file, read from their headers before any is unpacked.

Arrow unpacks whole pages, of all columns, before anybody can count them. Its reader takes their
sizes from the headers of the pages and ignores the sizes at the end of the file, so the headers are
read here. Both are structs of Thrift's compact protocol, as parquet.thrift of the Parquet format
defines them. pyarrow itself cannot be asked: some damaged headers make it abort the process.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

TAIL = 8
"""Bytes at the end of a file: four hold the size of its metadata, and four are a mark."""

STOP, TRUE, FALSE, BYTE, INT32, INT64, DOUBLE, BINARY, LIST, STRUCT = 0, 1, 2, 3, 5, 6, 7, 8, 9, 12
INTEGERS = (4, INT32, INT64)
"""Types of fields; integers have a variable number of bytes; each byte tells if more follow."""

Field = tuple[int, int]
"""Number and type of a field. Arrow skips a field of another type."""

ROW_GROUPS, CHUNKS, COLUMN = (4, LIST), (1, LIST), (3, STRUCT)
"""Fields of the metadata: row groups of a file, columns of a group, metadata of a column."""

VALUES, IN_FILE, FIRST_PAGE, DICTIONARY = (5, INT64), (7, INT64), (9, INT64), (11, INT64)
"""Fields of a column's metadata: its values, its bytes in the file, and its first pages."""

UNPACKED, PACKED = (2, INT32), (3, INT32)
"""Fields of a page header: bytes of the page, unpacked and in the file."""

MAX_PAGE = 1 << 31
"""Bytes of a page, below: Arrow ignores the higher bits of a size."""

MAX_BITS = 70
"""Bits of an integer, at most: seven in each byte of a number of 64 bits."""


def page_bytes(path: Path) -> int:
    """Return the unpacked bytes of all pages of a Parquet file.

    Raises
    ------
    ValueError, LookupError, TypeError, AttributeError, OSError, RecursionError
        If a header is damaged, or the pages are larger than the file.
    """
    with path.open("rb") as file:
        n_bytes = file.seek(-TAIL, os.SEEK_END) + TAIL
        file.seek(n_bytes - TAIL - int.from_bytes(file.read(4), "little"))
        columns = [
            column[COLUMN] for group in _struct(file)[ROW_GROUPS] for column in group[CHUNKS]
        ]
        # Columns at the same position would be read again and again.
        if sum(column[IN_FILE] for column in columns) > n_bytes:
            raise ValueError("columns that are larger than the file")
        return sum(size for column in columns for size in _page_sizes(file, column))


def _page_sizes(file: BinaryIO, column: dict[Field, Any]) -> Iterator[int]:
    """Yield the unpacked size of each page of a column in a row group."""
    if column[VALUES] <= 0:  # then no page is read, and positions may be missing
        return
    first, dictionary = column[FIRST_PAGE], column.get(DICTIONARY, 0)
    start = dictionary if 0 < dictionary < first else first
    file.seek(start)
    while file.tell() < start + column[IN_FILE]:
        header = _struct(file)
        if not all(0 <= header[size] < MAX_PAGE for size in (UNPACKED, PACKED)):
            raise ValueError("a page of a size that none has")
        yield header[UNPACKED]
        file.seek(header[PACKED], os.SEEK_CUR)


def _struct(file: BinaryIO) -> dict[Field, Any]:
    """Read a struct to its end and return its fields."""
    fields: dict[Field, Any] = {}
    number = 0
    while True:
        delta, kind = divmod(_byte(file), 16)
        if kind == STOP:
            return fields
        number = number + delta if delta else _signed(_varint(file))
        if any(number == other for other, _ in fields):
            raise ValueError("a field that occurs twice")
        fields[number, kind] = None if kind in (TRUE, FALSE) else _value(file, kind)


def _value(file: BinaryIO, kind: int) -> Any:
    """Read a value; return it if it is an integer, a list or a struct."""
    if kind in INTEGERS:
        return _signed(_varint(file))
    if kind == STRUCT:
        return _struct(file)
    if kind == LIST:
        n_values, kind = divmod(_byte(file), 16)
        n_values = _varint(file) if n_values == 15 else n_values
        return [_value(file, kind) for _ in range(n_values)]
    if kind not in (TRUE, FALSE, BYTE, DOUBLE, BINARY):
        raise ValueError("a value of a type that Parquet has not")
    # Each value reads a byte at least, which raises behind the end: a list would else never end.
    width = _varint(file) if kind == BINARY else 7 * (kind == DOUBLE)
    file.seek(width, os.SEEK_CUR)
    return None if kind == BINARY else _byte(file)


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, MAX_BITS, 7):
        byte = _byte(file)
        value |= (byte & 127) << shift
        if byte < 128:
            return value
    raise ValueError("an integer without end")


def _signed(value: int) -> int:
    """Decode a number whose sign is in its last bit (zigzag encoding)."""
    return -(value >> 1) - 1 if value % 2 else value >> 1


def _byte(file: BinaryIO) -> int:
    return file.read(1)[0]
