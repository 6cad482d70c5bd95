"""What all figures share: colours, sizes, axes in percent, shortened labels, and PNG files."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from textlstm.errors import visible
from textlstm.storage.atomic import atomic_write

INK, SOFT = "#1f2a37", "#6b7785"
"""Colours of text and of auxiliary lines."""

FIRST, SECOND = "#1f6f8b", "#d1603d"
"""Colours that carry meaning; they differ in lightness too, for readers who see no hue."""

WIDTH = 6.2
"""Inches, the width of a figure: on a phone's screen its letters can still be read."""

RESOLUTION = 150
"""Dots per inch of a PNG file."""

MIN_ERROR_AXIS = 4
"""Multiples of the promised error that an axis of errors covers, at least."""


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, without a date, so that equal figures give equal bytes."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(png(figure))


def png(figure: Figure) -> bytes:
    """Return a figure as the bytes of a PNG file."""
    content = BytesIO()
    with missing_glyphs_allowed():
        figure.savefig(content, format="png", dpi=RESOLUTION, metadata={"Software": None})
    return content.getvalue()


@contextmanager
def missing_glyphs_allowed() -> Iterator[None]:
    """Draw characters that the font lacks as boxes, without a warning: tables have the name."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        yield


def plain_axes(axes: Axes) -> None:
    """Remove the upper and the right border, and add a faint grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)


def percent_axis(axis: Axis) -> None:
    """Label an axis of shares in percent."""
    axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))


def legend_above(axes: Axes, columns: int) -> None:
    """Place the legend above the axes, at their left end."""
    axes.legend(frameon=False, ncols=columns, loc="lower left", bbox_to_anchor=(0, 1),
                borderaxespad=0)  # fmt: skip


def error_axis_end(errors: Sequence[float], promised: float) -> float:
    """Return the upper limit of an axis that shows these errors and a promised one, at most 1.

    >>> error_axis_end([0.01, 0.02], promised=0.02), error_axis_end([0.9], promised=0.02)
    (0.08, 1.0)
    """
    return min(1.0, max(MIN_ERROR_AXIS * promised, 1.15 * max(errors)))


def shorten(label: str, length: int = 32) -> str:
    r"""Return a label that fits and is :func:`.visible`; ``$`` would start a formula.

    >>> shorten("Motorized vehicle, single vehicle", 17), shorten("$x$")
    ('Motorized vehicl…', '\\$x\\$')
    """
    label = visible(label)
    label = label if len(label) <= length else label[: length - 1] + "…"
    return label.replace("$", r"\$")
