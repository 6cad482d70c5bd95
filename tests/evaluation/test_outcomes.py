import numpy as np
import pytest
from scipy.stats import binomtest

from textlstm.evaluation.bootstrap import Estimate
from textlstm.evaluation.outcomes import coverage_outcome, learned, promise_outcome
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
