import numpy as np
import pytest

from textlstm.config import RARE_LABEL
from textlstm.evaluation.decisions import measure_decisions
from textlstm.evaluation.scored_records import ScoredRecords
from textlstm.inference.scoring import Scores
from textlstm.uncertainty.intervals import cluster_sizes, proportion
from textlstm.uncertainty.out_of_fold import OutOfFold
from textlstm.uncertainty.predictions import Predictions
from textlstm.uncertainty.risk_control import promise

NAMES = ("a", "b", "c", "d")


def scored(scores, labels, unseen=None, cluster_size=None):
    """Records that by default have a text each, which was seen in training."""
    n = len(labels)
    return ScoredRecords(
        scores,
        labels,
        np.zeros(n, dtype=bool) if unseen is None else unseen,
        np.ones(n, dtype=int) if cluster_size is None else cluster_size,
    )


def sure_of(number, n):
    """Probabilities (n, 2) of a model that is rather sure of one class."""
    return np.tile(np.where(np.arange(2) == number, 0.9, 0.1), (n, 1))


def test_promises_and_sets_are_measured_class_by_class():
    labels = np.repeat([0, 1, 2, 3], [40, 30, 12, 4])
    answers = np.eye(4)[labels]
    out_of_fold = OutOfFold.of(Predictions.of(answers), labels)
    scores = Scores.of(answers, labels < 3)  # no word of the last class is known
    decisions = measure_decisions(out_of_fold, scored(scores, labels, labels > 1), NAMES)
    one, two, five = (outcome.to_dict() for outcome in decisions.promises)
    assert [one["threshold"], two["threshold"], five["threshold"]] == [None, None, 1.0]
    assert five["coded"]["share"] == pytest.approx(82 / 86) and five["error"]["share"] == 0.0
    assert [row["coded"]["records"] for row in five["per_class"].values()] == [40, 30, 12, 4]
    assert five["per_class"]["d"]["coded"]["share"] == 0.0
    assert decisions.main_promise is decisions.promises[1]
    for sets in decisions.sets:
        assert sets.covered.share == 1.0 and sets.covered_unseen_text.records == 16
        # Four records have every label in their sets, the others their own.
        assert sets.labels == pytest.approx((82 + 4 * 4) / 86)


def test_where_texts_are_new_the_intervals_count_texts():
    labels, answers = np.zeros(90, dtype=int), sure_of(0, 90)
    out_of_fold = OutOfFold.of(Predictions.of(answers), labels)
    scores = Scores.of(answers, labels == 0)
    each, of_three = (
        measure_decisions(
            out_of_fold, scored(scores, labels, cluster_size=np.full(90, n)), "ab"
        ).promises[2].coding
        for n in (1, 3)
    )  # fmt: skip
    assert each.coded == proportion(labels == 0)
    thirty = proportion(labels[:30] == 0)
    assert (of_three.coded.low, of_three.coded.high) == (thirty.low, thirty.high)
    assert of_three.coded.records == 90
    assert of_three.error.high == proportion(labels[:30] == 1).high


def test_records_of_unknown_classes_are_errors_of_decisions_and_count_in_no_class():
    answers, labels = sure_of(0, 400), np.zeros(400, dtype=int)
    out_of_fold = OutOfFold.of(Predictions.of(answers), labels)
    scores = Scores.of(answers, labels == 0)
    labels[:40] = -1
    decisions = measure_decisions(out_of_fold, scored(scores, labels), "ab")
    five = decisions.promises[2]
    assert five.coding.coded.records == 400 and five.coding.error.share == 0.1
    assert "is broken by more than chance" in five.sentence()
    assert five.by_class["a"].error.share == 0.0
    assert five.by_class["a"].coded.records == 360
    assert decisions.sets[1].covered.share == 0.9
    assert "missed by more than chance" in decisions.sets[1].outcome
    assert decisions.curve.error[-1] == 0.1
    # If fewer than ten records are of unknown classes, the curve would disclose their number.
    labels[9:40] = 0
    decisions = measure_decisions(out_of_fold, scored(scores, labels), "ab")
    assert decisions.curve.error[-1] == 0.0 < decisions.promises[2].coding.error.share


def test_records_predicted_as_merged_classes_are_never_coded():
    answers, labels = sure_of(1, 400), np.ones(400, dtype=int)
    answers[:200], labels[:200] = sure_of(0, 200), 0
    labels[:20] = 1  # of merged classes, but predicted as the other class
    scores = Scores.of(answers, labels >= 0, np.array([True, False]))
    out_of_fold = OutOfFold.of(Predictions.of(answers), labels, codable=scores.codable)
    decisions = measure_decisions(
        out_of_fold, scored(scores, labels, labels == 0), ["a", RARE_LABEL]
    )
    assert scores.accepted(0.5).tolist() == [True] * 200 + [False] * 200
    # A tenth of the records it would accept is wrong.
    assert not decisions.promises[2].coding.coded.share
    assert promise(out_of_fold, 0.2).accepted == 200
    assert decisions.sets[0].covered.share == 0.45
    assert decisions.sets[0].per_class[RARE_LABEL].share == 0.0


def test_repeated_texts_give_the_same_measures_as_texts_of_their_own():
    generator = np.random.default_rng(0)
    answers, rows = generator.dirichlet(np.ones(4), size=20), generator.integers(20, size=200)
    labels, unseen = generator.integers(4, size=200), generator.random(200) < 0.5
    has_known_word = generator.random(20) < 0.9
    out_of_fold = OutOfFold.of(Predictions.of(answers[rows]), labels)
    facts = labels, unseen, cluster_sizes(rows)
    shared = scored(Scores(Predictions(answers, rows), has_known_word), *facts)
    repeated = scored(Scores.of(answers[rows], has_known_word[rows]), *facts)
    decisions, expected = (
        measure_decisions(out_of_fold, records, NAMES) for records in (shared, repeated)
    )
    assert decisions == expected


def test_a_single_class_name_or_none_is_enough():
    labels, answers = np.zeros(90, dtype=int), sure_of(0, 90)
    out_of_fold = OutOfFold.of(Predictions.of(answers), labels)
    values = measure_decisions(out_of_fold, scored(Scores.of(answers, labels == 0), labels), ())
    written = values.to_dict()
    assert list(written) == [
        "held_out", "held_out_effective", "promises", "workload", "workload_per_class", "sets",
    ]  # fmt: skip
    assert written["held_out"] == written["held_out_effective"] == 90
    assert not written["workload_per_class"] and not written["promises"][0]["per_class"]
