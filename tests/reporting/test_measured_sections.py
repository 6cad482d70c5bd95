"""Sections that measure: doubtful labels, deciding words, changed texts, hidden units."""

import numpy as np
import pandas as pd
import pytest
from report_source import HISTORY

from textlstm import TextLSTMClassifier
from textlstm.config import RunConfig
from textlstm.insight.activations import UnitUsage
from textlstm.reporting.sections.data import Data
from textlstm.reporting.sections.hidden_units import HiddenUnits, hidden_units_sentence
from textlstm.reporting.sections.robustness import Robustness
from textlstm.reporting.sections.section import ReportInput
from textlstm.reporting.sections.words_taken_away import WordsTakenAway, faithfulness_sentence
from textlstm.uncertainty.predictions import Predictions

FAITHFUL = {
    "records": 1500, "highest": [0.9, 0.6], "random": [0.9, 0.8],
    "difference": {"estimate": 0.2, "low": 0.1, "high": 0.3},
}  # fmt: skip


class Trained:
    """A small model, what sections draw upon, and what they measured of it."""

    def __init__(self):
        texts, labels = ["acute mi", "copd <sep> tb"] * 12, ["heart", "lung"] * 12
        model = TextLSTMClassifier(epochs=3, embedding_size=8, hidden_units=8)
        bundle = model.fit(texts, labels).bundle_
        records = pd.DataFrame({"record_id": map(str, range(24)), "text": texts, "label": labels})
        wrong = pd.DataFrame(
            {"record_id": ["x", "y"], "text": "acute mi", "label": ["lung", "new"]}
        )
        holdout = pd.concat([records, wrong], ignore_index=True)
        splits = {"train": records, "validation": records[:2], "holdout": holdout}
        self.truth = np.array([0, 1] * 12 + [1])  # the model does not know the last label
        probabilities = bundle.predict_proba(holdout["text"].tolist()[:-1])
        self.models = {"model": Predictions.of(probabilities)}
        self.metrics, self.tables = {}, {}
        source = ReportInput(RunConfig(), self, splits, HISTORY, {})
        for section in (WordsTakenAway(), Robustness(), HiddenUnits(), Data()):
            measured = section.measure(source, bundle, str)
            self.metrics |= measured.metrics
            self.tables |= measured.private_tables
        self.source = ReportInput(RunConfig(), self, splits, HISTORY, self.metrics)


@pytest.fixture(scope="module")
def trained():
    return Trained()


def test_what_is_doubtful_is_counted_and_named(trained):
    counts = trained.metrics["doubtful_labels"]
    assert counts == {"suspects": 1, "conflicting_texts": 1, "conflicting_records": 27}
    assert trained.tables["label_suspects"]["record_id"].tolist() == ["x"]
    assert set(trained.tables["conflicting_labels"]["label"]) == {"heart", "lung", "new"}
    assert trained.metrics["hidden_units"]["size"] == 8


def test_no_table_has_the_text_of_a_record(trained):
    assert set(trained.tables) == {"class_words", "label_suspects", "conflicting_labels"}
    for table in trained.tables.values():
        assert "acute mi" not in table.to_csv() and "<sep>" not in table.to_csv()


def test_deciding_words_are_the_first_of_each_class(trained):
    deciding, words = trained.metrics["deciding_words"], trained.tables["class_words"]
    assert set(deciding) <= {"heart", "lung"} and deciding
    for label, shown in deciding.items():
        rows = words[words["label"] == label][: len(shown)]
        assert [word for word, _ in shown] == rows["word"].tolist()
        assert [gain for _, gain in shown] == pytest.approx(rows["attribution"].tolist(), abs=1e-6)
        assert 0 < len(shown) <= 5 and min(gain for _, gain in shown) >= 0.1


def test_what_was_measured_is_drawn(trained):
    for section in (WordsTakenAway(), Robustness()):
        shown = section.public(trained.source)
        assert section.figure(shown) is not None and len(section.table(shown))


def test_words_taken_away_are_two_curves(trained):
    section = WordsTakenAway()
    source = ReportInput(
        RunConfig(), trained, {}, HISTORY, {"deciding_words": {}, "faithfulness": FAITHFUL}
    )
    axes = section.figure(section.public(source)).axes[0]
    shown = {line.get_label(): line.get_ydata().tolist() for line in axes.lines}
    assert shown == {"at random": [0.9, 0.8], "highest attribution": [0.9, 0.6]}
    nothing = ReportInput(
        RunConfig(), trained, {}, HISTORY, source.metrics | {"faithfulness": None}
    )
    shown = section.public(nothing)
    assert section.figure(shown) is section.table(shown) is None and not section.sentences(shown)


def test_faithfulness_in_words(trained):
    sentence = faithfulness_sentence(FAITHFUL)
    assert "falls by 0.300 on average, without a random word by 0.100" in sentence
    assert "1,500 texts" in sentence and sentence.endswith("do decide.")
    chance = FAITHFUL | {"difference": {"estimate": 0.2, "low": -0.1, "high": 0.3}}
    assert "do not rely" in faithfulness_sentence(chance)
    for section in (WordsTakenAway(), HiddenUnits()):
        assert len(section.sentences(section.public(trained.source))) == 1


@pytest.mark.parametrize(
    ("unused", "expected"),
    [
        ([[0, 0]], "All 8 hidden units"),
        ([[2, 3], [2, 5]], "2 to 5 stay near zero: try --hidden-units 6"),
        ([[3]], "3 stay near zero: try --hidden-units 5"),
        ([[0, 3]], "0 to 3 stay near zero: one LSTM needs them all"),
    ],
)
def test_unused_units_in_words(unused, expected):
    near_zero = np.arange(8) < np.array(unused)[:, :, None]
    assert expected in hidden_units_sentence(UnitUsage(near_zero.astype(float)))
