"""Tables of any format."""

import re
from dataclasses import fields
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from written_tables import write

from textlstm.config import DataConfig
from textlstm.data.cells import column
from textlstm.data.readers import read_table, reader_of
from textlstm.errors import InputError
from textlstm.formats import CONVERSIONS, ENDINGS


def test_tsv_json_lines_and_parquet(tmp_path):
    tsv = read_table(write(tmp_path / "t.tsv", "a\tb\n1\tx,y\n"))
    assert column(tsv, "b", "") == ["x,y"]
    lines = '{"a": 1, "b": null}\n\n{"a": "\\ud800", "c": [2]}\n'
    jsonl = read_table(write(tmp_path / "t.jsonl", lines))
    assert [column(jsonl, name, "") for name in "abc"] == [["1", "\ufffd"], ["", ""], ["", "[2]"]]
    pq.write_table(pa.table({"a": [1, None], "b": ["NA", None]}), tmp_path / "t.parquet")
    parquet = read_table(str(tmp_path / "t.parquet"))
    assert [column(parquet, name, "") for name in "ab"] == [["1", ""], ["NA", ""]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.jsonl", "{\n", "line 1"),
        ("t.jsonl", "[1]\n", "line 1"),
        ("t.parquet", "PAR0", "Parquet"),
        ("t.xlsx", "x", "not a readable .xlsx workbook"),
        ("t.ods", "x", "unknown format.*save it as .xlsx in the spreadsheet program"),
    ],
)
def test_other_broken_files_are_refused(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message):
        read_table(write(tmp_path / name, content))


def test_a_missing_file_and_a_missing_column_are_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_table(str(tmp_path / "t.csv"))
    table = read_table(write(tmp_path / "t.csv", "cause,sex\nx,y\n"))
    with pytest.raises(InputError, match="no column 'label'; it has 'cause', 'sex'"):
        column(table, "label", "t.csv")


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_an_empty_table_has_columns(tmp_path, ending):
    path = tmp_path / f"t{ending}"
    if ending == ".parquet":
        pq.write_table(pa.table({"a": pa.array([], pa.string())}), path)
    else:
        path.write_text("a\n" if ending == ".csv" else "")
    table = read_table(str(path))
    assert len(table) == 0
    assert table.column_names == ([] if ending == ".jsonl" else ["a"])


@pytest.mark.parametrize("ending", ENDINGS)
def test_each_format_has_a_reader(ending):
    assert callable(reader_of(Path(f"T{ending.upper()}")))


def test_help_and_messages_name_the_formats(tmp_path):
    helps = {item.name: item.metadata["help"] for item in fields(DataConfig)}
    assert all(ending in helps["data"] for ending in ENDINGS)
    with pytest.raises(InputError, match=re.escape("use " + ", ".join(ENDINGS))):
        read_table(write(tmp_path / "t.doc", ""))


@pytest.mark.parametrize("ending", [*CONVERSIONS, "", ".pdf", ".csv.bz2", ".sav.gz"])
def test_unknown_formats_say_how_to_convert_them(tmp_path, ending):
    hint = CONVERSIONS.get(ending[ending.rfind(".") :], "save it as one of these")
    with pytest.raises(InputError, match=re.escape(hint)):
        read_table(write(tmp_path / f"t{ending}", "a,b\n1,2\n"))
