"""Precision, recall and F1 of each class, with confidence intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from textlstm.array_types import Floats
from textlstm.disclosure import any_shown
from textlstm.metrics_file import IntervalJson
from textlstm.reporting.drawing import FIRST, SECOND, WIDTH, legend_above, plain_axes, shorten
from textlstm.reporting.public import (
    IntervalsByClass,
    MeasuresByClass,
    classes_by_support,
    public_class_intervals,
    public_class_measures,
)
from textlstm.reporting.sections.section import ReportInput, Section

RATES = ("precision", "recall", "f1")

MARKERS = ("precision", "o", FIRST, 0.17), ("recall", "s", SECOND, -0.17)
"""Measure, marker, colour, and distance from the middle of the bar of F1, in bars."""

MANY_CLASSES = 12
"""Number of classes above which the page prints the table alone."""


@dataclass(frozen=True)
class PublicPerClass:
    """Measures and intervals of each class; a suppressed number is None."""

    measures: MeasuresByClass
    intervals: IntervalsByClass

    @property
    def measured(self) -> list[str]:
        """Return the classes with any measure, the most frequent class first."""
        return [
            name for name in classes_by_support(self.measures) if any_shown(self.measures[name])
        ]

    @property
    def n_left_out(self) -> int:
        """Return the number of classes without any measure."""
        return len(self.measures) - len(self.measured)


class PerClass(Section[PublicPerClass]):
    """Precision, recall and F1, class by class."""

    def public(self, source: ReportInput) -> PublicPerClass:
        """Return the measures that give away no small count."""
        return PublicPerClass(public_class_measures(source), public_class_intervals(source))

    def css_class(self, shown: PublicPerClass) -> str:
        """Return what makes paper show the table alone if there are many classes."""
        return "drawn many" if len(shown.measures) > MANY_CLASSES else "drawn"

    def table(self, shown: PublicPerClass) -> pd.DataFrame:
        """Return precision, recall, F1 and support of each class, with intervals."""
        rows = []
        for label, row in shown.measures.items():
            cells: dict[str, object] = {"label": label, "support": row["support"]}
            for name in RATES:
                bounds = shown.intervals[label][name]
                cells[name] = row[name]
                cells[f"{name}_low"] = bounds and bounds["low"]
                cells[f"{name}_high"] = bounds and bounds["high"]
            rows.append(cells)
        table = pd.DataFrame(rows)
        numbers = dict.fromkeys(table.columns.drop("label"), float)  # None is no number
        return table.astype(numbers).astype({"support": "Int64"})

    def figure(self, shown: PublicPerClass) -> Figure | None:
        """Draw precision, recall and F1 of each class, the most frequent class on top."""
        labels = [label for label, row in shown.measures.items() if any_shown(row)]
        labels.sort(key=lambda label: shown.measures[label]["support"] or 0)
        if not labels:
            return None
        rows = [shown.measures[label] for label in labels]
        figure = Figure(figsize=(WIDTH, 0.27 * len(rows) + 1.0), layout="constrained")
        axes = figure.subplots()
        positions = np.arange(len(rows))
        axes.barh(positions, _values(rows, "f1"), color=FIRST, alpha=0.25, label="F1")
        for name, marker, colour, offset in MARKERS:
            axes.scatter(_values(rows, name), positions + offset, s=18, marker=marker,
                         color=colour, label=name, zorder=3)  # fmt: skip
            bounds = [shown.intervals[label][name] for label in labels]
            _draw_intervals(axes, bounds, offset, colour)
        counts = ["–" if row["support"] is None else f"{row['support']:,}" for row in rows]
        names = [f"{shorten(label)} ({n})" for label, n in zip(labels, counts, strict=True)]
        axes.set_yticks(positions, names)
        axes.set(xlim=(0, 1.02), ylim=(-0.7, len(rows) - 0.3))
        legend_above(axes, 3)
        plain_axes(axes)
        return figure


def _values(rows: Sequence[Mapping[str, float | None]], name: str) -> Floats:
    """Return a measure of each class; a suppressed one is NaN, which is not drawn."""
    return np.array([row[name] for row in rows], dtype=float)


def _draw_intervals(
    axes: Axes, bounds: Sequence[IntervalJson | None], offset: float, colour: str
) -> None:
    """Draw the confidence interval of each class as a line; a suppressed one is left out."""
    for position, ends in enumerate(bounds):
        if ends:
            axes.plot([ends["low"], ends["high"]], [position + offset] * 2, color=colour,
                      linewidth=1.1)  # fmt: skip
