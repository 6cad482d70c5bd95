import dataclasses
import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom
from sklearn.base import BaseEstimator, ClassifierMixin

from textlstm.errors import InputError
from textlstm.uncertainty import conformal, intervals, risk_control
from textlstm.uncertainty import out_of_fold as held_out_module
from textlstm.uncertainty.conformal import conformal_threshold
from textlstm.uncertainty.intervals import cluster_sizes, interval, upper_bound
from textlstm.uncertainty.out_of_fold import OutOfFold
from textlstm.uncertainty.risk_control import promise


def drawn(n, seed, slope=1.0):
    """Held-out records whose error rate rises as their probability falls."""
    generator = np.random.default_rng(seed)
    top = np.sort(generator.beta(8, 0.4, n))[::-1]
    correct = generator.random(n) < 1 - slope * (1 - top)
    return OutOfFold(top, np.where(correct, top, 1 - top), correct, np.ones(n, dtype=int), top >= 0)


def repeated(out_of_fold, times):
    """The same, so many records of each text for one (n,)."""
    top, true, correct = (
        values.repeat(times) for values in (out_of_fold.top, out_of_fold.true, out_of_fold.correct)
    )
    return OutOfFold(top, true, correct, np.repeat(times, times), top >= 0)


def drawn_texts(n, seed):
    """Held-out records of n texts, few of them of many records; each right or wrong as a whole."""
    times = np.random.default_rng(seed + 5000).choice([1, 2, 5, 20], n, p=[0.7, 0.2, 0.08, 0.02])
    return repeated(drawn(n, seed), times)


def each_by_itself(out_of_fold):
    """The same, records counted one by one."""
    return dataclasses.replace(out_of_fold, cluster_size=np.ones_like(out_of_fold.cluster_size))


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


@pytest.mark.parametrize(("events", "records"), [(0.0, 37.6), (2.5, 40.25), (1.5, 1.75)])
def test_fractions_of_records_have_bounds_too(events, records):
    bound = float(upper_bound(events, records))
    assert bound == pytest.approx(beta.ppf(0.95, events + 1, records - events))


def test_records_of_one_text_widen_the_interval_of_a_share():
    events = np.array([True, True, False, False, False, False])
    found = intervals.proportion(events, np.full(6, 2))
    assert found == intervals.proportion(events[::2]) | {"records": 6}
    assert intervals.proportion(events, np.ones(6, dtype=int)) == intervals.proportion(events)


def test_of_no_records_a_share_may_be_anything():
    nothing = np.zeros(0, dtype=bool)
    assert intervals.proportion(nothing) == {"share": None, "low": 0.0, "high": 1.0, "records": 0}
    assert intervals.proportion(~np.array([True, False, False]))["share"] == pytest.approx(2 / 3)


# ---------------------------------------------------------------------------------- promises


def by_hand(out_of_fold, max_error):
    """Threshold after threshold, each record counted anew."""
    found, n, trials = math.inf, out_of_fold.effective, []
    for threshold in sorted(set(out_of_fold.top.tolist()), reverse=True):
        inside = out_of_fold.top >= threshold
        effect = out_of_fold.cluster_size[inside].mean()
        records, errors = inside.sum() / effect, (inside & ~out_of_fold.correct).sum() / effect
        few = min(risk_control.FIRST_ERRORS / max_error, n / 2)
        if records >= few and beta.ppf(0.95, 1, records) <= max_error:
            trials.append((threshold, records, errors))

    def holds(records, errors, confidence):
        within = errors < records
        return within and beta.ppf(confidence, errors + 1, records - errors) <= max_error

    first, second = ([one for one in trials if (one[1] >= n / 2) == late] for late in (False, True))
    confidence = 0.95
    for threshold, *counts in first:
        if not holds(*counts, 0.96):
            confidence = 0.99
            break
        found = threshold
    for threshold, *counts in second:
        if not holds(*counts, confidence):
            break
        found = threshold
    return found


