"""Tables as offices keep them: workbooks, files of statistics programs, packed files, databases."""

import json
import os
import sqlite3

import openpyxl
import pandas as pd
import pyreadstat
import pytest
from commands import GOOD, QUICK, SECRET, Faults, carried_out, csv_of

from pipelines import run as run_stage
from textlstm.data.readers import read_table

fault = Faults()


def workbook(desk, rows, name="records.xlsx"):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(desk.folder / name)
    return desk.folder / name


@fault(201, "workbooks: sheets, headers, damage, encryption")
def _(desk):
    header = ("cause", "category")
    good = workbook(desk, [header, *GOOD])
    book = openpyxl.load_workbook(good)
    book.create_sheet("Notes").append(["see", "below"])
    book.save(good)
    learned = desk.learn(good)
    assert learned.status == 0 and "sheet 'Sheet'; not read: 'Notes' (--sheet" in learned.told
    assert desk.texts()[0] == "asthma"
    desk.run = desk.folder / "other"
    desk.refused(desk.learn(good, "--sheet", "Nots"), "no sheet 'Nots'; did you mean 'Notes'")
    desk.refused(desk.code(good, "--sheet", "Notes"), "no column 'cause'; it has 'see', 'below'")
    desk.refused_in_both(workbook(desk, [["Deaths"], header, *GOOD]), "row 2", "first row")
    desk.refused_in_both(
        workbook(desk, [("cause", "category", "cause"), *GOOD]), "'cause'", "twice"
    )
    desk.refused_in_both(workbook(desk, [("cause", None, "category")]), "column B has no name")
    desk.refused_in_both(workbook(desk, []), "first row of the sheet is empty")
    whole = good.read_bytes()
    for content in (whole[:2000], b"PK\x03\x04", SECRET.encode()):
        desk.refused_in_both(desk.file(content, "records.xlsx"), "not a readable .xlsx workbook")
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)
    desk.refused_in_both(desk.file(old, "records.xlsx"), "encrypted with a password")


@fault(202, "a workbook as the output: formulas, leading zeros, too much for a sheet")
def _(desk):
    rows = [("=1+1", "007"), ("fall, at home", "1e5"), ("@asthma", "")]
    data = workbook(desk, [("cause", "id")])
    book = openpyxl.load_workbook(data)
    for row in rows:
        book.active.append(row)
    book.active["A2"].data_type = "s"
    book.save(data)
    out = desk.folder / "coded.xlsx"
    outcome = desk.code(data, out=out)
    assert outcome.status == 0, outcome.told
    coded = read_table(str(out)).to_pylist()
    assert [(row["cause"], row["id"]) for row in coded] == rows
    sheet = openpyxl.load_workbook(out).active
    assert {cell.data_type for row in sheet["A2:B3"] for cell in row} == {"s"}
    assert sheet["D2"].data_type == "n" and 0 < sheet["D2"].value <= 1
    assert desk.coded(data)["id"].tolist() == [number for _, number in rows]
    desk.out.unlink()
    long = desk.file(f"cause\n{SECRET * 6000}\n")
    desk.refused(desk.code(long, out=desk.folder / "x.xlsx"), "column 'cause'", "32,767")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textlstm.storage.workbook_writer.MOST_ROWS", 30)
        many = desk.file("cause\n" + "fall\n" * 30)
        desk.refused(desk.code(many, out=desk.folder / "x.xlsx"), "more rows than a sheet")
    assert not list(desk.folder.glob("*x.xlsx*"))
    assert len(pd.read_excel(out)) == len(rows)


