"""Tokenize: from text fields to words, by one function for training and for prediction.

The steps are those of Okut (2021, Table 2 e): tokenize (spaCy's blank English tokenizer, which
splits by rules alone), lower case, erase punctuation; Unicode is normalised first. Punctuation is
removed at the ends of a token and kept inside it, so ``i46.9,e11.9`` and ``covid-19`` stay whole.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import chain, pairwise
from operator import itemgetter
from typing import Any

from textlstm.text.cleaning import clean_runs

SEPARATOR = "<sep>"
"""Token between two fields; no text contains it, since cleaning removes angle brackets."""

LONGEST_WORD = 1000
"""Characters of a word, at most: runs are divided, and lower case may have three times as many."""

RUNS_CACHED = 1 << 17
"""Runs of characters whose words are kept in memory, at most."""

_FIRST, _LAST = itemgetter(0), itemgetter(-1)


def tokenize(field: str) -> list[str]:
    """Return the words of a field: in lower case, without punctuation at either end.

    >>> tokenize("ACUTE MI, due to (Type II) Diabetes; COVID-19.")
    ['acute', 'mi', 'due', 'to', 'type', 'ii', 'diabetes', 'covid-19']
    """
    runs = clean_runs(field)
    if not _special_case_joins().isdisjoint(
        zip(map(_LAST, runs), map(_FIRST, runs[1:]), strict=False)
    ):
        runs = [" ".join(runs)]
    return list(chain.from_iterable(map(_split_words, runs)))


@lru_cache(maxsize=RUNS_CACHED)
def _split_words(run: str) -> tuple[str, ...]:
    """Return the words of a run of characters without a space, or of a whole cleaned field.

    spaCy splits each run by itself, so equal runs have equal words, and these are cached. The one
    exception is :func:`_special_case_joins`.
    """
    words = (_without_punctuation(token.text.lower()) for token in _tokenizer()(run))
    return tuple(word for word in words if word)


def _without_punctuation(word: str) -> str:
    """Return a word without punctuation and symbols at either end."""
    inside = [at for at, letter in enumerate(word) if unicodedata.category(letter)[0] not in "PS"]
    return word[inside[0] : inside[-1] + 1] if inside else ""


@cache
def _special_case_joins() -> frozenset[tuple[str, str]]:
    """Return the pairs of characters at which spaCy may join tokens across a space.

    Each pair is the last character of a token and the first of the next one in a special case, such
    as ``=`` and ``]``. After splitting the runs, spaCy searches all tokens for special cases, and a
    match across a space can prevent another match. So runs between which such characters meet must
    be split together.
    """
    from spacy.tokenizer import Tokenizer

    full = _tokenizer()
    without_special_cases = Tokenizer(
        full.vocab,
        prefix_search=full.prefix_search,
        suffix_search=full.suffix_search,
        infix_finditer=full.infix_finditer,
        token_match=full.token_match,
        url_match=full.url_match,
    )
    special_cases = (without_special_cases(text) for text in full.rules)
    return frozenset(
        (token.text[-1], following.text[0])
        for tokens in special_cases
        for token, following in pairwise(tokens)
    )


def preprocess(records: Iterable[Sequence[str]]) -> list[str]:
    """Return the text of each record: words joined by spaces, fields by :data:`SEPARATOR`.

    A record without any word becomes the empty string. ``text.split()`` gives the tokens back.

    Parameters
    ----------
    records
        The text fields of each record, in reading order; see :func:`.as_records`.

    >>> preprocess([("Pneumonia d/t COPD", "HTN"), ("Asthma", ""), ("-", " ")])
    ['pneumonia d t copd <sep> htn', 'asthma <sep>', '']
    """
    # Most fields of a registry are repeated: each distinct one is tokenized once.
    cleaned: dict[str, str] = {}

    def words(field: str) -> str:
        if field not in cleaned:
            cleaned[field] = " ".join(tokenize(field))
        return cleaned[field]

    return [_join([words(field) for field in record]) for record in records]


def word_document_counts(texts: Iterable[str], min_records: int) -> dict[str, int]:
    """Return the number of records with each word, for words in at least ``min_records``.

    >>> word_document_counts(["acute mi", "acute mi <sep> mi", "stroke"], min_records=2)
    {'acute': 2, 'mi': 2}
    """
    counts = Counter[str]()
    for text, n_records in Counter(texts).items():
        counts.update(dict.fromkeys(sorted(set(text.split()) - {SEPARATOR}), n_records))
    return {word: n for word, n in counts.most_common() if n >= min_records}


def split_fields(text: str) -> list[str]:
    """Return the fields of a preprocessed record, without the separators.

    >>> split_fields("pneumonia <sep> htn")
    ['pneumonia', 'htn']
    """
    return [field.strip() for field in text.split(SEPARATOR)]


def _join(fields: list[str]) -> str:
    """Join the words of fields with :data:`SEPARATOR`; "" if no field has a word."""
    if len(fields) == 1:
        return fields[0]
    return " ".join(f" {SEPARATOR} ".join(fields).split()) if any(fields) else ""


@cache
def _tokenizer() -> Any:
    # Imported late: spaCy takes a second, and most commands fail or answer before they need it.
    from spacy.lang.en import English

    return English().tokenizer
