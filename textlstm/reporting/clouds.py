"""Word clouds: the words that may be shown, their table, and their drawing."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from wordcloud import WordCloud

from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.reporting.drawing import INK, shorten
from textlstm.reporting.stopwords import stop_words
from textlstm.text.tokenizing import word_document_counts

CLOUD_WORDS = 80
"""Words in a cloud, at most."""

MIN_CLOUD_RECORDS = SMALLEST_SHOWN
"""Records that a shown word stands in, at least: a rarer word might name a person."""

COUNT_STEP = SMALLEST_SHOWN
"""Step that a table rounds numbers of records down to.

The exact numbers over all classes and in all classes but one would give away the last one.
"""


def public_words(texts: Sequence[str]) -> dict[str, int]:
    """Count the records of each word, and drop words of too few records to be shown."""
    return word_document_counts(texts, MIN_CLOUD_RECORDS)


def word_table(words_by_class: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    """Return the words of each class, or of ``""`` for all, with rounded numbers of records.

    >>> word_table({"": {"fall": 57}, "External": {"fall": 49}}).to_dict("list")
    {'label': ['', 'External'], 'word': ['fall', 'fall'], 'records_at_least': [50, 40]}
    """
    rows = [
        (label, word, n_records // COUNT_STEP * COUNT_STEP)
        for label, words in words_by_class.items()
        for word, n_records in words.items()
    ]
    return pd.DataFrame(rows, columns=["label", "word", "records_at_least"])


def draw_cloud(words: Mapping[str, int], seed: int) -> Figure | None:
    """Draw a word cloud, or return None if there is no word to draw or no font to draw with.

    Parameters
    ----------
    words
        Number of records of each word; stop words are left out.
    """
    image = _cloud_image(words, seed, (1200, 600))
    if image is None:
        return None
    figure = Figure(figsize=(8, 4))
    _show_image(figure.add_axes((0, 0, 1, 1)), image)
    return figure


def draw_clouds(words_by_class: Mapping[str, Mapping[str, int]], seed: int) -> Figure | None:
    """Draw a cloud for each class side by side, as Okut (2021, Figure 12) does for age groups.

    Classes without a word to show are left out.
    """
    images = {
        name: image
        for name, words in words_by_class.items()
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
        _show_image(axes, image)
        axes.set_title(shorten(name), fontsize=11, color=INK)
    return figure


def single_clouds(side_by_side: Figure) -> dict[str, bytes]:
    """Return each cloud that :func:`draw_clouds` drew as a PNG file, by class."""
    clouds = {}
    for axes in side_by_side.axes:
        for shown in axes.images:
            content = BytesIO()
            Image.fromarray(np.asarray(shown.get_array())).save(content, "png")
            clouds[str(axes.get_label())] = content.getvalue()
    return clouds


def _cloud_image(
    counts: Mapping[str, int], seed: int, size: tuple[int, int]
) -> NDArray[np.uint8] | None:
    """Return the pixels of a word cloud, or None if it cannot be drawn."""
    ignored = stop_words()
    # Single letters are left of possessives.
    words = {word: n for word, n in counts.items() if word not in ignored and len(word) > 1}
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
    except (OSError, ValueError):  # no readable font, or no space for a single word
        return None
    return image


def _show_image(axes: Axes, image: NDArray[np.uint8]) -> None:
    axes.imshow(image, interpolation="bilinear", aspect="equal")
    axes.axis("off")
