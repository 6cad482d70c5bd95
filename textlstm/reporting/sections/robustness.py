"""Robustness: accuracy after typos, dropped letters and other changes of the texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from textlstm.data.distinct import interned
from textlstm.reporting.drawing import FIRST, INK, SECOND, SOFT, WIDTH, legend_above, plain_axes
from textlstm.reporting.sections.section import Measured, OnStep, ReportInput, Section
from textlstm.uncertainty.intervals import tenths

if TYPE_CHECKING:
    from textlstm.inference.bundle import Bundle


@dataclass(frozen=True)
class PublicRobustness:
    """The number of texts that each change touches, and the accuracy before and after it."""

    changes: Mapping[str, Mapping[str, float]]

    @property
    def worst(self) -> str | None:
        """Return the name of the change that costs most accuracy, if one costs any."""
        costs = {name: row["before"] - row["after"] for name, row in self.changes.items()}
        worst = max(costs, key=lambda name: costs[name], default=None)
        return worst if worst is not None and costs[worst] > 0 else None


class Robustness(Section[PublicRobustness]):
    """Accuracy before and after changes of the texts."""

    def measure(self, source: ReportInput, bundle: "Bundle", on_step: OnStep) -> Measured:
        """Change texts of the holdout, and predict them again."""
        from textlstm.insight.robustness import robustness

        on_step("changing texts")
        holdout = source.splits["holdout"]
        texts = interned(holdout["text"][holdout["label"].isin(bundle.labels)])
        changes = robustness(bundle, texts, source.evaluation.truth, source.config.seed)
        return Measured({"robustness": changes})

    def public(self, source: ReportInput) -> PublicRobustness:
        """Return the changes; those that touch few texts are not measured."""
        return PublicRobustness(source.metrics["robustness"])

    def table(self, shown: PublicRobustness) -> pd.DataFrame:
        """Return the accuracy before and after each change."""
        table = pd.DataFrame.from_dict(dict(shown.changes), orient="index")
        return table.rename_axis("change").reset_index()

    def figure(self, shown: PublicRobustness) -> Figure | None:
        """Draw the accuracy before and after each change."""
        if not shown.changes:
            return None
        rows = shown.changes.items()
        before, after = ([row[key] for _, row in rows] for key in ("before", "after"))
        positions = -np.arange(len(rows))
        figure = Figure(figsize=(WIDTH, 0.4 * len(rows) + 1.1), layout="constrained")
        axes = figure.subplots()
        axes.hlines(positions, after, before, color=SOFT, linewidth=1)
        axes.scatter(before, positions, s=40, color=FIRST, marker="o", label="as written", zorder=3)
        axes.scatter(after, positions, s=40, color=SECOND, marker="s", label="changed", zorder=3)
        for position, first, second in zip(positions, before, after, strict=True):
            axes.annotate(tenths(second), (min(first, second), position), xytext=(-8, 0),
                          ha="right", va="center", textcoords="offset points", fontsize=9,
                          color=INK)  # fmt: skip
        axes.set_yticks(positions, [f"{name} ({row['records']:,})" for name, row in rows])
        lowest = min(*before, *after)
        axes.set(xlim=(max(0, lowest - 0.15 * (1.1 - lowest) - 0.02), 1.01), xlabel="accuracy",
                 ylim=(0.6 - len(rows), 0.6))  # fmt: skip
        legend_above(axes, 2)
        plain_axes(axes)
        return figure
