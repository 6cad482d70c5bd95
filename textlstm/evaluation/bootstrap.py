"""Bootstrap: resampled means, measures of models, and the difference of two models."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textlstm.array_types import Counts, Floats, Integers
from textlstm.evaluation.metrics import ECE_BINS, bin_numbers, log_losses, squared_distances
from textlstm.uncertainty.intervals import Interval, Proportion
from textlstm.uncertainty.predictions import Predictions

MEAN_DRAWS, DIFFERENCE_DRAWS = 1000, 2000
"""Resamples, for the interval of a mean and for that of a difference."""

PERCENTILES = 2.5, 97.5
"""Percentiles of the resampled values at the ends of a 95 % interval."""


@dataclass(frozen=True)
class Estimate:
    """An estimate with the ends of its 95 % confidence interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Differences:
    """Differences of two models on the same records: the first minus the second."""

    accuracy: Estimate
    macro_f1: Estimate
    log_loss: Estimate


def bootstrap_mean(values: Floats, seed: int, draws: int = MEAN_DRAWS) -> Estimate:
    """Return the mean of values (n,) with its percentile bootstrap interval."""
    n, generator = len(values), np.random.default_rng(seed)
    means = [values[generator.integers(n, size=n)].mean() for _ in range(draws)]
    low, high = np.percentile(means, PERCENTILES)
    return Estimate(float(values.mean()), float(low), float(high))


def paired_bootstrap(
    first: Predictions,
    second: Predictions,
    labels: Integers,
    seed: int,
    draws: int = DIFFERENCE_DRAWS,
) -> Differences:
    """Return the differences of two models on the same n records, with 95 % confidence intervals.

    The interval ends at percentiles of the resampled differences (Efron and Tibshirani 1993).

    Parameters
    ----------
    first, second
        The difference is first minus second.
    labels
        (n,) true class numbers.
    """
    scores, resampled = resample_scores((first, second), labels, seed, draws)
    estimates = scores[0] - scores[1]
    ends = np.percentile(resampled[:, 0] - resampled[:, 1], PERCENTILES, axis=0)
    return Differences(
        *(
            Estimate(float(estimate), float(low), float(high))
            for estimate, low, high in zip(estimates, *ends, strict=True)
        )
    )


def resample_scores(
    models: Sequence[Predictions],
    labels: Integers,
    seed: int,
    draws: int = DIFFERENCE_DRAWS,
    clusters: Integers | None = None,
) -> tuple[Floats, Floats]:
    """Return the scores of R models on n records (R, 3), and on resampled records (draws, R, 3).

    The scores are accuracy, macro-F1 and log loss, as in :class:`Differences`. Records are drawn
    with replacement, the same ones for all models.

    Parameters
    ----------
    labels
        (n,) true class numbers.
    clusters
        (n,) numbers from 0 on; records of the same number are drawn together. By default each
        record is drawn by itself.
    """
    n, n_classes = len(labels), models[0].n_classes
    numbers = np.arange(n) if clusters is None else clusters
    n_clusters = int(numbers.max()) + 1
    cells = [labels * n_classes + model.predicted for model in models]
    hits = np.array([model.correct(labels) for model in models], dtype=np.float64)
    losses = np.array([log_losses(model, labels) for model in models])

    def scores(times: Counts) -> Floats:
        f1 = [_macro_f1(np.bincount(cell, times, n_classes**2), n_classes) for cell in cells]
        means = hits @ times / times.sum(), np.array(f1), losses @ times / times.sum()
        return np.stack(means, axis=1)

    generator = np.random.default_rng(seed)
    resampled = []
    for _ in range(draws):
        drawn = generator.integers(n_clusters, size=n_clusters)
        resampled.append(scores(np.bincount(drawn, minlength=n_clusters)[numbers]))
    return scores(np.ones(n, dtype=np.int64)), np.array(resampled)


def measure_intervals(
    model: Predictions, labels: Integers, seed: int, draws: int = MEAN_DRAWS
) -> dict[str, Interval]:
    """Return the percentile bootstrap intervals of the measures of n records, by their names.

    They are those of :class:`.Measures` that are shares or means of records. Records with the same
    text and the same label are alike, so the numbers of such records are drawn and not the records.

    Parameters
    ----------
    labels
        (n,) true class numbers.
    """
    n, n_classes = len(labels), model.n_classes
    pairs, counts = np.unique(model.rows * n_classes + labels, return_counts=True)
    rows, classes = np.divmod(pairs, n_classes)
    alike = Predictions(model.probabilities, rows)
    cells, bins = classes * n_classes + alike.predicted, bin_numbers(alike.confidence)
    hits = alike.correct(classes).astype(np.float64)
    means = np.array([hits, log_losses(alike, classes), squared_distances(alike, classes)])
    generator, resampled = np.random.default_rng(seed), []
    for _ in range(draws):
        times = generator.multinomial(n, counts / n)
        of_cells = np.bincount(cells, times, n_classes**2)
        gaps = np.bincount(bins, (alike.confidence - hits) * times, ECE_BINS)
        f1 = _macro_f1(of_cells, n_classes), _weighted_f1(of_cells, n_classes)
        resampled.append((*f1, np.abs(gaps).sum() / n, *(means @ times / n)))
    names = "macro_f1", "weighted_f1", "ece", "accuracy", "log_loss", "brier"
    ends = np.percentile(resampled, PERCENTILES, axis=0).T.tolist()
    return {name: Interval(low, high) for name, (low, high) in zip(names, ends, strict=True)}


def unpaired_difference(first: Proportion, second: Proportion) -> Estimate:
    """Return the difference of two shares of different records, with its 95 % interval.

    The distances of both shares to the ends of their intervals are squared and added (Newcombe
    1998, method 10); the exact intervals make it a little wider than with Wilson's.

    Raises
    ------
    ValueError
        If one is a share of no records.

    >>> few = Proportion(0.9, 0.8, 0.96, 60)
    >>> difference = unpaired_difference(few, Proportion(0.95, 0.92, 0.97, 400))
    >>> [round(value, 3) for value in (difference.estimate, difference.low, difference.high)]
    [-0.05, -0.152, 0.017]
    """
    if first.share is None or second.share is None:
        raise ValueError("a share of no records has no difference")
    estimate = first.share - second.share
    below = math.hypot(first.share - first.low, second.high - second.share)
    above = math.hypot(first.high - first.share, second.share - second.low)
    return Estimate(estimate, estimate - below, estimate + above)


def _macro_f1(cells: NDArray[Any], n_classes: int) -> float:
    """Return macro-F1 from a flat confusion matrix (C * C,), over classes true or predicted."""
    confusion = cells.reshape(n_classes, n_classes)
    either = confusion.sum(axis=0) + confusion.sum(axis=1)
    return float((2 * confusion.diagonal()[either > 0] / either[either > 0]).mean())


def _weighted_f1(cells: NDArray[Any], n_classes: int) -> float:
    """Return F1 averaged over classes by their records, from a flat confusion matrix (C * C,)."""
    confusion = cells.reshape(n_classes, n_classes)
    true = confusion.sum(axis=1)
    either = np.maximum(confusion.sum(axis=0) + true, 1)
    return float(true @ (2 * confusion.diagonal() / either) / true.sum())