@fault(203, "files of statistics programs: labels as words, damage")
def _(desk):
    causes, labels = zip(*GOOD, strict=True)
    names = dict(enumerate(sorted(set(labels)), start=1))
    numbers = {name: number for number, name in names.items()}
    frame = pd.DataFrame({"cause": causes, "category": [float(numbers[name]) for name in labels]})
    stata, spss = desk.folder / "records.dta", desk.folder / "records.sav"
    frame.to_stata(stata, write_index=False, value_labels={"category": names})
    pyreadstat.write_sav(frame, spss, variable_value_labels={"category": names})
    for data in (stata, spss):
        desk.run = desk.folder / data.suffix[1:]
        learned = desk.learn(data)
        assert learned.status == 0 and "value labels, not as numbers: 'category'" in learned.told
        train = pd.read_parquet(desk.run / "records" / "train.parquet")
        assert set(train["label"]) == set(labels)
        assert desk.coded(data)["cause"].tolist() == list(causes)
        desk.out.unlink()
    desk.run = desk.folder / "run"
    for ending in (".dta", ".sav", ".xpt", ".sas7bdat"):
        damaged = desk.file(csv_of(GOOD), f"records{ending}")
        desk.refused_in_both(damaged, "records", "not a readable", "may be damaged")


@fault(204, "cells that stand for missing values: NA, nan, a point")
def _(desk):
    rows = [*GOOD, ("NA", "External"), (" nan ", "External"), ("fall", "NA"), ("fall", "."),
            ("stroke", "NULL"), ("nan asthma", "Respiratory")]  # fmt: skip
    data = desk.file(csv_of(rows))
    learned = desk.learn(data)
    assert learned.status == 0, learned.told
    assert "3 records have a label that often stands for a missing one" in learned.told
    assert "unless --missing names it: " in learned.told and "'NULL'" in learned.told
    outcome = carried_out(
        run_stage.main, "--data", data, "--text", "cause", "--label", "category", "--run",
        desk.folder / "trained", "--missing", "NA", "nan", ".", "NULL", *QUICK,
    )  # fmt: skip
    assert outcome.status == 0, outcome.told
    assert "missing one" not in outcome.told
    assert "2 records left out: empty text" in outcome.told, outcome.told
    assert "3 records left out: empty label" in outcome.told, outcome.told
    new = desk.file("cause,id\nNA,NA\nfall,nan\n", "new.csv")
    outcome = desk.code(new, run=desk.folder / "trained")
    assert outcome.status == 0 and "50.0 % of the records without a word" in outcome.told, (
        outcome.told
    )
    coded = pd.read_csv(desk.out, dtype=str, keep_default_na=False)
    assert coded["cause"].tolist() == ["NA", "fall"] and coded["id"].tolist() == ["NA", "nan"]
    assert coded["decision"][0] == "review"


@fault(205, "queries to a database: writes, locks, passwords")
def _(desk):
    path = desk.folder / "records.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table deaths (cause text, category text)")
        connection.executemany("insert into deaths values (?, ?)", GOOD)
    connection.close()
    before, address, query = path.read_bytes(), f"sqlite:///{path}", "select * from deaths"

    def refused_in_both(data, query, *words):
        desk.refused(desk.learn(data, "--query", query), *words)
        desk.refused(desk.code(data, "--query", query), *words)

    refused_in_both(address, "delete from deaths", "only a query that reads")
    refused_in_both(address, "select * from death", "there is no table 'death'")
    refused_in_both(address, "select cause as category from deaths", "no column 'cause'")
    desk.refused_in_both(address, "a database; --query")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textlstm.data.databases.SECONDS", 0.1)
        with sqlite3.connect(path) as writer:
            writer.execute("begin exclusive")
            refused_in_both(address, query, "locked by another program")
        writer.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", "")
        password = f"{SECRET}%20word"
        server = f"postgresql://ann:{password}@127.0.0.1:1/deaths"
        refused_in_both(server, query, "postgresql://ann@127.0.0.1:1/deaths", "cannot be opened")
        assert os.environ["PGPASSWORD"] == f"{SECRET} word"
        desk.refused(desk.learn(desk.file(csv_of(GOOD)), "--by", server), "ann:***@")
    outcome = desk.learn(address, "--query", query)
    assert outcome.status == 0, outcome.told
    settings = json.loads((desk.run / "config.json").read_text())["data"]
    assert (settings["data"], settings["query"]) == (address, query)
    assert desk.coded(address, "--query", query)["cause"].tolist() == [text for text, _ in GOOD]
    assert path.read_bytes() == before


@pytest.mark.parametrize("number", fault.cases())
def test_fault(number, desk):
    fault.check(number, desk)
