"""The risk-coverage curve of abstention: error rate against the share coded automatically."""

from dataclasses import dataclass

import numpy as np

from textlstm.array_types import Counts, Flags, Floats
from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.uncertainty.intervals import interval

CURVE_POINTS = 100
"""Points of a curve, at most."""

POINT_RECORDS = SMALLEST_SHOWN
"""Records between two points of a curve, at least: fewer would show single records."""


@dataclass(frozen=True)
class RiskCoverageCurve:
    """Points of a risk-coverage curve, from the most confident records to all records.

    Attributes
    ----------
    share
        Share of the records that is coded automatically (the coverage).
    error
        Share of these that is wrong (the risk).
    low, high
        Ends of the 95 % confidence interval of ``error``.
    """

    share: list[float]
    error: list[float]
    low: list[float]
    high: list[float]


def risk_coverage_curve(
    confidence: Floats, correct: Flags, cluster_size: Counts | None = None
) -> RiskCoverageCurve:
    """Return the error rate of selective classification against its coverage.

    Parameters
    ----------
    confidence
        (n,) probability of the predicted class.
    correct
        (n,) whether it is the true class.
    cluster_size
        (n,) as in :func:`.proportion`.

    Returns
    -------
    RiskCoverageCurve
        At most :data:`CURVE_POINTS` points; none if there are no records.
    """
    n = len(confidence)
    order = np.argsort(-confidence, kind="stable")
    ends = _point_ends(confidence[order])
    errors = np.cumsum(~correct[order])[ends - 1]
    sizes = np.ones(n) if cluster_size is None else cluster_size[order]
    effects = np.cumsum(sizes)[ends - 1] / ends
    low, high = interval(errors / effects, ends / effects)
    return RiskCoverageCurve(
        share=(ends / n).tolist(),
        error=(errors / ends).tolist(),
        low=low.tolist(),
        high=high.tolist(),
    )


def _point_ends(confidence: Floats) -> Counts:
    """Return the number of records up to each point, given confidence (n,) from the highest down.

    Records of equal confidence are accepted together, so they belong to one point.
    """
    n = len(confidence)
    ties = np.append(np.flatnonzero(np.diff(confidence)) + 1, n)
    step, ends = max(POINT_RECORDS, n / CURVE_POINTS), [0]
    while ends[-1] + step <= n:
        ends.append(int(ties[np.searchsorted(ties, ends[-1] + step)]))
    # The last point also covers the records that are too few for a point of their own.
    return np.array([*ends[1:-1], n] if n else [], dtype=np.int64)
