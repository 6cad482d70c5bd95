"""Unique rows of matrices in memory and in files."""

import numpy as np
import pytest

from textlstm.encoding.unique_rows import unique_rows
from textlstm.storage import arrays


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("at_a_time", [0, 1, 7, 1000])
def test_many_rows_are_sorted_some_at_a_time(monkeypatch, width, at_a_time):
    ids = np.random.default_rng(0).integers(0, 3, (200, width), dtype=np.int32) * 300
    monkeypatch.setattr(arrays, "BLOCK_ROWS", 7)
    rows, inverse = unique_rows(ids, max_bytes=at_a_time * width * 4)
    expected, expected_inverse = np.unique(ids, axis=0, return_inverse=True)
    assert rows.tolist() == expected.tolist()
    assert inverse.tolist() == expected_inverse.ravel().tolist()
