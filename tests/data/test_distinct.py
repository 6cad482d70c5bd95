"""Distinct inputs, and the records that they stand for."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from textlstm.data.cells import distinct_records
from textlstm.data.distinct import Distinct, DistinctBuilder, relabel


@pytest.mark.parametrize("size", [1, 7, 30])
def test_distinct_rows_of_parts_are_those_of_the_whole(size):
    cells, numbers = [None, "x", "y", "x", "1", "", "1"] * 4, [n % 3 for n in range(28)]
    rows = [(cell or "", str(number)) for cell, number in zip(cells, numbers, strict=True)]
    table = pa.table({"a": cells, "other": range(28), "b": numbers})
    builder = DistinctBuilder()
    for start in range(0, 28, size):
        builder.add(distinct_records(table.slice(start, size), ["a", "b"], ""))
    records = builder.build()
    assert len(builder) == len(records) == 28 and records.inverse.dtype == np.int32
    assert sorted(records.values) == sorted(set(rows))
    assert list(records) == rows


@pytest.mark.parametrize("kind", ["list", "str", "category"])
def test_distinct_inputs_restore_the_records(kind):
    inputs = ["mi", "fall", "mi", "", "fall"]
    texts = Distinct.of(inputs if kind == "list" else pd.Series(inputs, dtype=kind))
    assert texts.values == ["mi", "fall", ""] and list(texts) == inputs and len(texts) == 5
    assert texts.counts.tolist() == [2, 2, 1]
    assert list(texts.map(lambda values: list(map(len, values)))) == [2, 4, 2, 0, 4]
    assert list(texts.take(np.array([4, 0]))) == ["fall", "mi"]
    assert list(texts.take(texts.inverse == 0)) == ["mi", "mi"]


def test_inputs_need_not_be_texts():
    inputs = [("fall", 81), ("fall", 24), ("fall", 81)]
    assert Distinct.of(inputs).values == inputs[:2]


def test_series_are_deduplicated_by_pandas():
    assert Distinct.of(pd.Series(["b", "a", "b"])).inverse.dtype == np.intp
    assert Distinct.of(["b", "a", "b"]).inverse.dtype == np.int32


def test_renamed_values_keep_their_index():
    values = pd.Series(["b", "a", "B"], index=[7, 3, 5])
    expected = pd.Series(["b", "a", "b"], index=[7, 3, 5], dtype=pd.CategoricalDtype(["a", "b"]))
    pd.testing.assert_series_equal(relabel(values, str.lower), expected)