@pytest.mark.parametrize(("seed", "max_error"), [*itertools.product(range(3), [0.02, 0.05, 0.2])])
def test_the_threshold_is_the_one_found_by_hand(seed, max_error):
    for out_of_fold in (drawn(800, seed), drawn_texts(800, seed)):
        out_of_fold = dataclasses.replace(out_of_fold, top=out_of_fold.top.round(2))
        found = promise(out_of_fold, max_error)
        assert found.threshold == by_hand(out_of_fold, max_error)
        assert found.accepted == (out_of_fold.top >= found.threshold).sum()
        assert found.share == found.accepted / len(out_of_fold.top)


@pytest.mark.parametrize("max_error", [0.02, 0.03])
def test_the_promise_is_broken_no_more_often_than_said(max_error):
    thresholds = [promise(drawn(1500, seed), max_error).threshold for seed in range(300)]
    given = [threshold for threshold in thresholds if threshold < math.inf]
    assert len(given) > 200
    broken = (true_error(given) > max_error).sum()
    # Of 300 trials that each break it with probability 0.05, more than 24 do so once in a hundred.
    assert 0 < broken <= binom.ppf(0.99, 300, 0.05)


def test_a_few_errors_among_the_surest_records_do_not_end_all_trials():
    out_of_fold = drawn(2000, 0, slope=0.0)
    surest = dataclasses.replace(out_of_fold, correct=np.arange(2000) >= 30)
    found = promise(surest, 0.05)
    assert found.accepted == 2000
    assert not promise(surest, 0.01).accepted
    spread = dataclasses.replace(out_of_fold, correct=np.arange(2000) % 40 > 0)
    assert promise(spread, 0.05).accepted == 2000


@pytest.mark.parametrize("max_error", [0.02, 0.03])
def test_the_promise_is_kept_on_new_texts_where_counting_records_breaks_it(max_error):
    texts = [drawn_texts(1500, seed) for seed in range(300)]
    broken = {}
    for name, out_of_fold in (("texts", texts), ("records", map(each_by_itself, texts))):
        thresholds = [promise(one, max_error).threshold for one in out_of_fold]
        given = [threshold for threshold in thresholds if threshold < math.inf]
        broken[name] = (true_error(given) > max_error).sum()
        assert len(given) > 150
    assert broken["texts"] <= binom.ppf(0.99, 300, 0.05) < broken["records"]


@given(st.integers(0, 1000), st.integers(1, 40), st.sampled_from([0.01, 0.02, 0.05, 0.2]))
def test_repeating_every_text_as_often_changes_no_promise_and_no_set(seed, times, max_error):
    once = drawn(400, seed)
    often = repeated(once, np.full(400, times))
    found, expected = promise(often, max_error), promise(once, max_error)
    assert (found.threshold, found.share) == (expected.threshold, expected.share)
    assert (found.effective, found.records) == (400, 400 * times)
    assert conformal_threshold(often, 1 - max_error) == conformal_threshold(once, 1 - max_error)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(0, 1000))
def test_the_records_count_as_the_texts_of_equal_size_would(times, seed):
    out_of_fold = repeated(drawn(len(times), seed), np.array(times))
    assert out_of_fold.effective == pytest.approx(sum(times) ** 2 / sum(n * n for n in times))
    assert 1 <= out_of_fold.effective <= len(times) * (1 + 1e-12)
    assert (
        promise(out_of_fold, 0.05).accepted <= promise(each_by_itself(out_of_fold), 0.05).accepted
    )


def test_a_text_of_half_the_records_leaves_nothing_to_promise():
    out_of_fold = repeated(drawn(400, 0, slope=0.0), np.array([400] + [1] * 399))
    assert promise(each_by_itself(out_of_fold), 0.01).share == 1.0
    found = promise(out_of_fold, 0.01)
    assert found.accepted == 0
    assert "799 left-out training records, which repeat texts and count as 4 (" in found.sentence()


def test_what_cannot_be_promised_is_not_accepted():
    for out_of_fold in (drawn(148, 0, slope=0.0), drawn(800, 0, slope=3.0), drawn(0, 0)):
        found = promise(out_of_fold, 0.02)
        assert found.threshold == math.inf and found.share == 0.0
        assert "cannot be promised" in found.sentence() and "at most 2 %" in found.sentence()
    assert promise(drawn(149, 0, slope=0.0), 0.02).share == 1.0


