"""Out-of-fold predictions of the training records, which promises are computed from."""

import math
from dataclasses import dataclass
from typing import Any, Self, TypedDict

import numpy as np

from textlstm.array_types import Counts, Flags, Floats, Integers, Numbers
from textlstm.errors import InputError
from textlstm.uncertainty.intervals import cluster_sizes, design_effect, mean_lower_bound
from textlstm.uncertainty.predictions import Predictions

MIN_POSITIVE_PROBABILITY = 1e-15
"""Probability below which the logarithm is taken of this number, since that of zero is infinite."""

MAX_RECORDS = 20_000
"""Records that are kept, at most: more would hardly change a promise, and fill the bundle."""

DECIMALS = 6
"""Decimals of a probability: float32 logits tell no more apart."""

CONTRADICTION = "the out-of-fold predictions do not fit together"
"""Message about out-of-fold predictions in a file that contradict each other."""


class OutOfFoldJson(TypedDict, total=False):
    """Fields of :class:`OutOfFold` as a file holds them; ``alike`` are the cluster sizes."""

    top: list[float]
    true: list[float]
    correct: list[int]
    alike: list[int]
    known: list[int]
    uncodable: float
    gain: float


@dataclass(frozen=True)
class OutOfFold:
    """Out-of-fold predictions of n training records, the most confident first.

    Attributes
    ----------
    top
        (n,) probability of the most probable class, in descending order; 0 where the record is for
        review whatever the probability: no word is known, or the class is never coded.
    true
        (n,) probability of the true class: 0 where the model cannot give it, 1 where the prediction
        set holds every label.
    correct
        (n,) whether the most probable class is the true one.
    cluster_size
        (n,) number of the n records that have the same text, if the split keeps texts together;
        else 1.
    known
        (n,) whether the model can give the true class.
    gain
        Mean gain in log probability of the true class over the class shares, in nats: the lower
        bound of its one-sided 95 % confidence interval. Infinite where it was not measured.
    uncodable
        Share of the table's records whose class the model cannot give, if known; else 0.
    """

    top: Floats
    true: Floats
    correct: Flags
    cluster_size: Counts
    known: Flags
    gain: float = math.inf
    uncodable: float = 0.0

    @classmethod
    def of(
        cls,
        predictions: Predictions,
        labels: Integers,
        seed: int = 0,
        *,
        texts: Integers | None = None,
        has_known_word: Flags | None = None,
        codable: Flags | None = None,
        shares: Floats | None = None,
        weights: Numbers | None = None,
        uncodable: float = 0.0,
        max_records: int = MAX_RECORDS,
    ) -> Self:
        """Reduce the predictions of n records to what promises and prediction sets need.

        If there are more than ``max_records``, a random sample is kept. Since the records are
        sorted by probability, nothing tells where in the table they stood.

        Parameters
        ----------
        predictions
            Of n records with B distinct texts.
        labels
            (n,) class numbers; -1 for a class that the model cannot give.
        texts
            (n,) text number of each record, if the split keeps equal texts together.
        has_known_word
            (B,) whether any word of the text is known; by default, one is.
        codable
            (C,) whether the class is ever coded; by default, it is.
        shares
            (C,) shares of the classes among the training records, which the gain is measured over.
        weights
            (n,) weights of the records in the gain; by default, 1.
        uncodable
            The attribute of that name.
        """
        rows = np.random.default_rng(seed).permutation(len(labels))[:max_records]
        sample, labels = predictions.take(rows), labels[rows]
        readable = _all_true(len(rows)) if has_known_word is None else has_known_word[sample.rows]
        coded = _all_true(sample.n_classes) if codable is None else codable
        known = (labels >= 0) & coded[labels]
        of_label = sample.of_label(labels)
        top = np.where(readable & coded[sample.predicted], sample.confidence, 0.0).round(DECIMALS)
        true = np.where(known, np.where(readable, of_label, 1.0), 0.0).round(DECIMALS)
        cluster_size = np.ones(len(rows), np.int64) if texts is None else cluster_sizes(texts[rows])
        gain = math.inf
        if shares is not None:
            weight = known * (1.0 if weights is None else weights[rows])
            gain = _gain(of_label, shares[labels], weight, cluster_size)
        correct, order = known & sample.correct(labels), np.lexsort((-true, -top))
        return cls(
            top[order],
            true[order],
            correct[order],
            cluster_size[order],
            known[order],
            gain,
            uncodable,
        )

    @property
    def effective(self) -> float:
        """Return the effective number of records: their number divided by the design effect."""
        return len(self.top) / design_effect(self.cluster_size)

    @property
    def unknown_share(self) -> float:
        """Return the share of records whose class the model cannot give: here, or in the table."""
        return max(float((~self.known).mean()) if len(self.known) else 0.0, self.uncodable)

    def count_errors(self, accepted: Counts) -> Counts:
        """Count the wrong ones (k,) among the first ``accepted`` (k,) records."""
        errors: Counts = (~self.correct).astype(np.int64).cumsum()
        return errors[accepted - 1]

    def to_dict(self) -> OutOfFoldJson:
        """Return lists and numbers for JSON; values that say nothing are left out."""
        values: OutOfFoldJson = {
            "top": self.top.tolist(),
            "true": self.true.tolist(),
            "correct": self.correct.astype(int).tolist(),
        }
        if (self.cluster_size > 1).any():
            values["alike"] = self.cluster_size.tolist()
        if not self.known.all():
            values["known"] = self.known.astype(int).tolist()
        if self.uncodable:
            values["uncodable"] = self.uncodable
        if math.isfinite(self.gain):
            values["gain"] = self.gain
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read what :meth:`to_dict` gave.

        Raises
        ------
        InputError
            If the lists differ in length, or their values contradict each other.
        """
        top, true = (_numbers(values[name], int, float) for name in ("top", "true"))
        ones = [1] * len(top)
        correct, known, cluster_size = (
            _numbers(values.get(name, ones), int) for name in ("correct", "known", "alike")
        )
        gain, uncodable = _numbers(
            [values.get("gain", math.inf), values.get("uncodable", 0.0)], int, float
        ).tolist()
        columns = (top, true, correct, cluster_size, known)
        if (
            {len(column) for column in columns} != {len(top)}
            or not len(top)
            or not all(((column >= 0) & (column <= 1)).all() for column in (correct, known))
            or not ((cluster_size >= 1) & (cluster_size <= len(top))).all()
            or not _consistent(top, true, correct == 1, known == 1)
            or math.isnan(gain)
            or not 0 <= uncodable <= 1
        ):
            raise InputError(CONTRADICTION)
        counts = cluster_size.astype(np.int64)
        return cls(top, true, correct == 1, counts, known == 1, gain, uncodable)


def _all_true(n: int) -> Flags:
    return np.ones(n, np.bool_)


def _gain(of_label: Floats, shares: Floats, weights: Numbers, cluster_size: Counts) -> float:
    """Return the gain of :class:`OutOfFold`, over the records (n,) whose weight is not zero.

    Parameters
    ----------
    of_label, shares
        (n,) probability of each record's label, by the model and by the class shares.
    """
    gains = np.log(np.clip(of_label, MIN_POSITIVE_PROBABILITY, None)) - np.log(shares)
    counted = weights > 0
    return mean_lower_bound(gains[counted], weights[counted], cluster_size[counted])


def _consistent(top: Floats, true: Floats, correct: Flags, known: Flags) -> bool:
    """Check that probabilities (n,) in descending order agree with each other and with flags (n,).

    The true class of a correct record is the most probable one, so both probabilities are equal,
    and for other records that of the true class is not the higher one. Records that are always for
    review have a probability of 0, and, if no word is known, a set of every label.
    """
    probabilities = ((top >= 0) & (top <= 1) & (true >= 0) & (true <= 1)).all()
    review = top == 0
    agree = np.where(correct, (true == top) | (review & (true == 1)), (true <= top) | review)
    unknown = known | (~correct & (true == 0))
    return bool(probabilities and agree.all() and unknown.all() and (np.diff(top) <= 0).all())


def _numbers(values: Any, *kinds: type) -> Floats:
    """Return a list (n,) of numbers of some types as an array.

    Raises
    ------
    InputError
        If the list holds anything else, such as text or a truth value.
    """
    if type(values) is not list or any(type(value) not in kinds for value in values):
        raise InputError(f"{CONTRADICTION}: no numbers")
    return np.array(values, dtype=np.float64)
