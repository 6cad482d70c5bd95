import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics as oracle

from textlstm.evaluation.metrics import (
    ClassMeasures,
    Measures,
    brier_score,
    expected_calibration_error,
    intervals_by_class,
    log_losses,
    measures_by_class,
    reliability_bins,
)
from textlstm.uncertainty.predictions import Predictions

# Six records of three classes, worked by hand: predicted 0, 0, 1, 1, 2, 0.
LABELS = np.array([0, 0, 1, 2, 2, 1])
PREDICTIONS = Predictions.of(
    np.array(
        [
            [0.8, 0.1, 0.1],
            [0.6, 0.3, 0.1],
            [0.2, 0.7, 0.1],
            [0.1, 0.5, 0.4],
            [0.0, 0.1, 0.9],
            [0.5, 0.4, 0.1],
        ]
    )
)
UNSEEN = np.array([False, False, False, True, True, False])


def test_measures_by_hand():
    measures = Measures.of(PREDICTIONS, LABELS, UNSEEN)
    assert measures.accuracy == pytest.approx(4 / 6)
    # F1: class 0 has 2 hits, 1 false alarm: 4/5; class 1 1 hit, 1 false alarm, 1 miss: 1/2;
    # class 2 1 hit, 1 miss: 2/3.
    assert measures.macro_f1 == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)
    assert measures.weighted_f1 == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)
    assert measures.log_loss == pytest.approx(-np.log([0.8, 0.6, 0.7, 0.4, 0.9, 0.4]).mean())
    first = 0.2**2 + 0.1**2 + 0.1**2
    assert brier_score(PREDICTIONS.take([0]), LABELS[:1]) == pytest.approx(first)
    assert measures.accuracy_unseen_text == pytest.approx(1 / 2)
    assert measures.ece == expected_calibration_error(PREDICTIONS, LABELS)


def test_measures_by_scikit_learn():
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(5), size=300)
    labels = generator.integers(5, size=300)
    measures = Measures.of(Predictions.of(probabilities), labels, np.zeros(300, dtype=bool))
    predicted = probabilities.argmax(axis=1)
    assert measures.log_loss == pytest.approx(oracle.log_loss(labels, probabilities))
    assert measures.macro_f1 == pytest.approx(oracle.f1_score(labels, predicted, average="macro"))
    assert measures.brier == pytest.approx(
        oracle.brier_score_loss(labels, probabilities, scale_by_half=False)
    )
    assert measures.accuracy_unseen_text is None
    by_class = measures_by_class(labels, predicted, list("abcde"))
    report = oracle.classification_report(labels, predicted, output_dict=True)
    assert by_class["c"].f1 == pytest.approx(report["2"]["f1-score"])
    assert by_class["c"].support == report["2"]["support"]


def test_records_with_the_same_text_share_its_probabilities():
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(5), size=40)
    labels, rows = generator.integers(5, size=300), generator.integers(40, size=300)
    unseen = generator.random(300) < 0.5
    shared, repeated = Predictions(probabilities, rows), Predictions.of(probabilities[rows])
    assert Measures.of(shared, labels, unseen) == Measures.of(repeated, labels, unseen)
    bins, of_repeated = reliability_bins(shared, labels), reliability_bins(repeated, labels)
    assert all((bins[name] == of_repeated[name]).all() for name in of_repeated)


def test_calibration_error_by_hand():
    # Bins of a fifteenth: 0.5 (two records, none right), 0.6, 0.7, 0.8, 0.9 (each right).
    expected = (2 * 0.5 + 0.4 + 0.3 + 0.2 + 0.1) / 6
    assert expected_calibration_error(PREDICTIONS, LABELS) == pytest.approx(expected)
    assert reliability_bins(PREDICTIONS, LABELS)["records"].tolist() == [2, 1, 1, 1, 1]


def test_bins_by_hand():
    # Closed on the right: 0.5 is in the first of two bins. Rounding may leave a one or a zero.
    confidence = np.array([0.5, 0.25, 0.75, 0.8, 1 + 1e-9, 0.0])
    predictions = Predictions.of(np.stack([confidence, np.full(6, -1.0)], axis=1))
    bins = reliability_bins(predictions, np.array([0, 1, 0, 1, 1, 0]), bins=2)
    assert bins["records"].tolist() == [3, 3]
    np.testing.assert_allclose(bins["confidence"], [0.75 / 3, 2.55 / 3])
    np.testing.assert_allclose(bins["accuracy"], [2 / 3, 1 / 3])
    predictions = Predictions.of(np.array([[0.1], [0.3], [0.6], [1.0]]))
    finer = reliability_bins(predictions, np.zeros(4, dtype=int), bins=4)
    np.testing.assert_allclose(finer["confidence"], [0.1, 0.3, 0.6, 1.0])


def test_certainty_that_comes_true_has_no_error():
    assert expected_calibration_error(Predictions.of(np.eye(2)), np.array([0, 1])) == 0.0


def test_a_wrong_certainty_costs_a_finite_loss():
    certain = Predictions.of(np.array([[1.0, 0.0]]))
    assert np.isfinite(log_losses(certain, np.array([1]))).all()


def test_a_class_that_is_neither_true_nor_predicted_has_zeros():
    by_class = measures_by_class(np.array([0, 0, 2]), np.array([0, 2, 2]), ["a", "b", "c"])
    assert by_class == {
        "a": ClassMeasures(precision=1.0, recall=0.5, f1=pytest.approx(2 / 3), support=2),
        "b": ClassMeasures(precision=0.0, recall=0.0, f1=0.0, support=0),
        "c": ClassMeasures(precision=0.5, recall=1.0, f1=pytest.approx(2 / 3), support=1),
    }


def test_intervals_of_a_class_hold_its_measures_and_narrow_with_records():
    few, many = (intervals_by_class(n * np.array([[8, 2], [4, 6]]), "ab")["a"] for n in (1, 100))
    for name, value in (("precision", 8 / 12), ("recall", 8 / 10), ("f1", 16 / 22)):
        wide, narrow = getattr(few, name), getattr(many, name)
        assert wide.low < narrow.low < value < narrow.high < wide.high
    exact = binomtest(8, 10).proportion_ci(method="exact")
    assert (few.recall.low, few.recall.high) == pytest.approx((exact.low, exact.high))
    exact = binomtest(8, 14).proportion_ci(method="exact")
    assert few.f1.low == pytest.approx(2 * exact.low / (1 + exact.low))
