"""Confidence intervals of shares and means, and the design effect of repeated texts."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
"""Of every promise and every interval."""

ONE_SIDED = 1.645
"""Standard errors below a mean at which its one-sided bound of that confidence lies."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]


def mean_lower_bound(values: Floats, weights: Floats, cluster_size: Counts) -> float:
    """Return the lower bound of the mean of values (n,), weighted, by the normal distribution.

    Values count as their design effect says; of fewer than two there is no bound.

    >>> values, ones = np.array([0.0, 2.0] * 50), np.ones(100)
    >>> round(mean_lower_bound(values, ones, np.ones(100, dtype=int)), 3)
    0.835
    """
    if len(values) < 2:
        return -math.inf
    mean = np.average(values, weights=weights)
    squares = (weights**2 * (values - mean) ** 2).sum() / (len(values) - 1) * len(values)
    error = math.sqrt(squares * design_effect(cluster_size)) / weights.sum()
    return float(mean - ONE_SIDED * error)


def cluster_sizes(texts: Sequence[Any] | NDArray[Any]) -> Counts:
    """Return how many of n texts are equal to each (n,).

    >>> cluster_sizes(["mi", "stroke", "mi"])
    array([2, 1, 2])
    """
    _, places, counts = np.unique(texts, return_inverse=True, return_counts=True)
    equal: Counts = counts[places].astype(np.int64)
    return equal


def design_effect(cluster_size: Counts) -> float:
    """Return how many records count as one, given how many have the text of each (n,).

    >>> design_effect(np.array([3, 3, 3, 1])), design_effect(np.ones(4, dtype=int))
    (2.5, 1.0)
    """
    return float(cluster_size.mean()) if len(cluster_size) else 1.0


def upper_bound(events: Any, records: Any, confidence: float = CONFIDENCE) -> Any:
    """Return the one-sided upper bound of a share, of numbers or arrays (Clopper, Pearson 1934).

    Both may be fractions, where records are counted as fewer than they are.

    >>> round(float(upper_bound(0, 149)), 4)
    0.0199
    """
    # Imported late: it takes a tenth of a second, and records can be coded without a promise.
    from scipy.special import betaincinv

    events, records = np.asarray(events), np.asarray(records)
    return np.where(
        events < records,
        betaincinv(events + 1, np.where(events < records, records - events, 1), confidence),
        1.0,
    )


def interval(events: Any, records: Any) -> tuple[Any, Any]:
    """Return the two-sided 95 % interval of a share, of numbers or arrays.

    >>> low, high = interval(0, 100)
    >>> float(low), round(float(high), 4)
    (0.0, 0.0362)
    """
    each_side = (1 + CONFIDENCE) / 2
    high = upper_bound(events, records, each_side)
    low = 1 - upper_bound(np.asarray(records) - events, records, each_side)
    return low, high


def proportion(events: Flags, cluster_size: Counts | None = None) -> dict[str, float | int | None]:
    """Return the share of records (n,) of which something is true, with its 95 % interval.

    Where what is new are texts, ``alike`` (n,) says how many records have that of each.
    """
    effect = 1.0 if cluster_size is None else design_effect(cluster_size)
    low, high = interval(events.sum() / effect, len(events) / effect)
    share = float(events.mean()) if len(events) else None
    return {"share": share, "low": float(low), "high": float(high), "records": len(events)}


def percent(share: float) -> str:
    """Write a share that somebody named in percent, as it was named.

    >>> percent(0.125), percent(0.02), percent(1.0)
    ('12.5 %', '2 %', '100 %')
    """
    return f"{100 * share:.3g} %"


def tenths(share: float) -> str:
    """Write a share that was measured, to a tenth of a percent.

    >>> tenths(0.86712), tenths(0.02), tenths(1.0)
    ('86.7 %', '2.0 %', '100.0 %')
    """
    return f"{100 * share:.1f} %"
