"""Counts and measures as they may be published, for sections that share them."""

from collections.abc import Mapping
from typing import Any

from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.reporting.sections.section import ReportInput
from textlstm.uncertainty.risk_control import main_promise

MeasuresByClass = dict[str, dict[str, Any]]
"""Precision, recall, F1 and support by class; a suppressed number is None."""


def public_class_measures(source: ReportInput) -> MeasuresByClass:
    """Return the measures of each class; a measure that gives away a small count is None."""
    return {
        label: {name: None if name in suppressed else value for name, value in row.items()}
        for (label, row), suppressed in _rows_with_suppressed(source, "per_class")
    }


def public_class_intervals(source: ReportInput) -> MeasuresByClass:
    """Return the confidence intervals of the measures that :func:`public_class_measures` shows."""
    return {
        label: {name: None if name in suppressed else bounds for name, bounds in row.items()}
        for (label, row), suppressed in _rows_with_suppressed(source, "per_class_intervals")
    }


def _rows_with_suppressed(
    source: ReportInput, key: str
) -> list[tuple[tuple[str, dict[str, Any]], set[str]]]:
    """Return each class's row in a part of the metrics, and the names that are suppressed in it."""
    suppressed = source.evaluation.suppressed
    rows = []
    for number, item in enumerate(source.metrics[key].items()):
        names = {"support"} if suppressed.supports[number] else set()
        names |= {"precision", "recall", "f1"} if suppressed.rates[number] else set()
        rows.append((item, names))
    return rows


def measured_classes(source: ReportInput) -> set[str]:
    """Return the classes whose measures are all shown.

    Decisions on a class may be published for these alone: a class of few records has suppressed
    measures.
    """
    return {
        label for label, row in public_class_measures(source).items() if None not in row.values()
    }


def of_measured_classes(source: ReportInput, decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return a promise, or prediction sets, with the measured classes alone."""
    shown = measured_classes(source)
    per_class = {label: row for label, row in decision["per_class"].items() if label in shown}
    return {**decision, "per_class": per_class}


def public_promise(source: ReportInput) -> dict[str, Any]:
    """Return the promise that a report shows class by class."""
    return of_measured_classes(source, main_promise(source.metrics["decisions"]))


def uncodable(source: ReportInput) -> dict[str, Any]:
    """Return the number and share of records whose class the model cannot predict.

    The share of few records would tell their number.
    """
    records: dict[str, Any] = source.metrics["data"]["uncodable"]
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


def classes_by_support(measures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the class names, the most frequent class first, classes of unknown size last."""
    return sorted(measures, key=lambda label: -(measures[label]["support"] or 0))
