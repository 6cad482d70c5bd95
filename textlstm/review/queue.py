"""The review queue: the texts that a person should see, the most useful first."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textlstm.inference.scoring import Scores
from textlstm.text.tokenizing import preprocess

N_RANKED = 3
"""Labels offered for a text, at most, the most probable first."""


def text_id(text: str) -> str:
    """Return the id of a preprocessed text; another text has another id.

    It begins with a letter, so that a spreadsheet does not read it as a number.

    >>> text_id("stroke")
    't1ba7573640bb'
    """
    return "t" + hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]


@dataclass(frozen=True)
class Questions:
    """The q distinct texts to ask about.

    Attributes
    ----------
    texts
        (q,) preprocessed texts.
    fields
        (q,) text fields of the first record with the text.
    records
        (q,) numbers of records with the text.
    """

    texts: list[str]
    fields: list[tuple[str, ...]]
    records: NDArray[np.int64]


def questions(fields: Sequence[tuple[str, ...]], records: NDArray[np.int64]) -> Questions:
    """Group distinct fields (n,), each with its number of records (n,), by their text.

    Fields have the same text if they are the same to the model. Fields without a word are left out.
    """
    first_fields: dict[str, tuple[str, ...]] = {}
    counts: dict[str, int] = {}
    for record, text, n in zip(fields, preprocess(fields), records.tolist(), strict=True):
        if text:
            first_fields.setdefault(text, record)
            counts[text] = counts.get(text, 0) + n
    records = np.array(list(counts.values()), np.int64)
    return Questions(list(first_fields), list(first_fields.values()), records)


@dataclass(frozen=True)
class QueueItem:
    """A text that a person should code.

    Attributes
    ----------
    text_id
        As :func:`text_id` gives it.
    fields
        Text fields of a record with the text, as they were written.
    records
        Number of records with the text.
    labels, probabilities
        The labels offered and their probabilities, the most probable first.
    deciding_words
        Words that speak for the most probable label.
    """

    text_id: str
    fields: tuple[str, ...]
    records: int
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    deciding_words: tuple[str, ...]


def build_queue(
    asked: Questions,
    scores: Scores,
    labels: Sequence[str],
    words: Sequence[Sequence[str]],
) -> list[QueueItem]:
    """Order the texts by the number of records that a code is expected to correct.

    The expectation is the number of records times the probability that their label is wrong.

    Parameters
    ----------
    asked
        The q texts.
    scores
        Of the q texts.
    labels
        (C,) class names.
    words
        (q,) words that decide for the most probable label.
    """
    ranked = [scores.ranked(rank) for rank in range(min(N_RANKED, len(labels)))]
    probabilities = scores.probabilities
    corrected = asked.records * (1 - scores.highest)
    return [
        QueueItem(
            text_id(asked.texts[row]),
            asked.fields[row],
            int(asked.records[row]),
            tuple(labels[classes[row]] for classes in ranked),
            tuple(float(probabilities[row, classes[row]]) for classes in ranked),
            tuple(words[row]),
        )
        for row in np.argsort(-corrected, kind="stable").tolist()
    ]
