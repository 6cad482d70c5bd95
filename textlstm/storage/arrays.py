"""Arrays that may be larger than memory.

A large array is memory-mapped from an unlinked temporary file, which disappears with it; the system
keeps as much of it in memory as there is room for. It is filled and read in blocks of rows.
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

# Functions read these two when they are called, not as defaults of their arguments: encoding,
# models and training call them ten functions deep, and their tests make both small.
MEMMAP_FROM = 1 << 26
"""Bytes of an array from which on it is memory-mapped."""

BLOCK_ROWS = 1 << 15
"""Rows of a block."""


def row_blocks(n: int, block_rows: int | None = None) -> Iterator[slice]:
    """Yield slices that cover n rows in blocks; one empty slice if n is 0.

    Parameters
    ----------
    block_rows
        Rows of a block; None stands for :data:`BLOCK_ROWS`.

    >>> list(row_blocks(5, block_rows=4))
    [slice(0, 4, None), slice(4, 8, None)]
    """
    step = BLOCK_ROWS if block_rows is None else block_rows
    for start in range(0, max(n, 1), step):
        yield slice(start, start + step)


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


def empty(
    shape: int | tuple[int, ...], dtype: DTypeLike, memmap_from: int | None = None
) -> NDArray[Any]:
    """Return an uninitialised array, memory-mapped if it is large.

    Parameters
    ----------
    memmap_from
        Bytes from which on it is memory-mapped; None stands for :data:`MEMMAP_FROM`.

    Raises
    ------
    OSError
        If the folder for temporary files has no room for it.
    """
    size = math.prod(np.atleast_1d(shape).tolist()) * np.dtype(dtype).itemsize
    limit = MEMMAP_FROM if memmap_from is None else memmap_from
    if size < max(limit, 1):  # an empty file cannot be mapped
        return np.empty(shape, dtype)
    with unlinked_file() as file:
        # Reserved at once: writing a page to a full disk would kill the process.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        file.truncate(size)
        pages = mmap.mmap(file.fileno(), size)
    return np.frombuffer(pages, dtype).reshape(shape)


def advise_random_access(array: NDArray[Any]) -> None:
    """Tell the system that a memory-mapped array is read in random order (MADV_RANDOM).

    The system then no longer reads the neighbours of each row: of a file larger than memory, it
    would read a thousand rows for one. Other arrays are left as they are.
    """
    if not hasattr(mmap, "MADV_RANDOM"):  # as on Windows
        return
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview) and isinstance(base.obj, mmap.mmap):
        base.obj.madvise(mmap.MADV_RANDOM)


def take(array: NDArray[Any], rows: NDArray[Any], block_rows: int | None = None) -> NDArray[Any]:
    """Return ``array[rows]``, as np.take does, for arrays larger than memory.

    ``rows`` (n,) are indices.
    """
    taken = empty((len(rows), *array.shape[1:]), array.dtype)
    for block in row_blocks(len(rows), block_rows):
        taken[block] = array[rows[block]]
    return taken


def flatnonzero(flags: NDArray[np.bool_], block_rows: int | None = None) -> NDArray[np.int32]:
    """Return the indices of the true flags, as np.flatnonzero does, for arrays larger than memory.

    >>> flatnonzero(np.array([True, False, True]))
    array([0, 2], dtype=int32)
    """
    indices, end = empty(int(flags.sum()), np.int32), 0
    for block in row_blocks(len(flags), block_rows):
        in_block = np.flatnonzero(flags[block])
        indices[end : end + len(in_block)] = in_block + block.start
        end += len(in_block)
    return indices


def vstack_on_disk(blocks: "Iterable[sparse.csr_matrix]") -> "sparse.csr_matrix":
    """Stack the rows of sparse matrices of floats, at least one, in memory-mapped files.

    The files have no name and disappear with the matrix.
    """
    from scipy import sparse

    row_sizes, width = [np.zeros(1, dtype=np.int64)], 0
    with unlinked_file() as values, unlinked_file() as columns:
        for block in blocks:
            block.data.astype(np.float64).tofile(values)
            block.indices.astype(np.int32).tofile(columns)
            row_sizes.append(np.diff(block.indptr))
            width = block.shape[1]
        row_ends = np.cumsum(np.concatenate(row_sizes))
        n_rows = len(row_ends) - 1
        if not row_ends[-1]:  # an empty file cannot be mapped
            return sparse.csr_matrix((n_rows, width))
        entries = np.memmap(values, np.float64, "r"), np.memmap(columns, np.int32, "r")
    return sparse.csr_matrix((*entries, row_ends), shape=(n_rows, width))
