"""The Jinja environment of all pages: how templates write numbers, shares, pictures and texts."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup, escape

from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.errors import visible
from textlstm.metrics_file import ProportionJson
from textlstm.text.spans import Span
from textlstm.uncertainty.intervals import percent, tenths

POLICY = (
    "default-src 'none'; img-src data:; style-src 'sha256-{style}'; base-uri 'none'; "
    "form-action 'none'"
)
"""Content security policy of a page: its own pictures in its own style, and nothing else."""

MARK_SHADES = 4
"""Shades of a marked word; a word below half of the first shade is not marked."""

LONGEST_ESCAPE = len(r"\U0010ffff")
"""Characters that replace an invisible one, at most."""

NO_BREAK = "\u00a0"
"""Space between a number and its unit."""

MINUS = "\u2212"
"""Sign before a number below zero."""

NOTHING = "–"
"""Written for a number that is suppressed or does not exist."""


def environment() -> jinja2.Environment:
    """Return the environment of the templates: every text is escaped and made visible."""
    jinja = jinja2.Environment(
        loader=jinja2.PackageLoader("textlstm.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_make_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters |= {
        "number": write_number,
        "signed": write_signed,
        "count": write_count,
        "percent": write_percent,
        "points": write_tenths,
        "interval": write_share,
        "between": write_estimate,
        "embedded": embed_png,
        "two_lines": break_before_interval,
        "as_written": mark_words,
    }
    jinja.globals["smallest_shown"] = SMALLEST_SHOWN
    return jinja


def render_page(name: str, style_sheet: str = "", **values: Any) -> str:
    """Return the page of a template, with the style sheet of its own name unless one is named."""
    folder = resources.files("textlstm.reporting") / "templates"
    style = (folder / f"{style_sheet or name}.css").read_text("utf-8")
    digest = b64encode(sha256(style.encode("utf-8")).digest()).decode("ascii")
    template = environment().get_template(f"{name}.html.j2")
    return template.render(style=style, policy=POLICY.format(style=digest), **values)


def _make_visible(value: Any) -> Any:
    """Return a value as a page shows it: texts with invisible characters escaped, HTML as it is."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def embed_png(picture: bytes) -> Markup:
    """Return a PNG file as a data URL."""
    return Markup("data:image/png;base64,") + b64encode(picture).decode("ascii")


def mark_words(pieces: Sequence[Span], largest: float) -> Markup:
    """Write a text whose words are marked for a label or against it, in shades of their value.

    Parameters
    ----------
    largest
        The value of the strongest shade, above zero.
    """
    written = []
    for piece in pieces:
        text, value = _visible_lines(piece.text), piece.value or 0.0
        if shade := round(MARK_SHADES * abs(value) / largest):
            side = "against" if value < 0 else "for"
            text = Markup('<mark class="{} {}{}">{}</mark>').format(side, side, shade, text)
        written.append(text)
    return Markup("").join(written)


def _visible_lines(text: str) -> Markup:
    """Write a text uncut and line by line, other invisible characters escaped."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return Markup("\n").join(visible(line, longest=LONGEST_ESCAPE * len(line)) for line in lines)


def break_before_interval(value: str) -> Markup:
    """Write an estimate, and its interval in a line below it."""
    return Markup(escape(visible(value)).replace(" (", "\n("))


def write_count(number: int | None) -> str:
    """Write a number of records; a small one as an upper bound, a suppressed one as a dash.

    >>> write_count(1500), write_count(3), write_count(0)
    ('1,500', 'fewer than 10', '0')
    """
    if number is None:
        return NOTHING
    return f"fewer than {SMALLEST_SHOWN}" if 0 < number < SMALLEST_SHOWN else f"{number:,}"


def write_number(value: float | None, digits: int = 4) -> str:
    """Write a measure with a fixed number of digits; None as a dash.

    >>> write_number(0.5), write_number(1.25, 1)
    ('0.5000', '1.2')
    """
    return NOTHING if value is None else f"{value:.{digits}f}"


def write_signed(value: float, digits: int = 4) -> str:
    """Write a difference with its sign; minus is as long as plus.

    >>> write_signed(0.5), write_signed(-0.25, 2) == MINUS + "0.25"
    ('+0.5000', True)
    """
    return f"{value:+.{digits}f}".replace("-", MINUS)


def write_percent(share: float | None) -> str:
    """Write a share that a user named in percent; None as a dash."""
    return NOTHING if share is None else percent(share).replace(" ", NO_BREAK)


def write_tenths(share: float | None) -> str:
    """Write a measured share, to a tenth of a percent; None as a dash."""
    return NOTHING if share is None else tenths(share).replace(" ", NO_BREAK)


def write_estimate(bounds: Mapping[str, float] | None, estimate: float | None) -> str:
    """Write a measure with its confidence interval; None as a dash."""
    if bounds is None:
        return NOTHING
    return f"{estimate:.3f} ({bounds['low']:.3f}–{bounds['high']:.3f})"


def write_share(proportion: ProportionJson) -> str:
    """Write a share of records with its confidence interval; a share of no records as a dash."""
    if proportion["share"] is None:
        return NOTHING
    low, high = (100 * proportion[end] for end in ("low", "high"))
    return f"{write_tenths(proportion['share'])} ({low:.1f}–{high:.1f})"
