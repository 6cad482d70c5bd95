"""Workload by class as risk-coverage curves: error against the share coded automatically."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from textlstm.evaluation.outcomes import Sample
from textlstm.metrics_file import CURVE_COLUMNS, CodingJson, CurveJson, PromiseJson
from textlstm.reporting.drawing import (
    FIRST,
    SECOND,
    WIDTH,
    error_axis_end,
    percent_axis,
    plain_axes,
    shorten,
)
from textlstm.reporting.public import measured_classes, public_promise
from textlstm.reporting.sections.section import Caption, ReportInput, Section

MAX_CURVES = 6
"""Classes with a curve in the figure, at most: more could not be read."""


@dataclass(frozen=True)
class PublicWorkloadCurves:
    """The risk-coverage curve of each predicted class, and the promise to compare it with."""

    curves: Mapping[str, CurveJson]
    promise: PromiseJson


class WorkloadCurves(Section[PublicWorkloadCurves]):
    """Risk-coverage curves by predicted class, on one scale."""

    def public(self, source: ReportInput) -> PublicWorkloadCurves:
        """Return the curves of classes with public measures; a single point is no curve."""
        classes = measured_classes(source)
        curves = {
            label: curve
            for label, curve in source.metrics["decisions"]["workload_per_class"].items()
            if label in classes and len(curve["share"]) > 1
        }
        return PublicWorkloadCurves(curves, public_promise(source))

    def table(self, shown: PublicWorkloadCurves) -> pd.DataFrame:
        """Return the points of the curve of each predicted class, one a row."""
        rows = [
            (label, *point)
            for label, curve in shown.curves.items()
            for point in zip(*(curve[name] for name in CURVE_COLUMNS), strict=True)
        ]
        return pd.DataFrame(rows, columns=["predicted", *CURVE_COLUMNS])

    def figure(self, shown: PublicWorkloadCurves) -> Figure | None:
        """Draw the curves side by side."""
        return draw_workload_curves(shown.curves, shown.promise)

    def caption(self, shown: PublicWorkloadCurves, sample: Sample) -> Caption:
        """Say which classes are drawn, and where the others are."""
        where = " The curves of all classes that may be shown are in figures/workload_curves.csv."
        return Caption(
            "Workload curves of the classes predicted most often: share that is wrong against the "
            "share coded automatically",
            "The same curve for the classes predicted most often; the number of "
            f"{sample.records} predicted as the class stands in brackets."
            f"{where if sample.has_folder else ''}",
        )


def draw_workload_curves(curves: Mapping[str, CurveJson], promise: PromiseJson) -> Figure | None:
    """Draw the curves of the classes predicted most often, side by side; without any, None.

    Parameters
    ----------
    promise
        Its ``max_error``, and in ``per_class`` the ``coded`` share and the ``error``.
    """
    rows = promise["per_class"]
    labels = sorted(curves, key=lambda label: -rows[label]["coded"]["records"])
    labels = labels[:MAX_CURVES]
    if not labels:
        return None
    n_columns = min(3, len(labels))
    n_rows = -(-len(labels) // n_columns)
    figure = Figure(figsize=(WIDTH, 1.6 * n_rows + 1.0), layout="constrained")
    grid = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False).ravel()
    legend: dict[str, Artist] = {}
    for axes, label in zip(grid, labels, strict=False):
        _draw_curve(axes, curves[label], rows[label], promise["max_error"])
        axes.set_title(f"{shorten(label, 20)} ({rows[label]['coded']['records']:,})",
                       fontsize=9)  # fmt: skip
        plain_axes(axes)
        handles, names = axes.get_legend_handles_labels()
        legend |= dict(zip(names, handles, strict=True))
    for axes in grid[len(labels) :]:
        axes.axis("off")
    errors = [max(*curves[label]["error"], rows[label]["error"]["share"] or 0.0)
              for label in labels]  # fmt: skip
    _name_axes(figure, grid[0], error_axis_end(errors, promise["max_error"]))
    figure.legend(legend.values(), legend.keys(), loc="outside upper left", ncols=2,
                  fontsize=9, frameon=False)  # fmt: skip
    return figure


def _draw_curve(axes: Axes, curve: CurveJson, decided: CodingJson, max_error: float) -> None:
    """Draw the curve of one class, the promised error, and the coded share and its error."""
    axes.plot(curve["share"], curve["error"], color=FIRST, linewidth=1.6, label="measured error")
    axes.fill_between(curve["share"], curve["low"], curve["high"], color=FIRST, alpha=0.18,
                      linewidth=0, label="95 % interval")  # fmt: skip
    axes.axhline(max_error, color=SECOND, linestyle=":", linewidth=1.1,
                 label="promised over all classes")  # fmt: skip
    coded, error = decided["coded"], decided["error"]
    if coded["share"] is not None and error["share"] is not None:
        axes.plot(coded["share"], error["share"], "o", color=SECOND, markersize=5,
                  clip_on=False, zorder=3, label="where that led to")  # fmt: skip


def _name_axes(figure: Figure, axes: Axes, highest_error: float) -> None:
    """Set the limits, the ticks and the names of the axes that all curves share."""
    axes.set(xlim=(0, 1.03), ylim=(0, highest_error), xticks=(0, 0.5, 1))
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    figure.get_layout_engine().set(wspace=0.06)  # type: ignore[union-attr, call-arg]
    figure.supxlabel("share coded automatically, the surest records first", fontsize=10)
    figure.supylabel("share of it that is wrong", fontsize=10)
