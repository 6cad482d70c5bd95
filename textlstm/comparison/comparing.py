"""Compare models on the same records: scores, costs, best trade-offs, and real differences."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from textlstm.array_types import Floats
from textlstm.comparison.model_results import ModelResult, on_common_records
from textlstm.comparison.pairwise import (
    PairwiseDifferences,
    block_differences,
    block_estimates,
    resampled_differences,
    resampled_estimates,
)
from textlstm.errors import InputError
from textlstm.evaluation.bootstrap import Estimate, resample_scores

SCORES = {"accuracy": 1.0, "macro_f1": 1.0, "log_loss": math.inf}
"""Scores that models are compared by, in the order of :func:`.resample_scores`, each with the
largest value that it can take; the smallest is 0."""

MAIN_SCORE = "log_loss"
"""Score that orders the models: it judges all probabilities, and varies least by chance."""

Results = Mapping[str, Sequence[ModelResult]]
"""Results of R models by name: one for each of S seeds, the same seeds for all models."""


@dataclass(frozen=True)
class ComparedModel:
    """The scores and the costs of a model, means over its seeds.

    Attributes
    ----------
    scores
        Each of :data:`SCORES`, with its 95 % interval.
    auroc, auprc
        As in :class:`.Measures`; None if all records are of one class.
    n_parameters, train_seconds, rows_per_second
        As in :class:`.ModelResult`.
    """

    name: str
    scores: dict[str, Estimate]
    auroc: float | None
    auprc: float | None
    n_parameters: int
    train_seconds: float
    rows_per_second: float


@dataclass(frozen=True)
class Comparison:
    """R models in the order of their log loss, the best first.

    Attributes
    ----------
    differences
        Of every two models, by score.
    n_records
        Mean number of records of the holdouts that are compared.
    n_seeds
        Number of times that each model was trained.
    new_splits
        Whether each seed divided the records anew: then the differences hold for models trained on
        other such records. If all models have one holdout, they hold for the models as trained.
    """

    models: tuple[ComparedModel, ...]
    differences: dict[str, PairwiseDifferences]
    n_records: int
    n_seeds: int
    new_splits: bool

    @classmethod
    def of(cls, results: Results, *, same_holdout: bool, grouped: bool) -> Self:
        """Compare the results of two models or more.

        Parameters
        ----------
        same_holdout
            Whether all seeds have the same holdout, as with a temporal split.
        grouped
            Whether no text of the holdout is trained on: texts are then resampled, not records.

        Raises
        ------
        InputError
            If there are fewer than two models, or they have no records in common.
        """
        if len(results) < 2:
            raise InputError("a comparison needs two models or more")
        n_seeds = len(next(iter(results.values())))
        new_splits = n_seeds > 1 and not same_holdout
        if not new_splits:
            results = _on_one_holdout(results)
        results = dict(sorted(results.items(), key=_mean_loss))
        estimates, differences = (
            _over_splits(results) if new_splits else _over_records(results, grouped)
        )
        models = [
            _compared(name, of_seeds, {score: estimates[score][row] for score in SCORES})
            for row, (name, of_seeds) in enumerate(results.items())
        ]
        sizes = [len(result.truth) for of_seeds in results.values() for result in of_seeds]
        return cls(tuple(models), differences, round(float(np.mean(sizes))), n_seeds, new_splits)

    @property
    def names(self) -> list[str]:
        """Return the names of the models (R,)."""
        return [model.name for model in self.models]

    @property
    def trade_offs(self) -> list[bool]:
        """Tell for each model whether none is both better in log loss and faster in training."""
        fastest, flags = np.inf, []
        for model in self.models:
            flags.append(model.train_seconds < fastest)
            fastest = min(fastest, model.train_seconds)
        return flags

    @property
    def really_worse(self) -> list[str]:
        """Return the models whose log loss is really higher than that of the first."""
        real = self.differences[MAIN_SCORE].real[0]
        return [name for name, differs in zip(self.names, real, strict=True) if differs]


def _mean_loss(item: tuple[str, Sequence[ModelResult]]) -> float:
    return float(np.mean([getattr(result.measures, MAIN_SCORE) for result in item[1]]))


def _mean(values: Sequence[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return float(np.mean(numbers)) if numbers else None


def _compared(
    name: str, results: Sequence[ModelResult], scores: dict[str, Estimate]
) -> ComparedModel:
    """Join the scores of a model with the means of its costs."""
    return ComparedModel(
        name,
        scores,
        auroc=_mean([result.measures.auroc for result in results]),
        auprc=_mean([result.measures.auprc for result in results]),
        n_parameters=round(float(np.mean([result.n_parameters for result in results]))),
        train_seconds=float(np.mean([result.train_seconds for result in results])),
        rows_per_second=float(np.mean([result.rows_per_second for result in results])),
    )


def _on_one_holdout(results: Results) -> dict[str, list[ModelResult]]:
    """Restrict all results to the records that all have."""
    flat = iter(on_common_records([one for of_seeds in results.values() for one in of_seeds]))
    return {name: [next(flat) for _ in of_seeds] for name, of_seeds in results.items()}


def _scores(results: Results, score: str) -> Floats:
    """Return a score of each model and seed (R, S)."""
    return np.array(
        [[getattr(one.measures, score) for one in of_seeds] for of_seeds in results.values()]
    )


def _possible(estimate: Estimate, largest: float) -> Estimate:
    """Return an estimate whose interval holds only values that the score can take."""
    return replace(estimate, low=max(0.0, estimate.low), high=min(largest, estimate.high))


Intervals = tuple[dict[str, list[Estimate]], dict[str, PairwiseDifferences]]
"""For each score, its estimate for each model, and the differences of the models."""


def _over_splits(results: Results) -> Intervals:
    """Compare models over several random splits."""
    overlap = float(np.mean([one.overlap for of_seeds in results.values() for one in of_seeds]))
    scores = {score: _scores(results, score) for score in SCORES}
    return (
        {
            score: [_possible(one, SCORES[score]) for one in block_estimates(values, overlap)]
            for score, values in scores.items()
        },
        {score: block_differences(values, overlap) for score, values in scores.items()},
    )


def _over_records(results: Results, grouped: bool) -> Intervals:
    """Compare models on one holdout; their seeds differ in training alone."""
    flat = [one for of_seeds in results.values() for one in of_seeds]
    clusters = np.unique(flat[0].texts, return_inverse=True)[1] if grouped else None
    predictions = [one.predictions for one in flat]
    on_all, resampled = resample_scores(predictions, flat[0].truth, seed=0, clusters=clusters)
    shape = len(results), -1, len(SCORES)
    means = on_all.reshape(shape).mean(axis=1)
    resampled_means = resampled.reshape(len(resampled), *shape).mean(axis=2)
    estimates, differences = {}, {}
    for number, score in enumerate(SCORES):
        values, draws = means[:, number], resampled_means[..., number]
        estimates[score] = resampled_estimates(values, draws)
        differences[score] = resampled_differences(values, draws)
        of_seeds = _scores(results, score)
        if of_seeds.shape[1] > 1:
            by_training = block_differences(of_seeds, overlap=0.0)
            differences[score] = differences[score].widened_by(by_training)
    return estimates, differences
