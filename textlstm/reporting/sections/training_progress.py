"""Training progress: loss and accuracy over epochs, with the epoch of early stopping."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from textlstm.evaluation.outcomes import Sample
from textlstm.reporting.drawing import FIRST, SECOND, WIDTH, plain_axes
from textlstm.reporting.sections.section import Caption, ReportInput, Section

PROGRESS_CURVES = (("training", "train", SECOND), ("validation", "validation", FIRST))
"""Name, prefix of the columns, and colour of each curve."""


@dataclass(frozen=True)
class PublicTrainingProgress:
    """The history of the training, a row an epoch."""

    history: pd.DataFrame


class TrainingProgress(Section[PublicTrainingProgress]):
    """Loss and accuracy of training and validation."""

    def public(self, source: ReportInput) -> PublicTrainingProgress:
        """Return the history: means over all training or validation records."""
        return PublicTrainingProgress(source.history)

    def table(self, shown: PublicTrainingProgress) -> pd.DataFrame:
        """Return the history."""
        return shown.history

    def figure(self, shown: PublicTrainingProgress) -> Figure:
        """Draw the history."""
        return draw_training_progress(shown.history)

    def caption(self, shown: PublicTrainingProgress, sample: Sample) -> Caption:
        """Say when the curves are measured."""
        return Caption(
            "Loss and accuracy over epochs, training and validation",
            "An epoch is one pass over the training records. Training curves are measured during "
            "the epoch, with dropout: words and units are left out at random. Validation curves "
            "are measured at the end of each epoch, on records that the network does not learn "
            "from.",
        )


def draw_training_progress(history: pd.DataFrame) -> Figure:
    """Draw loss and accuracy over epochs, the epoch of the lowest validation loss ringed.

    Parameters
    ----------
    history
        As ``history.csv``.
    """
    best = history.iloc[int(history["validation_loss"].to_numpy().argmin())]
    figure = Figure(figsize=(WIDTH, 2.8), layout="constrained")
    for axes, measure in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for name, prefix, colour in PROGRESS_CURVES:
            axes.plot(history["number"], history[f"{prefix}_{measure}"], color=colour,
                      marker=".", linewidth=1.2, label=name)  # fmt: skip
        axes.plot(best["number"], best[f"validation_{measure}"], "o", color=FIRST,
                  markersize=9, fillstyle="none", label="lowest validation loss")  # fmt: skip
        axes.set(xlabel="epoch", title=f"{measure} (nats)" if measure == "loss" else measure)
        axes.xaxis.get_major_locator().set_params(integer=True)
        plain_axes(axes)
    figure.axes[0].legend(frameon=False)
    return figure
