"""Numbers in, figures out: every picture of the report, drawn from figures computed before."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray
from PIL import Image
from wordcloud import WordCloud

from textlstm.disclosure import SMALLEST_SHOWN, any_shown
from textlstm.errors import visible
from textlstm.reporting.stopwords import stop_words
from textlstm.storage.atomic import atomic_write
from textlstm.uncertainty.intervals import percent, tenths

INK, SOFT = "#1f2a37", "#6b7785"
FIRST, SECOND = "#1f6f8b", "#d1603d"
"""The two colours that carry meaning; they differ in lightness too, for those who see no hue."""

CLOUD_WORDS = 80

SHOWN_COUNTS = 40
"""Up to so many classes, the confusion matrix has its numbers written in."""

SHOWN_CURVES = 6
"""So many classes have a workload curve of their own in the picture: more could not be read."""

PROMISES_SHOWN = 4
"""An axis of errors reaches to so many times the promised one, at least."""

WIDTH = 6.2
"""Of figures, in inches: as wide as a phone's screen, they still have letters that can be read."""

MIN_BIN_RECORDS = 10
"""A bin of the reliability diagram with fewer records is left out: it would show chance."""

EDGE = 0.05
"""Inches that are left empty around a figure whose height is cut."""

RESOLUTION = 150  # dots an inch


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, without a date, so that equal figures give equal bytes."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(png(figure))


def png(figure: Figure) -> bytes:
    """Return a figure as PNG, for a page."""
    content = BytesIO()
    with _boxes_allowed():
        figure.savefig(content, format="png", dpi=RESOLUTION, metadata={"Software": None})
    return content.getvalue()


