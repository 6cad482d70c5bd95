"""Measures of a model on new records, with intervals, beside those on the holdout of its run."""

from collections.abc import Mapping
from dataclasses import dataclass

from textlstm.metrics_file import IntervalJson, MeasuresJson, ProportionJson
from textlstm.reporting.public import uncodable
from textlstm.reporting.sections.measures import MEASURE_NAMES
from textlstm.reporting.sections.section import ReportInput, Section


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

    def __init__(self, holdout: MeasuresJson | None) -> None:
        self._holdout = holdout

    def public(self, source: ReportInput) -> PublicEvaluatedMeasures:
        """Return measures of all records, which give away no small count."""
        metrics, unknown = source.metrics, uncodable(source)
        return PublicEvaluatedMeasures(
            metrics["model"],
            self._holdout,
            metrics["model_intervals"],
            MEASURE_NAMES,
            metrics["all_records"]["accuracy"] if unknown["records"] and unknown["share"] else None,
        )
