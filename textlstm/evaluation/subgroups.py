"""Measures of subgroups of records: by columns of the table, or by how often a text was seen."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from textlstm.array_types import Flags, Floats, Integers
from textlstm.data.distinct import relabel
from textlstm.data.groups import MISSING_GROUP
from textlstm.disclosure import SMALLEST_SHOWN, suppress_counts
from textlstm.evaluation.bootstrap import Estimate, bootstrap_mean
from textlstm.uncertainty.intervals import Proportion, proportion

SEEN_OFTEN = 10
"""Training records with the same text, from which on a text counts as frequent. It does not stand
for a suppressed count."""

SEEN = ("unseen", f"1 to {SEEN_OFTEN - 1} times", f"{SEEN_OFTEN} times or more")
"""Names of the groups of records by the number of training records with the same text."""


def seen_names(times: Integers) -> pd.Series:
    """Return one of :data:`SEEN` for the number of training records with each text (n,)."""
    return pd.Series(pd.Categorical(SEEN).take(np.digitize(times, [1, SEEN_OFTEN])))


def with_few_missing_pooled(groups: pd.Series) -> pd.Series:
    """Pool the missing cells with the smallest group if they are a small count.

    As a group of their own they would be suppressed, and another group of any size with them.

    >>> groups = pd.Series(["F"] * 20 + ["M"] * 30 + ["(missing)"] * 3)
    >>> sorted(with_few_missing_pooled(groups).unique())
    ['F or (missing)', 'M']
    """
    counts = {str(name): n for name, n in groups.value_counts().items() if n}
    missing = counts.pop(MISSING_GROUP, 0)
    if not counts or not 0 < missing < SMALLEST_SHOWN:
        return groups
    smallest = min(counts, key=lambda name: (counts[name], name))
    pooled = f"{smallest} or {MISSING_GROUP}"
    return relabel(groups, lambda name: pooled if name in (smallest, MISSING_GROUP) else name)


@dataclass(frozen=True)
class GroupMeasures:
    """Measures of a subgroup.

    Attributes
    ----------
    records
        Number of its records whose class the model knows.
    accuracy, log_loss
        Of these records.
    coded
        Share of the subgroup that is coded automatically.
    error
        Share of the coded records that is wrong.
    """

    records: int
    accuracy: Proportion
    log_loss: Estimate
    coded: Proportion
    error: Proportion


@dataclass(frozen=True)
class RecordOutcomes:
    """What the model made of n records.

    Attributes
    ----------
    correct
        (n,) whether the most probable class is the true one.
    losses
        (n,) log loss, in nats.
    accepted
        (n,) whether the label is coded automatically.
    known
        (n,) whether the model knows the true class. Accuracy and log loss are measured on these
        records. The share coded automatically and its error are measured on all records of a group,
        unless fewer than ten are of other classes.
    """

    correct: Flags
    losses: Floats
    accepted: Flags
    known: Flags

    def by(self, groups: pd.Series, seed: int) -> dict[str, GroupMeasures]:
        """Measure each subgroup, in order; ``groups`` are the names (n,) of the records' groups."""
        names = with_few_missing_pooled(groups)
        return {
            name: self._measure((names == name).to_numpy(), seed)
            for name in sorted(names[self.known].unique(), key=_order)
        }

    def _measure(self, rows: Flags, seed: int) -> GroupMeasures:
        known = rows & self.known
        # If few records are of unknown classes, the share that is coded would tell how many.
        counted = known if (rows & ~self.known).sum() < SMALLEST_SHOWN else rows
        return GroupMeasures(
            records=int(known.sum()),
            accuracy=proportion(self.correct[known]),
            log_loss=bootstrap_mean(self.losses[known], seed),
            coded=proportion(self.accepted[counted]),
            error=proportion(~self.correct[counted & self.accepted]),
        )


def _order(name: str) -> tuple[Any, ...]:
    """Return a sort key: names in the order of the number they begin with, missing cells last."""
    if name in SEEN:
        return (0, SEEN.index(name), name)
    number = re.match(r"\d+", name)
    return (name == MISSING_GROUP, int(number[0]) if number else np.inf, name)


def shown_groups(groups: Mapping[str, GroupMeasures]) -> dict[str, GroupMeasures]:
    """Return the subgroups that may be shown if the number of all records is known.

    Subgroups of fewer than ten records are suppressed, and as many others as it takes so that their
    sizes cannot be worked out (secondary suppression).
    """
    counts = np.array([group.records for group in groups.values()], dtype=np.int64)
    suppressed = suppress_counts(counts)
    return {
        name: group
        for (name, group), gone in zip(groups.items(), suppressed, strict=True)
        if not gone
    }
