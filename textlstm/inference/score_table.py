"""Tables with the predictions of a bundle beside their columns."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from textlstm.errors import InputError, quoted
from textlstm.inference.bundle import Bundle
from textlstm.inference.drift import InputStatistics
from textlstm.inference.scoring import ACCEPT, REVIEW, DecisionRule, Scores, rounded
from textlstm.uncertainty.conformal import format_sets


def require_free_columns(table: pa.Table, added: Sequence[str]) -> None:
    """Raise an :class:`InputError` if the table has one of the columns to be added already."""
    for name in added:
        if name in table.column_names:
            raise InputError(f"the table has a column {quoted(name)} already; rename it first")


class CodedTexts(NamedTuple):
    """What n records are coded as."""

    classes: NDArray[np.int64]  # (n,) number of the most probable class
    probabilities: NDArray[np.float64]  # (n,) of that class
    seconds: NDArray[np.int64]  # (n,) number of the next most probable class; -1 where none is left
    accepted: NDArray[np.bool_]  # (n,) False where a person should see the record
    words: NDArray[np.int64]  # (n,)
    unknown: NDArray[np.int64]  # (n,) words that are not in the vocabulary
    abbreviated: NDArray[np.bool_]  # (n,) whether an abbreviation was written out
    sets: NDArray[
        np.object_
    ]  # (n,) cells of the prediction sets; None where they are not asked for

    @classmethod
    def of(
        cls,
        bundle: Bundle,
        texts: Sequence[str],
        rule: DecisionRule,
        device: torch.device | None = None,
    ) -> Self:
        """Return what bundle and rule make of n preprocessed texts."""
        words, unknown = bundle.vocabulary.count_words(texts)
        scores = Scores(bundle.predict_proba(texts, device), words > unknown, bundle.codable)
        sets = np.full(len(texts), None, dtype=object)
        if rule.set_probability is not None:
            possible = scores.sets(rule.set_probability)
            sets[:] = format_sets(possible, scores.probabilities, bundle.labels)
        best = scores.probabilities.max(axis=1, initial=0.0)
        accepted = scores.accepted(rule.min_probability)
        classes, seconds = scores.ranked(0), np.full(len(texts), -1)
        if len(bundle.labels) > 1:
            seconds = scores.ranked(1)
        changed = [bundle.vocabulary.expand_abbreviations(text) != text for text in texts]
        abbreviated = np.array(changed, dtype=np.bool_)
        return cls(classes, best, seconds, accepted, words, unknown, abbreviated, sets)

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Return these rows."""
        return type(self)._make([values[rows] for values in self])

    def added_to(self, table: pa.Table, rule: DecisionRule, labels: Sequence[str]) -> pa.Table:
        """Return a table of n rows with the rule's columns behind its own."""
        names = pa.array(labels, pa.string())
        cells = [
            names.take(pa.array(self.classes)),
            pa.array(rounded(self.probabilities)),
            names.take(pa.array(self.seconds, mask=self.seconds < 0)),
            pa.array([REVIEW, ACCEPT]).take(pa.array(self.accepted.astype(np.int8))),
        ]
        if rule.set_probability is not None:
            cells.append(pa.array(self.sets, pa.string()))
        for name, column in zip(rule.columns, cells, strict=True):
            table = table.append_column(name, column)
        return table

    def look(self) -> InputStatistics:
        """Return how the records look to the model."""
        return InputStatistics(
            records=len(self.words),
            empty=int((self.words == 0).sum()),
            review=int((~self.accepted).sum()),
            words=int(self.words.sum()),
            unknown=int(self.unknown.sum()),
            abbreviated=int(self.abbreviated.sum()),
            probability=float(self.probabilities[self.words > 0].sum()),
        )