def test_the_sentence():
    found = risk_control.Promise(0.02, 0.9, records=1000, accepted=712, effective=1000)
    assert found.sentence() == (
        "At most 2 % error is promised among the records that are coded automatically (95 % "
        "confidence). Aimed at: 71.2 % coded, the share among the 1,000 left-out training records."
    )
    none = dataclasses.replace(found, accepted=0, unknown_share=0.12)
    assert "1,000 left-out training records, 12.0 % of them of classes that" in none.sentence()
    assert "12.0 %" not in dataclasses.replace(none, unknown_share=0.01).sentence()


def test_the_curve_counts_as_one_does_by_hand():
    surest, cluster_size, last = [0.9] * 10, [0.8] * 15, [0.6] * 12 + [0.5] * 3
    correct = np.array([True] * 10 + [True, False] * 7 + [True] + [False] * 15)
    curve = risk_control.risk_coverage_curve(np.array(surest + cluster_size + last), correct)
    np.testing.assert_allclose(curve["share"], [10 / 40, 25 / 40, 1.0])
    np.testing.assert_allclose(curve["error"], [0, 7 / 25, 22 / 40])
    np.testing.assert_allclose(curve["high"], interval([0, 7, 22], [10, 25, 40])[1])
    many = risk_control.risk_coverage_curve(np.linspace(0, 1, 5000), np.ones(5000, dtype=bool))
    np.testing.assert_allclose(many["share"], np.arange(1, 101) / 100)
    nothing = risk_control.risk_coverage_curve(np.zeros(0), np.zeros(0, dtype=bool))
    assert nothing == {"share": [], "error": [], "low": [], "high": []}


@pytest.mark.parametrize("n", [1, 9, 10, 19, 20, 137, 5000])
def test_each_point_of_the_curve_adds_ten_records_at_least(n):
    rng = np.random.default_rng(n)
    curve = risk_control.risk_coverage_curve(rng.random(n).round(2), rng.random(n) < 0.5)
    added = np.diff(n * np.array([0, *curve["share"]])).round(6)
    assert curve["share"][-1] == 1.0 and len(added) <= 100
    assert len(added) == 1 or added.min() >= 10


# ---------------------------------------------------------------------------------- held out


def test_held_out_records_say_what_was_probable_and_what_was_true():
    probabilities = np.array([[0.7, 0.3], [0.2, 0.8], [0.1, 0.9]])
    out_of_fold = OutOfFold.of(probabilities, np.array([1, 1, 1]))
    assert out_of_fold.top.tolist() == [0.9, 0.8, 0.7]
    assert out_of_fold.true.tolist() == [0.9, 0.8, 0.3]
    assert out_of_fold.correct.tolist() == [True, True, False]
    again = OutOfFold.from_dict(json.loads(json.dumps(out_of_fold.to_dict())))
    assert again.to_dict() == out_of_fold.to_dict()


def test_held_out_records_know_how_many_are_of_their_text():
    probabilities = np.array([[0.7, 0.3], [0.2, 0.8], [0.1, 0.9]])
    labels, places = np.array([0, 1, 0, 1, 1, 0]), np.array([2, 0, 0, 2, 2, 1], dtype=np.int32)
    each, together = (
        OutOfFold.of(probabilities, labels, 0, places, texts=one) for one in (None, places)
    )
    assert together.top.tolist() == [0.9, 0.9, 0.9, 0.8, 0.7, 0.7]
    assert together.cluster_size.tolist() == [3, 3, 3, 1, 2, 2]
    assert each.cluster_size.tolist() == [1] * 6 and each.top.tolist() == together.top.tolist()
    # What says nothing is not written, and what is not written says nothing.
    assert "alike" not in each.to_dict()
    for one in (each, together):
        again = OutOfFold.from_dict(json.loads(json.dumps(one.to_dict())))
        assert again.cluster_size.tolist() == one.cluster_size.tolist()


@pytest.mark.parametrize("cluster_size", [[1, 1], [0, 1, 1], [1, 1, 4], [[1, 1, 1]]])
def test_counts_that_cannot_be_are_refused(cluster_size):
    values = {"top": [0.9, 0.8, 0.7], "true": [0.9, 0.8, 0.3], "correct": [1, 1, 0]}
    with pytest.raises(InputError, match="fit together"):
        OutOfFold.from_dict(values | {"alike": cluster_size})


