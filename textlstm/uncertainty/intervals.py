"""Confidence intervals of shares and means, and the design effect of repeated texts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textlstm.array_types import Counts, Flags, Floats, Numbers

CONFIDENCE = 0.95
"""Probability with which every promise and every confidence interval holds."""

ONE_SIDED = 1.645
"""Standard errors between a mean and its one-sided confidence bound, by the normal distribution."""


@dataclass(frozen=True)
class Interval:
    """A two-sided 95 % confidence interval.

    Attributes
    ----------
    low, high
        Its ends.
    """

    low: float
    high: float


@dataclass(frozen=True)
class Proportion:
    """A share of records, with its two-sided 95 % confidence interval.

    Attributes
    ----------
    share
        None if there are no records.
    low, high
        Ends of the interval.
    records
        Number of records the share is measured on.
    """

    share: float | None
    low: float
    high: float
    records: int


def mean_lower_bound(values: Floats, weights: Numbers, cluster_size: Counts) -> float:
    """Return the one-sided lower confidence bound of a weighted mean of values (n,).

    It follows from the normal distribution, with as many records as the design effect leaves. With
    fewer than two values there is no bound, and the result is minus infinity.

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
    """Count the records that have the same text as each of n records (n,).

    >>> cluster_sizes(["mi", "stroke", "mi"])
    array([2, 1, 2])
    """
    _, inverse, counts = np.unique(texts, return_inverse=True, return_counts=True)
    sizes: Counts = counts[inverse].astype(np.int64)
    return sizes


def design_effect(cluster_size: Counts) -> float:
    """Return how many records count as one, given the number of records of each one's text (n,).

    >>> design_effect(np.array([3, 3, 3, 1])), design_effect(np.ones(4, dtype=int))
    (2.5, 1.0)
    """
    return float(cluster_size.mean()) if len(cluster_size) else 1.0


def upper_bound(events: Any, records: Any, confidence: float = CONFIDENCE) -> Any:
    """Return the one-sided upper confidence bound of a share (Clopper and Pearson 1934).

    Parameters
    ----------
    events, records
        Numbers or arrays: records in which the event occurred, and all records. Both may be
        fractions, since repeated texts reduce the effective number of records.

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
    """Return the two-sided 95 % confidence interval of a share, for numbers or arrays.

    >>> low, high = interval(0, 100)
    >>> float(low), round(float(high), 4)
    (0.0, 0.0362)
    """
    each_side = (1 + CONFIDENCE) / 2
    high = upper_bound(events, records, each_side)
    low = 1 - upper_bound(np.asarray(records) - events, records, each_side)
    return low, high


def proportion(events: Flags, cluster_size: Counts | None = None) -> Proportion:
    """Return the share of n records in which an event occurred, with its 95 % confidence interval.

    Parameters
    ----------
    events
        (n,) whether it occurred.
    cluster_size
        (n,) number of records with the text of each, if the share must hold for new texts; None if
        it must hold for new records.
    """
    effect = 1.0 if cluster_size is None else design_effect(cluster_size)
    low, high = interval(events.sum() / effect, len(events) / effect)
    share = float(events.mean()) if len(events) else None
    return Proportion(share, float(low), float(high), len(events))


def percent(share: float) -> str:
    """Write a share that a user named in percent, with the digits the user gave.

    >>> percent(0.125), percent(0.02), percent(1.0)
    ('12.5 %', '2 %', '100 %')
    """
    return f"{100 * share:.3g} %"


def tenths(share: float) -> str:
    """Write a measured share in percent, to a tenth.

    >>> tenths(0.86712), tenths(0.02), tenths(1.0)
    ('86.7 %', '2.0 %', '100.0 %')
    """
    return f"{100 * share:.1f} %"
