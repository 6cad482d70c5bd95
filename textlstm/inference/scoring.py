"""New records through a bundle: labels, probabilities, and which records a person should see."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from textlstm.config import MIN_PROBABILITY
from textlstm.inference.bundle import Bundle
from textlstm.uncertainty.conformal import prediction_sets
from textlstm.uncertainty.out_of_fold import DECIMALS

ACCEPT, REVIEW = "accept", "review"

ADDED_COLUMNS = ("predicted_label", "probability", "second_label", "decision")
"""``second_label`` is the next most probable one; empty where a model knows but one label."""

SET_COLUMN = "prediction_set"
"""Added where sets are asked for."""


@dataclass(frozen=True)
class DecisionRule:
    """What is made of probabilities.

    Attributes
    ----------
    min_probability
        Below it the most probable label is for review.
    set_probability
        From it on a label belongs to the prediction set; if None, no sets are given.
    """

    min_probability: float = MIN_PROBABILITY
    set_probability: float | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns added to a table."""
        return ADDED_COLUMNS if self.set_probability is None else (*ADDED_COLUMNS, SET_COLUMN)


@dataclass(frozen=True)
class Scores:
    """The outcome for n texts.

    Attributes
    ----------
    probabilities
        (n, C), columns in the order of the bundle's labels.
    readable
        (n,) whether the text has any word of the vocabulary. Words known by their hash alone do
        not make it readable, though the model learned from some of them: others share the hash and
        were never seen. On held-out training records of a registry, two labels and two seeds, 86
        of 9,918 texts had no other words; 60 % of these were given their true label, and of 22 that
        a promise of 2 % error would have accepted, 2 were wrong.
    codable
        (C,) whether records are ever given the class; by default, they are.
    """

    probabilities: NDArray[np.float64]
    has_known_word: NDArray[np.bool_]
    codable: NDArray[np.bool_] | None = None

    def ranked(self, place: int) -> NDArray[np.int64]:
        """Return each record's class number at that place, 0 being the most probable (n,)."""
        best: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        if place:  # faster than to sort, for the first few places
            left = self.probabilities.copy()
            for _ in range(place):
                left[np.arange(len(left)), best] = -1.0
                best = left.argmax(axis=1)
        return best

    def decisions(self, min_probability: float = MIN_PROBABILITY) -> list[str]:
        """Return accept or review for each record; see :meth:`accepted`."""
        return [ACCEPT if one else REVIEW for one in self.accepted(min_probability)]

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Return the probability of each record's label (n,); 0 where a person sees it anyway.

        That is where a text is empty or has no known word, and where the label is that of merged
        classes, which is no code.
        """
        sure = self.has_known_word
        if self.codable is not None:
            sure = sure & self.codable[self.ranked(0)]
        return np.where(sure, rounded(self.probabilities.max(axis=1, initial=0.0)), 0.0)

    def accepted(self, min_probability: float) -> NDArray[np.bool_]:
        """Return whether each record's label is probable enough to be taken unseen (n,).

        A record of :attr:`confidence` 0 is always for review.
        """
        confidence = self.confidence
        sure: NDArray[np.bool_] = (confidence > 0) & (confidence >= min_probability)
        return sure

    def sets(self, threshold: float) -> NDArray[np.bool_]:
        """Return which labels are possible for each record (n, C): all, where no word is known."""
        return prediction_sets(self.probabilities, threshold) | ~self.has_known_word[:, None]


def score(bundle: Bundle, texts: Sequence[str], device: torch.device | None = None) -> Scores:
    """Return what the bundle makes of preprocessed texts."""
    words, unknown = bundle.vocabulary.count_words(texts)
    return Scores(bundle.predict_proba(texts, device), words > unknown, bundle.codable)


def rounded(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities to six decimals: what float32 logits can tell apart."""
    return probabilities.round(DECIMALS)
