"""Scores: predictions of texts, and the decisions that follow from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray

from textlstm.config import MIN_PROBABILITY
from textlstm.data.distinct import Distinct
from textlstm.data.inputs import Input, as_inputs
from textlstm.encoding.rare_words import has_known_word
from textlstm.inference.bundle import Bundle
from textlstm.inference.rules import ACCEPT, REVIEW
from textlstm.models.logits import MapBatches
from textlstm.uncertainty.conformal import prediction_sets
from textlstm.uncertainty.out_of_fold import DECIMALS
from textlstm.uncertainty.predictions import Predictions


@dataclass(frozen=True)
class Scores:
    """Predictions of n records that have B distinct texts, with what decides on them.

    Attributes
    ----------
    predictions
        Of the n records; columns in the order of the bundle's labels.
    has_known_word
        (B,) whether the text has a word of the vocabulary, see :func:`.rare_words.has_known_word`.
    codable
        (C,) whether records may be given the class; None allows every class.
    """

    predictions: Predictions
    has_known_word: NDArray[np.bool_]
    codable: NDArray[np.bool_] | None = None

    @classmethod
    def of(
        cls,
        probabilities: NDArray[np.float64],
        has_known_word: NDArray[np.bool_],
        codable: NDArray[np.bool_] | None = None,
    ) -> Self:
        """Build from the probabilities (n, C) of n texts."""
        return cls(Predictions.of(probabilities), has_known_word, codable)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Return the probabilities of each record (n, C)."""
        return self._of_records(self.predictions.probabilities)

    def ranked(self, rank: int) -> NDArray[np.int64]:
        """Return the class number of each record at a rank, 0 being the most probable (n,)."""
        probabilities = self.predictions.probabilities
        best: NDArray[np.int64] = probabilities.argmax(axis=1)
        if rank:  # faster than sorting, for the first few ranks
            remaining = probabilities.copy()
            for _ in range(rank):
                remaining[np.arange(len(remaining)), best] = -1.0
                best = remaining.argmax(axis=1)
        return self._of_records(best)

    def decisions(self, min_probability: float = MIN_PROBABILITY) -> list[str]:
        """Return accept or review for each record; see :meth:`accepted`."""
        return [ACCEPT if accepted else REVIEW for accepted in self.accepted(min_probability)]

    @property
    def highest(self) -> NDArray[np.float64]:
        """Return the probability of the most probable class of each record (n,)."""
        return self._of_records(self.predictions.probabilities.max(axis=1, initial=0.0))

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Return the probability of each record's label (n,); 0 where a person reviews it anyway.

        A person reviews each text that is empty or has no known word, and each record whose most
        probable class stands for several merged classes, which is no code.
        """
        decidable = self._of_records(self.has_known_word)
        if self.codable is not None:
            decidable = decidable & self.codable[self.ranked(0)]
        return np.where(decidable, rounded(self.highest), 0.0)

    def accepted(self, min_probability: float) -> NDArray[np.bool_]:
        """Return whether each record's label is probable enough to accept without review (n,).

        A record of :attr:`confidence` 0 is never accepted (abstention).
        """
        confidence = self.confidence
        accepted: NDArray[np.bool_] = (confidence > 0) & (confidence >= min_probability)
        return accepted

    def sets(self, threshold: float) -> NDArray[np.bool_]:
        """Return the prediction set of each record (n, C): every label where no word is known."""
        full = ~self.has_known_word[:, None]
        return self._of_records(prediction_sets(self.predictions.probabilities, threshold) | full)

    def _of_records(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values of the records (n, ...), given those of the distinct texts (B, ...)."""
        of_records: NDArray[Any] = values[self.predictions.rows]
        return of_records


class CountedScores(NamedTuple):
    """Scores of n records that have B distinct texts, with the numbers of words of the texts."""

    scores: Scores
    words: NDArray[np.int64]  # (B,)
    unknown: NDArray[np.int64]  # (B,) words that are not in the vocabulary


def score(
    bundle: Bundle, inputs: Sequence[Input | str], device: torch.device | None = None
) -> Scores:
    """Score inputs (n,), each distinct one once."""
    return score_and_count(bundle, Distinct[Input].of(as_inputs(inputs)), device).scores


def score_and_count(
    bundle: Bundle,
    inputs: Distinct[Input] | Distinct[str],
    device: torch.device | None = None,
    map_batches: MapBatches | None = None,
) -> CountedScores:
    """Score the inputs of n records, and count the words of the distinct ones.

    ``map_batches`` is as in :func:`.predict_logits`.
    """
    texts = [text for text, _ in as_inputs(inputs.values)]
    words, unknown = bundle.vocabulary.count_words(texts)
    predictions = bundle.predict(inputs, device, map_batches)
    known = has_known_word(words, unknown)
    return CountedScores(Scores(predictions, known, bundle.codable), words, unknown)


def rounded(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round probabilities to six decimals: float32 logits distinguish no more."""
    return probabilities.round(DECIMALS)
