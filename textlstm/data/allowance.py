"""Decompression bombs: rows, cells and bytes to which a file may unpack, by its size.

A few bytes of a Parquet or Arrow file can stand for millions of rows, which are counted before they
are unpacked.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import types

from textlstm.errors import InputError

MAX_UNPACKED, MAX_RATIO = 1 << 31, 1000
"""Bytes to which any file may unpack, and bytes for each byte of a larger file."""

MAX_ROWS, ROWS_PER_BYTE = 1 << 24, 8
"""Rows that any file may have, and rows for each byte of a larger file."""

MAX_CELLS, MAX_CELLS_PER_BYTE = 1 << 27, 64
"""Cells that any file may have, empty ones included, and cells for each byte of a larger file."""


class Allowance:
    """Rows, cells and bytes to which the files of a table may still unpack.

    Parameters
    ----------
    n_bytes
        The total size of the files.
    """

    def __init__(self, n_bytes: int) -> None:
        self._rows = max(MAX_ROWS, ROWS_PER_BYTE * n_bytes)
        self._cells = max(MAX_CELLS, MAX_CELLS_PER_BYTE * n_bytes)
        self._bytes = max(MAX_UNPACKED, MAX_RATIO * n_bytes)

    def require(self, path: Path, n_rows: int, n_cells: int, n_bytes: int = 0) -> None:
        """Raise an :class:`InputError` if a file has more than is left."""
        for unit, number, left in (
            ("rows", n_rows, self._rows),
            ("cells", n_cells, self._cells),
            ("bytes", n_bytes, self._bytes),
        ):
            if number > left:
                raise InputError(
                    f"{path}: has {number:,} {unit}, more than the {left:,} that are read of so "
                    "small a file; if it is not a bomb, give it as CSV"
                )

    def spend_rows(self, path: Path, n_rows: int, n_columns: int) -> None:
        """Count rows; raise an :class:`InputError` if they are more than are left."""
        self.require(path, n_rows, n_rows * n_columns)
        self._rows -= n_rows
        self._cells -= n_rows * n_columns

    def spend_bytes(self, path: Path, n_bytes: int) -> None:
        """Count bytes; raise an :class:`InputError` if they are more than are left."""
        self._bytes -= n_bytes
        if self._bytes < 0:
            raise InputError(
                f"{path}: unpacks to more than {MAX_RATIO} times its size; if it is not a bomb, "
                "give it as CSV"
            )


def unpacked_bytes(values: pa.Array) -> int:
    """Return the bytes of values that share no memory: a byte each, at least."""
    kind = values.type
    if isinstance(kind, pa.BaseExtensionType):
        return unpacked_bytes(values.storage)
    if types.is_dictionary(kind):
        sizes = _sizes(values.dictionary)
        return int(sizes[values.indices.drop_null().to_numpy()].sum()) + 4 * len(values)
    if types.is_map(kind):
        return len(values) + unpacked_bytes(values.keys) + unpacked_bytes(values.items)
    if types.is_struct(kind):
        fields = map(values.field, range(kind.num_fields))
        return len(values) + sum(map(unpacked_bytes, fields))
    if types.is_nested(kind):
        return len(values) + unpacked_bytes(values.flatten())
    if is_view(kind):
        return int(_sizes(values).sum()) + 4 * len(values)
    return max(len(values), int(values.nbytes))


def _sizes(values: pa.Array) -> np.ndarray[Any, Any]:
    """Return the bytes of each value (n,); none of the values is nested."""
    if is_view(values.type):  # a view has sixteen bytes, and the first four are its length
        views = np.frombuffer(values.buffers()[1], np.int32)
        lengths = views.reshape(-1, 4)[values.offset : values.offset + len(values), 0]
        return np.maximum(lengths.astype(np.int64), 0)  # they are not checked yet
    if is_text(values.type):
        # Imported late: it takes longer than the first look at a file.
        from pyarrow.compute import binary_length

        lengths = binary_length(values).fill_null(0)
        return np.asarray(lengths.to_numpy(zero_copy_only=False), np.int64)
    width = -(-int(values.nbytes) // max(1, len(values)))
    return np.full(len(values), width, np.int64)


def is_text(kind: pa.DataType) -> bool:
    """Return whether values are texts or bytes, each with an offset."""
    return any(
        test(kind)
        for test in (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    )


def is_view(kind: pa.DataType) -> bool:
    """Return whether values are views of texts or bytes in another buffer."""
    return bool(types.is_string_view(kind) or types.is_binary_view(kind))
