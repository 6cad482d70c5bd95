"""Abbreviations: expand words outside the vocabulary, by a table or by their initials.

``gsw head`` means the same as ``gunshot wound of head`` in the training texts. For a word that is
not in the vocabulary, the user's table gives the meaning. A short word that is not in the table is
read as the phrase of the training texts that has these initials. A compound word has several
initials: those of ``gunshot wound`` are g, w and, between them, optionally s. Words of the
vocabulary are never changed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import product
from typing import Any, Self

from textlstm.errors import InputError
from textlstm.storage.json_files import is_unicode
from textlstm.text.stop_lists import spacy_stop_words
from textlstm.text.tokenizing import LONGEST_WORD

MOST_WORDS = 20
"""Words of a meaning, at most."""

INITIAL_LETTERS, PHRASE_WORDS = (3, 5), (2, 5)
"""Letters of a word that is read as initials, and words of their phrase, from and to. Two letters
say too little: of those in use, nearly half were read as another phrase than they stand for."""

LEAST_RECORDS = 10
"""Training records of a phrase, at least: fewer might identify persons."""

MOST_RECORDS = 1 << 53
"""Records of a phrase, below: no table is as large, and floats count exactly up to this number."""

DOMINANT = 2 / 3
"""Share of the records of all phrases with the same initials that the chosen phrase needs."""

SAME_LETTERS = 4
"""First letters by which two words count as inflections of one word, as wound and wounds."""

VOWELS = frozenset("aeiouy")

JOINT = "+"
"""Sign between the parts of a compound word of a phrase."""

WORDS_CACHED = 1 << 16
"""Unknown words whose meaning, or lack of one, is cached, at most."""


@dataclass(frozen=True)
class Abbreviations:
    """Meanings of words outside the vocabulary.

    Attributes
    ----------
    meanings
        The meaning of each abbreviation of the user's table, preprocessed.
    phrases
        Phrases of the training texts, their compound words divided, and the number of records that
        contain each, rounded down to tens.

    >>> phrases = {"gun+shot wound": 40, "gun+shot wounds": 30}
    >>> abbreviations = Abbreviations({"etoh": "alcohol"}, phrases)
    >>> [abbreviations.meaning(word) for word in ("etoh", "gsw", "gw", "wsg")]
    ['alcohol', 'gunshot wound', None, None]
    """

    meanings: Mapping[str, str] = field(default_factory=dict)
    phrases: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for short, meaning in self.meanings.items():
            words = meaning.split()
            if not (is_word(short) and words and len(words) <= MOST_WORDS):
                raise InputError("an abbreviation is one word, and its meaning some words")
            if not all(map(is_word, words)) or not self.meanings.keys().isdisjoint(words):
                raise InputError("the meaning of an abbreviation is written out")
        for phrase, records in self.phrases.items():
            words = phrase.split()
            if not PHRASE_WORDS[0] <= len(words) <= PHRASE_WORDS[1] or not all(map(is_word, words)):
                raise InputError("a phrase is some words")
            if type(records) is not int or not LEAST_RECORDS <= records < MOST_RECORDS:
                raise InputError(f"a phrase stands in {LEAST_RECORDS} records at least")

    def __bool__(self) -> bool:
        return bool(self.meanings or self.phrases)

    def meaning(self, word: str) -> str | None:
        """Return the meaning of a word outside the vocabulary; None if it has none."""
        cached = self._cache.get(word, "")
        if cached != "":  # no meaning is empty
            return cached
        if len(self._cache) > WORDS_CACHED:
            self._cache.clear()
        self._cache[word] = meaning = self._look_up(word)
        return meaning

    @cached_property
    def _cache(self) -> dict[str, str | None]:
        return {}

    def _look_up(self, word: str) -> str | None:
        if word in self.meanings:
            return self.meanings[word]
        phrase = self._by_initials.get(word)
        return None if phrase is None or word in function_words() else phrase

    @cached_property
    def _by_initials(self) -> dict[str, str]:
        """Map initials to a phrase where one phrase is by far the most frequent."""
        candidates: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
        spelling: dict[tuple[str, ...], str] = {}
        for phrase, records in self.phrases.items():  # the most frequent ones first
            words = phrase.replace(JOINT, "").split()
            stems = tuple(word[:SAME_LETTERS] for word in words)
            spelling.setdefault(stems, " ".join(words))
            for initials in _initials(phrase):
                candidates[initials][stems] += records
        return {
            initials: spelling[likeliest]
            for initials, counts in candidates.items()
            for likeliest, records in counts.most_common(1)
            if records >= DOMINANT * counts.total()
        }

    @property
    def words(self) -> set[str]:
        """Return the words of the phrases."""
        return {word for phrase in self.phrases for word in phrase.replace(JOINT, "").split()}

    def to_dict(self) -> dict[str, object]:
        """Return the fields as JSON can hold them; ``given`` are the user's meanings."""
        return {"given": dict(self.meanings), "phrases": dict(self.phrases)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from the result of :meth:`to_dict`."""
        return cls(dict(values["given"]), dict(values["phrases"]))


def is_word(word: str) -> bool:
    """Return whether a text is one word; reserved words, in angle brackets, are none."""
    short = len(word) <= LONGEST_WORD
    return short and word.split() == [word] and not word.startswith("<") and is_unicode(word)


def _initials(phrase: str) -> Iterator[str]:
    """Yield the initials of a phrase: of its words, and of any of the later parts of compounds.

    >>> list(_initials("a+b c d")), list(_initials("a+b c"))
    (['acd', 'abcd'], ['abc'])
    """
    words = [[part[:1] for part in word.split(JOINT)] for word in phrase.split()]
    if sum(map(len, words)) > 2 * PHRASE_WORDS[1]:
        return  # of a strange bundle
    choices = [
        [word[0] + "".join(later) for later in product(*(("", letter) for letter in word[1:]))]
        for word in words
    ]
    for letters in product(*choices):
        if INITIAL_LETTERS[0] <= len(initials := "".join(letters)) <= INITIAL_LETTERS[1]:
            yield initials


@cache
def function_words() -> frozenset[str]:
    """Return function words such as ``and`` and ``due``: short words that are no abbreviations."""
    return frozenset(spacy_stop_words("en"))
