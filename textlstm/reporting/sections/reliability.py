"""Calibration: a reliability diagram shows whether probabilities can be believed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from textlstm.disclosure import SMALLEST_SHOWN, suppress_counts
from textlstm.evaluation.metrics import LINEAR, MODEL, reliability_bins
from textlstm.metrics_file import CalibrationJson
from textlstm.reporting.drawing import FIRST, SECOND, SOFT, plain_axes
from textlstm.reporting.sections.section import ReportInput, Section
from textlstm.uncertainty.calibration import undo_temperature

MODEL_STYLES = ((FIRST, "o"), (SECOND, "s"), (SOFT, "^"))
"""Colour and marker of each model."""


@dataclass(frozen=True)
class Bins:
    """The bins of one model that have enough records not to show chance.

    Attributes
    ----------
    confidence, accuracy
        (n,) mean probability of the predicted label, and share of records it is right for.
    dot_areas
        (n,) square points; they grow with the share of records in the bin.
    records
        (n,) number of records, zero where suppressed.
    suppressed
        (n,) whether the number of records is suppressed.
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    dot_areas: NDArray[np.float64]
    records: NDArray[np.int64]
    suppressed: NDArray[np.bool_]

    @classmethod
    def of(cls, bins: Mapping[str, NDArray[np.float64]]) -> "Bins":
        """Return what may be shown of all bins, as :func:`.reliability` returns them."""
        records = bins["records"]
        large = records >= SMALLEST_SHOWN
        suppressed = suppress_counts(records.astype(np.int64))
        return cls(
            bins["confidence"][large],
            bins["accuracy"][large],
            (20 + 300 * records / records.sum())[large],
            np.where(suppressed, 0, records).astype(np.int64)[large],
            suppressed[large],
        )


@dataclass(frozen=True)
class PublicReliability:
    """The bins of each model, the temperature, and log loss and ECE before and after it."""

    models: Mapping[str, Bins]
    calibration: CalibrationJson


class Reliability(Section[PublicReliability]):
    """The reliability diagram of the model before and after calibration, and of the baseline."""

    def public(self, source: ReportInput) -> PublicReliability:
        """Return the bins of many records."""
        evaluation, calibration = source.evaluation, source.metrics["calibration"]
        model = evaluation.models["model"]
        uncalibrated = undo_temperature(model.probabilities, calibration["temperature"])
        models = {MODEL: model}
        if (linear := evaluation.models.get("tfidf_logreg")) is not None:
            models[LINEAR] = linear
        models[f"{MODEL}, not calibrated"] = model.replace(uncalibrated)
        bins = {
            name: Bins.of(reliability_bins(predictions, evaluation.truth))
            for name, predictions in models.items()
        }
        return PublicReliability(bins, calibration)

    def table(self, shown: PublicReliability) -> pd.DataFrame:
        """Return the bins of each model whose number of records is not suppressed."""
        tables = []
        for name, bins in shown.models.items():
            columns = {
                "model": name,
                "confidence": bins.confidence,
                "accuracy": bins.accuracy,
                "records": bins.records,
            }
            tables.append(pd.DataFrame(columns)[~bins.suppressed])
        return pd.concat(tables)

    def figure(self, shown: PublicReliability) -> Figure:
        """Draw accuracy against confidence; dots on the diagonal are calibrated."""
        figure = Figure(figsize=(5.4, 5.0), layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=SOFT, linestyle="--", linewidth=1, label="perfect")
        for (name, bins), (colour, marker) in zip(shown.models.items(), MODEL_STYLES, strict=False):
            axes.plot(bins.confidence, bins.accuracy, color=colour, linewidth=1)
            axes.scatter(bins.confidence, bins.accuracy, s=bins.dot_areas, color=colour,
                         alpha=0.75, marker=marker, label=name)  # fmt: skip
        axes.set(xlim=(0, 1.03), ylim=(0, 1.03), xlabel="probability of the predicted label",
                 ylabel="share that is correct")  # fmt: skip
        axes.legend(frameon=False, loc="upper left", markerscale=0.6)
        plain_axes(axes)
        return figure
