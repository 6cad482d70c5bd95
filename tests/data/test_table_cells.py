"""Cells of tables, and records of other libraries, as text."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from textlstm.data.cells import as_records, column, distinct_records, without_missing
from textlstm.errors import InputError


def test_bytes_are_no_text(tmp_path):
    with pytest.raises(InputError, match="bytes"):
        column(pa.table({"a": [b"x"]}), "a", "t")


@pytest.mark.parametrize(
    "texts",
    [
        [("a", "b"), ("c", "")],
        np.array([["a", "b"], ["c", None]], dtype=object),
        pd.DataFrame({"x": ["a", "c"], "y": ["b", None]}),
    ],
)
def test_several_fields_in_any_table(texts):
    assert list(as_records(texts)) == [("a", "b"), ("c", "")]


def test_one_field_in_any_sequence():
    expected = [("a",), ("1",), ("",)]
    assert list(as_records(["a", 1, None])) == expected
    assert list(as_records(pd.Series(["a", "1", pd.NA]))) == expected
    assert list(as_records(pd.Index(["a", "1", None]))) == expected
    assert list(as_records(np.array([]))) == list(as_records([])) == []


def test_a_frame_is_asked_for_its_cells_in_chunks():
    frame = pd.DataFrame({"x": list("abcde"), "y": [1, 2, None, 4.5, 5]}, index=[9, 9, 2, 1, 0])
    expected = [("a", "1.0"), ("b", "2.0"), ("c", ""), ("d", "4.5"), ("e", "5.0")]
    assert list(as_records(frame, chunk_rows=2)) == expected
    assert list(as_records(frame["x"], chunk_rows=2)) == [(one,) for one in "abcde"]


@pytest.mark.parametrize(
    "texts", ["one text", np.zeros((1, 1, 1)), [b"x"], 7, [("a", "b"), ("c",)]]
)
def test_what_is_no_table_of_texts_is_refused(texts):
    with pytest.raises(InputError):
        list(as_records(texts))


def test_cells_of_a_dictionary_are_texts():
    cells = pa.array(["b", None, "a", "b"]).dictionary_encode()
    assert column(pa.table({"a": cells}), "a", "") == ["b", "", "a", "b"]


def test_distinct_records_give_the_rows_back():
    rows = [("x", "1"), ("", "2"), ("x", "1"), ("x", "2"), ("", "")]
    table = pa.table({"a": ["x", None, "x", "x", ""], "b": [1, 2, 1, 2, None]})
    records = distinct_records(table, ["a", "b"], "")
    assert list(records) == rows
    assert len(set(records.values)) == len(records.values) == 4


def test_cells_that_are_said_to_be_missing_are_empty():
    table = pa.table({"a": ["NA", " NA ", "NAB", "na", None], "b": [1, 99, 3, 4, 5]})
    records = distinct_records(table, ["a", "b"], "", missing=("NA", "99"))
    expected = [("", "1"), ("", ""), ("NAB", "3"), ("na", "4"), ("", "5")]
    assert list(records) == expected
    changed = without_missing(table, ["a"], "", ("NA",))
    assert changed["a"].to_pylist() == ["", "", "NAB", "na", ""]
    assert changed["b"].equals(table["b"]) and without_missing(table, ["a"], "", ()) is table
