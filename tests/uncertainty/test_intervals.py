import dataclasses

import numpy as np
import pytest
from scipy.stats import beta, binom

from textlstm.uncertainty.intervals import Proportion, interval, proportion, upper_bound


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
    measured = proportion(events, np.full(6, 2))
    assert measured == dataclasses.replace(proportion(events[::2]), records=6)
    assert proportion(events, np.ones(6, dtype=int)) == proportion(events)


def test_of_no_records_a_share_may_be_anything():
    nothing = np.zeros(0, dtype=bool)
    assert proportion(nothing) == Proportion(share=None, low=0.0, high=1.0, records=0)
    assert proportion(~np.array([True, False, False])).share == pytest.approx(2 / 3)
