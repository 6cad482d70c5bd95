"""Confusion matrix: true against predicted classes, small counts suppressed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.reporting.drawing import INK, SOFT, missing_glyphs_allowed, shorten
from textlstm.reporting.sections.section import Measured, OnStep, ReportInput, Section

if TYPE_CHECKING:
    from textlstm.inference.bundle import Bundle

MAX_COUNTED_CLASSES = 40
"""Number of classes up to which the figure has its counts written in."""

MARGIN = 0.05
"""Inches left empty around a figure whose height is cut."""


@dataclass(frozen=True)
class PublicConfusion:
    """A confusion matrix that may be published; rows are true classes.

    Attributes
    ----------
    labels
        (C,) class names.
    order
        (C,) numbers of the classes, the most frequent class first.
    counts
        (C, C), zero where suppressed.
    suppressed
        (C, C) whether a count is suppressed.
    supports
        (C,) records of each true class, zero where suppressed.
    in_blank_cells
        (C,) sums of the suppressed counts of each row, None where suppressed as well.
    """

    labels: Sequence[str]
    order: NDArray[np.intp]
    counts: NDArray[np.int64]
    suppressed: NDArray[np.bool_]
    supports: NDArray[np.int64]
    in_blank_cells: Sequence[int | None]

    @property
    def any_confusion(self) -> bool:
        """Return whether some class is shown to be taken for another."""
        off_diagonal = self.counts * ~np.eye(len(self.labels), dtype=bool)
        return bool(off_diagonal.any())


class Confusion(Section[PublicConfusion]):
    """The confusion matrix."""

    def measure(self, source: ReportInput, bundle: "Bundle", on_step: OnStep) -> Measured:
        """Return the whole matrix as a private table."""
        del bundle, on_step
        counts = source.evaluation.confusion
        table = cell_table(counts, source.evaluation.labels, counts == 0)
        return Measured(private_tables={"confusion": table})

    def public(self, source: ReportInput) -> PublicConfusion:
        """Return the matrix without small counts, nor counts that would give these away."""
        evaluation, suppressed = source.evaluation, source.evaluation.suppressed
        supports = np.where(suppressed.supports, 0, evaluation.confusion.sum(axis=1))
        return PublicConfusion(
            evaluation.labels,
            np.argsort(-supports, kind="stable"),
            np.where(suppressed.cells, 0, evaluation.confusion),
            suppressed.cells,
            supports,
            suppressed.suppressed_row_sums(evaluation.confusion),
        )

    def table(self, shown: PublicConfusion) -> pd.DataFrame:
        """Return the counts that are not suppressed, a row each."""
        return cell_table(shown.counts, shown.labels, shown.suppressed)

    def figure(self, shown: PublicConfusion) -> Figure:
        """Draw the matrix, the most frequent class first, shaded by the share of the row.

        If suppressed counts have a sum that may be shown, it stands in a last column.
        """
        names = [shorten(shown.labels[number]) for number in shown.order]
        shares, texts = _shares_and_texts(shown)
        columns = [*names, "blank cells"][: shares.shape[1]]
        n = len(names)
        size = float(np.clip(0.34 * n + 2.6, 5.0, 11.0))
        figure = Figure(figsize=(size, size), layout="constrained")
        axes = figure.subplots()
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        rotation, side = (90, "center") if n > 6 else (30, "right")
        axes.set_xticks(range(len(columns)), columns, rotation=rotation, ha=side)
        axes.set_yticks(range(n), names)
        axes.set(xlabel="predicted", ylabel="true")
        if n <= MAX_COUNTED_CLASSES:
            _write_counts(axes, shares, texts)
        _draw_grid(axes, n, len(columns))
        colour_bar = axes.inset_axes((1.04, 0.0, 0.05, 1.0))
        figure.colorbar(image, cax=colour_bar, label="share of the true class")
        _cut_height(figure, axes)
        return figure


def cell_table(
    counts: NDArray[np.int64], labels: Sequence[str], left_out: NDArray[np.bool_]
) -> pd.DataFrame:
    """Return a row for each cell of a confusion matrix (C, C) that is not left out."""
    true, predicted = np.nonzero(~left_out)
    names = np.array(labels, dtype=object)
    return pd.DataFrame(
        {"true": names[true], "predicted": names[predicted], "records": counts[true, predicted]}
    )


def _shares_and_texts(shown: PublicConfusion) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Return the share of its row and the text of each cell, classes in the figure's order."""
    cells = np.ix_(shown.order, shown.order)
    totals = np.maximum(shown.supports[shown.order, None], 1)
    shares = shown.counts[cells] / totals
    counts = [[f"{count:,}" for count in row] for row in shown.counts[cells].tolist()]
    texts = np.where(shown.suppressed[cells], "", counts)
    if any(shown.in_blank_cells):
        sums = [shown.in_blank_cells[number] for number in shown.order]
        shares = np.hstack([shares, np.array([total or 0 for total in sums])[:, None] / totals])
        texts = np.hstack([texts, [[_at_most_small(total)] for total in sums]])
    return shares, texts


def _at_most_small(count: int | None) -> str:
    """Write a count, a small one as an upper bound; None and zero are left empty."""
    if not count:
        return ""
    return f"<{SMALLEST_SHOWN}" if count < SMALLEST_SHOWN else f"{count:,}"


def _write_counts(axes: Axes, shares: NDArray[np.float64], texts: NDArray[Any]) -> None:
    """Write the text of each cell, light on dark shades."""
    for (row, column), text in np.ndenumerate(texts):
        colour = "white" if shares[row, column] > 0.5 else INK
        if text:
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)


def _draw_grid(axes: Axes, n_rows: int, n_columns: int) -> None:
    """Draw lines between the cells, which lead the eye from a cell to its names."""
    axes.set_xticks(np.arange(n_columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(n_rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=SOFT, alpha=0.25, linewidth=0.5)
    axes.tick_params(which="minor", length=0)


def _cut_height(figure: Figure, axes: Axes) -> None:
    """Cut off what square cells leave empty above and below the only axes of a figure."""
    with missing_glyphs_allowed():
        figure.draw_without_rendering()  # lays out the figure
        position, box = axes.get_position(), figure.get_tightbbox()
    width, before = figure.get_size_inches()
    height = box.height + 2 * MARGIN
    figure.set_layout_engine("none")
    figure.set_size_inches(width, height)
    bottom = position.y0 * before - box.y0 + MARGIN
    axes.set_position(
        (position.x0, bottom / height, position.width, position.height * before / height)
    )
