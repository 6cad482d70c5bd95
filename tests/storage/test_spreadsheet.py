import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textlstm.storage.spreadsheet import csv_bytes, escape_formula, unescape_formula, write_csv

FLOATS = st.floats(width=32)
TABLE = pd.DataFrame(
    {
        "text": ["Ménière", "=1+1", 'a "b", c\nd', ""],
        "name": pd.Categorical(["x", "-y", "x", "z"]),
        "number": [1, 2, -3, 10**15],
        "share": [0.1, float("nan"), 1e-9, 1e22],
        "short": np.array([0.1, np.nan, 1 / 3, 1e30], dtype=np.float32),
        "right": [True, False, True, True],
        "count": pd.array([48, None, 0, 7], dtype="Int64"),
        "mixed": [48, None, 0.5, "@"],
    }
)


def by_pandas(table, **options):
    """The same table as pandas writes it, texts escaped."""
    escaped = table.map(lambda cell: escape_formula(cell) if isinstance(cell, str) else cell)
    dtypes = table.select_dtypes("number").dtypes
    return escaped.astype(dtypes).to_csv(index=False, lineterminator="\n", **options)


def test_a_table_is_written_as_pandas_writes_it():
    assert csv_bytes(TABLE) == by_pandas(TABLE).encode()
    assert csv_bytes(TABLE[:0]) == by_pandas(TABLE[:0]).encode()


@given(st.lists(st.tuples(FLOATS, st.floats(), st.integers(-(2**62), 2**62), st.booleans())))
def test_any_number_is_written_as_pandas_writes_it(rows):
    table = pd.DataFrame(rows, columns=["short", "long", "whole", "yes"])
    table = table.astype({"short": np.float32, "long": float, "whole": np.int64, "yes": bool})
    assert csv_bytes(table) == by_pandas(table).encode()


def test_a_dictionary_of_lists_is_a_table_too(tmp_path):
    columns = {"epoch": [1, 2], "loss": [0.25, 1e-05], "note": ["+", None]}
    write_csv(tmp_path / "a.csv", columns)
    assert (tmp_path / "a.csv").read_bytes() == b"epoch,loss,note\n1,0.25,'+\n2,1e-05,\n"
    with pytest.raises(ValueError, match=r"longer|shorter"):
        csv_bytes({"a": [1], "b": []})


def test_a_file_for_people_begins_with_a_byte_order_mark(tmp_path):
    write_csv(tmp_path / "a.csv", TABLE, for_people=True)
    assert (tmp_path / "a.csv").read_bytes() == by_pandas(TABLE).encode("utf-8-sig")
    assert csv_bytes(TABLE, for_people=True) == by_pandas(TABLE).encode("utf-8-sig")


@given(st.text(max_size=5))
def test_an_escaped_cell_is_no_formula_and_escaping_it_again_changes_nothing(cell):
    escaped = escape_formula(cell)
    assert escape_formula(escaped) == escaped
    assert escaped == cell or unescape_formula(escaped) == cell
