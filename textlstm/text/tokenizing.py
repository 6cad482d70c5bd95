"""Cleaning and tokenizing: one function, for training and for prediction alike.

The steps are those of Okut (2021, Table 2 e): tokenize (spaCy's blank English tokenizer, which
splits by rules alone), lower case, erase punctuation; Unicode is normalised first. Punctuation is
taken from the ends of a token and kept inside it, so ``i46.9,e11.9`` and ``covid-19`` stay whole.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import chain, pairwise
from operator import itemgetter
from typing import Any

from textlstm.text.cleaning import shorten_runs

SEPARATOR = "<sep>"
"""Stands between two fields; no text can produce it, since cleaning takes angle brackets out."""

LONGEST_WORD = 1000
"""No word has more characters: a run is cut, and in lower case it may have three times as many."""

_FIRST, _LAST = itemgetter(0), itemgetter(-1)


def tokenize(field: str) -> list[str]:
    """Return the words of a field: lower case, without punctuation at either end.

    >>> tokenize("ACUTE MI, due to (Type II) Diabetes; COVID-19.")
    ['acute', 'mi', 'due', 'to', 'type', 'ii', 'diabetes', 'covid-19']
    """
    runs = shorten_runs(field)
    if not _special_case_joins().isdisjoint(
        zip(map(_LAST, runs), map(_FIRST, runs[1:]), strict=False)
    ):
        runs = [" ".join(runs)]
    return list(chain.from_iterable(map(_split_words, runs)))


@lru_cache(maxsize=1 << 17)
def _split_words(run: str) -> tuple[str, ...]:
    """Return the words of a cleaned field, or of one of its runs of characters without a space.

    spaCy divides each run by itself, so what it makes of one is made once. There is one exception:
    see :func:`_special_case_joins`.
    """
    words = (_stripped(token.text.lower()) for token in _tokenizer()(run))
    return tuple(word for word in words if word)


def _stripped(word: str) -> str:
    """Return a word without punctuation and symbols at either end."""
    inside = [at for at, one in enumerate(word) if unicodedata.category(one)[0] not in "PS"]
    return word[inside[0] : inside[-1] + 1] if inside else ""


@cache
def _special_case_joins() -> frozenset[tuple[str, str]]:
    """Return the last and the first character of tokens that can belong together.

    After dividing the runs, spaCy looks for sequences of tokens that make up a special case, as
    ``=`` and ``]`` do, and an overlapping find across a space can keep it from taking another one.
    Where such characters meet across a space, runs must not be taken apart.
    """
    from spacy.tokenizer import Tokenizer

    full = _tokenizer()
    plain = Tokenizer(
        full.vocab,
        prefix_search=full.prefix_search,
        suffix_search=full.suffix_search,
        infix_finditer=full.infix_finditer,
        token_match=full.token_match,
        url_match=full.url_match,
    )  # without special cases
    specials = (plain(special) for special in full.rules)
    return frozenset(
        (one.text[-1], other.text[0]) for tokens in specials for one, other in pairwise(tokens)
    )


def preprocess(records: Iterable[Sequence[str]]) -> list[str]:
    """Return each record as its words joined by spaces, its fields by :data:`SEPARATOR`.

    A record without any word becomes the empty string. ``text.split()`` gives the tokens back.

    Parameters
    ----------
    records
        The text fields of each record, in reading order; see :func:`.as_records`.

    >>> preprocess([("Pneumonia d/t COPD", "HTN"), ("Asthma", ""), ("-", " ")])
    ['pneumonia d t copd <sep> htn', 'asthma <sep>', '']
    """
    # Most fields of a registry are repeats: each distinct one is tokenized once.
    known: dict[str, str] = {}

    def words(field: str) -> str:
        if field not in known:
            known[field] = " ".join(tokenize(field))
        return known[field]

    return [_join([words(field) for field in record]) for record in records]


def word_document_counts(texts: Iterable[str], min_records: int) -> dict[str, int]:
    """Return the number of records each word stands in, for words in at least ``min_records``.

    >>> word_document_counts(["acute mi", "acute mi <sep> mi", "stroke"], min_records=2)
    {'acute': 2, 'mi': 2}
    """
    counts = Counter[str]()
    for text, n in Counter(texts).items():
        counts.update(dict.fromkeys(sorted(set(text.split()) - {SEPARATOR}), n))
    return {word: n for word, n in counts.most_common() if n >= min_records}


def split_fields(text: str) -> list[str]:
    """Return the fields of a preprocessed record, without the separator.

    >>> split_fields("pneumonia <sep> htn")
    ['pneumonia', 'htn']
    """
    return [field.strip() for field in text.split(SEPARATOR)]


def _join(fields: list[str]) -> str:
    if len(fields) == 1:
        return fields[0]
    return " ".join(f" {SEPARATOR} ".join(fields).split()) if any(fields) else ""


@cache
def _tokenizer() -> Any:
    # Imported late: spaCy takes a second, and most commands fail or answer before they need it.
    from spacy.lang.en import English

    return English().tokenizer
