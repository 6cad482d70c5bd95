"""Unique rows of integer matrices that may be larger than memory."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from textlstm.storage import arrays as spill
from textlstm.storage.arrays import BLOCK_ROWS, empty, row_blocks


def unique_rows(ids: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the distinct rows of ids (B, T) in order, and which of them each row is (B,).

    Highest byte first, ids sort as their bytes do, which is some times faster.

    >>> rows, places = unique_rows(np.array([[300, 1], [2, 0], [300, 1]], dtype=np.int32))
    >>> rows.tolist(), places.tolist()
    ([[2, 0], [300, 1]], [1, 0, 1])
    """
    forms, places, number = empty(ids.shape, np.int32), np.empty(len(ids), dtype=np.int32), 0
    for rows in _sort_groups(ids):
        keys = np.empty((len(rows), ids.shape[1]), dtype=">i4")
        for some in row_blocks(len(rows)):
            keys[some] = ids[rows[some]]
        texts = keys.view(f"S{keys.itemsize * ids.shape[1]}").ravel()
        order = texts.argsort(kind="stable")
        begins = np.ones(len(rows), dtype=bool)  # whether, in that order, another text begins
        for some in row_blocks(len(rows) - 1):
            begins[1:][some] = texts[order[1:][some]] != texts[order[:-1][some]]
        places[rows[order]] = number + np.cumsum(begins) - 1
        for first in np.array_split(order[begins], max(1, len(rows) // BLOCK_ROWS)):
            forms[number : number + len(first)] = keys[first]
            number += len(first)
    return forms[:number], places


def _sort_groups(ids: NDArray[np.int32]) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of ids (B, T), those together that begin alike, in the order of beginnings.

    Where all are too large to be sorted as a whole, so many are yielded at a time as are not. No
    more is looked at then than their first two ids.
    """
    if ids.nbytes < spill.MEMMAP_FROM:
        yield np.arange(len(ids))
        return
    beginnings = np.zeros(len(ids), dtype=np.int64)
    for some in row_blocks(len(ids)):
        for column in ids[some, :2].T:
            beginnings[some] = beginnings[some] << 31 | column
    order = beginnings.argsort(kind="stable")
    start, size = 0, max(1, spill.MEMMAP_FROM // (ids.itemsize * ids.shape[1]))
    while start < len(order):
        last = beginnings[order[min(start + size, len(order)) - 1]]
        end = int(np.searchsorted(beginnings, last, side="right", sorter=order))
        yield np.sort(order[start:end])  # as they stand in the file
        start = end
