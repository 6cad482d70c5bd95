"""Arrays that may be larger than memory.

A large one is in a file without a name, which is gone with it: the system keeps of it in memory
what it has room for. It is filled, and gone through, some rows at a time.
"""

import math
import mmap
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile, gettempdir
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

if TYPE_CHECKING:
    from scipy import sparse

MEMMAP_FROM = 1 << 26
"""Bytes from which on an array is in a file."""

BLOCK_ROWS = 1 << 15
"""So many rows at a time."""


def row_blocks(n: int) -> Iterator[slice]:
    """Yield the rows of n to be seen to at a time, at least once, be it none.

    >>> list(row_blocks(BLOCK_ROWS + 1))
    [slice(0, 32768, None), slice(32768, 65536, None)]
    """
    for start in range(0, max(n, 1), BLOCK_ROWS):
        yield slice(start, start + BLOCK_ROWS)


@contextmanager
def unlinked_file() -> Iterator[IO[bytes]]:
    """Yield a file without a name in the folder for temporary files.

    Raises
    ------
    OSError
        If the folder has no room; it names the folder.
    """
    try:
        with TemporaryFile() as file:
            yield file
    except OSError as error:
        error.filename = gettempdir()
        raise


def empty(shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array to be filled.

    Raises
    ------
    OSError
        If the folder for temporary files has no room for it.
    """
    size = math.prod(np.atleast_1d(shape).tolist()) * np.dtype(dtype).itemsize
    if size < max(MEMMAP_FROM, 1):  # an empty file cannot be mapped
        return np.empty(shape, dtype)
    with unlinked_file() as file:
        # Reserved at once: a disk that is full when a page is written would kill the process.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        file.truncate(size)
        pages = mmap.mmap(file.fileno(), size)
    return np.frombuffer(pages, dtype).reshape(shape)


def advise_random_access(values: NDArray[Any]) -> None:
    """Say that rows of an array will be drawn from here and there.

    Of one in a file, the system then no longer reads the neighbours of a row that is drawn: of a
    file larger than memory, it would read a thousand rows for one.
    """
    if not hasattr(mmap, "MADV_RANDOM"):  # as on Windows
        return
    base: Any = values
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview) and isinstance(base.obj, mmap.mmap):
        base.obj.madvise(mmap.MADV_RANDOM)


def take(values: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any]:
    """Return ``values[rows]``, rows being numbers (n,)."""
    found = empty((len(rows), *values.shape[1:]), values.dtype)
    for some in row_blocks(len(rows)):
        found[some] = values[rows[some]]
    return found


def flatnonzero(flags: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the rows of which something is true.

    >>> flatnonzero(np.array([True, False, True]))
    array([0, 2], dtype=int32)
    """
    found, end = empty(int(flags.sum()), np.int32), 0
    for some in row_blocks(len(flags)):
        rows = np.flatnonzero(flags[some])
        found[end : end + len(rows)] = rows + some.start
        end += len(rows)
    return found


def vstack_on_disk(blocks: "Iterable[sparse.csr_matrix]") -> "sparse.csr_matrix":
    """Return the rows of some blocks of floats, at least one, in their order.

    They are in files without a name, which are gone with them; the system keeps of these in memory
    what it has room for.
    """
    from scipy import sparse

    sizes, width = [np.zeros(1, dtype=np.int64)], 0
    with unlinked_file() as values, unlinked_file() as columns:
        for block in blocks:
            block.data.astype(np.float64).tofile(values)
            block.indices.astype(np.int32).tofile(columns)
            sizes.append(np.diff(block.indptr))
            width = block.shape[1]
        ends = np.cumsum(np.concatenate(sizes))
        if not ends[-1]:  # an empty file cannot be mapped
            return sparse.csr_matrix((len(ends) - 1, width))
        entries = np.memmap(values, np.float64, "r"), np.memmap(columns, np.int32, "r")
    return sparse.csr_matrix((*entries, ends), shape=(len(ends) - 1, width))
