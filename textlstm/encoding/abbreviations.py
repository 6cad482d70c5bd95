"""Abbreviations that a model does not know, written out: by a table, or by their initials.

Who writes ``gsw head`` where the training texts have ``gunshot wound of head`` means the same. Of a
word that is not in the vocabulary, a table that the user gives says what it stands for; else, a
short one is read as the phrase of the training texts whose initials it has. Words are taken apart
where they are made of others: the initials of ``gunshot wound`` are g, w, and between them s, if
need be. Words of the vocabulary are never touched.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import product
from typing import Any, Self

from textlstm.errors import InputError
from textlstm.storage.json_files import is_unicode
from textlstm.text.tokenizing import LONGEST_WORD

MOST_WORDS = 20
"""Words of a meaning, at most."""

INITIAL_LETTERS, PHRASE_WORDS = (3, 5), (2, 5)
"""Letters that are taken for initials, and words of their phrase, from and to. Two letters say too
little: of those in use, nearly half were taken for another phrase than they stand for."""

LEAST_RECORDS = 10
"""Training records that a phrase must stand in: fewer might point at persons."""

MOST_RECORDS = 1 << 53
"""No table has so many; numbers up to this one can be computed with."""

DOMINANT = 2 / 3
"""Initials stand for a phrase that has this share of the records of all that have them."""

SAME_LETTERS = 4
"""Words that begin with the same letters, so many, are forms of one: wound and wounds."""

VOWELS = frozenset("aeiouy")

JOINT = "+"
"""Stands between the parts of a word of a phrase."""


@dataclass(frozen=True)
class Abbreviations:
    """What words outside the vocabulary stand for.

    Attributes
    ----------
    given
        The meaning of each abbreviation of the user's table, preprocessed.
    phrases
        Phrases of the training texts, their words in parts, and in how many records they stand,
        rounded down to tens.

    >>> known = Abbreviations({"etoh": "alcohol"}, {"gun+shot wound": 40, "gun+shot wounds": 30})
    >>> [known.meaning(word) for word in ("etoh", "gsw", "gw", "wsg")]
    ['alcohol', 'gunshot wound', None, None]
    """

    given: Mapping[str, str] = field(default_factory=dict)
    phrases: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for short, meaning in self.given.items():
            words = meaning.split()
            if not (is_word(short) and words and len(words) <= MOST_WORDS):
                raise InputError("an abbreviation is one word, and its meaning some words")
            if not all(map(is_word, words)) or not self.given.keys().isdisjoint(words):
                raise InputError("the meaning of an abbreviation is written out")
        for phrase, records in self.phrases.items():
            words = phrase.split()
            if not PHRASE_WORDS[0] <= len(words) <= PHRASE_WORDS[1] or not all(map(is_word, words)):
                raise InputError("a phrase is some words")
            if type(records) is not int or not LEAST_RECORDS <= records < MOST_RECORDS:
                raise InputError(f"a phrase stands in {LEAST_RECORDS} records at least")

    def __bool__(self) -> bool:
        return bool(self.given or self.phrases)

    def meaning(self, word: str) -> str | None:
        """Return what a word outside the vocabulary stands for; None, where that is not known."""
        if word in self.given:
            return self.given[word]
        phrase = self._by_initials.get(word)
        return None if phrase is None or word in function_words() else phrase

    @cached_property
    def _by_initials(self) -> dict[str, str]:
        """Return the phrase that initials stand for, where one is by far the most frequent."""
        forms: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
        first: dict[tuple[str, ...], str] = {}
        for phrase, records in self.phrases.items():  # the most frequent ones first
            words = phrase.replace(JOINT, "").split()
            form = tuple(word[:SAME_LETTERS] for word in words)
            first.setdefault(form, " ".join(words))
            for initials in _initials(phrase):
                forms[initials][form] += records
        return {
            initials: first[likeliest]
            for initials, found in forms.items()
            for likeliest, records in found.most_common(1)
            if records >= DOMINANT * found.total()
        }

    @property
    def words(self) -> set[str]:
        """Return the words of the phrases."""
        return {word for phrase in self.phrases for word in phrase.replace(JOINT, "").split()}

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, fit for JSON."""
        return {"given": dict(self.given), "phrases": dict(self.phrases)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from what :meth:`to_dict` gave."""
        return cls(dict(values["given"]), dict(values["phrases"]))


def is_word(word: str) -> bool:
    """Return whether it is one word of a text; what is no word begins with a bracket."""
    short = len(word) <= LONGEST_WORD
    return short and word.split() == [word] and not word.startswith("<") and is_unicode(word)


def _initials(phrase: str) -> Iterator[str]:
    """Yield the initials of a phrase: those of all words, and of none, some or all later parts.

    >>> list(_initials("a+b c d")), list(_initials("a+b c"))
    (['acd', 'abcd'], ['abc'])
    """
    words = [[part[:1] for part in word.split(JOINT)] for word in phrase.split()]
    if sum(map(len, words)) > 2 * PHRASE_WORDS[1]:
        return  # of a strange bundle
    of_words = [
        [word[0] + "".join(some) for some in product(*(("", part) for part in word[1:]))]
        for word in words
    ]
    for some in product(*of_words):
        if INITIAL_LETTERS[0] <= len(initials := "".join(some)) <= INITIAL_LETTERS[1]:
            yield initials


@cache
def function_words() -> frozenset[str]:
    """Return words such as ``and`` and ``due``, which are short and no abbreviations."""
    from spacy.lang.en.stop_words import STOP_WORDS  # late: it takes a second, and is seldom needed

    return frozenset(STOP_WORDS)
