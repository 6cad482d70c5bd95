"""Predictions: the probabilities of n records, kept once for each distinct input."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textlstm.array_types import Flags, Floats, Integers


@dataclass(frozen=True)
class Predictions:
    """Class probabilities of n records that have B distinct inputs.

    Attributes
    ----------
    probabilities
        (B, C), a row for each distinct input.
    rows
        (n,) the row of ``probabilities`` of each record.

    >>> predictions = Predictions(np.array([[0.2, 0.8], [0.6, 0.4]]), np.array([0, 1, 0]))
    >>> predictions.predicted.tolist(), predictions.confidence.tolist()
    ([1, 0, 1], [0.8, 0.6, 0.8])
    >>> predictions.correct(np.array([1, 1, 1])).tolist()
    [True, False, True]
    """

    probabilities: Floats
    rows: Integers

    @classmethod
    def of(cls, probabilities: Floats) -> Self:
        """Build from the probabilities (n, C) of records that share no row."""
        return cls(probabilities, np.arange(len(probabilities)))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_classes(self) -> int:
        """Return the number of classes C."""
        return int(self.probabilities.shape[1])

    @cached_property
    def predicted(self) -> NDArray[np.intp]:
        """Return the most probable class of each record (n,)."""
        best: NDArray[np.intp] = self.probabilities.argmax(axis=1)
        return best[self.rows]

    @cached_property
    def confidence(self) -> Floats:
        """Return the probability of the most probable class of each record (n,)."""
        highest: Floats = self.probabilities.max(axis=1)
        return highest[self.rows]

    def correct(self, labels: Integers) -> Flags:
        """Tell which records (n,) are predicted as their label; a label of -1 never is."""
        hits: Flags = self.predicted == labels
        return hits

    def of_label(self, labels: Integers) -> Floats:
        """Return the probability of each record's own label (n,)."""
        own: Floats = self.probabilities[self.rows, labels]
        return own

    def take(self, records: "NDArray[Any] | slice") -> Self:
        """Select records by their numbers, by flags (n,) or by a slice; all probabilities stay."""
        return type(self)(self.probabilities, self.rows[records])

    def replace(self, probabilities: Floats) -> Self:
        """Give the same records other probabilities (B, C), such as those of another model."""
        return type(self)(probabilities, self.rows)
