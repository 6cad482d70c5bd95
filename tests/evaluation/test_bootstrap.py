import dataclasses

import numpy as np
import pytest

from textlstm.evaluation.bootstrap import (
    Estimate,
    bootstrap_mean,
    measure_intervals,
    paired_bootstrap,
    resample_scores,
    unpaired_difference,
)
from textlstm.evaluation.metrics import Measures
from textlstm.uncertainty.intervals import Proportion, proportion
from textlstm.uncertainty.predictions import Predictions

NAMES = "accuracy", "macro_f1", "log_loss"


def named(differences):
    return {name: getattr(differences, name) for name in NAMES}


def drawn(n, n_classes, seed):
    """Random predictions, and labels."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(n_classes), size=n)
    return Predictions.of(probabilities), generator.integers(n_classes, size=n)


def test_the_difference_of_two_models():
    bad, labels = drawn(400, 3, seed=1)
    good = Predictions.of(np.full((400, 3), 0.1) + 0.7 * np.eye(3)[labels])
    differences = named(paired_bootstrap(good, bad, labels, seed=0, draws=200))
    for name, better in zip(NAMES, (1, 1, -1), strict=True):
        difference = differences[name]
        assert difference.low <= difference.estimate <= difference.high
        assert difference.low * better > 0 and difference.high * better > 0
    of_good, of_bad = (Measures.of(model, labels, labels >= 0) for model in (good, bad))
    for name, difference in differences.items():
        expected = getattr(of_good, name) - getattr(of_bad, name)
        assert difference.estimate == pytest.approx(expected)


def test_the_interval_holds_the_middle_95_percent_of_the_resampled_differences():
    first, labels = drawn(6, 3, seed=2)
    second = first.replace(np.roll(first.probabilities, 1, axis=0))
    differences = named(paired_bootstrap(first, second, labels, seed=4, draws=100))
    generator, resampled = np.random.default_rng(4), []
    for _ in range(100):
        rows = generator.integers(6, size=6)
        of_first, of_second = (
            Measures.of(model.take(rows), labels[rows], labels[rows] >= 0)
            for model in (first, second)
        )
        resampled.append([getattr(of_first, name) - getattr(of_second, name) for name in NAMES])
    low, high = np.percentile(resampled, [2.5, 97.5], axis=0)
    ends = np.array([(each.low, each.high) for each in differences.values()])
    np.testing.assert_allclose(ends, np.stack([low, high], axis=1), atol=1e-12)


def test_records_with_the_same_text_count_as_if_each_had_its_own_probabilities():
    first, _ = drawn(40, 5, seed=0)
    second, _ = drawn(40, 5, seed=1)
    generator = np.random.default_rng(3)
    rows, labels = generator.integers(40, size=300), generator.integers(5, size=300)
    shared = [Predictions(model.probabilities, rows) for model in (first, second)]
    repeated = [Predictions.of(model.probabilities[rows]) for model in (first, second)]
    assert paired_bootstrap(*shared, labels, 3, 20) == paired_bootstrap(*repeated, labels, 3, 20)


def test_a_model_does_not_differ_from_itself_and_a_seed_repeats():
    first, labels = drawn(6, 3, seed=2)
    nothing = Estimate(0.0, 0.0, 0.0)
    same = paired_bootstrap(first, first, labels, seed=0, draws=50)
    assert named(same) == dict.fromkeys(NAMES, nothing)
    second = first.replace(first.probabilities[::-1].copy())
    once, again = (paired_bootstrap(first, second, labels, 3, 50) for _ in range(2))
    assert once == again
    assert list(dataclasses.asdict(once)) == list(NAMES)


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution_if_records_are_many():
    values = np.random.default_rng(0).exponential(size=2000)
    mean = bootstrap_mean(values, seed=0)
    half = 1.96 * values.std() / 2000**0.5
    assert mean.estimate == values.mean()
    assert mean.high - mean.estimate == pytest.approx(half, rel=0.1)
    assert mean.estimate - mean.low == pytest.approx(half, rel=0.1)
    assert bootstrap_mean(values, seed=0) == mean != bootstrap_mean(values, seed=1)


def test_records_of_a_cluster_are_drawn_together():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.1, 0.9]])
    model, labels = Predictions.of(probabilities), np.zeros(4, dtype=int)
    clusters = np.array([0, 0, 0, 1])  # the last record is the only one that is wrong
    scores, resampled = resample_scores([model], labels, seed=0, draws=60, clusters=clusters)
    assert scores.shape == (1, 3) and resampled.shape == (60, 1, 3)
    assert scores[0, 0] == 0.75
    assert set(resampled[:, 0, 0]) == {1.0, 0.75, 0.0}


def test_the_intervals_of_measures_are_those_of_records_drawn_one_by_one():
    model, labels = drawn(300, 3, seed=4)
    repeated = Predictions(model.probabilities[:30], model.rows % 30)  # 30 texts
    found = measure_intervals(repeated, labels, seed=0)
    generator, drawn_measures = np.random.default_rng(1), []
    for _ in range(1000):
        rows = generator.integers(300, size=300)
        drawn_measures.append(
            Measures.of(repeated.take(rows), labels[rows], np.zeros(300, dtype=bool))
        )
    assert set(found) == {"accuracy", "macro_f1", "weighted_f1", "log_loss", "ece", "brier"}
    for name, ends in found.items():
        values = [getattr(one, name) for one in drawn_measures]
        spread = np.std(values)
        for end, expected in zip((ends.low, ends.high), np.percentile(values, [2.5, 97.5]),
                                 strict=True):  # fmt: skip
            assert end == pytest.approx(expected, abs=0.4 * spread), name
        assert ends.low <= getattr(Measures.of(repeated, labels, labels < 0), name) or name == "ece"


def test_a_difference_of_equal_shares_of_different_records_is_zero_and_symmetric():
    few, many = (proportion(np.arange(n) < 0.8 * n) for n in (50, 500))
    alike, other = unpaired_difference(few, many), unpaired_difference(many, few)
    assert alike.estimate == 0.0 and alike.low < 0 < alike.high
    assert (alike.low, alike.high) == pytest.approx((-other.high, -other.low))
    assert alike.high - alike.low > few.high - few.low
    with pytest.raises(ValueError, match="no records"):
        unpaired_difference(few, Proportion(None, 0.0, 1.0, 0))
