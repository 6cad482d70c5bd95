"""Clean texts: Unicode normalised, invisible characters and angle brackets removed."""

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character of UTF-16, which is none in UTF-8: the replacement character stands for it."""

MAX_CHARACTERS = 100_000
"""A field is cut here before cleaning: no certificate is longer, and a broken file may be."""

MAX_RUN = 100
"""Characters without a space after which one is put: longer runs are not words, and the tokenizer
takes time quadratic in their length."""
_ANGLE_BRACKETS = str.maketrans("<>", "  ")


def clean(field: str) -> str:
    r"""Return a field as normalised Unicode with single spaces and no invisible characters.

    Compatibility forms are composed (NFKC), lone surrogates replaced, control characters turned
    into spaces, and format characters (zero-width, bidirectional, byte order mark) removed.

    >>> clean("\ufeffﬁbrosis\x00of\u200b the\tlung")
    'fibrosis of the lung'
    """
    return " ".join(shorten_runs(field))


def shorten_runs(field: str) -> list[str]:
    """Return the runs of characters without a space that cleaning leaves of a field."""
    field = field[:MAX_CHARACTERS]
    if not field.isascii():  # of ASCII, both are no change
        field = unicodedata.normalize("NFKC", LONE_SURROGATE.sub("\ufffd", field))
    if "<" in field or ">" in field:
        field = field.translate(_ANGLE_BRACKETS)
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
    return text if text.isprintable() else text.translate(_invisible())


def count_repairs(cells: Mapping[str, int]) -> dict[str, int]:
    r"""Return in how many cells cleaning finds what is seldom meant, by what it is.

    Parameters
    ----------
    cells
        How often each field is there.

    >>> count_repairs({"asthma\x00": 2, "COPD": 5, "\ufeffMI\x00": 1})
    {'control_characters': 3, 'invisible_characters': 1}
    """
    found: Counter[str] = Counter()
    for cell, number in cells.items():
        if not (len(cell) <= MAX_RUN and cell.isascii() and cell.isprintable()):
            found.update(dict.fromkeys(_defects(cell), number))
    return dict(found)


def _defects(field: str) -> Iterator[str]:
    """Yield what there is to mend in a field."""
    if len(field) > MAX_CHARACTERS:
        yield "overlong_texts"
        field = field[:MAX_CHARACTERS]
    if "\ufffd" in field or LONE_SURROGATE.search(field):
        yield "replacement_characters"
        field = LONE_SURROGATE.sub("\ufffd", field)
    if unicodedata.normalize("NFKC", field) != field:
        yield "other_unicode_forms"
    kinds = {unicodedata.category(character) for character in field if not character.isspace()}
    if "Cc" in kinds:
        yield "control_characters"
    if "Cf" in kinds:
        yield "invisible_characters"
    if max(map(len, field.split()), default=0) > MAX_RUN:
        yield "overlong_words"


@cache
def _invisible() -> dict[int, str]:
    """Return the translation of control characters (to a space) and format characters (to none)."""
    replacements = {"Cc": " ", "Cf": ""}
    return {
        point: replacements[category]
        for point in range(sys.maxunicode + 1)
        if (category := unicodedata.category(chr(point))) in replacements
    }
