"""Measures of a model on new records, with intervals, beside those on the holdout of its run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from textlstm.evaluation.bootstrap import measure_intervals, unpaired_difference
from textlstm.evaluation.outcomes import accuracy_outcome
from textlstm.metrics_file import (
    BesideHoldoutJson,
    IntervalJson,
    MeasuresJson,
    MetricsJson,
    ProportionJson,
    as_json,
)
from textlstm.reporting.public import uncodable
from textlstm.reporting.sections.measures import MEASURE_NAMES
from textlstm.reporting.sections.section import Measured, OnStep, ReportInput, Section
from textlstm.uncertainty.intervals import Proportion, interval, proportion

if TYPE_CHECKING:
    from textlstm.inference.bundle import Bundle


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
class PublicEvaluatedMeasures:
    """The measures on new records.

    Attributes
    ----------
    model, holdout
        Measures on the new records, and on the holdout of the run; None if that has no report.
    intervals
        Intervals of the measures on the new records, by key, as far as they have one.
    names
        Name and explanation by key.
    all_records
        Accuracy on all new records; None if it would tell a small count of unknown labels, or if
        no label is unknown.
    """

    model: MeasuresJson
    holdout: MeasuresJson | None
    intervals: Mapping[str, IntervalJson]
    names: Mapping[str, tuple[str, str]]
    all_records: ProportionJson | None


class EvaluatedMeasures(Section[PublicEvaluatedMeasures]):
    """The table of all measures on new records.

    Parameters
    ----------
    holdout
        Measures on the holdout of the run, if it has a report.
    """

    name = "evaluated_measures"

    def __init__(self, holdout: HoldoutMeasures | None) -> None:
        self._holdout = holdout

    def measure(self, source: ReportInput, bundle: "Bundle", on_step: OnStep) -> Measured:
        """Resample the records, and compare the accuracy with that on the holdout."""
        del bundle
        on_step("resampling the records")
        model, truth = source.evaluation.models["model"], source.evaluation.truth
        intervals = measure_intervals(model, truth, source.config.seed)
        accuracy = proportion(model.correct(truth))
        holdout = None if self._holdout is None else self._holdout.accuracy
        difference = None if holdout is None else unpaired_difference(accuracy, holdout)
        sentence = accuracy_outcome(
            accuracy, holdout, difference, some_unknown=bool(uncodable(source)["records"])
        )
        beside: BesideHoldoutJson = {
            "accuracy": as_json(accuracy),
            "holdout": None if holdout is None else as_json(holdout),
            "difference": None if difference is None else as_json(difference),
            "sentence": sentence,
        }
        by_name = {name: as_json(ends) for name, ends in intervals.items()}
        return Measured({"model_intervals": by_name, "beside_holdout": beside})

    def public(self, source: ReportInput) -> PublicEvaluatedMeasures:
        """Return measures of all records, which give away no small count."""
        metrics, unknown = source.metrics, uncodable(source)
        return PublicEvaluatedMeasures(
            metrics["model"],
            self._holdout and self._holdout.measures,
            metrics["model_intervals"],
            MEASURE_NAMES,
            metrics["all_records"]["accuracy"] if unknown["records"] and unknown["share"] else None,
        )