@pytest.mark.parametrize(
    "wrong",
    [
        {"true": [0.9, 0.9, 0.3]},  # of a correct record it is that of the most probable class
        {"true": [1, 0.8, 0.3]},
        {"true": [0.9, 0.8, 0.75]},  # of a wrong one it is not above it
        {"known": [1, 1, 0]},  # of an unknown class it is 0
        {"known": [1, 1, 2]},
        {"correct": [True, True, False]},
        {"correct": [1, 1, 2]},
        {"top": ["0.9", "0.8", "0.7"]},
        {"top": [True, 0.8, 0.7]},
        {"gain": True},
        {"gain": "1"},
        {"top": [], "true": [], "correct": []},
    ],
)
def test_records_that_contradict_themselves_are_refused(wrong):
    values = {"top": [0.9, 0.8, 0.7], "true": [0.9, 0.8, 0.3], "correct": [1, 1, 0]}
    assert OutOfFold.from_dict(values).to_dict() == values
    with pytest.raises(InputError, match="fit together"):
        OutOfFold.from_dict(values | wrong)


def test_of_very_many_a_number_is_drawn(monkeypatch):
    monkeypatch.setattr(held_out_module, "MAX_RECORDS", 100)
    probabilities = np.random.default_rng(0).dirichlet([1, 1], 500)
    out_of_fold = OutOfFold.of(probabilities, np.zeros(500, dtype=int))
    assert len(out_of_fold.top) == 100 and (np.diff(out_of_fold.top) <= 0).all()
    assert out_of_fold.top.min() < 0.6 and out_of_fold.top.max() > 0.9
    places = np.arange(500, dtype=np.int32) // 5
    out_of_fold = OutOfFold.of(probabilities, np.zeros(500, dtype=int), 0, places, texts=places)
    assert (out_of_fold.cluster_size == cluster_sizes(out_of_fold.top)).all()  # among those drawn


def test_records_that_a_person_sees_in_any_case_are_not_accepted():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    out_of_fold = OutOfFold.of(
        probabilities,
        np.array([0, 0, 1, -1]),
        has_known_word=np.array([True, False, True, True]),
        codable=np.array([True, False]),
    )
    # In order: accepted; of an unknown class; no word is known; taken for merged classes.
    assert out_of_fold.top.tolist() == [0.9, 0.6, 0.0, 0.0]
    assert out_of_fold.correct.tolist() == [True, False, True, False]
    assert out_of_fold.known.tolist() == [True, False, True, False]
    assert out_of_fold.true.tolist() == [0.9, 0.0, 1.0, 0.0]  # a set of every label holds it
    again = OutOfFold.from_dict(json.loads(json.dumps(out_of_fold.to_dict())))
    assert again.to_dict() == out_of_fold.to_dict() and again.unknown_share == 0.5
    for wrong in (
        {"uncodable": 2.0},
        {"known": [1, 1, 1]},
        {"known": [0, 0, 0, 0]},
        {"gain": math.nan},
    ):
        with pytest.raises(InputError, match="fit together"):
            OutOfFold.from_dict(out_of_fold.to_dict() | wrong)
    many = OutOfFold.of(probabilities[[0, 1] * 200], np.zeros(400, int),
                      has_known_word=np.array([True, False] * 200))  # fmt: skip
    assert promise(many, 0.05).accepted == 200 and promise(many, 0.05).threshold == 0.9


def test_what_the_model_gains_over_class_shares_decides_whether_anything_is_promised():
    generator, shares = np.random.default_rng(0), np.array([0.9, 0.1])
    labels = (generator.random(2000) < 0.1).astype(int)
    noise = np.clip(shares + generator.normal(0, 0.02, (2000, 1)) * [1, -1], 0.01, 0.99)
    learned = np.where(labels[:, None] == [0, 1], 0.97, 0.03)
    for probabilities, gained in ((noise, False), (learned, True)):
        out_of_fold = OutOfFold.of(probabilities, labels, shares=shares)
        true = np.log(probabilities[np.arange(2000), labels]) - np.log(shares[labels])
        error = true.std(ddof=1) / np.sqrt(2000)
        assert out_of_fold.gain == pytest.approx(true.mean() - 1.645 * error)
        found = promise(out_of_fold, 0.2)
        assert (out_of_fold.gain > 0) == found.learned == bool(found.accepted) == gained
    found = promise(OutOfFold.of(noise, labels, shares=shares), 0.2)
    assert found.sentence().startswith(
        "No error is promised: on 2,000 left-out training records the"
    )


