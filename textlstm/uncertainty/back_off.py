"""Back-off: each record gets the deepest code of a book whose promise holds.

A record is given the deepest code on its most probable path whose probability reaches a threshold,
the same for all levels. As the threshold falls, a record is accepted once it reaches the
probability of the top code, and becomes wrong once it reaches that of the first wrong code. Both
are counted from the highest down, so a promise is found as for classes without levels.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textlstm.array_types import Counts, Flags, Floats, Integers
from textlstm.codes.tree import CodeTree, Paths
from textlstm.errors import InputError
from textlstm.uncertainty.intervals import cluster_sizes
from textlstm.uncertainty.out_of_fold import CONTRADICTION, DECIMALS, MAX_RECORDS, OutOfFold
from textlstm.uncertainty.predictions import Predictions


@dataclass(frozen=True)
class BackOff(OutOfFold):
    """Out-of-fold predictions of the top level, with the level at which each path goes wrong.

    Attributes
    ----------
    wrong
        (n,) probability of the first wrong code on the path of a record; 0 if none is wrong.
    """

    wrong: Floats = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def along(
        cls,
        tree: CodeTree,
        predictions: Predictions,
        labels: Integers,
        has_known_word: Flags,
        seed: int,
        texts: Integers | None = None,
        max_records: int = MAX_RECORDS,
    ) -> Self:
        """Reduce the predictions of n records to what back-off needs.

        Parameters
        ----------
        labels
            (n,) numbers of codes at any level; -1 for a code outside the book. A prediction
            below the label counts as right, since the label says no more.
        has_known_word, texts
            As in :meth:`.OutOfFold.of`.
        """
        rows = np.random.default_rng(seed).permutation(len(labels))[:max_records]
        labels, of_record = labels[rows], predictions.rows[rows]
        paths = tree.best_paths(predictions.probabilities)
        wrong = first_wrong(tree, paths.take(of_record), labels)
        readable = has_known_word[of_record]
        top = np.where(readable, paths.probabilities[of_record, 0], 0.0).round(DECIMALS)
        wrong = np.where(readable, wrong, 0.0).round(DECIMALS)
        correct, known = (wrong < top) & (labels >= 0), labels >= 0
        alike = np.ones(len(rows), np.int64) if texts is None else cluster_sizes(texts[rows])
        order = np.lexsort((wrong, -top))
        true = np.where(correct, top, 0.0)
        return cls(
            top[order], true[order], correct[order], alike[order], known[order], wrong=wrong[order]
        )

    def with_gain(self, other: OutOfFold) -> Self:
        """Return the same with the gain and the uncodable share of the leaves."""
        return replace(self, gain=other.gain, uncodable=other.uncodable)

    def count_errors(self, accepted: Counts) -> Counts:
        """Count the wrong ones among the first records, each coded as deep as it can be."""
        lowest = self.top[accepted - 1]
        wrong = np.sort(self.wrong[self.wrong > 0])
        counts: Counts = len(wrong) - np.searchsorted(wrong, lowest)
        return counts

    def to_dict(self) -> Any:
        """Return lists and numbers for JSON."""
        return {**super().to_dict(), "wrong": self.wrong.tolist()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read what :meth:`to_dict` gave.

        Raises
        ------
        InputError
            If the lists contradict each other.
        """
        plain, wrong = super().from_dict(values), np.array(values["wrong"], dtype=np.float64)
        if wrong.shape != plain.top.shape or not ((wrong >= 0) & (wrong <= plain.top)).all():
            raise InputError(CONTRADICTION)
        return replace(plain, wrong=wrong)


def first_wrong(tree: CodeTree, paths: Paths, labels: Integers) -> Floats:
    """Return the probability of the first wrong code of each path (n,); 0 if none is wrong.

    ``labels`` (n,) are numbers of codes; with -1, outside the book, the top code is wrong.
    """
    apart = ~tree.agree(paths.codes, np.maximum(labels, 0)[:, None])
    apart |= (labels < 0)[:, None]
    first: Floats = np.where(apart, paths.probabilities, 0.0).max(axis=1, initial=0.0)
    return first


def deepest(tree: CodeTree, paths: Paths, threshold: float) -> tuple[NDArray[np.int64], Floats]:
    """Return the deepest code of each path (n,) of at least this probability, and its probability.

    Where not even the top reaches the threshold, it is the top code.
    """
    reached = (paths.probabilities.round(DECIMALS) >= threshold).sum(axis=1)
    rows, level = np.arange(len(reached)), np.maximum(reached - 1, 0)
    return paths.codes[rows, level], paths.probabilities[rows, level]
