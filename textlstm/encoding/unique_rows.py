"""Unique rows of integer matrices that may be larger than memory."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from textlstm.storage import arrays
from textlstm.storage.arrays import empty, row_blocks


def unique_rows(
    ids: NDArray[np.int32], max_bytes: int | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the distinct rows of ids (B, T), sorted, and which distinct row each row is (B,).

    The result is that of ``np.unique(ids, axis=0, return_inverse=True)``. Written with the highest
    byte first, ids sort as their bytes do, which is several times faster.

    Parameters
    ----------
    max_bytes
        Larger matrices are sorted in groups of rows; by default, those in files.

    >>> rows, inverse = unique_rows(np.array([[300, 1], [2, 0], [300, 1]], dtype=np.int32))
    >>> rows.tolist(), inverse.tolist()
    ([[2, 0], [300, 1]], [1, 0, 1])
    """
    distinct, inverse = empty(ids.shape, np.int32), np.empty(len(ids), dtype=np.int32)
    n_distinct = 0
    for rows in _sort_groups(ids, arrays.MEMMAP_FROM if max_bytes is None else max_bytes):
        keys = np.empty((len(rows), ids.shape[1]), dtype=">i4")
        for block in row_blocks(len(rows)):
            keys[block] = ids[rows[block]]
        as_bytes = keys.view(f"S{keys.itemsize * ids.shape[1]}").ravel()
        order = as_bytes.argsort(kind="stable")
        is_first = np.ones(len(rows), dtype=bool)  # whether, in that order, another row begins
        for block in row_blocks(len(rows) - 1):
            is_first[1:][block] = as_bytes[order[1:][block]] != as_bytes[order[:-1][block]]
        inverse[rows[order]] = n_distinct + np.cumsum(is_first) - 1
        firsts = order[is_first]
        for block in row_blocks(len(firsts)):
            new = firsts[block]
            distinct[n_distinct : n_distinct + len(new)] = keys[new]
            n_distinct += len(new)
    return distinct[:n_distinct], inverse


def _sort_groups(ids: NDArray[np.int32], max_bytes: int) -> Iterator[NDArray[np.int64]]:
    """Yield groups of row numbers of ids (B, T), in the order of the rows' first two ids.

    Rows with the same first two ids are in one group. A matrix of up to ``max_bytes`` is one
    group; of a larger one, groups are about as large as that, unless more rows begin alike.
    """
    if ids.nbytes < max_bytes:
        yield np.arange(len(ids))
        return
    beginnings = np.zeros(len(ids), dtype=np.int64)
    for block in row_blocks(len(ids)):
        for column in ids[block, :2].T:
            beginnings[block] = beginnings[block] << 31 | column
    order = beginnings.argsort(kind="stable")
    start, size = 0, max(1, max_bytes // (ids.itemsize * ids.shape[1]))
    while start < len(order):
        last = beginnings[order[min(start + size, len(order)) - 1]]
        end = int(np.searchsorted(beginnings, last, side="right", sorter=order))
        yield np.sort(order[start:end])  # in the order of the file
        start = end
