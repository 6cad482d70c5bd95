"""Frequent phrases of the training texts, whose initials abbreviations are read by."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from textlstm.encoding.abbreviations import (
    JOINT,
    LEAST_RECORDS,
    PHRASE_WORDS,
    SAME_LETTERS,
    VOWELS,
    function_words,
)

LEAST_TOGETHER = 0.3
"""A phrase has this share of the records of its rarest word, at least: others, such as two of many
drugs, meet by chance."""

MOST_BEGUN = 0.8
"""Where one word follows in this share of a phrase's records, the phrase ends later: what it is
about is said last, as in ``coronary vascular disease``."""

LEAST_PART, WORD_PART, SHARED_PART = 3, 4, 8
"""Letters, at least, of the parts of a word: any, one that begins another word, or ends others."""

MOST_TEXTS, MOST_PHRASES = 1 << 17, 1 << 14
"""The most frequent texts and phrases that are looked at and kept."""


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
    for size in range(PHRASE_WORDS[0], PHRASE_WORDS[1] + 1):
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


def in_parts(some: Iterable[str], known_words: Iterable[str]) -> dict[str, str]:
    """Return words taken apart, in two, where they may be made of others.

    The second part is a word of the vocabulary, or begins one, or else is so long that it is no
    mere ending, and others end with it. Where there is no such part, it is guessed by its sound: it
    begins with a consonant, behind a joining ``o`` or else behind another consonant.

    >>> words = ["intracerebral", "cardiovascular", "gunshot", "lung"]
    >>> list(in_parts(words, [*words, "cerebral"]).values())
    ['intra+cerebral', 'cardio+vascular', 'gun+shot', 'lung']
    """
    words = set(known_words)
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
