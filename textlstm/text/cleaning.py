"""Clean texts: normalise Unicode, and remove invisible characters and angle brackets."""

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Pattern of half a character of UTF-16, which UTF-8 lacks: the replacement character replaces it.
"""

MAX_CHARACTERS = 100_000
"""Characters of a field, at most; the rest is cut off. No certificate is longer, but a broken file
may be."""

MAX_RUN = 100
"""Characters of a run without a space, at most; longer runs are no words, and are divided, since
the tokenizer takes time quadratic in their length."""

_ANGLE_BRACKETS_TO_SPACES = str.maketrans("<>", "  ")


def clean(field: str) -> str:
    r"""Return a field as normalised Unicode, with single spaces and no invisible characters.

    Compatibility forms are composed (NFKC), lone surrogates replaced, control characters turned
    into spaces, and format characters (zero-width, bidirectional, byte order mark) removed.

    >>> clean("\ufeffﬁbrosis\x00of\u200b the\tlung")
    'fibrosis of the lung'
    """
    return " ".join(clean_runs(field))


def clean_runs(field: str) -> list[str]:
    """Return the runs of a cleaned field: its characters between spaces, long runs divided."""
    field = field[:MAX_CHARACTERS]
    if not field.isascii():  # neither changes ASCII
        field = unicodedata.normalize("NFKC", LONE_SURROGATE.sub("\ufffd", field))
    if "<" in field or ">" in field:
        field = field.translate(_ANGLE_BRACKETS_TO_SPACES)
    field = without_invisible(field)
    runs = field.split()
    if len(field) <= MAX_RUN:
        return runs
    return [run[at : at + MAX_RUN] for run in runs for at in range(0, len(run), MAX_RUN)]


def without_invisible(text: str) -> str:
    r"""Return a text without format characters, and with spaces for control characters.

    >>> without_invisible("\ufeffa\x00b\u200bc")
    'a bc'
    """
    return text if text.isprintable() else text.translate(_invisible_characters())


def count_repairs(cells: Mapping[str, int]) -> dict[str, int]:
    r"""Count the cells that cleaning repairs, by kind of defect.

    Parameters
    ----------
    cells
        Number of cells with each content.

    >>> count_repairs({"asthma\x00": 2, "COPD": 5, "\ufeffMI\x00": 1})
    {'control_characters': 3, 'invisible_characters': 1}
    """
    counts: Counter[str] = Counter()
    for cell, n_cells in cells.items():
        if not (len(cell) <= MAX_RUN and cell.isascii() and cell.isprintable()):
            counts.update(dict.fromkeys(_defects(cell), n_cells))
    return dict(counts)


def _defects(field: str) -> Iterator[str]:
    """Yield the kinds of defect of a field."""
    if len(field) > MAX_CHARACTERS:
        yield "overlong_texts"
        field = field[:MAX_CHARACTERS]
    if "\ufffd" in field or LONE_SURROGATE.search(field):
        yield "replacement_characters"
        field = LONE_SURROGATE.sub("\ufffd", field)
    if unicodedata.normalize("NFKC", field) != field:
        yield "other_unicode_forms"
    categories = {unicodedata.category(letter) for letter in field if not letter.isspace()}
    if "Cc" in categories:
        yield "control_characters"
    if "Cf" in categories:
        yield "invisible_characters"
    if max(map(len, field.split()), default=0) > MAX_RUN:
        yield "overlong_words"


@cache
def _invisible_characters() -> dict[int, str]:
    """Return the translation of control characters (to a space) and format characters (to none)."""
    replacements = {"Cc": " ", "Cf": ""}
    return {
        point: replacements[category]
        for point in range(sys.maxunicode + 1)
        if (category := unicodedata.category(chr(point))) in replacements
    }
