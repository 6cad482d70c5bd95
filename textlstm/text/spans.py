"""Spans of words: the position of each word in the field as it was written, to highlight it."""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from textlstm.text.cleaning import MAX_CHARACTERS
from textlstm.text.tokenizing import preprocess, tokenize

IGNORED_CATEGORIES = frozenset({"Mn", "Cc", "Cf"})
"""Unicode categories that cleaning may compose or remove: accents, control, format characters."""


class Span(NamedTuple):
    """A piece of a field: a word with its value, or the characters between words."""

    text: str
    value: float | None = None


def word_spans(field: str) -> list[tuple[int, int] | None]:
    """Return start and end of each word of :func:`.tokenize` in the field as written.

    Cleaning changes characters and the case of letters, but not the order of words. So each word is
    searched for behind the one before, and letters match that differ only in compatibility form,
    case or accents. The span of a word that is not found is None.

    >>> field = "Stroke, d/t (Old) AGE."
    >>> [field[start:end] for start, end in word_spans(field)]
    ['Stroke', 'd', 't', 'Old', 'AGE']
    """
    field = field[:MAX_CHARACTERS]
    letters = [(letter, at) for at, written in enumerate(field) for letter in _folded(written)]
    folded_field, behind = "".join(letter for letter, _ in letters), 0
    spans: list[tuple[int, int] | None] = []
    for word in tokenize(field):
        folded_word = "".join(map(_folded, word))
        start = folded_field.find(folded_word, behind) if folded_word else -1
        if start < 0:
            spans.append(None)
            continue
        behind = start + len(folded_word)
        spans.append((letters[start][1], _end(field, letters[behind - 1][1] + 1)))
    return spans


def _folded(character: str) -> str:
    """Return a character without its case, accents and compatibility form; "" if it is ignored."""
    character = "\ufffd" if "\ud800" <= character <= "\udfff" else character
    caseless = unicodedata.normalize("NFKD", character).casefold()
    letters = unicodedata.normalize("NFKD", caseless)
    return "".join(
        letter for letter in letters if unicodedata.category(letter) not in IGNORED_CATEGORIES
    )


def _end(field: str, end: int) -> int:
    """Return the end of a word, including the accents that follow its last letter."""
    while end < len(field) and unicodedata.category(field[end]) == "Mn":
        end += 1
    return end


def highlight(fields: Sequence[str], values: Sequence[float | None]) -> list[list[Span]]:
    """Divide each field of a record into spans, whose texts joined are the field as written.

    Parameters
    ----------
    values
        A value for each token of the record as :func:`.preprocess` gives them (tokens,); those of
        separators are ignored.

    >>> highlight(["Fall, old", "HTN"], [0.5, 0.1, 0.0, -0.2])[0]
    [Span(text='Fall', value=0.5), Span(text=', ', value=None), Span(text='old', value=0.1)]
    """
    if len(values) != len(preprocess([fields])[0].split()):
        raise ValueError("there is not a value for each token of the record")
    remaining, highlighted = list(values), []
    for field in fields:
        spans = word_spans(field)
        of_field, remaining = remaining[: len(spans)], remaining[len(spans) + 1 :]  # + separator
        highlighted.append(_divide(field, spans, of_field))
    return highlighted


def _divide(
    field: str, spans: Sequence[tuple[int, int] | None], values: Sequence[float | None]
) -> list[Span]:
    words = [(*span, value) for span, value in zip(spans, values, strict=False) if span]
    bounds = [(0, 0, None), *words, (len(field), len(field), None)]
    pieces = []
    for (_, before, _), (start, end, value) in pairwise(bounds):
        # Two words may share a character, such as a ligature: the first one shows it.
        pieces += [Span(field[before:start]), Span(field[max(before, start) : end], value)]
    return [piece for piece in pieces if piece.text]
