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

GROUPS, COLUMNS, COLUMN = 4, 1, 3
"""Fields: the groups of rows of a file, the columns of a group, and what describes a column."""

IN_FILE, FIRST_PAGE, DICTIONARY = 7, 9, 11
"""Fields of what describes a column: its bytes in the file, and where its pages begin."""

UNPACKED, PACKED = 2, 3
"""Fields of the header of a page: its size in bytes, once unpacked and in the file."""

STOP, TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, STRUCT = 0, 1, 2, 3, 7, 8, 9, 12
INTEGERS = (4, 5, 6)
"""Types of fields: of those of 16, 32 and 64 bits, some bytes that say themselves if more come."""

MAX_BITS = 70
"""Bits of such an integer, at most: seven in a byte, for a number of 64."""


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
        columns = [column[COLUMN] for group in _struct(file)[GROUPS] for column in group[COLUMNS]]
        # Columns that lay in the same place would be gone through time and again.
        if sum(column[IN_FILE] for column in columns) > n_bytes:
            raise ValueError("columns that are larger than the file")
        return sum(size for column in columns for size in _page_sizes(file, column))


def _page_sizes(file: BinaryIO, column: dict[int, Any]) -> Iterator[int]:
    """Yield the size of each page of a column in a group of rows, once unpacked."""
    start = min(filter(None, (column.get(DICTIONARY), column[FIRST_PAGE])))
    file.seek(start)
    while file.tell() < start + column[IN_FILE]:
        header = _struct(file)
        if min(header[UNPACKED], header[PACKED]) < 0:
            raise ValueError("a page of less than nothing")
        yield header[UNPACKED]
        file.seek(header[PACKED], os.SEEK_CUR)


def _struct(file: BinaryIO) -> dict[int, Any]:
    """Read a struct to its end; return its fields by their numbers."""
    found: dict[int, Any] = {}
    number = 0
    while (start := _byte(file)) != STOP:
        step, kind = divmod(start, 16)
        number = number + step if step else _signed(_varint(file))
        found[number] = kind == TRUE if kind in (TRUE, FALSE) else _value(file, kind)
    return found


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