@contextmanager
def _boxes_allowed() -> Iterator[None]:
    """Have a character that the font lacks drawn as a box: the tables have the whole name."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        yield


def training_progress(history: pd.DataFrame) -> Figure:
    """Draw loss and accuracy of training and validation over epochs, the best epoch ringed.

    Parameters
    ----------
    history
        As ``history.csv``.
    """
    best = history.iloc[int(history["validation_loss"].to_numpy().argmin())]
    figure = Figure(figsize=(WIDTH, 2.8), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for part, prefix, colour in (("training", "train", SECOND),
                                     ("validation", "validation", FIRST)):  # fmt: skip
            axes.plot(history["number"], history[f"{prefix}_{name}"], color=colour, marker=".",
                      linewidth=1.2, label=part)  # fmt: skip
        axes.plot(best["number"], best[f"validation_{name}"], "o", color=FIRST, markersize=9,
                  fillstyle="none", label="lowest validation loss")  # fmt: skip
        axes.set(xlabel="epoch", title=f"{name} (nats)" if name == "loss" else name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        plain_axes(axes)
    figure.axes[0].legend(frameon=False)
    return figure


def confusion(
    matrix: NDArray[np.int64],
    labels: Sequence[str],
    hidden: NDArray[np.bool_],
    in_blank_cells: Sequence[int | None] = (),
) -> Figure:
    """Draw a confusion matrix (C, C), rows true, shaded by the share of the row.

    Parameters
    ----------
    hidden
        (C, C) cells to leave blank.
    in_blank_cells
        (C,) sums of the blank cells of each row, for a last column; None is left blank as well.
        Without one above zero there is no such column.
    """
    n = len(labels)
    names = [shorten(label) for label in labels]
    totals = np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    shares = np.where(hidden, 0.0, matrix / totals)
    counts = [[f"{number:,}" for number in row] for row in matrix.tolist()]
    written = np.where(hidden, "", counts)
    if any(in_blank_cells):
        sums = np.array([number or 0 for number in in_blank_cells])[:, None]
        shares = np.hstack([shares, sums / totals])
        written = np.hstack([written, [[_at_most_small(number)] for number in in_blank_cells]])
    size = float(np.clip(0.34 * n + 2.6, 5.0, 11.0))
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    across = [*names, "blank cells"][: shares.shape[1]]
    rotation, side = (90, "center") if n > 6 else (30, "right")
    axes.set_xticks(range(len(across)), across, rotation=rotation, ha=side)
    axes.set_yticks(range(n), names)
    axes.set(xlabel="predicted", ylabel="true")
    if n <= SHOWN_COUNTS:
        for (row, column), text in np.ndenumerate(written):
            colour = "white" if shares[row, column] > 0.5 else INK
            if text:
                axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    # Lines between the cells lead the eye from a cell to its names.
    axes.set_xticks(np.arange(len(across) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(n + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=SOFT, alpha=0.25, linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    beside = axes.inset_axes((1.04, 0.0, 0.05, 1.0))
    figure.colorbar(image, cax=beside, label="share of the true class")
    _cut_height(figure, axes)
    return figure


def _cut_height(figure: Figure, axes: Axes) -> None:
    """Cut off what square cells leave empty above and below the only axes of a figure."""
    with _boxes_allowed():
        figure.draw_without_rendering()  # which lays it out
        place, box = axes.get_position(), figure.get_tightbbox()
    width, before = figure.get_size_inches()
    height = box.height + 2 * EDGE
    figure.set_layout_engine("none")
    figure.set_size_inches(width, height)
    bottom = place.y0 * before - box.y0 + EDGE
    axes.set_position((place.x0, bottom / height, place.width, place.height * before / height))


def _at_most_small(number: int | None) -> str:
    """Write a number of records, a small one by what it is under; of None and of none, nothing."""
    if not number:
        return ""
    return f"<{SMALLEST_SHOWN}" if number < SMALLEST_SHOWN else f"{number:,}"


def reliability_diagram(models: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> Figure:
    """Draw accuracy against confidence, bin by bin; dots on the diagonal are honest.

    Parameters
    ----------
    models
        For each model what :func:`.reliability` gave.
    """
    figure = Figure(figsize=(5.4, 5.0), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=SOFT, linestyle="--", linewidth=1, label="perfect")
    styles = ((FIRST, "o"), (SECOND, "s"), (SOFT, "^"))
    for (name, bins), (colour, marker) in zip(models.items(), styles, strict=False):
        shown = bins["records"] >= MIN_BIN_RECORDS
        x, y, records = (bins[key][shown] for key in ("confidence", "accuracy", "records"))
        areas = 20 + 300 * records / bins["records"].sum()
        axes.plot(x, y, color=colour, linewidth=1)
        axes.scatter(x, y, s=areas, color=colour, alpha=0.75, marker=marker, label=name)
    axes.set(xlim=(0, 1.03), ylim=(0, 1.03), xlabel="probability of the predicted label",
             ylabel="share that is correct")  # fmt: skip
    axes.legend(frameon=False, loc="upper left", markerscale=0.6)
    plain_axes(axes)
    return figure


def class_bars(
    per_class: Mapping[str, Mapping[str, float | None]],
    intervals: Mapping[str, Mapping[str, Mapping[str, float] | None]],
) -> Figure | None:
    """Draw precision, recall and F1 of each class, the most frequent on top.

    What is None is left out, and so is a class of which all is; without another there is no figure.
    ``intervals`` have ``low`` and ``high``.
    """
    shown = [item for item in per_class.items() if any_shown(item[1])]
    ordered = sorted(shown, key=lambda item: item[1]["support"] or 0)
    if not ordered:
        return None
    measures = {
        name: np.array([row[name] for _, row in ordered], dtype=float)
        for name in ("precision", "recall", "f1")
    }
    places = np.arange(len(ordered))
    figure = Figure(figsize=(WIDTH, 0.27 * len(ordered) + 1.0), layout="constrained")
    axes = figure.subplots()
    axes.barh(places, measures["f1"], color=FIRST, alpha=0.25, label="F1")
    styles = ("precision", "o", FIRST, 0.17), ("recall", "s", SECOND, -0.17)
    for name, marker, colour, aside in styles:
        axes.scatter(measures[name], places + aside, s=18, marker=marker, color=colour,
                     label=name, zorder=3)  # fmt: skip
        for place, (label, _) in zip(places + aside, ordered, strict=True):
            if bounds := intervals[label][name]:
                axes.plot([bounds["low"], bounds["high"]], [place, place], color=colour,
                          linewidth=1.1)  # fmt: skip
    counts = ["–" if row["support"] is None else f"{row['support']:,}" for _, row in ordered]
    names = [shorten(name) for name, _ in ordered]
    axes.set_yticks(places, [f"{name} ({n})" for name, n in zip(names, counts, strict=True)])
    axes.set(xlim=(0, 1.02), ylim=(-0.7, len(ordered) - 0.3))
    axes.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)
    plain_axes(axes)
    return figure


def workload(curve: Mapping[str, Sequence[float]], promises: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the error of what is coded automatically against its share, and where promises end.

    Parameters
    ----------
    curve
        As :func:`.risk_coverage_curve` gave it.
    promises
        Of each its ``max_error``, and ``coded`` and ``error`` as measured.
    """
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(curve["share"], curve["low"], curve["high"], color=FIRST, alpha=0.18,
                      linewidth=0, label="95 % interval")  # fmt: skip
    axes.plot(curve["share"], curve["error"], color=FIRST, linewidth=1.8, label="measured error")
    for one in promises:
        axes.axhline(one["max_error"], color=SECOND, linewidth=0.9, linestyle=":")
        if one["error"]["share"] is None:
            continue
        x, y = one["coded"]["share"], one["error"]["share"]
        axes.plot([x, x], [y, one["max_error"]], color=SECOND, linewidth=0.9)
        axes.plot(x, y, "o", color=SECOND, markersize=6)
        axes.annotate(f"{tenths(x)} at {percent(one['max_error'])}", (x, max(y, one["max_error"])),
                      fontsize=9, xytext=(-5, 3), textcoords="offset points", ha="right",
                      color=INK)  # fmt: skip
    rates = [one["max_error"] for one in promises]
    axes.set(xlim=(0, 1.01), ylim=(0, 1.25 * max(*rates, curve["error"][-1])),
             xlabel="share coded automatically, the surest records first",
             ylabel="share of it that is wrong")  # fmt: skip
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axes.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)
    plain_axes(axes)
    return figure


