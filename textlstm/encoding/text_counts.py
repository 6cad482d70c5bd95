"""Counts of training texts: the records with each word, and the usual number of tokens."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from textlstm.recipe_sections import MAX_LENGTH


def word_records(tokens: Sequence[Sequence[str]], counts: NDArray[np.int64]) -> Counter[str]:
    """Return the number of records that contain each word."""
    records = Counter[str]()
    for text, n in zip(tokens, counts.tolist(), strict=True):
        for word in set(text):
            records[word] += n
    return records


def usual_length(
    tokens: Sequence[Sequence[str]], counts: NDArray[np.int64], percentile: float
) -> int:
    """Return a percentile of the numbers of tokens of the records, at most MAX_LENGTH."""
    lengths = np.repeat(np.array([len(text) for text in tokens], dtype=np.int32), counts)
    usual = math.ceil(np.percentile(lengths, percentile)) if len(lengths) else 1
    return min(max(1, usual), MAX_LENGTH)
