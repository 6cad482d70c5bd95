"""Differences of every two models, with intervals that all hold at once.

Over several random splits, the models are compared as treatments in randomized blocks: a split is a
block, since all models are measured on the same records of it. Tukey's honestly significant
difference corrects for the number of comparisons. Holdouts of random splits of one table overlap,
and so do the training records; the variance of a mean over splits is therefore that of Nadeau and
Bengio (2003, "Inference for the generalization error"), which counts the ratio of holdout and
training records beside the number of splits.

On one holdout, records are resampled, the same ones for all models. The largest of the resampled
differences in units of their standard errors corrects for the number of comparisons (single-step
max-t; Westfall and Young 1993).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textlstm.array_types import Floats
from textlstm.evaluation.bootstrap import PERCENTILES, Estimate
from textlstm.uncertainty.intervals import CONFIDENCE


@dataclass(frozen=True)
class PairwiseDifferences:
    """Differences of every two of R models in a score, with simultaneous 95 % intervals.

    Attributes
    ----------
    difference
        (R, R) the score of the row's model minus that of the column's.
    margin
        (R, R) half the length of the interval around each difference.
    """

    difference: Floats
    margin: Floats

    @property
    def real(self) -> NDArray[np.bool_]:
        """Return which of the differences (R, R) are real: their intervals do not hold zero."""
        return np.abs(self.difference) > self.margin

    def widened_by(self, other: "PairwiseDifferences") -> "PairwiseDifferences":
        """Return the same differences with a second, independent source of chance added."""
        return PairwiseDifferences(self.difference, np.hypot(self.margin, other.margin))


def block_differences(scores: Floats, overlap: float) -> PairwiseDifferences:
    """Compare R models on S splits by Tukey's honestly significant difference.

    A pair whose differences vary more from split to split than those of all pairs do on average
    gets the variance of its own.

    Parameters
    ----------
    scores
        (R, S), R and S at least two.
    overlap
        Holdout records for each training record; 0 if only the seeds of training differ.
    """
    from scipy.stats import studentized_range

    n_models, n_splits = scores.shape
    freedom = (n_models - 1) * (n_splits - 1)
    effects = scores - scores.mean(axis=0)
    residuals = effects - effects.mean(axis=1, keepdims=True)
    pooled = 2 * (residuals**2).sum() / freedom
    gaps = scores[:, None] - scores[None]
    variance = np.maximum(gaps.var(axis=2, ddof=1), pooled)
    # The studentized range is in units of a mean's error, not of a difference's.
    quantile = studentized_range.ppf(CONFIDENCE, n_models, freedom) / np.sqrt(2)
    margin = quantile * np.sqrt(variance * (1 / n_splits + overlap))
    np.fill_diagonal(margin, 0.0)
    return PairwiseDifferences(gaps.mean(axis=2), margin)


def block_estimates(scores: Floats, overlap: float) -> list[Estimate]:
    """Return each model's mean score over S splits with its 95 % interval, by Student's t.

    The parameters are those of :func:`block_differences`.
    """
    from scipy.stats import t as student

    n_splits = scores.shape[1]
    quantile = student.ppf((1 + CONFIDENCE) / 2, n_splits - 1)
    margins = quantile * scores.std(axis=1, ddof=1) * np.sqrt(1 / n_splits + overlap)
    means = scores.mean(axis=1)
    return [
        Estimate(float(mean), float(mean - margin), float(mean + margin))
        for mean, margin in zip(means, margins, strict=True)
    ]


def resampled_differences(scores: Floats, resampled: Floats) -> PairwiseDifferences:
    """Compare R models by their scores on resampled records (single-step max-t).

    Parameters
    ----------
    scores
        (R,) on all records.
    resampled
        (draws, R).
    """
    gaps = scores[:, None] - scores[None]
    resampled_gaps = resampled[:, :, None] - resampled[:, None]
    errors = resampled_gaps.std(axis=0, ddof=1)
    deviations = np.abs(resampled_gaps - gaps)
    in_errors = np.divide(deviations, errors, out=np.zeros_like(deviations), where=errors > 0)
    quantile = np.quantile(in_errors.max(axis=(1, 2)), CONFIDENCE)
    return PairwiseDifferences(gaps, quantile * errors)


def resampled_estimates(scores: Floats, resampled: Floats) -> list[Estimate]:
    """Return each model's score with the percentiles of resampled ones as its 95 % interval.

    The parameters are those of :func:`resampled_differences`.
    """
    low, high = np.percentile(resampled, PERCENTILES, axis=0)
    return [Estimate(*map(float, ends)) for ends in zip(scores, low, high, strict=True)]
