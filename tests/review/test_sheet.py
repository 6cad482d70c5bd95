import csv

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from textlstm.errors import InputError
from textlstm.inference.scoring import Scores
from textlstm.review.answers import expand_to_records
from textlstm.review.queue import build_queue, questions
from textlstm.review.sheet import (
    queue_csv,
    queue_frame,
    read_answers,
    require_free_names,
    safe_names,
)

LABELS = ("Circulatory", "External", "-Other", "Respiratory")
COLUMNS = ("cause", "other")


def queue_of(fields, probabilities, labels, columns):
    """The spreadsheet of texts that one record each has."""
    asked = questions(fields, np.ones(len(fields), int))
    scores = Scores.of(np.array(probabilities), np.ones(len(fields), dtype=bool))
    items = build_queue(asked, scores, labels, [[]] * len(fields))
    return queue_frame(items, columns, len(labels))


def test_the_columns_and_cells_of_a_queue(queue):
    assert queue["cause"].tolist() == ["'=fall", "Stroke", "COPD"]
    assert list(queue) == [
        "item", "records", "cause", "other", "label_1", "probability_1", "label_2",
        "probability_2", "label_3", "probability_3", "deciding_words", "code",
    ]  # fmt: skip
    first = queue.iloc[0]
    assert (first["label_1"], first["label_2"], first["label_3"]) == (
        "External", "'-Other", "Respiratory"
    )  # fmt: skip
    assert (first["probability_1"], first["deciding_words"]) == (0.4, "'-fall, hip")
    assert set(queue["code"]) == {""}


def test_names_of_columns_are_no_formulas_and_read_back():
    columns = ("=1+1", "a\u202eb\x1b")
    queue = queue_of([("fall", "hip")], [[0.2, 0.8]], ("x", "y"), columns)
    assert list(queue)[2:4] == ["'=1+1", r"a\u202eb\x1b"]
    table = pa.Table.from_pandas(queue.assign(code="x").astype(str), preserve_index=False)
    for names in (table.column_names, [*table.column_names[:2], *columns, *table.column_names[4:]]):
        filled = table.rename_columns(names)
        back = read_answers(filled, "q.csv", columns, {"x", "y"})
        assert expand_to_records(back, columns, "label").to_dict("records") == [
            {columns[0]: "fall", columns[1]: "hip", "label": "x"}
        ]
    for look_alike in (("=a", "'=a"), ("a\x1b", r"a\x1b")):
        with pytest.raises(InputError, match="cannot be told apart"):
            safe_names(look_alike)


def test_with_two_classes_two_labels_have_columns():
    queue = queue_of([("a",)], [[0.2, 0.8]], ("x", "y"), ["cause"])
    assert [name for name in queue if "label" in name] == ["label_1", "label_2"]


def test_an_empty_queue_has_its_columns(queue):
    assert list(queue_frame([], COLUMNS, len(LABELS))) == list(queue)
    assert queue_csv([], ("cause",), 2) == (
        b"\xef\xbb\xbfitem,records,cause,label_1,probability_1,label_2,probability_2,"
        b"deciding_words,code\n"
    )


def test_a_text_column_with_the_name_of_a_column_of_the_queue_is_refused():
    with pytest.raises(InputError, match="a queue has a column 'code' of its own"):
        require_free_names(["cause", "code"])
    require_free_names(["cause", "queue"])


def test_answers_are_as_they_were_before_the_spreadsheet(answered):
    found = answered(["'-Other", "", " Respiratory "])
    assert found["code"].tolist() == ["-Other", "Respiratory"]
    assert found[["cause", "other"]].to_numpy().tolist() == [["=fall", "hip"], ["COPD", ""]]
    assert found["label_2"].tolist() == ["-Other", "Circulatory"]
    assert answered(["-Other", "", ""])["code"].tolist() == ["-Other"]
    assert len(answered(["", "", ""])) == 0


def test_a_cell_that_had_its_apostrophe_from_the_start_is_kept():
    queue = queue_of([("'-x",), ("'tis",)], np.full((2, 4), 0.25), LABELS, ["cause"])
    table = pa.Table.from_pandas(queue.assign(code="External").astype(str))
    found = read_answers(table, "q.csv", ["cause"], {"External"})
    assert found["item"].tolist() == queue["item"].tolist()


@pytest.mark.parametrize(
    ("codes", "changes", "message"),
    [
        (
            ["Externl", "External", "lung"],
            {},
            r"q\.csv: rows 2, 4 .the header is row 1.: the code is none.*'External'",
        ),
        (
            "External",
            {"cause": ["'=fall", "a stroke", "COPD"]},
            r"row 3 .*: the text is not the one",
        ),
        ("External", {"item": ["x", "y", "z"]}, r"q\.csv: none of its texts.*another --run or --"),
        ("External", {"records": ["2", "0", "1.5"]}, r"q\.csv: rows 3, 4 .*: 'records'"),
    ],
)
def test_wrong_rows_are_named_and_not_quoted(answered, codes, changes, message):
    with pytest.raises(InputError, match=message) as caught:
        answered(codes, **changes)
    assert "stroke" not in str(caught.value) and "lung" not in str(caught.value)


def test_a_code_in_other_upper_and_lower_case_is_the_label_it_can_only_be(queue):
    table = pa.Table.from_pandas(
        queue.assign(code=["EXTERNAL", "'-OTHER", "respiratory "]).astype(str)
    )
    told = []
    known = {*LABELS, "Respiratory", "fall", "Fall"}
    found = read_answers(table, "q.csv", COLUMNS, known, told.append)
    assert found["code"].tolist() == ["External", "-Other", "Respiratory"]
    assert len(told) == 1 and told[0].startswith("q.csv: 3 codes are read as the label")
    exact = pa.Table.from_pandas(queue.assign(code="External").astype(str))
    read_answers(exact, "q.csv", COLUMNS, known, told.append)
    assert len(told) == 1
    twice = pa.Table.from_pandas(queue.assign(code=["FALL", "Fall", "fall"]).astype(str))
    with pytest.raises(InputError, match=r"row 2 .*: the code is none of the labels"):
        read_answers(twice, "q.csv", COLUMNS, known)


def test_a_code_that_no_label_is_is_allowed_by_a_flag(queue):
    table = pa.Table.from_pandas(queue.assign(code=["New", "external", ""]).astype(str))
    with pytest.raises(InputError, match=r"row 2 .*: the code is none of the labels"):
        read_answers(table, "q.csv", COLUMNS, set(LABELS))
    answers = read_answers(table, "q.csv", COLUMNS, set(LABELS), new_codes=True)
    assert answers["code"].tolist() == ["New", "External"]


def test_many_wrong_rows_are_counted(queue):
    many = pd.concat([queue] * 3, ignore_index=True)
    with pytest.raises(InputError, match=r"rows 2, 3, 4, 5, 6 and 4 more"):
        read_answers(pa.Table.from_pandas(many.assign(code="wrong").astype(str)), "q.csv", COLUMNS,
                     set(LABELS))  # fmt: skip


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="no column 'code'"):
        read_answers(pa.table({"item": ["x"], "records": ["1"], "cause": [""], "other": [""],
                                 "label_1": [""]}), "q.csv", COLUMNS, set())  # fmt: skip


def test_no_cell_of_a_queue_is_a_formula(queue, tmp_path):
    queue.to_csv(tmp_path / "q.csv", index=False)
    with (tmp_path / "q.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
