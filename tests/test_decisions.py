import itertools
import json
import math

import numpy as np
import pytest
from scipy.stats import beta, binom
from sklearn.base import BaseEstimator, ClassifierMixin

from textlstm import decisions
from textlstm.decisions import HeldOut, interval, promise, set_threshold, upper_bound


def drawn(n, seed, slope=1.0):
    """Held-out records whose error rate rises as their probability falls."""
    generator = np.random.default_rng(seed)
    top = np.sort(generator.beta(8, 0.4, n))[::-1]
    correct = generator.random(n) < 1 - slope * (1 - top)
    return HeldOut(top, np.where(correct, top, 1 - top), correct)


def true_error(thresholds):
    """The error rate above each threshold, from many more records of the same kind."""
    top = drawn(200_000, 10_000).top
    errors = np.cumsum(1 - top) / np.arange(1, len(top) + 1)
    return errors[np.searchsorted(-top, -np.array(thresholds), side="right") - 1]


# ---------------------------------------------------------------------------------- bounds


@pytest.mark.parametrize(("events", "records"), [(0, 1), (0, 149), (3, 40), (40, 40), (0, 0)])
def test_the_bound_is_where_the_binomial_tail_is_one_in_twenty(events, records):
    bound = float(upper_bound(events, records))
    if events == records:
        assert bound == 1.0
    else:
        assert binom.cdf(events, records, bound) == pytest.approx(0.05)


def test_the_interval_is_that_of_the_beta_distribution():
    low, high = interval(np.array([0, 3, 40]), np.array([40, 40, 40]))
    np.testing.assert_allclose(low[1:], beta.ppf(0.025, [3, 40], [38, 1]))
    np.testing.assert_allclose(high[:2], beta.ppf(0.975, [1, 4], [40, 37]))
    assert (low[0], high[2]) == (0.0, 1.0)


def test_of_no_records_a_share_may_be_anything():
    nothing = np.zeros(0, dtype=bool)
    assert decisions.counted(nothing) == {"share": None, "low": 0.0, "high": 1.0, "records": 0}
    assert decisions.counted(~np.array([True, False, False]))["share"] == pytest.approx(2 / 3)


# ---------------------------------------------------------------------------------- promises


def by_hand(held_out, max_error):
    """Threshold after threshold, each record counted anew."""
    found, n = math.inf, len(held_out.top)
    for threshold in sorted(set(held_out.top.tolist()), reverse=True):
        inside = held_out.top >= threshold
        few = min(decisions.FIRST_ERRORS / max_error, n / 2)
        if inside.sum() < few or binom.cdf(0, inside.sum(), max_error) > 0.05:
            continue
        errors = int((inside & ~held_out.correct).sum())
        if errors == inside.sum() or binom.cdf(errors, inside.sum(), max_error) > 0.05:
            break
        found = threshold
    return found


@pytest.mark.parametrize(("seed", "max_error"), [*itertools.product(range(3), [0.02, 0.05, 0.2])])
def test_the_threshold_is_the_one_found_by_hand(seed, max_error):
    held_out = drawn(800, seed)
    held_out = HeldOut(held_out.top.round(2), held_out.true, held_out.correct)
    found = promise(held_out, max_error)
    assert found.threshold == by_hand(held_out, max_error)
    assert found.accepted == (held_out.top >= found.threshold).sum()
    assert found.share == found.accepted / 800


@pytest.mark.parametrize("max_error", [0.02, 0.03])
def test_the_promise_is_broken_no_more_often_than_said(max_error):
    thresholds = [promise(drawn(1500, seed), max_error).threshold for seed in range(300)]
    given = [threshold for threshold in thresholds if threshold < math.inf]
    assert len(given) > 200
    broken = (true_error(given) > max_error).sum()
    # Of 300 trials that each break it with probability 0.05, more than 24 do so once in a hundred.
    assert 0 < broken <= binom.ppf(0.99, 300, 0.05)


def test_what_cannot_be_promised_is_not_accepted():
    for held_out in (drawn(148, 0, slope=0.0), drawn(800, 0, slope=3.0), drawn(0, 0)):
        found = promise(held_out, 0.02)
        assert found.threshold == math.inf and found.share == 0.0
        assert "cannot be promised" in found.sentence() and "at most 2 %" in found.sentence()
    assert promise(drawn(149, 0, slope=0.0), 0.02).share == 1.0


def test_the_sentence():
    found = decisions.Promise(0.02, 0.9, records=1000, accepted=712)
    assert found.sentence() == (
        "71.2 % of records can be coded automatically at no more than 2 % error (95 % confidence)."
    )


