import pandas as pd
import pyarrow as pa
import pytest

from textlstm.errors import InputError
from textlstm.review.answers import agreement, append_answers, expand_to_records, merge_answers

COLUMNS = ("cause", "other")


def test_a_text_answered_twice_counts_once_if_the_answers_are_the_same(answered):
    every, same = answered("External"), answered(["External", "", ""])
    merged = merge_answers([every, same])
    merged.require_agreement()
    assert len(merged.answers) == 3 and len(merged.differences) == 0


def test_different_answers_of_two_people_are_a_table(answered):
    first, second = answered("External"), answered(["Circulatory", "", "External"])
    merged = merge_answers([first, second])
    item = first["item"][0]
    assert merged.differences.to_dict("list") == {
        "item": [item, item], "queue": [1, 2], "code": ["External", "Circulatory"]
    }  # fmt: skip
    assert merged.answers["code"].tolist() == ["External"] * 3
    with pytest.raises(InputError, match=f"1 text has different codes, item '{item}' first"):
        merged.require_agreement()
    third = merge_answers([first, answered("Respiratory")])
    with pytest.raises(InputError, match=f"3 texts have .* item '{min(first['item'])}' first"):
        third.require_agreement()


def test_a_text_column_may_be_called_queue(answered):
    answers = answered("External").rename(columns={"cause": "queue"})
    assert merge_answers([answers]).answers.equals(answers)


def test_agreement_and_the_records_that_the_answers_stand_for(answered):
    found = answered(["Respiratory", "Circulatory", "External"])
    agreed = agreement(found)
    assert agreed.first.tolist() == [False, True, False]
    assert agreed.offered.tolist() == [True, True, False]
    records = expand_to_records(found, COLUMNS, "category")
    assert list(records) == ["cause", "other", "category"]
    assert records["category"].value_counts().to_dict() == {
        "Circulatory": 7, "Respiratory": 2, "External": 1
    }  # fmt: skip


def test_a_training_table_keeps_its_columns_and_their_types():
    table = pa.table({"n": pa.array([7, None], pa.int8()), "cause": ["a", None], "code": [1, 2]})
    records = pd.DataFrame({"cause": ["é"], "code": ["3"]})
    found = append_answers(table, records, "t.parquet")
    assert found.to_pydict() == {
        "n": [7, None, None], "cause": ["a", "", "é"], "code": ["1", "2", "3"]
    }  # fmt: skip
    assert found["n"].type == pa.int8()
    with pytest.raises(InputError, match=r"t\.parquet: no column 'cause'"):
        append_answers(table.drop_columns("cause"), records, "t.parquet")
