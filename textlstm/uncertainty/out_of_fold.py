"""Out-of-fold predictions of the training records, which promises are computed from."""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textlstm.errors import InputError
from textlstm.uncertainty.intervals import (
    Counts,
    Flags,
    Floats,
    cluster_sizes,
    design_effect,
    mean_lower_bound,
)

MIN_POSITIVE_PROBABILITY = 1e-15
"""A probability of zero would have an infinite logarithm."""

MAX_RECORDS = 20_000
"""So many held-out records are kept: more would promise hardly more, and fill the bundle."""

DECIMALS = 6
"""Of probabilities: what float32 logits can tell apart."""


@dataclass(frozen=True)
class OutOfFold:
    """What is known of a model from n training records that it was not trained on.

    Attributes
    ----------
    top
        (n,) probability of the most probable class, from the highest down; 0 where a person sees
        the record whatever the probability: no word is known, or the class is never coded.
    true
        (n,) probability of the true class: 0 where the model cannot give it, 1 where a set holds
        every label.
    correct
        (n,) whether these are the same class.
    alike
        (n,) how many of them have the record's text, where texts are kept together; else 1.
    known
        (n,) whether the model can give the true class at all.
    gain
        By how many nats the log probability of the true class is above that of the shares of the
        classes, on average: the lower bound of a one-sided 95 % interval. Infinite where it was
        not measured.
    uncodable
        Share of the table's records whose class the model cannot give, as far as it is known.
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
        probabilities: Floats,
        labels: NDArray[np.integer[Any]],
        seed: int = 0,
        places: NDArray[np.integer[Any]] | None = None,
        *,
        texts: NDArray[np.integer[Any]] | None = None,
        has_known_word: Flags | None = None,
        codable: Flags | None = None,
        shares: Floats | None = None,
        weights: NDArray[np.floating[Any]] | None = None,
        uncodable: float = 0.0,
    ) -> Self:
        """Return what matters of the judgement of n records.

        Of more than :data:`MAX_RECORDS` records, so many are drawn. Ordered by probability, they
        do not tell where in the table they stood.

        Parameters
        ----------
        probabilities
            (B, C).
        labels
            (n,) class numbers; -1 for a class that the model cannot give.
        places
            (n,) the row of the probabilities of each record; by default, its own.
        texts
            (n,) the text of each record, where identical texts were left out together.
        readable
            (B,) whether any word is known; by default, one is.
        codable
            (C,) whether the class is ever coded; by default, it is.
        shares
            (C,) shares of the classes among the training records, which the gain is over.
        weights
            (n,) of the records in the gain; by default all are 1.
        uncodable
            As the attribute.
        """
        rows = np.random.default_rng(seed).permutation(len(labels))[:MAX_RECORDS]
        judged = rows if places is None else places[rows]
        labels, mine = labels[rows], probabilities[judged]
        seen = np.ones(len(rows), np.bool_) if has_known_word is None else has_known_word[judged]
        coded = np.ones(mine.shape[1], np.bool_) if codable is None else codable
        known, best = (labels >= 0) & coded[labels], mine.argmax(axis=1)
        of_true = mine[np.arange(len(rows)), labels]
        top = np.where(seen & coded[best], mine.max(axis=1), 0.0).round(DECIMALS)
        true = np.where(known, np.where(seen, of_true, 1.0), 0.0).round(DECIMALS)
        correct = known & (best == labels)
        order = np.lexsort((-true, -top))
        cluster_size = np.ones(len(rows), np.int64) if texts is None else cluster_sizes(texts[rows])
        gain = math.inf
        if shares is not None:
            gains = np.log(np.clip(of_true, MIN_POSITIVE_PROBABILITY, None)) - np.log(
                shares[labels]
            )
            weighed = known * (1.0 if weights is None else weights[rows])
            gain = mean_lower_bound(
                gains[weighed > 0], weighed[weighed > 0], cluster_size[weighed > 0]
            )
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
        """Return how many records they count as."""
        return len(self.top) / design_effect(self.cluster_size)

    @property
    def unknown_share(self) -> float:
        """Return the share of records whose class the model cannot give: here, or in the table."""
        return max(float((~self.known).mean()) if len(self.known) else 0.0, self.uncodable)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        values: dict[str, Any] = {
            "top": self.top.tolist(),
            "true": self.true.tolist(),
            "correct": self.correct.astype(int).tolist(),
        }
        values |= {"alike": self.cluster_size.tolist()} if (self.cluster_size > 1).any() else {}
        values |= {} if self.known.all() else {"known": self.known.astype(int).tolist()}
        values |= {"uncodable": self.uncodable} if self.uncodable else {}
        return values | ({"gain": self.gain} if math.isfinite(self.gain) else {})

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return what :meth:`to_dict` gave.

        Raises
        ------
        InputError
            If these are not so many probabilities each, from the highest down, or counts.
        """
        top, true = (_numbers(values[name], int, float) for name in ("top", "true"))
        ones = [1] * len(top)
        correct, known, cluster_size = (
            _numbers(values.get(name, ones), int) for name in ("correct", "known", "alike")
        )
        gain, uncodable = _numbers(
            [values.get("gain", math.inf), values.get("uncodable", 0.0)], int, float
        ).tolist()
        flags = correct == 1, known == 1
        # Of a correct record both probabilities are the same; or a person sees it, and a set holds
        # every label.
        seen = top == 0
        both = np.where(flags[0], (true == top) | (seen & (true == 1)), (true <= top) | seen)
        if {len(each) for each in (top, true, correct, cluster_size, known)} != {len(top)} or not (
            len(top)
            and all(((each >= 0) & (each <= 1)).all() for each in (top, true, correct, known))
            and ((cluster_size >= 1) & (cluster_size <= len(top))).all()
            and (flags[1] | (~flags[0] & (true == 0))).all()
            and both.all()
            and (np.diff(top) <= 0).all()
            and not math.isnan(gain)
            and 0 <= uncodable <= 1
        ):
            raise InputError("what is known of held-out records does not fit together")
        return cls(top, true, flags[0], cluster_size.astype(np.int64), flags[1], gain, uncodable)


def _numbers(values: Any, *kinds: type) -> Floats:
    """Return a list (n,) of numbers of some types as an array.

    Raises
    ------
    InputError
        If something else stands there, such as text or a truth value.
    """
    if type(values) is not list or any(type(one) not in kinds for one in values):
        raise InputError("what is known of held-out records does not fit together: no numbers")
    return np.array(values, dtype=np.float64)
