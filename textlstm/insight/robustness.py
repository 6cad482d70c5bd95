"""Robustness: what becomes of the accuracy when texts are written worse, shorter or out of order.

Texts are changed after preprocessing, word by word; the separator of fields stays where it is.
"""

import re
from collections.abc import Callable, Container, Sequence
from functools import partial
from string import ascii_lowercase

import numpy as np
from numpy.typing import NDArray

from textlstm.inference.bundle import Bundle
from textlstm.text.tokenizing import SEPARATOR

SAMPLE = 2000
"""Records looked at, at most."""

FEWEST_RECORDS = 10
"""Where a change touches fewer records, their accuracy says little and might point at persons."""

TYPO_LETTERS = 4
"""Letters of a word, at least, for a typo: shorter ones are often abbreviations."""

DROPPED_SHARE = 0.1

PHRASE_ABBREVIATIONS = {
    "aaa": "abdominal aortic aneurysm",
    "afib": "atrial fibrillation",
    "als": "amyotrophic lateral sclerosis",
    "ards": "acute respiratory distress syndrome",
    "arf": "acute renal failure",
    "ascvd": "atherosclerotic cardiovascular disease",
    "cabg": "coronary artery bypass graft",
    "cad": "coronary artery disease",
    "chf": "congestive heart failure",
    "ckd": "chronic kidney disease",
    "copd": "chronic obstructive pulmonary disease",
    "cva": "cerebrovascular accident",
    "dka": "diabetic ketoacidosis",
    "dm": "diabetes mellitus",
    "dvt": "deep vein thrombosis",
    "esrd": "end stage renal disease",
    "etoh": "alcohol",
    "gi": "gastrointestinal",
    "gsw": "gunshot wound",
    "hcvd": "hypertensive cardiovascular disease",
    "hiv": "human immunodeficiency virus",
    "htn": "hypertension",
    "mi": "myocardial infarction",
    "mva": "motor vehicle accident",
    "pe": "pulmonary embolism",
    "pvd": "peripheral vascular disease",
    "sah": "subarachnoid hemorrhage",
    "sdh": "subdural hemorrhage",
    "sids": "sudden infant death syndrome",
    "tb": "tuberculosis",
    "tbi": "traumatic brain injury",
    "uri": "upper respiratory infection",
    "uti": "urinary tract infection",
}
"""Common on certificates of death, and of one meaning there, as far as such a list can be.

No model learns from this list. What it makes of one of these it knows from training texts that have
it, by its initials (see :mod:`.abbreviations`), or from the user's own table.
"""

_PHRASES = {phrase: short for short, phrase in PHRASE_ABBREVIATIONS.items()}
_PHRASE = re.compile(rf"(?<!\S)({'|'.join(sorted(_PHRASES, key=len, reverse=True))})(?!\S)")


def with_typo(text: str, chance: np.random.Generator) -> str:
    """Return a text with one typo: two letters swapped, one wrong, or one too many.

    It is in a word of at least :data:`TYPO_LETTERS` letters, not at its beginning, where people
    seldom err; a text without such a word stays as it is.
    """
    words = text.split()
    places = [i for i, word in enumerate(words) if word.isalpha() and len(word) >= TYPO_LETTERS]
    if not places:
        return text
    place = int(chance.choice(places))
    word = words[place]
    at, letter = int(chance.integers(1, len(word) - 1)), str(chance.choice(list(ascii_lowercase)))
    middles = (word[at + 1] + word[at], letter + word[at + 1], letter + word[at : at + 2])
    words[place] = word[:at] + str(chance.choice(middles)) + word[at + 2 :]
    return " ".join(words)


def with_dropped_letters(text: str, chance: np.random.Generator) -> str:
    """Return a text with :data:`DROPPED_SHARE` of its letters left out, of no word all."""
    words = []
    for word in text.split():
        kept = chance.random(len(word)) >= DROPPED_SHARE
        left = "".join(letter for letter, keep in zip(word, kept, strict=True) if keep)
        words.append(word if word == SEPARATOR else left or word)
    return " ".join(words)


def expanded(text: str, chance: np.random.Generator) -> str:
    """Return a text with its abbreviations written out.

    >>> expanded("acute mi <sep> htn", None)
    'acute myocardial infarction <sep> hypertension'
    """
    return " ".join(PHRASE_ABBREVIATIONS.get(word, word) for word in text.split())


def abbreviated(text: str, chance: np.random.Generator, told: Container[str] = frozenset()) -> str:
    """Return a text with what has an abbreviation abbreviated, but for those a model was told.

    >>> abbreviated("acute myocardial infarction <sep> hypertension", None)
    'acute mi <sep> htn'
    """

    def short(found: re.Match[str]) -> str:
        return found[0] if _PHRASES[found[0]] in told else _PHRASES[found[0]]

    return _PHRASE.sub(short, text)


def with_shuffled_words(text: str, chance: np.random.Generator) -> str:
    """Return a text with the words of each field in random order."""
    fields = [field.split() for field in text.split(SEPARATOR)]
    for words in fields:
        chance.shuffle(words)
    return " ".join(f" {SEPARATOR} ".join(map(" ".join, fields)).split())


ABBREVIATED = "phrases abbreviated"

CHANGES: dict[str, Callable[[str, np.random.Generator], str]] = {
    "one typo": with_typo,
    "a tenth of the letters dropped": with_dropped_letters,
    "abbreviations written out": expanded,
    ABBREVIATED: abbreviated,
    "words shuffled": with_shuffled_words,
}


def robustness(
    bundle: Bundle, texts: Sequence[str], truth: NDArray[np.int64], seed: int
) -> dict[str, dict[str, float]]:
    """Return the accuracy before and after each of :data:`CHANGES`, on the records it changes.

    Parameters
    ----------
    texts
        (n,) preprocessed texts of the holdout, of which :data:`SAMPLE` are drawn.
    truth
        (n,) class numbers.

    Returns
    -------
    dict
        For each change ``records``, how many of the drawn ones it changes, and the accuracy on them
        ``before`` and ``after``; changes of fewer than :data:`FEWEST_RECORDS` are left out.
    """
    chance = np.random.default_rng(seed)
    rows = np.sort(chance.permutation(len(texts))[:SAMPLE])
    drawn, labels = [texts[row] for row in rows], truth[rows]
    hits = bundle.predict_proba(drawn).argmax(axis=1) == labels
    # What becomes of an abbreviation of the user's table needs no measuring: it is written out.
    of_others = partial(abbreviated, told=bundle.vocabulary.abbreviations.given.keys())
    found = {}
    for name, change in (CHANGES | {ABBREVIATED: of_others}).items():
        new = [change(text, chance) for text in drawn]
        touched = np.array([a != b for a, b in zip(drawn, new, strict=True)], dtype=bool)
        if touched.sum() < FEWEST_RECORDS:
            continue
        changed = [text for text, one in zip(new, touched, strict=True) if one]
        best = bundle.predict_proba(changed).argmax(axis=1)
        found[name] = {
            "records": int(touched.sum()),
            "before": float(hits[touched].mean()),
            "after": float((best == labels[touched]).mean()),
        }
    return found
