"""Measures of groups of records: by columns of the table, or by how often a text was seen."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from textlstm.data.distinct import relabel
from textlstm.data.groups import MISSING
from textlstm.disclosure import SMALLEST_SHOWN, suppress_counts
from textlstm.evaluation.metrics import bootstrap_mean
from textlstm.uncertainty.intervals import proportion

SEEN_OFTEN = 10
"""Training records from which on a text is no rare one."""

SEEN = ("unseen", f"1 to {SEEN_OFTEN - 1} times", f"{SEEN_OFTEN} times or more")

Flags = NDArray[np.bool_]


def seen_names(times: NDArray[np.integer[Any]]) -> pd.Series:
    """Return one of :data:`SEEN` for each number of times that the training has a text (n,)."""
    return pd.Series(pd.Categorical(SEEN).take(np.digitize(times, [1, SEEN_OFTEN])))


def with_few_missing_pooled(groups: pd.Series) -> pd.Series:
    """Return the groups, fewer than ten missing cells counted with the smallest of the others.

    By themselves they would have to be left out, and a group of any size with them.

    >>> groups = pd.Series(["F"] * 20 + ["M"] * 30 + ["(missing)"] * 3)
    >>> sorted(with_few_missing_pooled(groups).unique())
    ['F or (missing)', 'M']
    """
    counts = {str(name): n for name, n in groups.value_counts().items() if n}
    missing = counts.pop(MISSING, 0)
    if not counts or not 0 < missing < SMALLEST_SHOWN:
        return groups
    smallest = min(counts, key=lambda name: (counts[name], name))
    pooled = f"{smallest} or {MISSING}"
    return relabel(groups, lambda name: pooled if name in (smallest, MISSING) else name)


@dataclass(frozen=True)
class Outcome:
    """What became of n records.

    Attributes
    ----------
    correct
        (n,) whether the most probable class is the true one.
    losses
        (n,) log loss, in nats.
    accepted
        (n,) whether the label is coded automatically.
    known
        (n,) whether the model knows the true class. Accuracy and log loss are of these records;
        what is coded automatically, and the error of it, is of all, unless fewer than ten records
        of a group are of other classes.
    """

    correct: Flags
    losses: NDArray[np.float64]
    accepted: Flags
    known: Flags

    def by(self, groups: pd.Series, seed: int) -> dict[str, dict[str, Any]]:
        """Return the measures of each group with 95 % intervals, the groups in order.

        Parameters
        ----------
        groups
            (n,) names.
        """
        names = with_few_missing_pooled(groups)
        return {
            name: self._of((names == name).to_numpy(), seed)
            for name in sorted(names[self.known].unique(), key=_order)
        }

    def _of(self, rows: Flags, seed: int) -> dict[str, Any]:
        known = rows & self.known
        # Of few records of unknown classes, what is coded would tell how many there are.
        rows = known if (rows & ~self.known).sum() < SMALLEST_SHOWN else rows
        accepted = rows & self.accepted
        return {
            "records": int(known.sum()),
            "accuracy": proportion(self.correct[known]),
            "log_loss": bootstrap_mean(self.losses[known], seed),
            "coded": proportion(self.accepted[rows]),
            "error": proportion(~self.correct[accepted]),
        }


def _order(name: str) -> tuple[Any, ...]:
    """Order names by the number they begin with, as ages and years do; missing cells come last."""
    if name in SEEN:
        return (0, SEEN.index(name), name)
    number = re.match(r"\d+", name)
    return (name == MISSING, int(number[0]) if number else np.inf, name)


def shown_groups(groups: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the groups that may be shown where the number of all records is known.

    Those of fewer than ten are left out, and as many others as it takes that these cannot be
    worked out.
    """
    counts = [row["records"] for row in groups.values()]
    hidden = suppress_counts(np.array(counts, dtype=np.int64))
    return {name: row for (name, row), gone in zip(groups.items(), hidden, strict=True) if not gone}
