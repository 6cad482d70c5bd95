"""Bootstrap: resampled means, scores of models, and the difference of two models."""

from collections.abc import Sequence
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


def _macro_f1(cells: NDArray[Any], n_classes: int) -> float:
    """Return macro-F1 from a flat confusion matrix (C * C,), over classes true or predicted."""
    confusion = cells.reshape(n_classes, n_classes)
    either = confusion.sum(axis=0) + confusion.sum(axis=1)
    return float((2 * confusion.diagonal()[either > 0] / either[either > 0]).mean())
