import csv

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from textlstm.errors import InputError
from textlstm.inference.scoring import Scores
from textlstm.review import queue as review

FIELDS = [("Stroke", ""), ("=fall", "hip"), ("stroke.", ""), ("", "."), ("COPD", "")]
RECORDS = np.array([3, 2, 4, 9, 1])
LABELS = ("Circulatory", "External", "-Other", "Respiratory")
COLUMNS = ("cause", "other")


@pytest.fixture
def queue():
    asked = review.questions(FIELDS, RECORDS)
    probabilities = np.array([[0.9, 0.05, 0.04, 0.01], [0.1, 0.4, 0.3, 0.2], [0.2, 0.1, 0.2, 0.5]])
    scores = Scores.of(probabilities, np.ones(3, dtype=bool))
    return review.build_queue(asked, scores, LABELS, [["stroke"], ["-fall", "hip"], []], COLUMNS)


def test_a_text_is_asked_once_and_no_text_not_at_all():
    asked = review.questions(FIELDS, RECORDS)
    assert asked.fields == [("Stroke", ""), ("=fall", "hip"), ("COPD", "")]
    assert asked.records.tolist() == [7, 2, 1]
    nothing = review.questions([("", "")], np.array([5]))
    assert nothing.texts == [] and len(nothing.records) == 0


def test_the_queue_starts_where_a_code_corrects_most_records(queue):
    # Expected corrections: 7 x 0.1, 2 x 0.6, 1 x 0.5.
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
    asked = review.questions([("fall", "hip")], np.array([1]))
    scores = Scores.of(np.array([[0.2, 0.8]]), np.array([True]))
    queue = review.build_queue(asked, scores, ("x", "y"), [[]], columns)
    assert list(queue)[2:4] == ["'=1+1", r"a\u202eb\x1b"]
    table = pa.Table.from_pandas(queue.assign(code="x").astype(str), preserve_index=False)
    for names in (table.column_names, [*table.column_names[:2], *columns, *table.column_names[4:]]):
        filled = table.rename_columns(names)
        back = review.read_answers(filled, "q.csv", columns, {"x", "y"})
        assert review.expand_to_records(back, columns, "label").to_dict("records") == [
            {columns[0]: "fall", columns[1]: "hip", "label": "x"}
        ]
    for look_alike in (("=a", "'=a"), ("a\x1b", r"a\x1b")):
        with pytest.raises(InputError, match="cannot be told apart"):
            review.safe_names(look_alike)


def test_with_two_classes_two_labels_are_offered():
    asked = review.questions([("a",)], np.array([1]))
    scores = Scores.of(np.array([[0.2, 0.8]]), np.array([True]))
    queue = review.build_queue(asked, scores, ("x", "y"), [[]], ["cause"])
    assert [name for name in queue if "label" in name] == ["label_1", "label_2"]


def answered(queue, codes, **changes):
    table = queue.assign(code=codes, **changes).astype(str)
    return review.read_answers(
        pa.Table.from_pandas(table, preserve_index=False), "q.csv", COLUMNS, set(LABELS)
    )


def test_answers_are_as_they_were_before_the_spreadsheet(queue):
    found = answered(queue, ["'-Other", "", " Respiratory "])
    assert found["code"].tolist() == ["-Other", "Respiratory"]
    assert found[["cause", "other"]].to_numpy().tolist() == [["=fall", "hip"], ["COPD", ""]]
    assert found["label_2"].tolist() == ["-Other", "Circulatory"]
    assert answered(queue, ["-Other", "", ""])["code"].tolist() == ["-Other"]
    assert len(answered(queue, ["", "", ""])) == 0


