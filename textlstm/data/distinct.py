"""Distinct inputs: deduplicate records, and restore them by an inverse index.

Most records of a registry repeat others: what costs time is done once for each distinct input. An
input is whatever a prediction depends on, such as the text fields of a record.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd  # imported late elsewhere: it takes half a second

Value = TypeVar("Value")
Other = TypeVar("Other")


@dataclass(frozen=True)
class Distinct(Generic[Value]):
    """The distinct inputs of n records.

    Attributes
    ----------
    values
        The B distinct inputs; :meth:`of` keeps the order in which they first occur.
    inverse
        (n,) the row of ``values`` of each record.

    >>> causes = Distinct.of(["fall", "stroke", "fall"])
    >>> causes.values, causes.inverse.tolist(), causes.counts.tolist(), len(causes)
    (['fall', 'stroke'], [0, 1, 0], [2, 1], 3)
    >>> list(causes.map(lambda values: [value.upper() for value in values]))
    ['FALL', 'STROKE', 'FALL']
    """

    values: list[Value]
    inverse: NDArray[np.integer[Any]]

    @classmethod
    def of(cls, inputs: "Iterable[Value] | pd.Series") -> Self:
        """Find the distinct ones of n hashable inputs."""
        if hasattr(inputs, "factorize"):  # of pandas, whose categoricals are distinct already
            series: Any = inputs
            inverse, index = series.factorize()
            return cls(index.tolist(), inverse)
        rows: dict[Value, int] = {}
        inverse = np.fromiter((rows.setdefault(value, len(rows)) for value in inputs), np.int32)
        return cls(list(rows), inverse)

    def __len__(self) -> int:
        return len(self.inverse)

    def __iter__(self) -> Iterator[Value]:
        return map(self.values.__getitem__, self.inverse.tolist())

    @property
    def counts(self) -> NDArray[np.intp]:
        """Count the records of each distinct input (B,)."""
        return np.bincount(self.inverse, minlength=len(self.values))

    def map(self, function: Callable[[list[Value]], list[Other]]) -> "Distinct[Other]":
        """Apply a function to the B distinct inputs, which returns B values."""
        return Distinct(function(self.values), self.inverse)

    def take(self, records: Any) -> "Distinct[Value]":
        """Select records by their numbers, by flags (n,) or by a slice; all values stay."""
        return Distinct(self.values, self.inverse[records])


class DistinctBuilder(Generic[Value]):
    """Deduplicates inputs that come in chunks; a value is kept once for all chunks.

    >>> builder = DistinctBuilder()
    >>> for chunk in (["fall", "stroke"], ["fall"]):
    ...     builder.add(Distinct.of(chunk))
    >>> list(builder.build()), len(builder)
    (['fall', 'stroke', 'fall'], 3)
    """

    def __init__(self) -> None:
        self._rows: dict[Value, int] = {}
        self._inverse: list[NDArray[np.int32]] = []

    def __len__(self) -> int:
        return sum(map(len, self._inverse))

    def add(self, inputs: Distinct[Value]) -> None:
        """Add the inputs of the next chunk."""
        rows = [self._rows.setdefault(value, len(self._rows)) for value in inputs.values]
        self._inverse.append(np.array(rows, dtype=np.int32)[inputs.inverse])

    def build(self) -> Distinct[Value]:
        """Return the inputs of all chunks; there must be at least one chunk."""
        return Distinct(list(self._rows), np.concatenate(self._inverse))


def combined(columns: Sequence[Distinct[Any]]) -> Distinct[tuple[Any, ...]]:
    """Combine the columns of n records, one or more, to the distinct rows of their cells.

    Rows of two columns or more are sorted by the order of their cells.

    >>> rows = combined([Distinct.of(["1", "2", "1"]), Distinct.of(["f", "f", "f"])])
    >>> rows.values, rows.inverse.tolist()
    ([('1', 'f'), ('2', 'f')], [0, 1, 0])
    """
    if len(columns) == 1:
        return columns[0].map(lambda cells: list(zip(cells, strict=True)))
    inverse, first = columns[0].inverse.astype(np.int64), np.empty(0, dtype=np.intp)
    for column in columns[1:]:
        pairs = inverse * len(column.values) + column.inverse
        _, first, inverse = np.unique(pairs, return_index=True, return_inverse=True)
    rows = [np.fromiter(column.values, object)[column.inverse[first]] for column in columns]
    return Distinct(list(zip(*rows, strict=True)), inverse)


def relabel(values: "pd.Series", name: Callable[[str], str]) -> "pd.Series":
    """Rename values; the result is a categorical whose categories are sorted.

    >>> import pandas as pd
    >>> relabel(pd.Series(["b", "a", "B"]), str.lower).cat.codes.tolist()
    [1, 0, 1]
    """
    import pandas as pd

    codes = values.astype("category")
    names = pd.Categorical([name(value) for value in codes.cat.categories])
    return pd.Series(names.take(codes.cat.codes.to_numpy()), index=values.index)


def interned(values: "pd.Series") -> list[str]:
    """Return the values as a list in which equal ones are one object, to save memory."""
    return list(Distinct[str].of(values))
