"""New records through a bundle: labels, probabilities, and which records a person should see."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from textlstm.bundle import MEAN_PROBABILITY, UNKNOWN_WORDS, Bundle
from textlstm.config import MIN_PROBABILITY
from textlstm.decisions import DECIMALS, prediction_sets, set_cells
from textlstm.errors import InputError

ACCEPT, REVIEW = "accept", "review"

NOTABLE = 0.05
"""Difference to the records trained on, in shares, from which new ones deserve a warning."""

ADDED_COLUMNS = ("predicted_label", "probability", "decision")

SET_COLUMN = "prediction_set"
"""Added where sets are asked for."""


@dataclass(frozen=True)
class Rule:
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
    """

    probabilities: NDArray[np.float64]
    readable: NDArray[np.bool_]

    def ranked(self, place: int) -> NDArray[np.int64]:
        """Return each record's class number at that place, 0 being the most probable (n,)."""
        if place == 0:  # no need to sort: the first of the highest, as below
            best: NDArray[np.int64] = self.probabilities.argmax(axis=1)
            return best
        order = np.argsort(-self.probabilities, axis=1, kind="stable")
        chosen: NDArray[np.int64] = order[:, place]
        return chosen

    def decisions(self, min_probability: float = MIN_PROBABILITY) -> list[str]:
        """Return accept or review for each record; see :meth:`accepted`."""
        return [ACCEPT if one else REVIEW for one in self.accepted(min_probability)]

    def accepted(self, min_probability: float) -> NDArray[np.bool_]:
        """Return whether each record's label is probable enough to be taken unseen (n,).

        A text that is empty, or of which no word is known, is always for review.
        """
        best = rounded(self.probabilities.max(axis=1, initial=0.0))
        sure: NDArray[np.bool_] = self.readable & (best >= min_probability)
        return sure

    def sets(self, threshold: float) -> NDArray[np.bool_]:
        """Return which labels are possible for each record (n, C): all, where no word is known."""
        return prediction_sets(self.probabilities, threshold) | ~self.readable[:, None]


def score(bundle: Bundle, texts: Sequence[str], device: torch.device | None = None) -> Scores:
    """Return what the bundle makes of preprocessed texts."""
    words, unknown = bundle.encoding.count_words(texts)
    return Scores(bundle.predict_proba(texts, device), words > unknown)


@dataclass(frozen=True)
class Look:
    """How records look to a model; looks at parts of a table add up to that at the whole.

    Attributes
    ----------
    records, empty, review
        Records in all, those without a word, and those for a person.
    words, unknown
        Their words in all, and those that are not in the vocabulary.
    probability
        The sum of the probabilities of the most probable class, over records with any word.
    """

    records: int = 0
    empty: int = 0
    review: int = 0
    words: int = 0
    unknown: int = 0
    probability: float = 0.0

    def __add__(self, other: Self) -> Self:
        return type(self)(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    @property
    def empty_share(self) -> float:
        """Return the share of records without a word."""
        return self.empty / max(self.records, 1)

    @property
    def unknown_share(self) -> float:
        """Return the share of words that are not in the vocabulary."""
        return self.unknown / max(self.words, 1)

    @property
    def mean_probability(self) -> float:
        """Return the mean probability of the most probable class, of records with any word."""
        return self.probability / max(self.records - self.empty, 1)

    def strange(self, summary: Mapping[str, Any]) -> list[str]:
        """Return what tells these records from those trained on, as a bundle's summary has it.

        A difference counts from :data:`NOTABLE` on, where it cannot be the chance of few records:
        a share's standard error is at most half by the root of their number.
        """
        notable = max(NOTABLE, 3 * 0.5 / max(self.records - self.empty, 1) ** 0.5)
        usual, sure = summary[UNKNOWN_WORDS], summary[MEAN_PROBABILITY]
        found = []
        if self.unknown_share - usual > notable:
            found.append(f"{self.unknown_share:.1%} of the words are unknown ({usual:.1%} there)")
        if sure - self.mean_probability > notable:
            found.append(f"the mean probability is {self.mean_probability:.3f} ({sure:.3f} there)")
        return found


def require_free_columns(table: pa.Table, added: Sequence[str]) -> None:
    """Raise an :class:`InputError` if the table has one of the columns to be added already."""
    for name in added:
        if name in table.column_names:
            raise InputError(f"the table has a column {name!r} already; rename it first")


def code(
    table: pa.Table,
    texts: Sequence[str],
    places: NDArray[np.int64],
    bundle: Bundle,
    rule: Rule,
    device: torch.device | None = None,
) -> tuple[pa.Table, Look]:
    """Return the table with the rule's columns behind its own, rows in order, and a look at it.

    Parameters
    ----------
    table
        n rows.
    texts
        Preprocessed texts.
    places
        (n,) the text of each row.
    """
    scores = score(bundle, texts, device)
    best = scores.probabilities.max(axis=1, initial=0.0)
    decisions = scores.decisions(rule.min_probability)
    values = [
        np.array(bundle.labels, dtype=object)[scores.ranked(0)],
        rounded(best),
        np.array(decisions, dtype=object),
    ]
    if rule.set_probability is not None:
        sets = scores.sets(rule.set_probability)
        cells = set_cells(sets, scores.probabilities, bundle.labels)
        values.append(np.array(cells, dtype=object))
    for name, of_texts in zip(rule.columns, values, strict=True):
        kind = pa.float64() if of_texts.dtype == np.float64 else pa.string()
        # Taken in Arrow, a text is copied once for each row, and not looked at again.
        table = table.append_column(name, pa.array(of_texts, kind).take(pa.array(places)))
    records = np.bincount(places, minlength=len(texts))
    filled = np.array([text != "" for text in texts], dtype=bool)
    words, unknown = bundle.encoding.count_words(texts)
    return table, Look(
        records=len(places),
        empty=int(records[~filled].sum()),
        review=int(records[[one == REVIEW for one in decisions]].sum()),
        words=int(records @ words),
        unknown=int(records @ unknown),
        probability=float((records * best)[filled].sum()),
    )


def rounded(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities to six decimals: what float32 logits can tell apart."""
    return probabilities.round(DECIMALS)
