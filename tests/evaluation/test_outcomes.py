import numpy as np
import pytest
from scipy.stats import binomtest

from textlstm.evaluation.bootstrap import Estimate
from textlstm.evaluation.outcomes import (
    NEW_RECORDS,
    accuracy_outcome,
    coverage_outcome,
    learned,
    promise_outcome,
)
from textlstm.uncertainty.intervals import Proportion, proportion


@pytest.mark.parametrize(("better", "worse"), [(3, 0), (6, 0), (7, 0), (20, 8), (30, 10)])
def test_a_lead_in_accuracy_counts_if_it_is_not_chance(better, worse):
    hits = np.repeat([True, False, True], [better, worse, 50])
    rival = np.repeat([False, True, True], [better, worse, 50])
    chance = binomtest(better, better + worse, 0.5, alternative="greater").pvalue
    assert learned(Estimate(0.0, -1.0, 0.1), hits, rival) == (chance < 0.01)
    assert learned(Estimate(-0.2, -1.0, -0.1), hits, rival)
    assert not learned(Estimate(-0.1, -1.0, 0.0), rival, hits)


def shares(share, low, high):
    return Proportion(share, low, high, records=1000)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            shares(0.013, 0.009, 0.018),
            "On the holdout, 85.9 % of the records are coded automatically, and 1.3 % (95 % "
            "interval 0.9 to 1.8 %) of these are wrong: the promised error of at most 2 % is kept.",
        ),
        (shares(0.02, 0.01, 0.03), "is kept."),
        (shares(0.024, 0.016, 0.035), "is missed, though within chance."),
        (shares(0.029, 0.023, 0.035), "is broken by more than chance."),
    ],
)
def test_a_sentence_says_whether_a_promise_was_kept(error, sentence):
    assert sentence in promise_outcome(0.02, shares(0.859, 0.847, 0.870), error)
    nothing = proportion(np.zeros(0, dtype=bool))
    assert promise_outcome(0.02, shares(0.0, 0.0, 0.01), nothing) == ""


@pytest.mark.parametrize(
    ("covered", "sentence"),
    [
        (shares(0.951, 0.94, 0.96), "holdout: reached."),
        (shares(0.945, 0.93, 0.955), "holdout: missed, though within chance."),
        (
            shares(0.937, 0.925, 0.948),
            "95 % coverage aimed at, 93.7 % (95 % interval 92.5 to 94.8 %) measured on the "
            "holdout: missed by more than chance.",
        ),
    ],
)
def test_a_sentence_says_whether_prediction_sets_reached_their_coverage(covered, sentence):
    assert sentence in coverage_outcome(0.95, covered)
    assert coverage_outcome(0.95, proportion(np.zeros(0, dtype=bool))) == ""


def test_the_accuracy_of_new_records_is_told_beside_that_of_the_holdout():
    accuracy, holdout = shares(0.9, 0.88, 0.92), shares(0.922, 0.91, 0.93)
    alone = "Of the new records, 90.0 % (95 % interval 88.0 to 92.0 %) get their true label"
    assert accuracy_outcome(accuracy) == f"{alone}."
    told = accuracy_outcome(accuracy, holdout, Estimate(-0.022, -0.04, -0.002))
    assert told == (
        f"{alone}, against 92.2 % on the holdout of the run: 2.2 percentage points fewer, more "
        "than chance (95 % interval of the difference -4.0 to -0.2)."
    )
    told = accuracy_outcome(accuracy, holdout, Estimate(0.01, -0.01, 0.03), some_unknown=True)
    assert "1.0 percentage points more, within chance" in told
    assert told.startswith("Of the new records of the classes that the model knows, 90.0 %")
    assert ": as many, within chance" in accuracy_outcome(holdout, holdout, Estimate(0.0, -1, 1))


def test_a_promise_that_is_broken_on_new_records_is_not_to_be_relied_on_for_them():
    error = shares(0.06, 0.05, 0.07)
    told = promise_outcome(0.02, shares(0.8, 0.7, 0.9), error, NEW_RECORDS)
    assert told.startswith("On the new records, 80.0 % ")
    assert told.endswith("broken by more than chance. Do not rely on it for records like these.")