def test_the_gain_is_measured_with_the_weights_of_the_training():
    probabilities = np.array([[0.6, 0.4]] * 90 + [[0.4, 0.6]] * 10)
    labels, shares = np.repeat([0, 1], [90, 10]), np.array([0.5, 0.5])
    weights = np.repeat([50 / 90, 5.0], [90, 10])
    gain = OutOfFold.of(probabilities, labels, shares=shares, weights=weights).gain
    assert gain == pytest.approx(np.log(1.2))  # the same of each record


# ---------------------------------------------------------------------------------- sets


def test_no_set_covers_what_the_model_cannot_give():
    probabilities, labels = labelled(1000, 0)
    out_of_fold = OutOfFold.of(probabilities, np.where(np.arange(1000) < 80, -1, labels))
    assert (
        conformal_threshold(out_of_fold, 0.95) == 0.0 and conformal_threshold(out_of_fold, 0.9) > 0
    )
    assert "8.0 % of them are of classes that" in conformal.why_sets_are_full(out_of_fold, 0.95)
    assert conformal.why_sets_are_full(out_of_fold, 0.9) == ""
    # The table's share counts where the left-out records have less by chance; few are no number.
    told = dataclasses.replace(out_of_fold, known=out_of_fold.known | True, uncodable=0.12)
    assert conformal_threshold(told, 0.9) == 0.0 and "12.0 % of" in conformal.why_sets_are_full(
        told, 0.9
    )
    few = dataclasses.replace(told, top=told.top[:50])
    assert "some of" in conformal.why_sets_are_full(few, 0.9)
    few = OutOfFold.of(*labelled(8, 0))
    assert conformal.why_sets_are_full(few, 0.9).startswith(
        "8 left-out training records are too few"
    )


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
    threshold = conformal_threshold(OutOfFold.of(probabilities, labels), coverage)
    # Where not even the most probable label is probable enough, mapie's set is empty.
    expected[np.arange(300), records.argmax(axis=1)] = True
    assert (conformal.prediction_sets(records, threshold) == expected).all()


def test_sets_cover_as_often_as_said():
    covered = []
    for seed in range(200):
        threshold = conformal_threshold(OutOfFold.of(*labelled(100, 2 * seed)), 0.9)
        probabilities, labels = labelled(100, 2 * seed + 1)
        inside = probabilities.round(6) >= threshold  # without the label that always belongs
        covered.append(inside[np.arange(100), labels].mean())
    # Between 0.9 and 0.9 + 1 / 101, and the mean of 200 has a standard error near 0.003.
    assert 0.89 < np.mean(covered) < 0.92


def test_sets_cover_new_texts_as_often_as_said():
    covered = {"texts": [], "records": []}
    for seed in range(400):
        out_of_fold, new = drawn_texts(20, 2 * seed), drawn_texts(20, 2 * seed + 1)
        for name, one in (("texts", out_of_fold), ("records", each_by_itself(out_of_fold))):
            covered[name].append((new.true >= conformal_threshold(one, 0.9)).mean())
    # The means have standard errors near 0.006.
    assert np.mean(covered["records"]) < 0.9 < np.mean(covered["texts"])


def test_too_few_records_leave_every_label_possible():
    probabilities, labels = labelled(8, 0)
    assert conformal_threshold(OutOfFold.of(probabilities, labels), 0.9) == 0.0
    assert conformal.prediction_sets(probabilities, 0.0).all()


def test_a_set_is_never_empty_and_its_cell_is_a_list():
    probabilities = np.array([[0.4, 0.35, 0.25], [0.05, 0.15, 0.8]])
    inside = conformal.prediction_sets(probabilities, 0.5)
    assert inside.tolist() == [[True, False, False], [False, False, True]]
    cells = conformal.format_sets(inside | [True, False, False], probabilities, ['A"', "B", "Ü, |"])
    assert [json.loads(cell) for cell in cells] == [['A"'], ["Ü, |", 'A"']]
