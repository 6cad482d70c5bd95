import pandas as pd
import pytest

from textlstm.encoding.vocabulary import Vocabulary
from textlstm.evaluation.data_facts import DataFacts
from textlstm.recipe_sections import EncodingConfig

TEXTS = ["gunshot wound"] * 12 + ["gsw head"] * 2 + ["stroke cva"]
SUMMARY = {
    "rows": 45, "distinct_texts": 3, "dropped": {"empty_text": 2}, "handled": {"odd": 1},
    "uncodable": {"records": 1, "share": 0.01},
}  # fmt: skip


@pytest.fixture(scope="module")
def vocabulary():
    config = EncodingConfig(initials=True, max_length=2)
    return Vocabulary.fit(TEXTS, config, meanings={"cva": "x"})


def facts(vocabulary, summary, n_unknown_label):
    splits = {name: pd.DataFrame({"text": TEXTS}) for name in ("train", "validation", "holdout")}
    return DataFacts.of(vocabulary, splits, summary, n_unknown_label)


def test_written_out_abbreviations_are_counted(vocabulary):
    found = facts(vocabulary, SUMMARY, 0)
    assert found.handled == {"odd": 1, "abbreviations_written_out": 9}
    assert found.truncated_share == 2 / 15  # "gunshot wound head"
    assert found.unknown_token_share == 4 / 32  # twice "head", "stroke", "x"


def test_records_of_unknown_labels_are_no_records_of_the_holdout(vocabulary):
    found = facts(vocabulary, SUMMARY, 3)
    assert (found.train, found.validation, found.holdout) == (15, 15, 12)
    assert found.dropped == {"empty_text": 2, "label_not_in_training": 3}
    assert found.uncodable == SUMMARY["uncodable"]


def test_if_no_class_is_dropped_the_holdout_tells_how_many_records_are_uncodable(vocabulary):
    summary = SUMMARY | {"uncodable": {"records": 0, "share": 0.0}}
    assert facts(vocabulary, summary, 3).uncodable == {"records": 3, "share": 0.2}
    assert facts(vocabulary, summary, 0).uncodable == {"records": 0, "share": 0.0}
