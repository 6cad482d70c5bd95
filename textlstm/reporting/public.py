"""Counts and measures as they may be published, for sections that share them."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import TypeVar

from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.metrics_file import IntervalJson, PromiseJson, SetsJson, UncodableJson
from textlstm.reporting.sections.section import ReportInput
from textlstm.uncertainty.risk_control import main_promise

MeasuresByClass = dict[str, dict[str, float | None]]
"""Precision, recall, F1 and support by class; a suppressed number is None."""


IntervalsByClass = dict[str, dict[str, IntervalJson | None]]
"""Confidence intervals of precision, recall and F1 by class; a suppressed one is None."""

Row = TypeVar("Row")
Decision = TypeVar("Decision", PromiseJson, SetsJson)


def public_class_measures(source: ReportInput) -> MeasuresByClass:
    """Return the measures of each class; a measure that gives away a small count is None."""
    return {
        label: {name: None if name in suppressed else value for name, value in row.items()}
        for (label, row), suppressed in _suppressed(source, source.metrics["per_class"])
    }


def public_class_intervals(source: ReportInput) -> IntervalsByClass:
    """Return the confidence intervals of the measures that :func:`public_class_measures` shows."""
    return {
        label: {name: None if name in suppressed else bounds for name, bounds in row.items()}
        for (label, row), suppressed in _suppressed(source, source.metrics["per_class_intervals"])
    }


def _suppressed(
    source: ReportInput, rows: Mapping[str, Row]
) -> Iterator[tuple[tuple[str, Row], set[str]]]:
    """Yield each class with its row, and the names of suppressed values in the row."""
    suppressed = source.evaluation.suppressed
    for number, item in enumerate(rows.items()):
        names = {"support"} if suppressed.supports[number] else set()
        names |= {"precision", "recall", "f1"} if suppressed.rates[number] else set()
        yield item, names


def measured_classes(source: ReportInput) -> set[str]:
    """Return the classes whose measures are all shown.

    Decisions on a class may be published for these alone: a class of few records has suppressed
    measures.
    """
    return {
        label for label, row in public_class_measures(source).items() if None not in row.values()
    }


def of_measured_classes(source: ReportInput, decision: Decision) -> Decision:
    """Return a promise, or prediction sets, with the measured classes alone."""
    shown = measured_classes(source)
    public = deepcopy(decision)
    for label in decision["per_class"].keys() - shown:
        del public["per_class"][label]
    return public


def public_promise(source: ReportInput) -> PromiseJson:
    """Return the promise that a report shows class by class."""
    return of_measured_classes(source, main_promise(source.metrics["decisions"]["promises"]))


def uncodable(source: ReportInput) -> UncodableJson:
    """Return the number and share of records whose class the model cannot predict.

    The share of few records would tell their number.
    """
    records = source.metrics["data"]["uncodable"]
    if 0 < records["records"] < SMALLEST_SHOWN:
        return {"records": blur_small(records["records"]), "share": None}
    return records


def blur_small(count: int) -> int:
    """Return the largest small count in place of any small one; others and zero as they are.

    The page writes it as an upper bound.

    >>> [blur_small(count) for count in (0, 1, 9, 10)]
    [0, 9, 9, 10]
    """
    return SMALLEST_SHOWN - 1 if 0 < count < SMALLEST_SHOWN else count


def classes_by_support(measures: MeasuresByClass) -> list[str]:
    """Return the class names, the most frequent class first, classes of unknown size last."""
    return sorted(measures, key=lambda label: -(measures[label]["support"] or 0))
