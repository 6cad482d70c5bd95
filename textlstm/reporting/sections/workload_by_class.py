"""Workload by class: what the main promise means for each predicted class."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.evaluation.outcomes import Sample
from textlstm.metrics_file import PromiseJson, ProportionJson
from textlstm.reporting.drawing import (
    FIRST,
    SECOND,
    WIDTH,
    error_axis_end,
    percent_axis,
    plain_axes,
    shorten,
)
from textlstm.reporting.filters import write_percent
from textlstm.reporting.public import public_promise
from textlstm.reporting.sections.section import Caption, ReportInput, Section


@dataclass(frozen=True)
class PublicWorkloadByClass:
    """The main promise, with the coded share and the error of each class in ``per_class``."""

    promise: PromiseJson


class WorkloadByClass(Section[PublicWorkloadByClass]):
    """The share coded automatically of each predicted class, and its error."""

    def public(self, source: ReportInput) -> PublicWorkloadByClass:
        """Return the decisions on each class with public measures."""
        return PublicWorkloadByClass(public_promise(source))

    def table(self, shown: PublicWorkloadByClass) -> pd.DataFrame:
        """Return the share coded automatically of each predicted class, and its error."""
        rows = [
            {"predicted": label, "records": row["coded"]["records"]}
            | {f"{name}_{key}": row[name][key] for name in ("coded", "error") for key in
               ("share", "low", "high")}
            for label, row in shown.promise["per_class"].items()
        ]  # fmt: skip
        table = pd.DataFrame(rows)
        numbers = [name for name in table if name not in ("predicted", "records")]
        return table.astype(dict.fromkeys(numbers, float))  # None is no number

    def figure(self, shown: PublicWorkloadByClass) -> Figure | None:
        """Draw the classes side by side."""
        return draw_workload_by_class(shown.promise)

    def caption(self, shown: PublicWorkloadByClass, sample: Sample) -> Caption:
        """Say that the promise is one over all classes."""
        promised = write_percent(shown.promise["max_error"])
        return Caption(
            "Share coded automatically and its error for each predicted class",
            f"What the promise of {promised} over all records means for each predicted class; the "
            f"number of {sample.records} predicted as the class stands in brackets. The error of a "
            "single class may be larger than promised. Lines are 95 % intervals; one that reaches "
            "the right edge extends beyond it. A class is left out if "
            f"a count of fewer than {SMALLEST_SHOWN} records could be derived from it.",
        )


def draw_workload_by_class(promise: PromiseJson) -> Figure | None:
    """Draw the share coded automatically and its error, the most frequent class on top.

    Parameters
    ----------
    promise
        Its ``max_error``, and in ``per_class`` the ``coded`` share and the ``error``; if no class
        is predicted, there is no figure.
    """
    max_error = promise["max_error"]
    rows = [item for item in promise["per_class"].items() if item[1]["coded"]["records"]]
    if not rows:
        return None
    rows.sort(key=lambda item: item[1]["coded"]["records"])
    figure = Figure(figsize=(WIDTH, 0.27 * len(rows) + 1.3), layout="constrained")
    coded, error = figure.subplots(1, 2, sharey=True)
    positions = np.arange(len(rows))
    coded.barh(positions, [row["coded"]["share"] for _, row in rows], color=FIRST)
    coded.set(xlim=(0, 1.02), ylim=(-0.7, len(rows) - 0.3), title="coded automatically")
    names = [f"{shorten(label, 26)} ({row['coded']['records']:,})" for label, row in rows]
    coded.set_yticks(positions, names)
    for position, (_, row) in enumerate(rows):
        _draw_error(error, position, row["error"])
    error.axvline(max_error, color=SECOND, linestyle=":")
    errors = [row["error"]["share"] or 0.0 for _, row in rows]
    error.set(xlim=(0, error_axis_end(errors, max_error)), title="of it wrong")
    coded.set_xlabel("share of the records")
    error.set_xlabel("share of those coded")
    for axes in (coded, error):
        percent_axis(axes.xaxis)
        plain_axes(axes)
    return figure


def _draw_error(axes: Axes, position: int, error: ProportionJson) -> None:
    """Draw an error as a dot, its interval as a line; nothing if no record was coded."""
    if error["share"] is not None:
        axes.plot([error["low"], error["high"]], [position, position], color=FIRST, linewidth=1.4)
        axes.plot(error["share"], position, "o", color=FIRST, markersize=5)
