"""Files of Stata, SAS and SPSS: values as text, labels, dates, damage."""

import datetime as dt
import sys

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from written_tables import read_all, sas7bdat, write

from textlstm.data.readers import iter_tables, read_table
from textlstm.errors import InputError

NUMBERS = [1.0, 1e20, 0.5, None]
FRAME = pd.DataFrame({
    "cause": ["fall,\n\"at\" home", "", "0123", "NA"],
    "sex": [1.0, 2.0, 9.0, None],
    "number": NUMBERS,
    "day": pd.to_datetime(["2020-01-31", None, "1899-12-31", "2020-02-29"]),
    "moment": pd.to_datetime(["2020-01-31 14:05:07", None, "2020-02-01 00:00:00",
                              "2020-02-29 23:59:59"]),
})  # fmt: skip
LABELS = {"sex": {1: "male", 2: "female"}}
EXPECTED = {
    "cause": FRAME["cause"].tolist(),
    "sex": ["male", "female", "9", ""],
    "number": ["1", "1e+20", "0.5", ""],
    "day": ["2020-01-31", "", "1899-12-31", "2020-02-29"],
    "moment": ["2020-01-31 14:05:07", "", "2020-02-01", "2020-02-29 23:59:59"],
}
NOT_LABELLED = EXPECTED | {"sex": ["1", "2", "9", ""]}


def stata(path, frame=FRAME, **options):
    dates = {"day": "td", "moment": "tc"}
    frame.to_stata(path, write_index=False, value_labels=LABELS,
                   convert_dates={name: dates[name] for name in dates if name in frame},
                   **{"version": 118} | options)  # fmt: skip


def spss(path, frame=FRAME, **options):
    pyreadstat.write_sav(frame, path, variable_value_labels=LABELS, **options)


def xport(path, frame=FRAME, **options):
    pyreadstat.write_xport(frame, path, **{"file_format_version": 5} | options)


def sas(path, frame=FRAME):
    since = pd.Timestamp(1960, 1, 1)
    columns = [("cause", "", False), ("sex", "", True), ("number", "BEST", True),
               ("day", "YYMMDD", True), ("moment", "DATETIME", True)]  # fmt: skip
    rows = [
        (
            row.cause, row.sex, row.number,
            None if pd.isna(row.day) else (row.day - since).days,
            None if pd.isna(row.moment) else (row.moment - since).total_seconds(),
        )
        for row in frame.itertuples()
    ]  # fmt: skip
    rows = [[None if cell != cell else cell for cell in row] for row in rows]
    path.write_bytes(sas7bdat(columns, rows))


WRITERS = {".dta": stata, ".sav": spss, ".xpt": xport, ".sas7bdat": sas}


def lines_of(path):
    lines = []
    list(iter_tables(str(path), log=lines.append))
    return lines


@pytest.mark.parametrize("ending", WRITERS)
def test_values_are_read_as_text_in_chunks_of_any_size(tmp_path, ending):
    path = tmp_path / f"t{ending}"
    WRITERS[ending](path)
    expected = EXPECTED if ending in (".dta", ".sav") else NOT_LABELLED
    assert read_table(str(path)).to_pydict() == expected
    assert read_all(str(path), chunk_rows=1).to_pydict() == expected
    assert read_all(str(path), chunk_rows=3).to_pydict() == expected
    told = ["read as their value labels, not as numbers: 'sex'"] if expected is EXPECTED else []
    assert [line.partition(": ")[2] for line in lines_of(path)] == told


def test_the_data_set_that_the_tests_write_is_one_to_another_reader(tmp_path):
    sas(tmp_path / "t.sas7bdat")
    frame, _ = pyreadstat.read_sas7bdat(tmp_path / "t.sas7bdat")
    assert frame["cause"].tolist() == EXPECTED["cause"]
    assert frame["day"].tolist()[0] == dt.date(2020, 1, 31)


@pytest.mark.parametrize("ending", [".dta", ".sav"])
def test_a_table_without_rows_has_its_columns(tmp_path, ending):
    WRITERS[ending](tmp_path / f"t{ending}", FRAME.head(0).drop(columns=["day", "moment"]))
    table = read_table(str(tmp_path / f"t{ending}"))
    assert table.to_pydict() == {"cause": [], "sex": [], "number": []}


