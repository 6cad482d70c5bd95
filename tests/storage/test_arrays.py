import errno
import mmap
import os
import tempfile

import numpy as np
import pytest

from textlstm.storage import arrays
from textlstm.storage.arrays import advise_random_access, empty, flatnonzero, row_blocks, take

ROWS = np.arange(20, dtype=np.int32).reshape(10, 2)


@pytest.mark.parametrize("large", [0, 1 << 30])
@pytest.mark.parametrize("shape", [3, (3, 2), (0, 2)])
def test_a_large_array_is_in_a_file_that_leaves_nothing_behind(
    tmp_path, monkeypatch, in_a_file, large, shape
):
    monkeypatch.setattr(arrays, "MEMMAP_FROM", large)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = empty(shape, np.int16)
    found[:] = 7
    assert found.dtype == np.int16 and found.shape == np.empty(shape).shape and (found == 7).all()
    assert in_a_file(found) == (large == 0 and found.size > 0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("at_a_time", [1, 3, 100])
@pytest.mark.parametrize("large", [0, 1 << 30])
def test_some_at_a_time_are_all(monkeypatch, at_a_time, large):
    monkeypatch.setattr(arrays, "BLOCK_ROWS", at_a_time)
    monkeypatch.setattr(arrays, "MEMMAP_FROM", large)
    assert [row for some in row_blocks(10) for row in ROWS[some, 0].tolist()] == ROWS[:, 0].tolist()
    places = np.array([9, 0, 0, 4])
    assert take(ROWS, places).tolist() == ROWS[places].tolist()
    flags = ROWS[:, 0] % 3 == 0
    assert flatnonzero(flags).tolist() == np.flatnonzero(flags).tolist()
    for nothing in (take(ROWS, places[:0]), flatnonzero(flags[:0]), flatnonzero(~flags & flags)):
        assert len(nothing) == 0


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="files are not reserved here")
def test_a_full_disk_is_an_error_that_names_the_folder(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(arrays, "MEMMAP_FROM", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(OSError) as caught:
        empty(5, np.int8)
    assert caught.value.filename == str(tmp_path)


@pytest.mark.skipif(not hasattr(mmap, "MADV_RANDOM"), reason="the system is not told here")
def test_rows_drawn_at_random_are_the_rows(monkeypatch):
    given = []

    class Pages(mmap.mmap):
        def madvise(self, advice):
            given.append(advice)
            super().madvise(advice)

    monkeypatch.setattr(mmap, "mmap", Pages)
    monkeypatch.setattr(arrays, "MEMMAP_FROM", 0)
    filed = empty(ROWS.shape, ROWS.dtype)
    filed[:] = ROWS
    for array in (filed[2:], ROWS):
        advise_random_access(array)
    assert filed.tolist() == ROWS.tolist()
    assert given == [mmap.MADV_RANDOM]
