"""Differences of models: against the textbooks' formulas, and by simulation."""

from functools import cache

import numpy as np
import pytest
import scipy.stats

from textlstm.comparison.pairwise import (
    PairwiseDifferences,
    block_differences,
    block_estimates,
    resampled_differences,
    resampled_estimates,
)

OVERLAP = 0.3 / 0.7


@pytest.fixture(autouse=True)
def quantiles_computed_once(monkeypatch):
    ppf = cache(scipy.stats.studentized_range.ppf)
    monkeypatch.setattr(scipy.stats.studentized_range, "ppf", ppf)


def test_two_models_are_compared_by_the_corrected_resampled_t_test():
    scores = np.random.default_rng(0).normal(size=(2, 6))
    gaps, found = scores[0] - scores[1], block_differences(scores, OVERLAP)
    error = gaps.std(ddof=1) * np.sqrt(1 / 6 + OVERLAP)
    assert found.difference[0, 1] == pytest.approx(gaps.mean())
    assert found.margin[0, 1] == pytest.approx(scipy.stats.t.ppf(0.975, 5) * error, rel=1e-4)


def test_several_models_are_compared_by_tukeys_range_of_a_block_design():
    scores = np.random.default_rng(1).normal(size=(4, 5)) + np.arange(5)
    models, blocks = np.indices(scores.shape).reshape(2, -1)
    design = np.hstack([np.eye(4)[models], np.eye(5)[blocks]])
    _, _, rank, _ = np.linalg.lstsq(design, scores.ravel(), rcond=None)
    fitted = design @ np.linalg.lstsq(design, scores.ravel(), rcond=None)[0]
    freedom = scores.size - rank
    mean_square = ((scores.ravel() - fitted) ** 2).sum() / freedom
    range_ = scipy.stats.studentized_range.ppf(0.95, 4, freedom)
    expected = range_ * np.sqrt(mean_square * (1 / 5 + OVERLAP))
    found = block_differences(scores, OVERLAP)
    off_diagonal = found.margin[~np.eye(4, dtype=bool)]
    assert off_diagonal.min() == pytest.approx(expected)
    of_pairs = (scores[:, None] - scores[None]).var(axis=2, ddof=1)
    own = range_ / np.sqrt(2) * np.sqrt(of_pairs * (1 / 5 + OVERLAP))
    varies_more = of_pairs > 2 * mean_square
    assert varies_more.any() and found.margin[varies_more] == pytest.approx(own[varies_more])


@pytest.mark.parametrize(("spread", "most"), [(1.0, 0.06), (5.0, 0.15)])
def test_equal_models_are_seldom_told_apart(spread, most):
    """``spread`` is that of one model from split to split, in units of the others' spread."""
    generator, wrong = np.random.default_rng(0), 0
    spreads = np.array([1.0] * 5 + [spread])[:, None]
    for _ in range(600):
        shared = generator.normal(size=(6, 1)) * np.sqrt(OVERLAP)
        own = generator.normal(size=(6, 3))
        scores = spreads * (shared + own) + 10 * generator.normal(size=(1, 3))
        wrong += block_differences(scores, OVERLAP).real.any()
    assert wrong / 600 <= most


def test_what_all_splits_say_is_real():
    noise = np.random.default_rng(3).normal(scale=0.01, size=(3, 4))
    scores = np.array([[0.0], [0.0], [1.0]]) + noise
    real = block_differences(scores, OVERLAP).real
    assert real.tolist() == [[False, False, True], [False, False, True], [True, True, False]]


def test_the_interval_of_a_model_is_students():
    scores = np.random.default_rng(4).normal(size=(2, 5))
    for row, found in zip(scores, block_estimates(scores, 0.0), strict=True):
        low, high = scipy.stats.t.interval(0.95, 4, loc=row.mean(), scale=scipy.stats.sem(row))
        assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_the_interval_of_one_resampled_difference_is_that_of_the_normal_distribution():
    generator = np.random.default_rng(5)
    resampled = generator.normal(size=(20_000, 2)) * [3.0, 4.0]
    found = resampled_differences(np.zeros(2), resampled)
    assert found.margin[0, 1] == pytest.approx(1.96 * 5.0, rel=0.02)
    assert not found.real.any()


def test_more_comparisons_need_larger_resampled_differences():
    resampled = np.random.default_rng(6).normal(size=(4000, 10))
    two, ten = (resampled_differences(np.zeros(n), resampled[:, :n]) for n in (2, 10))
    assert ten.margin[0, 1] > 1.3 * two.margin[0, 1]


def test_equal_predictions_never_differ():
    draws = np.random.default_rng(7).normal(size=(50, 1)).repeat(3, axis=1)
    found = resampled_differences(np.full(3, 0.5), draws)
    assert not found.real.any() and not found.difference.any()


def test_resampled_intervals_are_percentiles():
    (found,) = resampled_estimates(np.array([50.0]), np.arange(101.0)[:, None])
    assert (found.estimate, found.low, found.high) == (50.0, 2.5, 97.5)


def test_independent_sources_of_chance_add_up():
    three, four = (PairwiseDifferences(np.ones((2, 2)), np.full((2, 2), m)) for m in (3.0, 4.0))
    assert (three.widened_by(four).margin == 5.0).all()
