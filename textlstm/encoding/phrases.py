"""Frequent phrases of the training texts, by whose initials abbreviations are expanded."""

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
"""Share of the records of its rarest word that a phrase has, at least: others, such as two of many
drugs, meet by chance."""

MOST_BEGUN = 0.8
"""Share of a phrase's records in which one word may follow: above it, the phrase is incomplete, as
``coronary vascular`` is, for its most important word comes last."""

LEAST_PART, WORD_PART, SHARED_PART = 3, 4, 8
"""Letters, at least, of a part of a compound word: of any part, of one that begins another word,
and of one in which other words end."""

MOST_TEXTS, MOST_PHRASES = 1 << 17, 1 << 14
"""Texts that are examined and phrases that are kept, at most: the most frequent ones."""


def common_phrases(
    texts: Sequence[str], counts: NDArray[np.int64], words: Mapping[str, int], min_records: int
) -> dict[str, int]:
    """Find the phrases of training texts that abbreviations may stand for.

    Parameters
    ----------
    texts, counts
        (n,) preprocessed texts, and the number of records of each.
    words
        The words of the vocabulary, and the number of records that contain each.
    min_records
        Records that a phrase needs; :data:`LEAST_RECORDS`, at least.

    Returns
    -------
    dict
        Phrases of two to five words, compound words divided, by falling number of records, and
        that number rounded down to tens.
    """
    records = _frequent_runs(texts, counts, words, max(LEAST_RECORDS, min_records))
    continued: Counter[tuple[tuple[str, ...], str]] = Counter()
    for phrase, n in records.items():
        if phrase[-1] not in function_words():  # "of head" does not end "gunshot wound"
            continued[phrase[:-1], phrase[-1][:SAME_LETTERS]] += n
    incomplete = {phrase for (phrase, _), n in continued.items()
                  if phrase in records and n >= MOST_BEGUN * records[phrase]}  # fmt: skip
    complete = [
        phrase
        for phrase, n in records.items()
        if phrase not in incomplete
        and n >= LEAST_TOGETHER * min(words[word] for word in phrase)
        and all(len(end) > 2 and end not in function_words() for end in (phrase[0], phrase[-1]))
    ]
    ranked = sorted(complete, key=lambda phrase: (-records[phrase], phrase))[:MOST_PHRASES]
    divided = divide_compounds({word for phrase in ranked for word in phrase}, words.keys())
    return {
        " ".join(map(divided.__getitem__, phrase)): records[phrase] // 10 * 10 for phrase in ranked
    }


def _frequent_runs(
    texts: Sequence[str], counts: NDArray[np.int64], words: Mapping[str, int], least: int
) -> dict[tuple[str, ...], int]:
    """Count the records of runs of two and more words that stand in ``least`` records or more."""
    order = np.argsort(-counts, kind="stable")[:MOST_TEXTS].tolist()
    examined = [(texts[row].split(), int(counts[row])) for row in order]
    frequent: dict[tuple[str, ...], int] = {}
    shorter: set[tuple[str, ...]] = {
        (word,) for word, n in words.items() if word.isalpha() and n >= least
    }
    for size in range(PHRASE_WORDS[0], PHRASE_WORDS[1] + 1):
        records: Counter[tuple[str, ...]] = Counter()
        for tokens, n in examined:
            runs = zip(*(tokens[start:] for start in range(size)), strict=False)
            # If a run is frequent, so are the two shorter runs that it consists of.
            candidates = {run for run in runs if run[:-1] in shorter and run[1:] in shorter}
            records.update(dict.fromkeys(candidates, n))
        longer = {run: n for run, n in records.items() if n >= least}
        frequent |= longer
        shorter = set(longer)
    return frequent


def divide_compounds(words: Iterable[str], known_words: Iterable[str]) -> dict[str, str]:
    """Divide compound words in two parts where they may be made of other words.

    The second part is a word of the vocabulary, or begins one, or else is too long for a mere
    ending and ends other words as well. Where there is no such part, it is guessed by its sound: it
    begins with a consonant, after a joining ``o`` or else after another consonant.

    >>> words = ["intracerebral", "cardiovascular", "gunshot", "lung"]
    >>> list(divide_compounds(words, [*words, "cerebral"]).values())
    ['intra+cerebral', 'cardio+vascular', 'gun+shot', 'lung']
    """
    vocabulary = set(known_words)
    beginnings = vocabulary | {word[:end] for word in vocabulary
                               for end in range(WORD_PART, len(word) - LEAST_PART + 1)}  # fmt: skip
    endings = Counter(word[start:] for word in vocabulary
                      for start in range(LEAST_PART, len(word) - SHARED_PART + 1))  # fmt: skip
    divided = {}
    for word in words:
        starts = range(LEAST_PART, len(word) - WORD_PART + 1)
        joints = [
            *(at for at in starts if word[at:] in beginnings),
            *(at for at in starts if endings[word[at:]] > 1 and word[at] != "o"),
            *(at for at in starts if word[at - 1] == "o" and _sounds_like_a_word(word[at:])),
            *(at for at in starts if word[at - 1] not in VOWELS and _sounds_like_a_word(word[at:])),
        ]
        divided[word] = f"{word[: joints[0]]}{JOINT}{word[joints[0] :]}" if joints else word
    return divided


def _sounds_like_a_word(part: str) -> bool:
    """Return whether a part begins with a consonant and has a vowel."""
    return part[0] not in VOWELS and not VOWELS.isdisjoint(part)
