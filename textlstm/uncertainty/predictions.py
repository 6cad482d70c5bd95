"""Predictions: the probabilities of n records, kept once for each distinct input."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


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

    probabilities: NDArray[np.float64]
    rows: NDArray[np.intp]

    @classmethod
    def of(cls, probabilities: NDArray[np.float64]) -> Self:
        """Build from the probabilities (n, C) of records that share no row."""
        return cls(probabilities, np.arange(len(probabilities)))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_classes(self) -> int:
        """Return C."""
        return int(self.probabilities.shape[1])

    @property
    def predicted(self) -> NDArray[np.intp]:
        """Return the most probable class of each record (n,)."""
        best: NDArray[np.intp] = self.probabilities.argmax(axis=1)
        return best[self.rows]

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Return the probability of the most probable class of each record (n,)."""
        highest: NDArray[np.float64] = self.probabilities.max(axis=1)
        return highest[self.rows]

    def correct(self, labels: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """Tell which records (n,) are predicted as their label; a label of -1 never is."""
        hits: NDArray[np.bool_] = self.predicted == labels
        return hits

    def of_label(self, labels: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        """Return the probability of each record's own label (n,)."""
        own: NDArray[np.float64] = self.probabilities[self.rows, labels]
        return own

    def take(self, records: NDArray[Any]) -> Self:
        """Select records by their numbers or by flags (n,); all probabilities stay."""
        return type(self)(self.probabilities, self.rows[records])
