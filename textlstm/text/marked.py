"""The text of a record as it was written, each of its words where it stands."""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from textlstm.text.cleaning import MAX_CHARACTERS
from textlstm.text.tokenizing import preprocess, tokenize

IGNORED = frozenset({"Mn", "Cc", "Cf"})
"""Categories of characters that cleaning may join to others or take out: accents, invisible."""


class Span(NamedTuple):
    """A piece of a field: a word with its value, or what stands between words."""

    text: str
    value: float | None = None


def word_spans(field: str) -> list[tuple[int, int] | None]:
    """Return where each word of :func:`.tokenize` stands in the field as written.

    Cleaning changes characters and the case of letters, but not the order of words: each is looked
    for behind the one before, letters of equal meaning (compatibility forms, case, accents) being
    taken for equal. A word that is not found has no place.

    >>> field = "Stroke, d/t (Old) AGE."
    >>> [field[start:end] for start, end in word_spans(field)]
    ['Stroke', 'd', 't', 'Old', 'AGE']
    """
    field = field[:MAX_CHARACTERS]
    letters = [(letter, at) for at, one in enumerate(field) for letter in _folded(one)]
    folded, behind = "".join(letter for letter, _ in letters), 0
    places: list[tuple[int, int] | None] = []
    for word in tokenize(field):
        wanted = "".join(map(_folded, word))
        start = folded.find(wanted, behind) if wanted else -1
        if start < 0:
            places.append(None)
            continue
        behind = start + len(wanted)
        places.append((letters[start][1], _end(field, letters[behind - 1][1] + 1)))
    return places


def _folded(one: str) -> str:
    """Return what a character has in common with its other forms; nothing of an ignored one."""
    one = "\ufffd" if "\ud800" <= one <= "\udfff" else one
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", one).casefold())
    return "".join(letter for letter in letters if unicodedata.category(letter) not in IGNORED)


def _end(field: str, end: int) -> int:
    """Return the end of a word with the accents that follow its last letter."""
    while end < len(field) and unicodedata.category(field[end]) == "Mn":
        end += 1
    return end


def highlight(fields: Sequence[str], values: Sequence[float | None]) -> list[list[Span]]:
    """Return each field of a record in pieces, which together are the field as it was written.

    Parameters
    ----------
    values
        (tokens,) of the tokens of the record as :func:`.preprocess` gives them,
        separators among them, of which the value is not looked at.

    >>> highlight(["Fall, old", "HTN"], [0.5, 0.1, 0.0, -0.2])[0]
    [Span(text='Fall', value=0.5), Span(text=', ', value=None), Span(text='old', value=0.1)]
    """
    if len(values) != len(preprocess([fields])[0].split()):
        raise ValueError("there is not a value for each token of the record")
    left, found = list(values), []
    for field in fields:
        places = word_spans(field)
        own, left = left[: len(places)], left[len(places) + 1 :]  # behind it, a separator
        found.append(_pieces(field, places, own))
    return found


def _pieces(
    field: str, places: Sequence[tuple[int, int] | None], values: Sequence[float | None]
) -> list[Span]:
    words = [(*place, value) for place, value in zip(places, values, strict=False) if place]
    ends = [(0, 0, None), *words, (len(field), len(field), None)]
    pieces = []
    for (_, before, _), (start, end, value) in pairwise(ends):
        # Two words of one character, as of a ligature, share it.
        pieces += [Span(field[before:start]), Span(field[max(before, start) : end], value)]
    return [piece for piece in pieces if piece.text]