def workload_curves(
    curves: Mapping[str, Mapping[str, Sequence[float]]], promise: Mapping[str, Any]
) -> Figure | None:
    """Draw the workload curve of each class predicted most often, side by side on one scale.

    Without a curve there is no figure.

    Parameters
    ----------
    curves
        Of predicted classes, as :func:`.risk_coverage_curve` gives them.
    promise
        Its ``max_error``, and of each of these in ``per_class`` what is ``coded``, with which
        ``error``.
    """
    rows = promise["per_class"]
    shown = sorted(curves, key=lambda name: -rows[name]["coded"]["records"])[:SHOWN_CURVES]
    if not shown:
        return None
    columns = min(3, len(shown))
    lines = -(-len(shown) // columns)
    figure = Figure(figsize=(WIDTH, 1.6 * lines + 1.0), layout="constrained")
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    legend: dict[str, Any] = {}
    for axes, name in zip(grid, shown, strict=False):
        curve, coded, error = curves[name], rows[name]["coded"], rows[name]["error"]
        axes.plot(
            curve["share"], curve["error"], color=FIRST, linewidth=1.6, label="measured error"
        )
        axes.fill_between(curve["share"], curve["low"], curve["high"], color=FIRST, alpha=0.18,
                          linewidth=0, label="95 % interval")  # fmt: skip
        axes.axhline(promise["max_error"], color=SECOND, linestyle=":", linewidth=1.1,
                     label="promised over all classes")  # fmt: skip
        if error["share"] is not None:
            axes.plot(coded["share"], error["share"], "o", color=SECOND, markersize=5,
                      clip_on=False, zorder=3, label="where that led to")  # fmt: skip
        axes.set_title(f"{shorten(name, 20)} ({coded['records']:,})", fontsize=9)
        plain_axes(axes)
        handles, names = axes.get_legend_handles_labels()
        legend |= dict(zip(names, handles, strict=True))
    for axes in grid[len(shown) :]:
        axes.axis("off")
    errors = [max(*curves[name]["error"], rows[name]["error"]["share"] or 0.0) for name in shown]
    grid[0].set(
        xlim=(0, 1.03), ylim=(0, _to_error(errors, promise["max_error"])), xticks=(0, 0.5, 1)
    )
    grid[0].xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    grid[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    figure.get_layout_engine().set(wspace=0.06)  # type: ignore[union-attr, call-arg]
    figure.supxlabel("share coded automatically, the surest records first", fontsize=10)
    figure.supylabel("share of it that is wrong", fontsize=10)
    figure.legend(legend.values(), legend.keys(), loc="outside upper left", ncols=2, fontsize=9,
                  frameon=False)  # fmt: skip
    return figure


def workload_by_class(promise: Mapping[str, Any]) -> Figure | None:
    """Draw which share of each predicted class is coded automatically, and its error.

    Without a class to show there is no figure.

    Parameters
    ----------
    promise
        Its ``max_error``, and of each class in ``per_class`` what is ``coded``, with which
        ``error``.
    """
    given = [item for item in promise["per_class"].items() if item[1]["coded"]["records"]]
    if not given:
        return None
    ordered = sorted(given, key=lambda item: item[1]["coded"]["records"])
    places = np.arange(len(ordered))
    figure = Figure(figsize=(WIDTH, 0.27 * len(ordered) + 1.3), layout="constrained")
    coded, error = figure.subplots(1, 2, sharey=True)
    coded.barh(places, [row["coded"]["share"] for _, row in ordered], color=FIRST)
    coded.set(xlim=(0, 1.02), ylim=(-0.7, len(ordered) - 0.3), title="coded automatically")
    names = [f"{shorten(name, 26)} ({row['coded']['records']:,})" for name, row in ordered]
    coded.set_yticks(places, names)
    for place, (_, row) in zip(places, ordered, strict=True):
        found = row["error"]
        if found["share"] is not None:
            error.plot([found["low"], found["high"]], [place, place], color=FIRST, linewidth=1.4)
            error.plot(found["share"], place, "o", color=FIRST, markersize=5)
    error.axvline(promise["max_error"], color=SECOND, linestyle=":")
    errors = [row["error"]["share"] or 0.0 for _, row in ordered]
    error.set(xlim=(0, _to_error(errors, promise["max_error"])), title="of it wrong")
    coded.set_xlabel("share of the records")
    error.set_xlabel("share of those coded")
    for axes in (coded, error):
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        plain_axes(axes)
    return figure


def _to_error(errors: Sequence[float], promised: float) -> float:
    """Return where an axis of errors ends: beyond all of them, and a few times the promised one."""
    return min(1.0, max(PROMISES_SHOWN * promised, 1.15 * max(errors)))


def word_cloud(frequencies: Mapping[str, int], seed: int) -> Figure | None:
    """Draw a word cloud, or return None where there is no word to draw or no font to draw with.

    Parameters
    ----------
    frequencies
        Number of records of each word; stop words are left out.
    """
    image = _cloud_image(frequencies, seed, (1200, 600))
    if image is None:
        return None
    figure = Figure(figsize=(8, 4))
    _show(figure.add_axes((0, 0, 1, 1)), image)
    return figure


def word_clouds(frequencies: Mapping[str, Mapping[str, int]], seed: int) -> Figure | None:
    """Draw a cloud for each class side by side, as Okut (2021, Figure 12) does for age groups.

    Classes without a word to show are left out.
    """
    images = {
        name: image
        for name, words in frequencies.items()
        if (image := _cloud_image(words, seed, (640, 400))) is not None
    }
    if not images:
        return None
    columns = min(3, len(images))
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(9, 9 / columns * 0.72 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, (name, image) in zip(grid, images.items(), strict=False):
        axes.set_label(name)
        _show(axes, image)
        axes.set_title(shorten(name), fontsize=11, color=INK)
    return figure


def single_clouds(side_by_side: Figure) -> dict[str, bytes]:
    """Return the clouds that :func:`word_clouds` drew, by class, as PNG for a page to arrange."""
    clouds = {}
    for axes in side_by_side.axes:
        for shown in axes.images:
            content = BytesIO()
            Image.fromarray(np.asarray(shown.get_array())).save(content, "png")
            clouds[str(axes.get_label())] = content.getvalue()
    return clouds


def words_taken_away(curves: Mapping[str, Sequence[float]]) -> Figure:
    """Draw the probability of the label as words are taken away: the deciding ones, or any.

    Parameters
    ----------
    curves
        ``highest`` and ``random`` of :func:`.deletion_test`.
    """
    figure = Figure(figsize=(5.4, 3.4), layout="constrained")
    axes = figure.subplots()
    styles = ("random", "at random", SECOND, "s"), ("highest", "highest attribution", FIRST, "o")
    for name, label, colour, marker in styles:
        axes.plot(curves[name], color=colour, marker=marker, label=label)
    axes.set(ylim=(0, 1.02), xlabel="words taken away", ylabel="mean probability of the label")
    axes.set_xticks(range(len(curves["random"])))
    axes.legend(frameon=False, loc="lower left")
    plain_axes(axes)
    return figure


def robustness_bars(changes: Mapping[str, Mapping[str, float]]) -> Figure | None:
    """Draw the accuracy before and after each change of the texts, if there is any.

    Parameters
    ----------
    changes
        As :func:`.robustness` gives them.
    """
    if not changes:
        return None
    places = -np.arange(len(changes))
    figure = Figure(figsize=(WIDTH, 0.4 * len(changes) + 1.1), layout="constrained")
    axes = figure.subplots()
    before, after = ([one[key] for one in changes.values()] for key in ("before", "after"))
    axes.hlines(places, after, before, color=SOFT, linewidth=1)
    axes.scatter(before, places, s=40, color=FIRST, marker="o", label="as written", zorder=3)
    axes.scatter(after, places, s=40, color=SECOND, marker="s", label="changed", zorder=3)
    for place, one, other in zip(places, before, after, strict=True):
        axes.annotate(tenths(other), (min(one, other), place), xytext=(-8, 0), ha="right",
                      va="center", textcoords="offset points", fontsize=9, color=INK)  # fmt: skip
    axes.set_yticks(places, [f"{name} ({one['records']:,})" for name, one in changes.items()])
    lowest = min(*before, *after)
    axes.set(xlim=(max(0, lowest - 0.15 * (1.1 - lowest) - 0.02), 1.01), xlabel="accuracy",
             ylim=(0.6 - len(changes), 0.6))  # fmt: skip
    axes.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)
    plain_axes(axes)
    return figure


def _cloud_image(
    frequencies: Mapping[str, int], seed: int, size: tuple[int, int]
) -> NDArray[np.uint8] | None:
    silent = stop_words()
    # Single letters are left of possessives.
    words = {w: n for w, n in frequencies.items() if w not in silent and len(w) > 1}
    if not words:
        return None
    shades = colormaps["viridis"]

    def colour(word: str, **_: Any) -> str:
        # Frequent words dark, rare ones lighter, never too light to read on white.
        level = np.log(words[word]) / np.log(max(words.values()) + 1)
        red, green, blue, _ = shades(0.72 * (1 - level), bytes=True)
        return f"rgb({red}, {green}, {blue})"

    cloud = WordCloud(width=size[0], height=size[1], background_color="white", random_state=seed,
                      max_words=CLOUD_WORDS, prefer_horizontal=0.95, color_func=colour)  # fmt: skip
    try:
        image: NDArray[np.uint8] = cloud.generate_from_frequencies(words).to_array()
    except (OSError, ValueError):  # no font that can be read, or no room for a single word
        return None
    return image


def _show(axes: Axes, image: NDArray[np.uint8]) -> None:
    axes.imshow(image, interpolation="bilinear", aspect="equal")
    axes.axis("off")


def plain_axes(axes: Axes) -> None:
    """Leave out what carries no information."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)


def shorten(label: str, length: int = 32) -> str:
    """Return a label that fits and is :func:`visible`; ``$`` would start a formula."""
    label = visible(label)
    label = label if len(label) <= length else label[: length - 1] + "…"
    return label.replace("$", r"\$")
