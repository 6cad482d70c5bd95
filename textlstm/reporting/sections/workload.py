"""Workload: the share of the records that can be coded automatically, and its error."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from textlstm.metrics_file import CurveJson, PromiseJson, UncodableJson
from textlstm.reporting.drawing import (
    FIRST,
    INK,
    SECOND,
    WIDTH,
    legend_above,
    percent_axis,
    plain_axes,
)
from textlstm.reporting.public import of_measured_classes, public_promise, uncodable
from textlstm.reporting.sections.section import ReportInput, Section
from textlstm.uncertainty.intervals import percent, tenths


@dataclass(frozen=True)
class PublicWorkload:
    """Promised and measured errors.

    Attributes
    ----------
    curve
        Error against the share coded automatically, over all records.
    promises
        What was promised, and how it was kept.
    main_promise
        The one that the report shows class by class.
    n_out_of_fold
        Training records that promises follow from.
    n_effective
        Number of records with different texts that would give as narrow intervals.
    uncodable
        Records whose class the model cannot predict.
    """

    curve: CurveJson
    promises: Sequence[PromiseJson]
    main_promise: PromiseJson
    n_out_of_fold: int
    n_effective: float
    uncodable: UncodableJson


class Workload(Section[PublicWorkload]):
    """The risk-coverage curve over all records, and the promises."""

    def public(self, source: ReportInput) -> PublicWorkload:
        """Return the decisions on all records, and on each class with public measures."""
        decisions = source.metrics["decisions"]
        return PublicWorkload(
            decisions["workload"],
            [of_measured_classes(source, promise) for promise in decisions["promises"]],
            public_promise(source),
            decisions["held_out"],
            decisions["held_out_effective"],
            uncodable(source),
        )

    def table(self, shown: PublicWorkload) -> pd.DataFrame:
        """Return the points of the curve."""
        return pd.DataFrame(shown.curve)

    def figure(self, shown: PublicWorkload) -> Figure:
        """Draw the error against the share coded automatically, and the promised errors."""
        return draw_workload(shown.curve, shown.promises)

    def sentences(self, shown: PublicWorkload) -> list[str]:
        """Return whether the main promise was kept, or the promise if no record was coded."""
        return [shown.main_promise["kept"] or shown.main_promise["sentence"]]


def draw_workload(curve: CurveJson, promises: Sequence[PromiseJson]) -> Figure:
    """Draw the error against the share coded automatically, and the promised errors.

    Parameters
    ----------
    promises
        For each its ``max_error``, and ``coded`` and ``error`` as measured.
    """
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(curve["share"], curve["low"], curve["high"], color=FIRST, alpha=0.18,
                      linewidth=0, label="95 % interval")  # fmt: skip
    axes.plot(curve["share"], curve["error"], color=FIRST, linewidth=1.8,
              label="measured error")  # fmt: skip
    broken = 0
    for promise in promises:
        error = promise["error"]["share"]
        broken += error is not None and error > promise["max_error"]
        _draw_promise(axes, promise, broken)
    errors = [promise["max_error"] for promise in promises]
    axes.set(xlim=(0, 1.01), ylim=(0, 1.25 * max(*errors, curve["error"][-1])),
             xlabel="share coded automatically, the surest records first",
             ylabel="share of it that is wrong")  # fmt: skip
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    legend_above(axes, 2)
    plain_axes(axes)
    return figure


def _draw_promise(axes: Axes, promise: PromiseJson, broken: int) -> None:
    """Draw a promised error, and what was coded with which error, if anything was.

    The points of several broken promises lie close together: ``broken``, the number of those so
    far, moves the text of each one up.
    """
    max_error = promise["max_error"]
    axes.axhline(max_error, color=SECOND, linewidth=0.9, linestyle=":")
    x, y = promise["coded"]["share"], promise["error"]["share"]
    if x is None or y is None:
        return
    axes.plot([x, x], [y, max_error], color=SECOND, linewidth=0.9)
    axes.plot(x, y, "o", color=SECOND, markersize=6)
    axes.annotate(f"{tenths(x)} at {percent(max_error)}", (x, max(y, max_error)), fontsize=9,
                  xytext=(-5, 3 + 11 * max(broken - 1, 0)), textcoords="offset points",
                  ha="right", color=INK)  # fmt: skip