@pytest.mark.parametrize("ending", WRITERS)
def test_damaged_files_are_refused(tmp_path, ending):
    path = tmp_path / f"t{ending}"
    for content in (b"cause,label\n", b"\0" * 5000, b"HEADER RECORD*******" * 100):
        with pytest.raises(InputError, match="not a readable"):
            read_table(write(path, content))
    WRITERS[ending](path)
    whole = path.read_bytes()
    for end in (30, len(whole) // 3, len(whole) // 2):
        with pytest.raises(InputError, match="not a readable"):
            read_table(write(path, whole[:end]))


def test_labels_may_repeat_or_be_empty(tmp_path):
    path = tmp_path / "t.dta"
    frame = FRAME[["sex"]].fillna(3)
    frame.to_stata(path, write_index=False, value_labels={"sex": {1: "x", 2: "x", 9: ""}})
    assert read_table(str(path))["sex"].to_pylist() == ["x", "x", "9", "3"]


def test_long_texts_and_old_versions_of_stata(tmp_path):
    path, texts = tmp_path / "t.dta", ["x" * 40_000, "caf\u00e9", ""]
    frame = pd.DataFrame({"cause": texts, "n": [1, 2, 3]})
    frame.to_stata(path, write_index=False, convert_strl=["cause"], version=118)
    assert read_table(str(path)).to_pydict() == {"cause": texts, "n": ["1", "2", "3"]}
    frame.iloc[1:].to_stata(path, write_index=False, version=114)
    assert read_table(str(path))["cause"].to_pylist() == texts[1:]


def test_missing_values_with_a_letter_are_empty(tmp_path):
    path = tmp_path / "t.dta"
    pyreadstat.write_dta(
        pd.DataFrame({"n": [1, "a"]}, dtype=object), path, missing_user_values={"n": ["a"]}
    )
    assert read_table(str(path))["n"].to_pylist() == ["1", ""]


def test_missing_values_of_spss_are_empty(tmp_path):
    spss(tmp_path / "t.sav", missing_ranges={"sex": [9], "cause": ["NA"]})
    table = read_table(str(tmp_path / "t.sav"))
    assert table["sex"].to_pylist() == ["male", "female", "", ""]
    assert table["cause"].to_pylist()[-1] == ""


def test_transport_files_have_no_character_set_of_their_own(tmp_path):
    path = tmp_path / "t.xpt"
    xport(path, pd.DataFrame({"cause": ["cafe"]}))
    path.write_bytes(path.read_bytes().replace(b"cafe", "caf\u00e9".encode("latin-1")))
    with pytest.raises(InputError, match=r"column 'cause' is not utf-8.*--charset latin-1"):
        read_table(str(path))
    assert read_table(str(path), "latin-1")["cause"].to_pylist() == ["caf\u00e9"]


def test_a_data_set_tells_its_character_set(tmp_path):
    path = tmp_path / "t.sas7bdat"
    path.write_bytes(
        sas7bdat([("cause", "", False), ("t", "TIME", True)], [["caf\u00e9", 50700.0]], 29)
    )
    assert read_table(str(path)).to_pydict() == {"cause": ["caf\u00e9"], "t": ["14:05:00"]}
    path.write_bytes(path.read_bytes().replace(bytes([29]), bytes([20]), 1))
    with pytest.raises(InputError, match="not a readable SAS file") as caught:
        read_table(str(path))
    assert "caf" not in str(caught.value)
    path.write_bytes(sas7bdat([("a", "", False), ("a", "", False)], [["x", "y"]]))
    with pytest.raises(InputError, match="'a' stands there twice"):
        read_table(str(path))


def test_without_its_library_spss_says_what_to_install(tmp_path, monkeypatch):
    spss(tmp_path / "t.sav")
    monkeypatch.setitem(sys.modules, "pyreadstat", None)
    with pytest.raises(InputError, match=r"needs pyreadstat.*install '\.\[spss\]'"):
        read_table(str(tmp_path / "t.sav"))


def test_rows_are_limited(tmp_path, monkeypatch):
    stata(tmp_path / "t.dta", pd.DataFrame({"sex": np.ones(40)}))
    monkeypatch.setattr("textlstm.data.allowance.MAX_ROWS", 10)
    monkeypatch.setattr("textlstm.data.allowance.ROWS_PER_BYTE", 0)
    with pytest.raises(InputError, match="40 rows, more than the 10"):
        read_table(str(tmp_path / "t.dta"))
