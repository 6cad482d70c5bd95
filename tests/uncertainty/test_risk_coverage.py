import numpy as np
import pytest

from textlstm.uncertainty.intervals import interval
from textlstm.uncertainty.risk_coverage import RiskCoverageCurve, risk_coverage_curve


def test_the_curve_is_the_one_counted_by_hand():
    confidence = np.repeat([0.9, 0.8, 0.6, 0.5], [10, 15, 12, 3])
    correct = np.array([True] * 10 + [True, False] * 7 + [True] + [False] * 15)
    curve = risk_coverage_curve(confidence, correct)
    np.testing.assert_allclose(curve.share, [10 / 40, 25 / 40, 1.0])
    np.testing.assert_allclose(curve.error, [0, 7 / 25, 22 / 40])
    np.testing.assert_allclose(curve.high, interval([0, 7, 22], [10, 25, 40])[1])
    many = risk_coverage_curve(np.linspace(0, 1, 5000), np.ones(5000, dtype=bool))
    np.testing.assert_allclose(many.share, np.arange(1, 101) / 100)
    nothing = risk_coverage_curve(np.zeros(0), np.zeros(0, dtype=bool))
    assert nothing == RiskCoverageCurve(share=[], error=[], low=[], high=[])


@pytest.mark.parametrize("n", [1, 9, 10, 19, 20, 137, 5000])
def test_each_point_of_the_curve_adds_at_least_ten_records(n):
    rng = np.random.default_rng(n)
    curve = risk_coverage_curve(rng.random(n).round(2), rng.random(n) < 0.5)
    added = np.diff(n * np.array([0, *curve.share])).round(6)
    assert curve.share[-1] == 1.0 and len(added) <= 100
    assert len(added) == 1 or added.min() >= 10
