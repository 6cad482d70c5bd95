import numpy as np
import pytest
from scipy import sparse

from textlstm.encoding.terms import document_frequencies
from textlstm.storage import arrays
from textlstm.storage.arrays import row_blocks, vstack_on_disk

ROWS = np.array([[0.0, 2.0, 0.5], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 3.0, 4.0]])


@pytest.mark.parametrize("at_a_time", [1, 3, 100])
def test_rows_in_files_are_the_rows(monkeypatch, in_a_file, at_a_time):
    monkeypatch.setattr(arrays, "BLOCK_ROWS", at_a_time)
    whole = sparse.csr_matrix(ROWS)
    rows = vstack_on_disk(whole[some] for some in row_blocks(4))
    assert in_a_file(rows.data) and in_a_file(rows.indices) and not in_a_file(whole.data)
    np.testing.assert_array_equal(rows.toarray(), ROWS)
    np.testing.assert_array_equal(rows.T @ ROWS, ROWS.T @ ROWS)
    np.testing.assert_array_equal(rows[[3, 0]].toarray(), ROWS[[3, 0]])


@pytest.mark.parametrize("shape", [(0, 3), (2, 3), (2, 0)])
def test_rows_without_an_entry(shape):
    rows = vstack_on_disk([sparse.csr_matrix(shape)])
    assert rows.shape == shape and rows.nnz == 0


def test_files_leave_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rows = vstack_on_disk([sparse.csr_matrix(ROWS)])
    assert rows.nnz == 5 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("at_a_time", [1, 100])
def test_frequencies_are_of_texts_by_their_weight(monkeypatch, at_a_time):
    monkeypatch.setattr(arrays, "BLOCK_ROWS", at_a_time)
    found = document_frequencies(sparse.csr_matrix(ROWS), np.array([5, 7, 11, 13]))
    assert found.tolist() == [11, 18, 18]
