"""Labels by a code book, from tables that tests write."""

import pandas as pd
import pytest

from textlstm.data.coded_labels import CodedLabels
from textlstm.errors import InputError

BOOK = "code,parent,description\nI,,Heart\nI21,I,Infarction\nI50,I,Failure\nJ,,Lungs\n"


@pytest.fixture
def book(tmp_path):
    (tmp_path / "book.csv").write_text(BOOK)
    return str(tmp_path / "book.csv")


def test_codes_outside_the_book_are_counted(book):
    cells = ["I21", " I ", "fell at home", "J", *["X9"] * 10]
    coded = CodedLabels.of(pd.Series(cells), book)
    assert coded.labels.tolist() == ["I21", "I", *cells[2:]]
    said = "11 records (78.6 %) of 2 codes outside the book, such as 'X9'; promises count them"
    assert said in coded.lines[0]
    assert "fell" not in coded.lines[0]  # a cell of few records may be a text, in a wrong column
    assert coded.lines[1] == "codes in use: 2 at level 1, 1 at level 2; the book has 3 leaves"


def test_a_crosswalk_maps_one_code_to_several_by_what_is_above_them(book, tmp_path):
    crosswalk = tmp_path / "crosswalk.csv"
    crosswalk.write_text("old,new,share\n410,I21,1\n4,I21,.5\n4,I50,.5\n9,J,.5\n9,I50,.5\n")
    coded = CodedLabels.of(pd.Series(["410", "4", "9"]), book, str(crosswalk))
    assert coded.labels.tolist() == ["I21", "I", "9"]
    assert coded.lines[0] == "the crosswalk maps 2 codes of 2 records"
    assert coded.lines[1] == "the crosswalk gives no code of the book for '9'"


def test_a_shipped_book_knows_codes_without_dots():
    coded = CodedLabels.of(pd.Series(["i219", "J18", "C34.1"]), "icd10")
    assert coded.labels.tolist() == ["I21.9", "J18", "C34.1"]
    assert coded.tree.levels[coded.tree.codes.index("I21.9")] == 4


@pytest.mark.parametrize(
    ("row", "message"),
    [("I21,,again", "row 6 names a code a second time"), (",I,none", "row 6 names no code"),
     ("K1,K,orphan", "the parent 'K' of code 'K1' is no code of the book")],
)  # fmt: skip
def test_a_bad_row_is_told(tmp_path, row, message):
    (tmp_path / "bad.csv").write_text(f"{BOOK}{row}\n")
    with pytest.raises(InputError, match=message):
        CodedLabels.of(pd.Series(["J"]), str(tmp_path / "bad.csv"))


def test_a_long_description_is_cut_and_told(tmp_path):
    (tmp_path / "long.csv").write_text(f"{BOOK}K,,{'word ' * 2000}\n")
    coded = CodedLabels.of(pd.Series(["J"]), str(tmp_path / "long.csv"))
    assert coded.lines[0] == "1 description of the book cut to 1,000 characters"
