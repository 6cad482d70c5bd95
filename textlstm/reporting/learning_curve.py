"""The result of a search, and its learning curve."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from textlstm.recipe import Recipe
from textlstm.reporting.drawing import FIRST, WIDTH, plain_axes


@dataclass(frozen=True)
class SearchResult:
    """A recipe that was found by a search.

    Attributes
    ----------
    before, found
        The recipe that was searched from, and the one that was found.
    n_trials
        Number of trials.
    curve
        ``records`` trained on, and the ``log_loss`` of the found recipe on others.
    """

    before: Recipe
    found: Recipe
    n_trials: int
    curve: pd.DataFrame

    @property
    def changes(self) -> list[tuple[str, object, object]]:
        """Return the fields that differ, each with its value before and its found one."""
        before = dict(self.before.items())
        return [
            (name, before[name], value)
            for name, value in self.found.items()
            if value != before[name]
        ]


def draw_learning_curve(curve: pd.DataFrame) -> Figure:
    """Draw the log loss against the number of training records."""
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.plot(curve["records"], curve["log_loss"], color=FIRST, marker="o")
    axes.set_xscale("log")
    axes.set_xticks(curve["records"], [f"{number:,}" for number in curve["records"]])
    axes.minorticks_off()
    axes.set_xlabel("training records")
    axes.set_ylabel("log loss in nats; lower is better")
    plain_axes(axes)
    return figure
