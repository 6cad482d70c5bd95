"""How large the pages of a Parquet file are, by their own headers, before any is unpacked.

Arrow unpacks whole pages, of all columns, before anybody can count. Its reader takes their sizes
from the header of each page, so these are read here; what the end of the file says of sizes, it
does not look at. Both are structs of Thrift's compact protocol, as parquet.thrift of the Parquet
format lays them down. They are read here, for pyarrow aborts the process where it is asked about
some damaged ones.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

TAIL = 8
"""Bytes at the end of a file: four of the size of what describes it, and four of a mark."""

STOP, TRUE, FALSE, BYTE, INT32, INT64, DOUBLE, BINARY, LIST, STRUCT = 0, 1, 2, 3, 5, 6, 7, 8, 9, 12
INTEGERS = (4, INT32, INT64)
"""Types of fields: integers are some bytes that say themselves if more come."""

Field = tuple[int, int]
"""The number of a field, and its type. Arrow passes over a field of another type."""

ROW_GROUPS, CHUNKS, COLUMN = (4, LIST), (1, LIST), (3, STRUCT)
"""The groups of rows of a file, the columns of a group, and what describes a column."""

VALUES, IN_FILE, FIRST_PAGE, DICTIONARY = (5, INT64), (7, INT64), (9, INT64), (11, INT64)
"""Of what describes a column: its values, its bytes in the file, and where its pages begin."""

UNPACKED, PACKED = (2, INT32), (3, INT32)
"""Of the header of a page: its size in bytes, once unpacked and in the file."""

MAX_PAGE = 1 << 31
"""Arrow leaves out the bits beyond of a size."""

MAX_BITS = 70
"""Bits of an integer, at most: seven in a byte, for a number of 64."""


def page_bytes(path: Path) -> int:
    """Return how many bytes all pages of a Parquet file have, once unpacked.

    Raises
    ------
    ValueError, LookupError, TypeError, AttributeError, OSError, RecursionError
        If a header is damaged, or the pages are more than the file.
    """
    with path.open("rb") as file:
        n_bytes = file.seek(-TAIL, os.SEEK_END) + TAIL
        file.seek(n_bytes - TAIL - int.from_bytes(file.read(4), "little"))
        columns = [
            column[COLUMN] for group in _struct(file)[ROW_GROUPS] for column in group[CHUNKS]
        ]
        # Columns that lay in the same place would be gone through time and again.
        if sum(column[IN_FILE] for column in columns) > n_bytes:
            raise ValueError("columns that are larger than the file")
        return sum(size for column in columns for size in _page_sizes(file, column))


def _page_sizes(file: BinaryIO, column: dict[Field, Any]) -> Iterator[int]:
    """Yield the size of each page of a column in a group of rows, once unpacked."""
    if column[VALUES] <= 0:  # no page is read then, and where one would be may not be told
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
    """Read a struct to its end; return its fields."""
    found: dict[Field, Any] = {}
    number = 0
    while True:
        step, kind = divmod(_byte(file), 16)
        if kind == STOP:
            return found
        number = number + step if step else _signed(_varint(file))
        if any(number == other for other, _ in found):
            raise ValueError("a field that stands there twice")
        found[number, kind] = None if kind in (TRUE, FALSE) else _value(file, kind)


def _value(file: BinaryIO, kind: int) -> Any:
    """Read a value; return it, if it is an integer, a list or a struct."""
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
    # Each reads a byte at least, which raises behind the end: a list would else go on and on.
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
    """Return a number that was written with its sign in the last bit."""
    return -(value >> 1) - 1 if value % 2 else value >> 1


def _byte(file: BinaryIO) -> int:
    return file.read(1)[0]