def test_the_curve_counts_as_one_does_by_hand():
    surest, alike, last = [0.9] * 10, [0.8] * 15, [0.6] * 12 + [0.5] * 3
    correct = np.array([True] * 10 + [True, False] * 7 + [True] + [False] * 15)
    curve = decisions.workload(np.array(surest + alike + last), correct)
    np.testing.assert_allclose(curve["share"], [10 / 40, 25 / 40, 1.0])
    np.testing.assert_allclose(curve["error"], [0, 7 / 25, 22 / 40])
    np.testing.assert_allclose(curve["high"], interval([0, 7, 22], [10, 25, 40])[1])
    many = decisions.workload(np.linspace(0, 1, 5000), np.ones(5000, dtype=bool))
    np.testing.assert_allclose(many["share"], np.arange(1, 101) / 100)
    nothing = decisions.workload(np.zeros(0), np.zeros(0, dtype=bool))
    assert nothing == {"share": [], "error": [], "low": [], "high": []}


@pytest.mark.parametrize("n", [1, 9, 10, 19, 20, 137, 5000])
def test_each_point_of_the_curve_adds_ten_records_at_least(n):
    rng = np.random.default_rng(n)
    curve = decisions.workload(rng.random(n).round(2), rng.random(n) < 0.5)
    added = np.diff(n * np.array([0, *curve["share"]])).round(6)
    assert curve["share"][-1] == 1.0 and len(added) <= 100
    assert len(added) == 1 or added.min() >= 10


# ---------------------------------------------------------------------------------- held out


def test_held_out_records_say_what_was_probable_and_what_was_true():
    probabilities = np.array([[0.7, 0.3], [0.2, 0.8], [0.1, 0.9]])
    held_out = HeldOut.of(probabilities, np.array([1, 1, 1]))
    assert held_out.top.tolist() == [0.9, 0.8, 0.7]
    assert held_out.true.tolist() == [0.9, 0.8, 0.3]
    assert held_out.correct.tolist() == [True, True, False]
    again = HeldOut.from_dict(json.loads(json.dumps(held_out.to_dict())))
    assert again.to_dict() == held_out.to_dict()


def test_of_very_many_a_number_is_drawn(monkeypatch):
    monkeypatch.setattr(decisions, "MOST_HELD_OUT", 100)
    probabilities = np.random.default_rng(0).dirichlet([1, 1], 500)
    held_out = HeldOut.of(probabilities, np.zeros(500, dtype=int))
    assert len(held_out.top) == 100 and (np.diff(held_out.top) <= 0).all()
    assert held_out.top.min() < 0.6 and held_out.top.max() > 0.9


# ---------------------------------------------------------------------------------- sets


def labelled(n, seed):
    """Probabilities (n, 4), and labels drawn by them."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.full(4, 0.4), n)
    labels = np.array([generator.choice(4, p=one) for one in probabilities])
    return probabilities, labels


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose records are their own probabilities."""

    classes_ = np.arange(4)

    def fit(self, records, labels):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict_proba(self, records):
        return records

    def predict(self, records):
        return records.argmax(axis=1)


@pytest.mark.parametrize(("n", "coverage"), [(57, 0.9), (500, 0.8), (500, 0.95)])
def test_sets_are_those_of_mapie(n, coverage):
    mapie = pytest.importorskip("mapie.classification")
    probabilities, labels = (one.round(6) for one in labelled(n, 0))
    fitted = mapie.SplitConformalClassifier(
        Given(), confidence_level=coverage, prefit=True, conformity_score="lac"
    ).conformalize(probabilities, labels)
    records = labelled(300, 1)[0].round(6)
    expected = fitted.predict_set(records)[1][:, :, 0]
    threshold = set_threshold(HeldOut.of(probabilities, labels), coverage)
    # Where not even the most probable label is probable enough, mapie's set is empty.
    expected[np.arange(300), records.argmax(axis=1)] = True
    assert (decisions.prediction_sets(records, threshold) == expected).all()


def test_sets_cover_as_often_as_said():
    covered = []
    for seed in range(200):
        threshold = set_threshold(HeldOut.of(*labelled(100, 2 * seed)), 0.9)
        probabilities, labels = labelled(100, 2 * seed + 1)
        inside = probabilities.round(6) >= threshold  # without the label that always belongs
        covered.append(inside[np.arange(100), labels].mean())
    # Between 0.9 and 0.9 + 1 / 101, and the mean of 200 has a standard error near 0.003.
    assert 0.89 < np.mean(covered) < 0.92


def test_too_few_records_leave_every_label_possible():
    probabilities, labels = labelled(8, 0)
    assert set_threshold(HeldOut.of(probabilities, labels), 0.9) == 0.0
    assert decisions.prediction_sets(probabilities, 0.0).all()


def test_a_set_is_never_empty_and_its_cell_is_a_list():
    probabilities = np.array([[0.4, 0.35, 0.25], [0.05, 0.15, 0.8]])
    inside = decisions.prediction_sets(probabilities, 0.5)
    assert inside.tolist() == [[True, False, False], [False, False, True]]
    cells = decisions.set_cells(inside | [True, False, False], probabilities, ['A"', "B", "Ü, |"])
    assert [json.loads(cell) for cell in cells] == [['A"'], ["Ü, |", 'A"']]
