"""New records through a bundle: labels, probabilities, and which records a person should see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from textlstm.bundle import Bundle
from textlstm.config import MIN_PROBABILITY
from textlstm.errors import InputError
from textlstm.files import replacing

ACCEPT, REVIEW = "accept", "review"

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
        """Return accept or review for each record.

        A text that is empty, or of which no word is known, is always for review.
        """
        sure = self.readable & (self.probabilities.max(axis=1) >= min_probability)
        return [ACCEPT if one else REVIEW for one in sure]


def score(bundle: Bundle, texts: Sequence[str], device: torch.device | None = None) -> Scores:
    """Return what the bundle makes of preprocessed texts."""
    readable = bundle.encoding.known_share(texts) > 0
    return Scores(bundle.predict_proba(texts, device), readable)


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
    return probabilities.round(6)


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
