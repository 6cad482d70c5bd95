"""New records through a bundle: labels, probabilities, and which records a person should see."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from textlstm.bundle import MEAN_PROBABILITY, UNKNOWN_WORDS, Bundle
from textlstm.config import MIN_PROBABILITY
from textlstm.decisions import DECIMALS, prediction_sets
from textlstm.errors import InputError
from textlstm.files import replacing

ACCEPT, REVIEW = "accept", "review"

NOTABLE = 0.05
"""Difference to the records trained on, in shares, from which new ones deserve a warning."""

ADDED_COLUMNS = ("predicted_label", "probability", "decision")


@dataclass(frozen=True)
class Scores:
    """The outcome for n texts.

    Attributes
    ----------
    probabilities
        (n, C), columns in the order of the bundle's labels.
    readable
        (n,) whether the text has any word of the vocabulary.
    """

    probabilities: NDArray[np.float64]
    readable: NDArray[np.bool_]

    def ranked(self, place: int) -> NDArray[np.int64]:
        """Return each record's class number at that place, 0 being the most probable (n,)."""
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
    distinct = list(dict.fromkeys(texts))
    known = dict(zip(distinct, bundle.encoding.known_share(distinct) > 0, strict=True))
    readable = np.array([known[text] for text in texts], dtype=bool)
    return Scores(bundle.predict_proba(texts, device), readable)


@dataclass(frozen=True)
class Look:
    """How n records look to a model.

    Attributes
    ----------
    n
        Records with any word.
    empty
        The share of records without a word.
    unknown_words
        The share of words that are not in the vocabulary.
    probability
        The mean probability of the most probable class, of records with any word.
    """

    n: int
    empty: float
    unknown_words: float
    probability: float

    def strange(self, summary: Mapping[str, Any]) -> list[str]:
        """Return what tells these records from those trained on, as a bundle's summary has it.

        A difference counts from :data:`NOTABLE` on, where it cannot be the chance of few records:
        a share's standard error is at most half by the root of n.
        """
        notable = max(NOTABLE, 3 * 0.5 / max(self.n, 1) ** 0.5)
        usual, sure = summary[UNKNOWN_WORDS], summary[MEAN_PROBABILITY]
        found = []
        if self.unknown_words - usual > notable:
            found.append(f"{self.unknown_words:.1%} of the words are unknown ({usual:.1%} there)")
        if sure - self.probability > notable:
            found.append(f"the mean probability is {self.probability:.3f} ({sure:.3f} there)")
        return found


def look(bundle: Bundle, texts: Sequence[str], scores: Scores) -> Look:
    """Return how preprocessed texts, and what was made of them, look to the model."""
    filled = np.array([text != "" for text in texts], dtype=bool)
    n = int(filled.sum())
    best = scores.probabilities.max(axis=1, initial=0.0)[filled]
    return Look(
        n=n,
        empty=1 - n / max(len(texts), 1),
        unknown_words=bundle.encoding.unknown_share(texts),
        probability=float(best.sum() / max(n, 1)),
    )


def require_free_columns(table: pa.Table) -> None:
    """Raise an :class:`InputError` if the table has one of :data:`ADDED_COLUMNS` already."""
    for name in ADDED_COLUMNS:
        if name in table.column_names:
            raise InputError(f"the table has a column {name!r} already; rename it first")


def coded(
    table: pa.Table, scores: Scores, labels: Sequence[str], min_probability: float
) -> pa.Table:
    """Return the table with :data:`ADDED_COLUMNS` behind its own, rows in order."""
    values = (
        pa.array([labels[number] for number in scores.ranked(0)], pa.string()),
        pa.array(rounded(scores.probabilities.max(axis=1, initial=0.0)), pa.float64()),
        pa.array(scores.decisions(min_probability), pa.string()),
    )
    for name, array in zip(ADDED_COLUMNS, values, strict=True):
        table = table.append_column(name, array)
    return table


def rounded(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities to six decimals: what float32 logits can tell apart."""
    return probabilities.round(DECIMALS)


def output_writer(path: Path) -> Callable[[pa.Table], None]:
    """Return what writes a table to ``path``, whole or not at all, in the format of its name.

    Raises
    ------
    InputError
        If the name ends in neither ``.csv`` nor ``.parquet``: known before any work is done.
    """
    writers = {".csv": pa.csv.write_csv, ".parquet": pq.write_table}
    write = writers.get(path.suffix.lower())
    if write is None:
        raise InputError(f"{path}: the output must end in {' or '.join(writers)}")

    def replace(table: pa.Table) -> None:
        try:
            with replacing(path) as temporary:
                write(table, temporary)
        except pa.ArrowInvalid as error:
            raise InputError(
                f"{path}: a column of the table cannot be written so; use .parquet"
            ) from error

    return replace
