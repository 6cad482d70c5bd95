"""Abbreviations that a model does not know, written out: by a table, or by their initials.

Who writes ``gsw head`` where the training texts have ``gunshot wound of head`` means the same. Of a
word that is not in the vocabulary, a table that the user gives says what it stands for; else, a
short one is read as the phrase of the training texts whose initials it has. Words are taken apart
where they are made of others: the initials of ``gunshot wound`` are g, w, and between them s, if
need be. Words of the vocabulary are never touched.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import product
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textlstm.errors import InputError, row_number
from textlstm.files import is_unicode
from textlstm.tables import column, read_table
from textlstm.text import LONGEST_WORD, preprocess

COLUMNS = ("abbreviation", "meaning")
"""Those of a table of abbreviations."""

MOST_WORDS = 20
"""Words of a meaning, at most."""

LETTERS, WORDS = (3, 5), (2, 5)
"""Letters that are taken for initials, and words of their phrase, from and to. Two letters say too
little: of those in use, nearly half were taken for another phrase than they stand for."""

LEAST_RECORDS = 10
"""Training records that a phrase must stand in: fewer might point at persons."""

MOST_RECORDS = 1 << 53
"""No table has so many; numbers up to this one can be computed with."""

LEAST_TOGETHER = 0.3
"""A phrase has this share of the records of its rarest word, at least: others, such as two of many
drugs, meet by chance."""

MOST_BEGUN = 0.8
"""Where one word follows in this share of a phrase's records, the phrase ends later: what it is
about is said last, as in ``coronary vascular disease``."""

DOMINANT = 2 / 3
"""Initials stand for a phrase that has this share of the records of all that have them."""

SAME_LETTERS = 4
"""Words that begin with the same letters, so many, are forms of one: wound and wounds."""

LEAST_PART, WORD_PART, SHARED_PART = 3, 4, 8
"""Letters, at least, of the parts of a word: any, one that begins another word, or ends others."""

VOWELS = frozenset("aeiouy")

MOST_TEXTS, MOST_PHRASES = 1 << 17, 1 << 14
"""The most frequent texts and phrases that are looked at and kept."""

NAMED_ROWS = 5

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
            if not (_is_plain(short) and words and len(words) <= MOST_WORDS):
                raise InputError("an abbreviation is one word, and its meaning some words")
            if not all(map(_is_plain, words)) or not self.given.keys().isdisjoint(words):
                raise InputError("the meaning of an abbreviation is written out")
        for phrase, records in self.phrases.items():
            words = phrase.split()
            if not WORDS[0] <= len(words) <= WORDS[1] or not all(map(_is_plain, words)):
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


def _is_plain(word: str) -> bool:
    """Return whether it is one word of a text; what is no word begins with a bracket."""
    short = len(word) <= LONGEST_WORD
    return short and word.split() == [word] and not word.startswith("<") and is_unicode(word)


def _initials(phrase: str) -> Iterator[str]:
    """Yield the initials of a phrase: those of all words, and of none, some or all later parts.

    >>> list(_initials("a+b c d")), list(_initials("a+b c"))
    (['acd', 'abcd'], ['abc'])
    """
    words = [[part[:1] for part in word.split(JOINT)] for word in phrase.split()]
    if sum(map(len, words)) > 2 * WORDS[1]:
        return  # of a strange bundle
    of_words = [
        [word[0] + "".join(some) for some in product(*(("", part) for part in word[1:]))]
        for word in words
    ]
    for some in product(*of_words):
        if LETTERS[0] <= len(initials := "".join(some)) <= LETTERS[1]:
            yield initials


@cache
def function_words() -> frozenset[str]:
    """Return words such as ``and`` and ``due``, which are short and no abbreviations."""
    from spacy.lang.en.stop_words import STOP_WORDS  # late: it takes a second, and is seldom needed

    return frozenset(STOP_WORDS)


# ------------------------------------------------------------------------------ of the texts


def common_phrases(
    texts: Sequence[str], counts: NDArray[np.int64], words: Mapping[str, int], min_records: int
) -> dict[str, int]:
    """Return the phrases of training texts that abbreviations may stand for.

    Parameters
    ----------
    texts, counts
        (n,) preprocessed, and how many records have each.
    words
        The words of the vocabulary, and in how many records each stands.
    min_records
        Records that a phrase needs; :data:`LEAST_RECORDS`, at least.

    Returns
    -------
    dict
        Phrases of two to five words, these in parts, by falling number of records, and that number
        rounded down to tens.
    """
    found = _frequent(texts, counts, words, max(LEAST_RECORDS, min_records))
    followed: Counter[tuple[tuple[str, ...], str]] = Counter()
    for phrase, n in found.items():
        if phrase[-1] not in function_words():  # "of head" does not end "gunshot wound"
            followed[phrase[:-1], phrase[-1][:SAME_LETTERS]] += n
    begun = {phrase for (phrase, _), n in followed.items()
             if phrase in found and n >= MOST_BEGUN * found[phrase]}  # fmt: skip
    kept = [
        phrase
        for phrase, n in found.items()
        if phrase not in begun
        and n >= LEAST_TOGETHER * min(words[word] for word in phrase)
        and all(len(end) > 2 and end not in function_words() for end in (phrase[0], phrase[-1]))
    ]
    ranked = sorted(kept, key=lambda phrase: (-found[phrase], phrase))[:MOST_PHRASES]
    parts = in_parts({word for phrase in ranked for word in phrase}, words.keys())
    return {" ".join(map(parts.__getitem__, one)): found[one] // 10 * 10 for one in ranked}


def _frequent(
    texts: Sequence[str], counts: NDArray[np.int64], words: Mapping[str, int], least: int
) -> dict[tuple[str, ...], int]:
    """Return the runs of two words and more that stand in so many records, and in how many."""
    order = np.argsort(-counts, kind="stable")[:MOST_TEXTS].tolist()
    some = [(texts[row].split(), int(counts[row])) for row in order]
    found: dict[tuple[str, ...], int] = {}
    shorter: set[tuple[str, ...]] = {
        (word,) for word, n in words.items() if word.isalpha() and n >= least
    }
    for size in range(WORDS[0], WORDS[1] + 1):
        records: Counter[tuple[str, ...]] = Counter()
        for tokens, n in some:
            runs = zip(*(tokens[start:] for start in range(size)), strict=False)
            # Where a run is frequent, so are both that it is made of.
            frequent = {run for run in runs if run[:-1] in shorter and run[1:] in shorter}
            records.update(dict.fromkeys(frequent, n))
        longer = {run: n for run, n in records.items() if n >= least}
        found |= longer
        shorter = set(longer)
    return found


def in_parts(some: Iterable[str], vocabulary: Iterable[str]) -> dict[str, str]:
    """Return words taken apart, in two, where they may be made of others.

    The second part is a word of the vocabulary, or begins one, or else is so long that it is no
    mere ending, and others end with it. Where there is no such part, it is guessed by its sound: it
    begins with a consonant, behind a joining ``o`` or else behind another consonant.

    >>> words = ["intracerebral", "cardiovascular", "gunshot", "lung"]
    >>> list(in_parts(words, [*words, "cerebral"]).values())
    ['intra+cerebral', 'cardio+vascular', 'gun+shot', 'lung']
    """
    words = set(vocabulary)
    beginnings = words | {word[:end] for word in words
                          for end in range(WORD_PART, len(word) - LEAST_PART + 1)}  # fmt: skip
    endings = Counter(word[start:] for word in words
                      for start in range(LEAST_PART, len(word) - SHARED_PART + 1))  # fmt: skip
    found = {}
    for word in some:
        starts = range(LEAST_PART, len(word) - WORD_PART + 1)
        joints = [
            *(at for at in starts if word[at:] in beginnings),
            *(at for at in starts if endings[word[at:]] > 1 and word[at] != "o"),
            *(at for at in starts if word[at - 1] == "o" and _sounds_like_one(word[at:])),
            *(at for at in starts if word[at - 1] not in VOWELS and _sounds_like_one(word[at:])),
        ]
        found[word] = f"{word[: joints[0]]}{JOINT}{word[joints[0] :]}" if joints else word
    return found


def _sounds_like_one(part: str) -> bool:
    """Return whether the end of a word sounds like one: a consonant, and a vowel behind it."""
    return part[0] not in VOWELS and not VOWELS.isdisjoint(part)


# ------------------------------------------------------------------------------ of a table


def read_abbreviations(source: str) -> dict[str, str]:
    """Return the abbreviations of a table and their meanings; see :func:`as_given`.

    Raises
    ------
    InputError
        If the table cannot be read, lacks one of :data:`COLUMNS`, or as :func:`as_given`.
    """
    table = read_table(source)
    cells = [column(table, name, source) for name in COLUMNS]
    return as_given(zip(*cells, strict=True), source)


def as_given(pairs: Iterable[tuple[str, str]], source: str) -> dict[str, str]:
    """Return abbreviations and their meanings, preprocessed as texts are.

    Abbreviations within meanings are written out. Rows of two empty cells are left out.

    Parameters
    ----------
    source
        Where they come from, for messages.

    Raises
    ------
    InputError
        If an abbreviation is not one word or has two meanings, a meaning is none or longer than
        :data:`MOST_WORDS`, or abbreviations stand for each other. The message names rows.

    >>> as_given([("AKI", "acute kidney injury"), ("ESRD w/ AKI", "")], "t.csv")
    Traceback (most recent call last):
    textlstm.errors.InputError: t.csv: row 3: not one word and its meaning
    """
    rows = list(pairs)
    shorts, meanings = (preprocess([(row[place],) for row in rows]) for place in (0, 1))
    given: dict[str, str] = {}
    wrong: dict[str, list[int]] = defaultdict(list)
    for record, (short, meaning) in enumerate(zip(shorts, meanings, strict=True)):
        if not any(cell.strip() for cell in rows[record]):
            continue
        if not _is_plain(short) or not 0 < len(meaning.split()) <= MOST_WORDS:
            wrong["not one word and its meaning"].append(row_number(record))
        elif given.setdefault(short, meaning) != meaning:
            wrong["another meaning than above"].append(row_number(record))
    for what, numbers in wrong.items():
        more = f" and {len(numbers) - NAMED_ROWS} more" if len(numbers) > NAMED_ROWS else ""
        named = ", ".join(map(str, numbers[:NAMED_ROWS]))
        raise InputError(f"{source}: row{'s' * (len(numbers) > 1)} {named}{more}: {what}")
    return _written_out(given, source)


def _written_out(given: dict[str, str], source: str) -> dict[str, str]:
    """Return abbreviations with those within meanings written out."""
    for _ in range(MOST_WORDS):
        given = {
            short: " ".join(given.get(word, word) for word in meaning.split())
            for short, meaning in given.items()
        }
        if any(len(meaning.split()) > MOST_WORDS for meaning in given.values()):
            break
        if all(given.keys().isdisjoint(meaning.split()) for meaning in given.values()):
            return given
    raise InputError(f"{source}: abbreviations stand for each other, or for too many words")
