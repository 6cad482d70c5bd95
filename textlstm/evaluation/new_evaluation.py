"""Evaluate a model on labelled records of another table, such as those of a later year.

Nothing is trained, so there are no baselines.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
import pandas as pd

from textlstm.evaluation.bootstrap import measure_intervals, unpaired_difference
from textlstm.evaluation.decisions import measure_decisions
from textlstm.evaluation.evaluate import measure_predictions, predictions_table
from textlstm.evaluation.holdout import Holdout
from textlstm.evaluation.new_records import NewRecords
from textlstm.evaluation.outcomes import NEW_RECORDS, accuracy_outcome
from textlstm.evaluation.results import Evaluation
from textlstm.inference.bundle import Bundle
from textlstm.inference.drift import InputStatistics
from textlstm.inference.scoring import CountedScores, score_and_count
from textlstm.metrics_file import (
    BesideHoldoutJson,
    DriftJson,
    MeasuresJson,
    MetricsJson,
    SectionsJson,
    as_json,
)
from textlstm.uncertainty.intervals import Interval, Proportion, interval, proportion
from textlstm.uncertainty.risk_control import PROMISED_ERRORS


class HoldoutMeasures(NamedTuple):
    """Measures of the model on the holdout of its run, and its accuracy there."""

    measures: MeasuresJson
    accuracy: Proportion

    @classmethod
    def of(cls, metrics: MetricsJson) -> Self:
        """Read the ``metrics.json`` of a run.

        Raises
        ------
        KeyError
            If it is of another release.
        """
        share, n = metrics["model"]["accuracy"], metrics["data"]["holdout"]
        low, high = interval(round(share * n), n)
        return cls(metrics["model"], Proportion(share, float(low), float(high), n))


@dataclass(frozen=True)
class NewEvaluation:
    """Measures of a model on new records, and statistics of these as its inputs.

    Attributes
    ----------
    evaluation
        Its table of predictions has all n records, in the order of the table.
    intervals
        Confidence intervals of the measures, by their names.
    statistics
        What drift is judged by.
    drift
        The statistics beside those of the training records, and differences in words.
    """

    evaluation: Evaluation
    intervals: Mapping[str, Interval]
    statistics: InputStatistics
    drift: DriftJson

    @property
    def predictions(self) -> pd.DataFrame:
        """Return the table of ``predictions.csv``: ids, labels and decisions of all n records."""
        return self.evaluation.predictions

    def to_dict(self, holdout: HoldoutMeasures | None = None) -> MetricsJson:
        """Return what ``metrics.json`` holds; counts in it may be small, so it is private.

        Parameters
        ----------
        holdout
            Measures on the holdout of the model's run, to compare the accuracy with.
        """
        sections: SectionsJson = {
            "model_intervals": {name: as_json(ends) for name, ends in self.intervals.items()},
            "beside_holdout": self.beside_holdout(holdout),
            "drift": self.drift,
        }
        return {**self.evaluation.to_dict(), **sections}

    def beside_holdout(self, holdout: HoldoutMeasures | None = None) -> BesideHoldoutJson:
        """Compare the accuracy with that on the holdout of the run, if that was measured."""
        model, truth = self.evaluation.models["model"], self.evaluation.truth
        accuracy = proportion(model.correct(truth))
        there = None if holdout is None else holdout.accuracy
        difference = None if there is None else unpaired_difference(accuracy, there)
        some_unknown = bool(self.evaluation.data.uncodable["records"])
        return {
            "accuracy": as_json(accuracy),
            "holdout": None if there is None else as_json(there),
            "difference": None if difference is None else as_json(difference),
            "sentence": accuracy_outcome(accuracy, there, difference, some_unknown=some_unknown),
        }


def evaluate_new(
    bundle: Bundle,
    new: NewRecords,
    training: Mapping[str, pd.DataFrame],
    seed: int,
    max_errors: Sequence[float] = PROMISED_ERRORS,
    on_step: Callable[[str], object] = str,
) -> NewEvaluation:
    """Measure a bundle on labelled records of another table.

    Records whose label the model cannot give are errors in promises, as in the report of a run.

    Parameters
    ----------
    training
        ``train`` and ``validation``: text and label. Empty if the training records are not at
        hand: no text then counts as unseen, and measures must hold for new texts if the promises
        do.
    seed
        Of the bootstrap.
    max_errors
        Error rates that are promised; the middle one decides.
    on_step
        Is called with the name of each step before it begins.
    """
    on_step("coding the records")
    holdout = Holdout.of({**training, "holdout": new.records}, None, bundle.labels)
    coded = score_and_count(bundle, holdout.inputs)
    repeated = bool((bundle.out_of_fold.cluster_size > 1).any())
    records = holdout.scored(coded.scores, texts_are_new=repeated)
    on_step("measuring")
    decisions = measure_decisions(
        bundle.out_of_fold, records, bundle.labels, max_errors, NEW_RECORDS
    )
    models = {"model": records.predictions.take(holdout.known)}
    facts = new.facts(bundle, records)
    evaluation = measure_predictions(bundle, holdout, records, models, decisions, facts, seed)
    threshold = decisions.main_promise.promise.threshold
    table = predictions_table(holdout, records, bundle.labels, threshold, slice(None))
    evaluation = replace(evaluation, predictions=table.sort_index())
    statistics = _statistics(bundle, holdout, coded, threshold)
    on_step("resampling the records")
    intervals = measure_intervals(models["model"], evaluation.truth, seed)
    return NewEvaluation(
        evaluation, intervals, statistics, statistics.compared_with(bundle.summary)
    )


def _statistics(
    bundle: Bundle, holdout: Holdout, coded: CountedScores, threshold: float
) -> InputStatistics:
    """Return the statistics of the records as inputs of the model."""
    scores, rows, expand = (
        coded.scores,
        holdout.inputs.inverse,
        bundle.vocabulary.expand_abbreviations,
    )
    abbreviated = np.array(
        [expand(text) != text for text, _ in holdout.inputs.values], dtype=np.bool_
    )
    return InputStatistics.of(
        coded.words[rows],
        coded.unknown[rows],
        scores.accepted(threshold),
        scores.highest,
        abbreviated[rows],
    )
