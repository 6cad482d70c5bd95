"""Measures of groups of records: by columns of the table, or by how often a text was seen."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from textlstm.decisions import proportion
from textlstm.disclosure import SMALLEST_SHOWN, hidden_counts, is_age, pooled_ages
from textlstm.errors import InputError
from textlstm.labels import plain_label
from textlstm.metrics import bootstrap_mean
from textlstm.records import renamed

MOST_GROUPS = 100
"""A column of more groups than that is one of names or ids."""

MISSING = "(missing)"

PREFIX = "by:"
"""Of the columns of the records that say to which group they belong."""

SEEN_OFTEN = 10
"""Training records from which on a text is no rare one."""

SEEN = ("unseen", f"1 to {SEEN_OFTEN - 1} times", f"{SEEN_OFTEN} times or more")

Flags = NDArray[np.bool_]


def group_names(column: str, cells: Sequence[str]) -> list[str]:
    r"""Return the group of each cell: the cell, the year of a date, or ten years of age.

    Ages over 89 are one group, and missing cells are one.

    Raises
    ------
    InputError
        If there are more than :data:`MOST_GROUPS` of them.

    >>> group_names("date", ["2021-03-01", "", "2022-12-31"])
    ['2021', '(missing)', '2022']
    >>> group_names("age", ["7", "64.5", "93", "unknown"]), group_names("sex", ["F ", "\u200bM"])
    (['0-9', '60-69', '90+', 'unknown'], ['F', 'M'])
    """
    names = [plain_label(cell) for cell in cells]
    if all(re.fullmatch(r"\d{4}-\d\d-\d\d.*", name) for name in names if name):
        names = [name[:4] for name in names]
    elif is_age(column):
        names = pooled_ages([_ten_years(name) for name in names])
    if len(set(names)) > MOST_GROUPS:
        raise InputError(
            f"--by {column}: this column has {len(set(names)):,} groups; at most {MOST_GROUPS} can "
            "be compared, so give a column of fewer"
        )
    return [name or MISSING for name in names]


def _ten_years(age: str) -> str:
    """Return the ten years in which an age in years lies; anything else as it is."""
    if not re.fullmatch(r"\d+(\.\d+)?", age):
        return age
    first = int(float(age)) // 10 * 10
    return f"{first}-{first + 9}"


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
    return renamed(groups, lambda name: pooled if name in (smallest, MISSING) else name)


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
    hidden = hidden_counts(np.array(counts, dtype=np.int64))
    return {name: row for (name, row), gone in zip(groups.items(), hidden, strict=True) if not gone}
