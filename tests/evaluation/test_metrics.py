import numpy as np
import pytest
from sklearn import metrics as oracle

from textlstm.evaluation.metrics import (
    brier_score,
    expected_calibration_error,
    log_losses,
    paired_bootstrap,
    per_class,
    reliability,
    scores,
)

# Six records of three classes, worked by hand: predicted 0, 0, 1, 1, 2, 0.
LABELS = np.array([0, 0, 1, 2, 2, 1])
PROBABILITIES = np.array(
    [
        [0.8, 0.1, 0.1],
        [0.6, 0.3, 0.1],
        [0.2, 0.7, 0.1],
        [0.1, 0.5, 0.4],
        [0.0, 0.1, 0.9],
        [0.5, 0.4, 0.1],
    ]
)
UNSEEN = np.array([False, False, False, True, True, False])


def test_scores_by_hand():
    got = scores(LABELS, PROBABILITIES, UNSEEN)
    assert got["accuracy"] == pytest.approx(4 / 6)
    # F1: class 0 has 2 hits, 1 false alarm: 4/5; class 1 1 hit, 1 false alarm, 1 miss: 1/2;
    # class 2 1 hit, 1 miss: 2/3.
    assert got["macro_f1"] == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)
    assert got["weighted_f1"] == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)
    assert got["log_loss"] == pytest.approx(-np.log([0.8, 0.6, 0.7, 0.4, 0.9, 0.4]).mean())
    first = 0.2**2 + 0.1**2 + 0.1**2
    assert brier_score(LABELS[:1], PROBABILITIES[:1]) == pytest.approx(first)
    assert got["accuracy_unseen_text"] == pytest.approx(1 / 2)
    assert got["ece"] == expected_calibration_error(LABELS, PROBABILITIES)
    assert list(got) == [
        "accuracy", "macro_f1", "weighted_f1", "log_loss", "ece", "brier", "accuracy_unseen_text"
    ]  # fmt: skip


def test_scores_by_scikit_learn():
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(5), size=300)
    labels = generator.integers(5, size=300)
    got = scores(labels, probabilities, np.zeros(300, dtype=bool))
    predicted = probabilities.argmax(axis=1)
    assert got["log_loss"] == pytest.approx(oracle.log_loss(labels, probabilities))
    assert got["macro_f1"] == pytest.approx(oracle.f1_score(labels, predicted, average="macro"))
    assert got["brier"] == pytest.approx(
        oracle.brier_score_loss(labels, probabilities, scale_by_half=False)
    )
    assert got["accuracy_unseen_text"] is None
    table = per_class(labels, predicted, list("abcde"))
    report = oracle.classification_report(labels, predicted, output_dict=True)
    assert table["c"]["f1"] == pytest.approx(report["2"]["f1-score"])
    assert table["c"]["support"] == report["2"]["support"]


def test_records_of_one_text_share_its_probabilities():
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(5), size=40)
    labels, places = generator.integers(5, size=300), generator.integers(40, size=300)
    unseen = generator.random(300) < 0.5
    each = probabilities[places]
    assert scores(labels, probabilities, unseen, places) == scores(labels, each, unseen)
    bins, of_each = reliability(labels, probabilities, places), reliability(labels, each)
    assert all((bins[name] == of_each[name]).all() for name in of_each)
    models = probabilities, generator.dirichlet(np.ones(5), size=40)
    assert paired_bootstrap(labels, *models, 3, 20, places) == paired_bootstrap(
        labels, *(one[places] for one in models), 3, 20
    )


def test_calibration_error_by_hand():
    # Bins of a fifteenth: 0.5 (two records, none right), 0.6, 0.7, 0.8, 0.9 (each right).
    expected = (2 * 0.5 + 0.4 + 0.3 + 0.2 + 0.1) / 6
    assert expected_calibration_error(LABELS, PROBABILITIES) == pytest.approx(expected)
    assert reliability(LABELS, PROBABILITIES)["records"].tolist() == [2, 1, 1, 1, 1]


def test_bins_by_hand():
    # Closed on the right: 0.5 is in the first of two bins. Rounding may leave a one or a zero.
    confidence = np.array([0.5, 0.25, 0.75, 0.8, 1 + 1e-9, 0.0])
    probabilities = np.stack([confidence, np.full(6, -1.0)], axis=1)
    bins = reliability(np.array([0, 1, 0, 1, 1, 0]), probabilities, bins=2)
    assert bins["records"].tolist() == [3, 3]
    np.testing.assert_allclose(bins["confidence"], [0.75 / 3, 2.55 / 3])
    np.testing.assert_allclose(bins["accuracy"], [2 / 3, 1 / 3])
    finer = reliability(np.zeros(4, dtype=int), np.array([[0.1], [0.3], [0.6], [1.0]]), bins=4)
    np.testing.assert_allclose(finer["confidence"], [0.1, 0.3, 0.6, 1.0])


def test_a_class_that_is_neither_true_nor_predicted_has_a_row_of_zeros():
    row = {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2}
    nothing = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    only = {"precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1}
    found = per_class(np.array([0, 0, 2]), np.array([0, 2, 2]), ["a", "b", "c"])
    assert found == {"a": row, "b": nothing, "c": only}


def test_certainty_that_comes_true_has_no_error():
    assert expected_calibration_error(np.array([0, 1]), np.eye(2)) == 0.0


def test_a_wrong_certainty_costs_a_finite_loss():
    assert np.isfinite(log_losses(np.array([1]), np.array([[1.0, 0.0]]))).all()


def test_the_difference_of_two_models():
    generator = np.random.default_rng(1)
    labels = generator.integers(3, size=400)
    good = np.full((400, 3), 0.1) + 0.7 * np.eye(3)[labels]
    bad = generator.dirichlet(np.ones(3), size=400)
    difference = paired_bootstrap(labels, good, bad, seed=0, draws=200)
    for name, better in (("accuracy", 1), ("macro_f1", 1), ("log_loss", -1)):
        row = difference[name]
        assert row["low"] <= row["estimate"] <= row["high"]
        assert row["low"] * better > 0 and row["high"] * better > 0
    plain = scores(labels, good, np.ones(400, bool)), scores(labels, bad, np.ones(400, bool))
    for name, row in difference.items():
        assert row["estimate"] == pytest.approx(plain[0][name] - plain[1][name])


def test_the_interval_is_of_the_middle_95_in_100_resampled_differences():
    other = np.roll(PROBABILITIES, 1, axis=0)
    found = paired_bootstrap(LABELS, PROBABILITIES, other, seed=4, draws=100)
    generator, drawn = np.random.default_rng(4), []
    for _ in range(100):
        rows = generator.integers(6, size=6)
        one, two = (
            scores(LABELS[rows], model[rows], UNSEEN[rows]) for model in (PROBABILITIES, other)
        )
        drawn.append([one[name] - two[name] for name in found])
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    np.testing.assert_allclose([row["low"] for row in found.values()], low, atol=1e-12)
    np.testing.assert_allclose([row["high"] for row in found.values()], high, atol=1e-12)


def test_a_model_does_not_differ_from_itself_and_a_seed_repeats():
    same = paired_bootstrap(LABELS, PROBABILITIES, PROBABILITIES, seed=0, draws=50)
    assert all(value == 0.0 for row in same.values() for value in row.values())
    other = PROBABILITIES[::-1].copy()
    assert paired_bootstrap(LABELS, PROBABILITIES, other, 3, 50) == paired_bootstrap(
        LABELS, PROBABILITIES, other, 3, 50
    )
