"""Bootstrap confidence intervals: of a mean, and of the difference of two models."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textlstm.array_types import Counts, Floats, Integers
from textlstm.evaluation.metrics import log_losses
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

    Records are drawn with replacement, the same ones for both models; the interval ends at
    percentiles of the resampled differences (Efron and Tibshirani 1993).

    Parameters
    ----------
    first, second
        The difference is first minus second.
    labels
        (n,) true class numbers.
    """
    n, n_classes = len(labels), first.n_classes
    models = first, second
    cells = [labels * n_classes + model.predicted for model in models]
    losses = [log_losses(model, labels) for model in models]
    hits = [model.correct(labels).astype(np.float64) for model in models]
    more_hits, more_loss = hits[0] - hits[1], losses[0] - losses[1]

    def difference(times: Counts) -> tuple[float, float, float]:
        f1 = [_macro_f1(np.bincount(cell, times, n_classes**2), n_classes) for cell in cells]
        return float(more_hits @ times) / n, f1[0] - f1[1], float(more_loss @ times) / n

    generator = np.random.default_rng(seed)
    estimates = difference(np.ones(n, dtype=np.int64))
    resampled = [
        difference(np.bincount(generator.integers(n, size=n), minlength=n)) for _ in range(draws)
    ]
    ends = np.percentile(resampled, PERCENTILES, axis=0)
    return Differences(
        *(
            Estimate(estimate, float(low), float(high))
            for estimate, low, high in zip(estimates, *ends, strict=True)
        )
    )


def _macro_f1(cells: NDArray[Any], n_classes: int) -> float:
    """Return macro-F1 from a flat confusion matrix (C * C,), over classes true or predicted."""
    confusion = cells.reshape(n_classes, n_classes)
    either = confusion.sum(axis=0) + confusion.sum(axis=1)
    return float((2 * confusion.diagonal()[either > 0] / either[either > 0]).mean())
