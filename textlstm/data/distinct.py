"""Distinct inputs, each kept once, and the inverse index that restores the records.

Most records of a registry repeat others: what costs time is done once for each distinct input. An
input is whatever a prediction depends on, such as the preprocessed text of a record.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Value = TypeVar("Value")
Other = TypeVar("Other")


@dataclass(frozen=True)
class Distinct(Generic[Value]):
    """The distinct inputs of n records.

    Attributes
    ----------
    values
        The B distinct inputs, in the order in which they first occur.
    inverse
        (n,) the row of ``values`` of each record.

    >>> causes = Distinct.of(["fall", "stroke", "fall"])
    >>> causes.values, causes.inverse.tolist(), causes.counts.tolist(), len(causes)
    (['fall', 'stroke'], [0, 1, 0], [2, 1], 3)
    >>> list(causes.map(lambda values: [value.upper() for value in values]))
    ['FALL', 'STROKE', 'FALL']
    """

    values: Sequence[Value]
    inverse: NDArray[np.intp]

    @classmethod
    def of(cls, inputs: "Iterable[Value] | pd.Series") -> Self:
        """Find the distinct ones of n hashable inputs."""
        values: Any
        if isinstance(inputs, pd.Series):
            inverse, index = inputs.factorize()
            values = index.tolist()
        else:
            rows: dict[Any, int] = {}
            inverse = np.fromiter((rows.setdefault(value, len(rows)) for value in inputs), np.intp)
            values = list(rows)
        return cls(values, inverse)

    def __len__(self) -> int:
        return len(self.inverse)

    def __iter__(self) -> Iterator[Value]:
        return (self.values[row] for row in self.inverse)

    @property
    def counts(self) -> NDArray[np.intp]:
        """Count the records of each distinct input (B,)."""
        return np.bincount(self.inverse, minlength=len(self.values))

    def map(self, function: Callable[[Sequence[Value]], Sequence[Other]]) -> "Distinct[Other]":
        """Apply a function to the B distinct inputs, which gives B values."""
        return Distinct(function(self.values), self.inverse)

    def take(self, records: NDArray[Any]) -> "Distinct[Value]":
        """Select records by their numbers or by flags (n,); all distinct inputs stay."""
        return Distinct(self.values, self.inverse[records])


def relabel(values: pd.Series, name: Callable[[str], str]) -> pd.Series:
    """Rename values; the result is a categorical whose categories are sorted.

    >>> relabel(pd.Series(["b", "a", "B"]), str.lower).cat.codes.tolist()
    [1, 0, 1]
    """
    codes = values.astype("category")
    names = pd.Categorical([name(value) for value in codes.cat.categories])
    return pd.Series(names.take(codes.cat.codes.to_numpy()), index=values.index)


def distinct(values: pd.Series) -> tuple[list[str], NDArray[np.intp]]:
    """Return the distinct values, in the order in which they first come, and which one each is.

    >>> distinct(pd.Series(["b", "a", "b"]))
    (['b', 'a'], array([0, 1, 0]))
    """
    found = Distinct[str].of(values)
    return [str(value) for value in found.values], found.inverse


def interned(values: pd.Series) -> list[str]:
    """Return the values as a list in which equal ones are one object, to save memory."""
    return list(Distinct[str].of(values))
