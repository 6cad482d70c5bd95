import dataclasses
import itertools
import math

import numpy as np
import pytest
from drawn_records import drawn, drawn_texts, each_by_itself, repeated
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from textlstm.uncertainty.conformal import conformal_threshold
from textlstm.uncertainty.risk_control import FIRST_ERRORS, Promise, promise


def true_error(thresholds):
    """The error rate above each threshold, from many more records of the same kind."""
    top = drawn(200_000, 10_000).top
    errors = np.cumsum(1 - top) / np.arange(1, len(top) + 1)
    return errors[np.searchsorted(-top, -np.array(thresholds), side="right") - 1]


def by_hand(out_of_fold, max_error):
    """Test one threshold after the other, and count all records anew for each."""
    lowest, n, tested = math.inf, out_of_fold.effective, []
    for threshold in sorted(set(out_of_fold.top.tolist()), reverse=True):
        inside = out_of_fold.top >= threshold
        effect = out_of_fold.cluster_size[inside].mean()
        records, errors = inside.sum() / effect, (inside & ~out_of_fold.correct).sum() / effect
        few = min(FIRST_ERRORS / max_error, n / 2)
        if records >= few and beta.ppf(0.95, 1, records) <= max_error:
            tested.append((threshold, records, errors))

    def holds(records, errors, confidence):
        within = errors < records
        return within and beta.ppf(confidence, errors + 1, records - errors) <= max_error

    first = [test for test in tested if test[1] < n / 2]
    second = tested[len(first) :]
    confidence = 0.95
    for threshold, *counts in first:
        if not holds(*counts, 0.96):
            confidence = 0.99
            break
        lowest = threshold
    for threshold, *counts in second:
        if not holds(*counts, confidence):
            break
        lowest = threshold
    return lowest


@pytest.mark.parametrize(("seed", "max_error"), [*itertools.product(range(3), [0.02, 0.05, 0.2])])
def test_the_threshold_is_the_one_found_by_hand(seed, max_error):
    for out_of_fold in (drawn(800, seed), drawn_texts(800, seed)):
        out_of_fold = dataclasses.replace(out_of_fold, top=out_of_fold.top.round(2))
        promised = promise(out_of_fold, max_error)
        assert promised.threshold == by_hand(out_of_fold, max_error)
        assert promised.accepted == (out_of_fold.top >= promised.threshold).sum()
        assert promised.share == promised.accepted / len(out_of_fold.top)


@pytest.mark.parametrize("max_error", [0.02, 0.03])
def test_promises_are_broken_no_more_often_than_the_confidence_allows(max_error):
    thresholds = [promise(drawn(1500, seed), max_error).threshold for seed in range(300)]
    finite = [threshold for threshold in thresholds if threshold < math.inf]
    assert len(finite) > 200
    broken = (true_error(finite) > max_error).sum()
    # If each of 300 promises is broken with probability 0.05, more than 24 are in one case of 100.
    assert 0 < broken <= binom.ppf(0.99, 300, 0.05)


def test_a_few_errors_among_the_most_confident_records_do_not_end_the_second_start():
    out_of_fold = drawn(2000, 0, slope=0.0)
    first_wrong = dataclasses.replace(out_of_fold, correct=np.arange(2000) >= 30)
    assert promise(first_wrong, 0.05).accepted == 2000
    assert not promise(first_wrong, 0.01).accepted
    spread = dataclasses.replace(out_of_fold, correct=np.arange(2000) % 40 > 0)
    assert promise(spread, 0.05).accepted == 2000


@pytest.mark.parametrize("max_error", [0.02, 0.03])
def test_promises_are_kept_on_new_texts_though_counting_records_would_break_them(max_error):
    texts = [drawn_texts(1500, seed) for seed in range(300)]
    broken = {}
    for name, out_of_fold in (("texts", texts), ("records", map(each_by_itself, texts))):
        thresholds = [promise(records, max_error).threshold for records in out_of_fold]
        finite = [threshold for threshold in thresholds if threshold < math.inf]
        broken[name] = (true_error(finite) > max_error).sum()
        assert len(finite) > 150
    assert broken["texts"] <= binom.ppf(0.99, 300, 0.05) < broken["records"]


@given(st.integers(0, 1000), st.integers(1, 40), st.sampled_from([0.01, 0.02, 0.05, 0.2]))
def test_repeating_every_text_equally_often_changes_no_promise_and_no_set(seed, times, max_error):
    once = drawn(400, seed)
    often = repeated(once, np.full(400, times))
    repeats, expected = promise(often, max_error), promise(once, max_error)
    assert (repeats.threshold, repeats.share) == (expected.threshold, expected.share)
    assert (repeats.effective, repeats.records) == (400, 400 * times)
    assert conformal_threshold(often, 1 - max_error) == conformal_threshold(once, 1 - max_error)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(0, 1000))
def test_the_effective_number_of_records_is_that_of_kish(times, seed):
    out_of_fold = repeated(drawn(len(times), seed), np.array(times))
    assert out_of_fold.effective == pytest.approx(sum(times) ** 2 / sum(n * n for n in times))
    assert 1 <= out_of_fold.effective <= len(times) * (1 + 1e-12)
    assert (
        promise(out_of_fold, 0.05).accepted <= promise(each_by_itself(out_of_fold), 0.05).accepted
    )


def test_a_text_of_half_the_records_leaves_nothing_to_promise():
    out_of_fold = repeated(drawn(400, 0, slope=0.0), np.array([400] + [1] * 399))
    assert promise(each_by_itself(out_of_fold), 0.01).share == 1.0
    promised = promise(out_of_fold, 0.01)
    assert promised.accepted == 0
    sentence = "799 left-out training records, which repeat texts and count as 4 ("
    assert sentence in promised.sentence()


def test_what_cannot_be_promised_is_not_accepted():
    for out_of_fold in (drawn(148, 0, slope=0.0), drawn(800, 0, slope=3.0), drawn(0, 0)):
        promised = promise(out_of_fold, 0.02)
        assert promised.threshold == math.inf and promised.share == 0.0
        assert "at most 2 % cannot be promised" in promised.sentence()
    assert promise(drawn(149, 0, slope=0.0), 0.02).share == 1.0


def test_a_promise_is_a_sentence():
    promised = Promise(0.02, 0.9, records=1000, accepted=712, effective=1000)
    assert promised.sentence() == (
        "At most 2 % error is promised among the records that are coded automatically (95 % "
        "confidence). Aimed at: 71.2 % coded, the share among the 1,000 left-out training records."
    )
    none = dataclasses.replace(promised, accepted=0, unknown_share=0.12)
    assert "1,000 left-out training records, 12.0 % of them of classes that" in none.sentence()
    assert "12.0 %" not in dataclasses.replace(none, unknown_share=0.01).sentence()


def test_records_that_are_always_for_review_have_no_threshold():
    out_of_fold = drawn(400, 0, slope=0.0)
    review = dataclasses.replace(out_of_fold, top=np.where(np.arange(400) < 200, 0.9, 0.0))
    promised = promise(review, 0.05)
    assert (promised.threshold, promised.accepted) == (0.9, 200)
