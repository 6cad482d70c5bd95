"""Robustness: the accuracy on texts with typos, dropped letters, abbreviations or shuffled words.

Texts are changed after preprocessing, word by word; separators of fields stay where they are.
"""

import re
from collections.abc import Callable, Container, Sequence
from functools import partial
from string import ascii_lowercase

import numpy as np
from numpy.typing import NDArray

from textlstm.data.distinct import Distinct
from textlstm.data.inputs import Input, as_inputs
from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.inference.bundle import Bundle
from textlstm.text.tokenizing import SEPARATOR

SAMPLE_RECORDS = 2000
"""Records that are drawn and changed, at most."""

MIN_CHANGED = SMALLEST_SHOWN
"""Records that a change must affect; the accuracy of fewer is uncertain and might point at people.
"""

MIN_TYPO_LETTERS = 4
"""Letters that a word needs to get a typo; shorter words are often abbreviations."""

DROP_PROBABILITY = 0.1
"""Probability that a letter is dropped."""

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
"""Abbreviation to phrase; both are common on death certificates and have one meaning there.

No model learns from this list. A model knows an abbreviation from training texts that have it, by
its initials (see :mod:`.abbreviations`), or from the user's own table.
"""

_ABBREVIATION_OF = {phrase: short for short, phrase in PHRASE_ABBREVIATIONS.items()}
_PHRASE = re.compile(rf"(?<!\S)({'|'.join(sorted(_ABBREVIATION_OF, key=len, reverse=True))})(?!\S)")


def with_typo(text: str, generator: np.random.Generator) -> str:
    """Add one typo to a text: two letters swapped, one replaced, or one inserted.

    The word has at least :data:`MIN_TYPO_LETTERS` letters, and its first letter stays: people
    seldom err there. A text without such a word is returned as it is.
    """
    words = text.split()
    eligible = [
        i for i, word in enumerate(words) if word.isalpha() and len(word) >= MIN_TYPO_LETTERS
    ]
    if not eligible:
        return text
    row = int(generator.choice(eligible))
    word = words[row]
    at = int(generator.integers(1, len(word) - 1))
    letter = str(generator.choice(list(ascii_lowercase)))
    middles = (word[at + 1] + word[at], letter + word[at + 1], letter + word[at : at + 2])
    words[row] = word[:at] + str(generator.choice(middles)) + word[at + 2 :]
    return " ".join(words)


def with_dropped_letters(text: str, generator: np.random.Generator) -> str:
    """Drop each letter with :data:`DROP_PROBABILITY`; a word never loses all its letters."""
    words = []
    for word in text.split():
        kept = generator.random(len(word)) >= DROP_PROBABILITY
        shorter = "".join(letter for letter, keep in zip(word, kept, strict=True) if keep)
        words.append(word if word == SEPARATOR else shorter or word)
    return " ".join(words)


def expanded(text: str, generator: np.random.Generator) -> str:
    """Replace abbreviations by their phrases.

    >>> expanded("acute mi <sep> htn", None)
    'acute myocardial infarction <sep> hypertension'
    """
    return " ".join(PHRASE_ABBREVIATIONS.get(word, word) for word in text.split())


def abbreviated(
    text: str, generator: np.random.Generator, excluded: Container[str] = frozenset()
) -> str:
    """Replace phrases by their abbreviations, except the excluded ones.

    >>> abbreviated("acute myocardial infarction <sep> hypertension", None)
    'acute mi <sep> htn'
    """

    def replacement(match: re.Match[str]) -> str:
        short = _ABBREVIATION_OF[match[0]]
        return match[0] if short in excluded else short

    return _PHRASE.sub(replacement, text)


def with_shuffled_words(text: str, generator: np.random.Generator) -> str:
    """Shuffle the words of each field."""
    fields = [field.split() for field in text.split(SEPARATOR)]
    for words in fields:
        generator.shuffle(words)
    return " ".join(f" {SEPARATOR} ".join(map(" ".join, fields)).split())


ABBREVIATED = "phrases abbreviated"
"""Name of the change whose phrases depend on the model's own table of abbreviations."""

CHANGES: dict[str, Callable[[str, np.random.Generator], str]] = {
    "one typo": with_typo,
    "a tenth of the letters dropped": with_dropped_letters,
    "abbreviations written out": expanded,
    ABBREVIATED: abbreviated,
    "words shuffled": with_shuffled_words,
}
"""Changes of a text by their names in the report."""


def robustness(
    bundle: Bundle, inputs: Sequence[Input | str], truth: NDArray[np.int64], seed: int
) -> dict[str, dict[str, float]]:
    """Measure the accuracy before and after each of :data:`CHANGES`, on the records it affects.

    Parameters
    ----------
    inputs
        (n,) of the holdout, with preprocessed texts; :data:`SAMPLE_RECORDS` are drawn.
    truth
        (n,) class numbers.

    Returns
    -------
    dict
        For each change ``records``, the number of drawn records that it affects, and the accuracy
        on them ``before`` and ``after``. Changes that affect fewer than :data:`MIN_CHANGED` records
        are left out.
    """
    generator = np.random.default_rng(seed)
    rows = np.sort(generator.permutation(len(inputs))[:SAMPLE_RECORDS])
    sample, labels = as_inputs(inputs[row] for row in rows), truth[rows]
    hits = bundle.predict(Distinct.of(sample)).correct(labels)
    # Abbreviations of the user's table need no measuring: the model expands them.
    own_table = bundle.vocabulary.abbreviations.meanings.keys()
    changes = CHANGES | {ABBREVIATED: partial(abbreviated, excluded=own_table)}
    measured = {}
    for name, change in changes.items():
        changed = [one._replace(text=change(one.text, generator)) for one in sample]
        affected = np.array([a != b for a, b in zip(sample, changed, strict=True)], dtype=bool)
        if affected.sum() < MIN_CHANGED:
            continue
        after = [changed[row] for row in np.flatnonzero(affected)]
        predicted = bundle.predict(Distinct.of(after)).predicted
        measured[name] = {
            "records": int(affected.sum()),
            "before": float(hits[affected].mean()),
            "after": float((predicted == labels[affected]).mean()),
        }
    return measured
