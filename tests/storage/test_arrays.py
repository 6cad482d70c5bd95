import errno
import mmap
import os
import tempfile

import numpy as np
import pytest

from textlstm.storage import arrays
from textlstm.storage.arrays import advise_random_access, empty, flatnonzero, row_blocks, take

TABLE = np.arange(20, dtype=np.int32).reshape(10, 2)


@pytest.mark.parametrize("memmap_from", [0, 1 << 30])
@pytest.mark.parametrize("shape", [3, (3, 2), (0, 2)])
def test_a_large_array_is_in_a_file_that_leaves_nothing_behind(
    tmp_path, monkeypatch, in_a_file, memmap_from, shape
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    array = empty(shape, np.int16, memmap_from)
    array[:] = 7
    assert array.dtype == np.int16 and array.shape == np.empty(shape).shape and (array == 7).all()
    assert in_a_file(array) == (memmap_from == 0 and array.size > 0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("block_rows", [1, 3, 100])
@pytest.mark.parametrize("memmap_from", [0, 1 << 30])
def test_all_blocks_together_are_the_whole(monkeypatch, block_rows, memmap_from):
    monkeypatch.setattr(arrays, "MEMMAP_FROM", memmap_from)
    in_blocks = [row for rows in row_blocks(10, block_rows) for row in TABLE[rows, 0].tolist()]
    assert in_blocks == TABLE[:, 0].tolist()
    rows = np.array([9, 0, 0, 4])
    assert take(TABLE, rows, block_rows).tolist() == TABLE[rows].tolist()
    flags = TABLE[:, 0] % 3 == 0
    assert flatnonzero(flags, block_rows).tolist() == np.flatnonzero(flags).tolist()
    for nothing in (take(TABLE, rows[:0]), flatnonzero(flags[:0]), flatnonzero(~flags & flags)):
        assert len(nothing) == 0


def test_the_sizes_are_read_when_they_are_needed(monkeypatch, in_a_file):
    monkeypatch.setattr(arrays, "BLOCK_ROWS", 7)
    monkeypatch.setattr(arrays, "MEMMAP_FROM", 0)
    assert list(row_blocks(8)) == [slice(0, 7), slice(7, 14)]
    assert in_a_file(empty(1, np.int8))


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="files are not reserved here")
def test_a_full_disk_is_an_error_that_names_the_folder(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(OSError) as caught:
        empty(5, np.int8, memmap_from=0)
    assert caught.value.filename == str(tmp_path)


@pytest.mark.skipif(not hasattr(mmap, "MADV_RANDOM"), reason="the system takes no such advice")
def test_random_access_is_advised_of_a_memory_mapped_array_only(monkeypatch):
    advice = []

    class Pages(mmap.mmap):
        def madvise(self, kind):
            advice.append(kind)
            super().madvise(kind)

    monkeypatch.setattr(mmap, "mmap", Pages)
    mapped = empty(TABLE.shape, TABLE.dtype, memmap_from=0)
    mapped[:] = TABLE
    for array in (mapped[2:], TABLE):
        advise_random_access(array)
    assert mapped.tolist() == TABLE.tolist()
    assert advice == [mmap.MADV_RANDOM]
