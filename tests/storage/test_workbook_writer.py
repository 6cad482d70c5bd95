"""Workbooks as they are written: openpyxl and our own reader read what was meant."""

import openpyxl
import pyarrow as pa
import pytest

from textlstm.data.readers import read_table
from textlstm.errors import InputError
from textlstm.storage import workbook_writer
from textlstm.storage.output_tables import write_table
from textlstm.storage.resumable import resumable_shards

TEXTS = ["=1+1", "0123", "", ' a <b> & "c" ', "x\ny\r\nz", "\x07 _x0007_", "_x", "@é\U0001f469"]
TABLE = pa.table({
    "=text": TEXTS, "share": [0.5, None, float("nan"), 1e20, -1.0, 1e-9, 3.0, float("inf")],
    "number": [1, None, 2**53, 2**53 + 1, -5, 0, 7, 8],
    "true": [True, False, None, True, True, True, True, True],
})  # fmt: skip
"""Cells that a spreadsheet could take for something else."""


def test_texts_stay_texts_and_numbers_are_numbers(tmp_path):
    out = tmp_path / "out.xlsx"
    write_table(TABLE, out)
    sheet = openpyxl.load_workbook(out).active
    assert sheet["A1"].data_type == sheet["A2"].data_type == sheet["A3"].data_type == "s"
    assert [sheet.cell(row, 2).value for row in (2, 3, 4, 5)] == [0.5, None, None, 1e20]
    assert sheet["C4"].value == 2**53 and sheet["C5"].value == str(2**53 + 1)
    assert sheet["D2"].value is True
    read = read_table(str(out)).to_pydict()
    assert read["=text"] == TEXTS
    assert read["share"] == ["0.5", "", "", "1e+20", "-1", "1e-09", "3", "inf"]
    assert read["number"][2:4] == [str(2**53), str(2**53 + 1)]
    assert out.stat().st_mode & 0o777 == 0o600


def test_shards_make_one_sheet(tmp_path):
    out = tmp_path / "out.xlsx"
    with resumable_shards(out, {}) as shards, shards.concatenating() as append:
        for number in range(4):
            shards.write(number, TABLE.slice(number * 2, 2), {})
            append()
        assert shards.any()
    assert read_table(str(out)).to_pydict()["=text"] == TEXTS
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["x"] * 30, "more rows than a sheet"),
        (["x" * 32_768], "column 'a' has a cell of 32,768 characters"),
        ([[1]], "column 'a' cannot be written as .xlsx"),
    ],
)
def test_what_a_sheet_cannot_hold_is_refused_and_leaves_nothing(
    tmp_path, monkeypatch, cells, message
):
    monkeypatch.setattr(workbook_writer, "MOST_ROWS", 30)
    out = tmp_path / "out.xlsx"
    with (
        pytest.raises(InputError, match=message),
        resumable_shards(out, {}) as shards,
        shards.concatenating() as append,
    ):
        shards.write(0, pa.table({"a": cells}), {})
        append()
    assert not list(tmp_path.iterdir())
