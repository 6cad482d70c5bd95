import numpy as np
import pandas as pd
import pytest

from textlstm import TextLSTMClassifier
from textlstm.insight.activations import UnitUsage
from textlstm.reporting.examination import examine, on_faithfulness, on_hidden_units
from textlstm.uncertainty.predictions import Predictions

FAITHFUL = {
    "records": 1500, "highest": [0.9, 0.6], "random": [0.9, 0.8],
    "difference": {"estimate": 0.2, "low": 0.1, "high": 0.3},
}  # fmt: skip


@pytest.fixture(scope="module")
def examination():
    texts, labels = ["acute mi", "copd <sep> tb"] * 12, ["heart", "lung"] * 12
    bundle = (
        TextLSTMClassifier(epochs=3, embedding_size=8, hidden_units=8).fit(texts, labels).bundle_
    )
    records = pd.DataFrame({"record_id": map(str, range(24)), "text": texts, "label": labels})
    wrong = pd.DataFrame({"record_id": ["x", "y"], "text": "acute mi", "label": ["lung", "new"]})
    holdout = pd.concat([records, wrong], ignore_index=True)
    parts = {"train": records, "validation": records[:2], "holdout": holdout}
    truth = np.array([0, 1] * 12 + [1])  # the last label is not known to the model
    predictions = Predictions.of(bundle.predict_proba(holdout["text"].tolist()[:-1]))
    return examine(bundle, parts, truth, predictions, seed=0)


def test_what_is_doubtful_is_counted_and_named(examination):
    counts = examination.metrics["doubtful_labels"]
    assert counts == {"suspects": 1, "conflicting_texts": 1, "conflicting_records": 27}
    assert examination.suspects["record_id"].tolist() == ["x"]
    assert set(examination.conflicts["label"]) == {"heart", "lung", "new"}
    assert examination.metrics["hidden_units"]["size"] == 8


def test_no_table_has_the_text_of_a_record(examination):
    for table in examination.tables.values():
        assert "acute mi" not in table.to_csv() and "<sep>" not in table.to_csv()


def test_deciding_words_are_the_first_of_each_class(examination):
    found = examination.metrics["deciding_words"]
    assert set(found) <= {"heart", "lung"} and found
    for label, words in found.items():
        mine = examination.class_words[examination.class_words["label"] == label]
        assert words == list(zip(mine["word"], mine["attribution"], strict=True))[: len(words)]
        assert 0 < len(words) <= 5 and min(gain for _, gain in words) >= 0.1


def test_what_was_measured_is_drawn(examination):
    assert set(examination.draw()) == {"words_taken_away", "robustness"}


def test_faithfulness_in_words(examination):
    said = on_faithfulness(FAITHFUL)
    assert "falls by 0.300 on average, without a random word by 0.100" in said
    assert "1,500 texts" in said and said.endswith("do decide.")
    chance = FAITHFUL | {"difference": {"estimate": 0.2, "low": -0.1, "high": 0.3}}
    assert "do not rely" in on_faithfulness(chance)
    assert len(examination.sentences) == 2


@pytest.mark.parametrize(
    ("unused", "said"),
    [
        ([[0, 0]], "All 8 hidden units"),
        ([[2, 3], [2, 5]], "2 to 5 stay near zero: try --hidden-units 6"),
        ([[3]], "3 stay near zero: try --hidden-units 5"),
        ([[0, 3]], "0 to 3 stay near zero: one LSTM needs them all"),
    ],
)
def test_unused_units_in_words(unused, said):
    near_zero = np.arange(8) < np.array(unused)[:, :, None]
    assert said in on_hidden_units(UnitUsage(near_zero.astype(float)))