def test_a_cell_that_had_its_apostrophe_from_the_start_is_kept():
    asked = review.questions([("'-x",), ("'tis",)], np.array([1, 1]))
    scores = Scores.of(np.full((2, 4), 0.25), np.ones(2, dtype=bool))
    queue = review.build_queue(asked, scores, LABELS, [[], []], ["cause"])
    table = pa.Table.from_pandas(queue.assign(code="External").astype(str))
    found = review.read_answers(table, "q.csv", ["cause"], {"External"})
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
def test_wrong_rows_are_named_and_not_quoted(queue, codes, changes, message):
    with pytest.raises(InputError, match=message) as caught:
        answered(queue, codes, **changes)
    assert "stroke" not in str(caught.value) and "lung" not in str(caught.value)


def test_a_code_in_other_upper_and_lower_case_is_the_label_it_can_only_be(queue):
    table = pa.Table.from_pandas(
        queue.assign(code=["EXTERNAL", "'-OTHER", "respiratory "]).astype(str)
    )
    told = []
    known = {*LABELS, "Respiratory", "fall", "Fall"}
    found = review.read_answers(table, "q.csv", COLUMNS, known, told.append)
    assert found["code"].tolist() == ["External", "-Other", "Respiratory"]
    assert len(told) == 1 and told[0].startswith("q.csv: 3 codes are read as the label")
    exact = pa.Table.from_pandas(queue.assign(code="External").astype(str))
    review.read_answers(exact, "q.csv", COLUMNS, known, told.append)
    assert len(told) == 1
    twice = pa.Table.from_pandas(queue.assign(code=["FALL", "Fall", "fall"]).astype(str))
    with pytest.raises(InputError, match=r"row 2 .*: the code is none of the labels"):
        review.read_answers(twice, "q.csv", COLUMNS, known)


def test_many_wrong_rows_are_counted(queue):
    many = pd.concat([queue] * 3, ignore_index=True)
    with pytest.raises(InputError, match=r"rows 2, 3, 4, 5, 6 and 4 more"):
        answered(many, "wrong")


def test_a_missing_column_is_named(queue):
    with pytest.raises(InputError, match="no column 'code'"):
        review.read_answers(pa.table({"item": ["x"], "records": ["1"], "cause": [""], "other": [""],
                                 "label_1": [""]}), "q.csv", COLUMNS, set())  # fmt: skip


def test_a_text_answered_twice_counts_once_if_the_answers_are_the_same(queue):
    one, same = answered(queue, "External"), answered(queue, ["External", "", ""])
    assert len(review.merge_answers([one, same])) == 3
    with pytest.raises(InputError, match=r"1 text has different codes, item 't"):
        review.merge_answers([one, answered(queue, ["Circulatory", "", ""])])


def test_agreement_and_the_records_that_the_answers_stand_for(queue):
    found = answered(queue, ["Respiratory", "Circulatory", "External"])
    agreed = review.agreement(found)
    assert agreed["first"].tolist() == [False, True, False]
    assert agreed["offered"].tolist() == [True, True, False]
    records = review.expand_to_records(found, COLUMNS, "category")
    assert list(records) == ["cause", "other", "category"]
    assert records["category"].value_counts().to_dict() == {
        "Circulatory": 7, "Respiratory": 2, "External": 1
    }  # fmt: skip


def test_no_cell_of_a_queue_is_a_formula(queue, tmp_path):
    queue.to_csv(tmp_path / "q.csv", index=False)
    with (tmp_path / "q.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


def test_a_training_table_keeps_its_columns_and_their_types():
    table = pa.table({"n": pa.array([7, None], pa.int8()), "cause": ["a", None], "code": [1, 2]})
    records = pd.DataFrame({"cause": ["é"], "code": ["3"]})
    found = review.append_answers(table, records, "t.parquet")
    assert found.to_pydict() == {
        "n": [7, None, None], "cause": ["a", "", "é"], "code": ["1", "2", "3"]
    }  # fmt: skip
    assert found["n"].type == pa.int8()
    with pytest.raises(InputError, match=r"t\.parquet: no column 'cause'"):
        review.append_answers(table.drop_columns("cause"), records, "t.parquet")
