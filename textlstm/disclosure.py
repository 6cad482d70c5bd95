"""Disclosure control: what of a table of counts may be shown, so that no small count is known.

A count of one to nine may point at persons. Leaving it out is not enough where sums and the other
counts are shown: more of them are hidden with it, until none can be worked out (complementary
suppression; Cox 1980, "Suppression methodology and statistical disclosure control").
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SMALLEST_SHOWN = 10
"""Records; a smaller count is suppressed, zero too, so that a suppressed count says nothing."""

TOLERANCE = 1e-6
"""Of the solver of linear programs."""

Counts = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Suppressed(NamedTuple):
    """What is hidden of a classifier's measures, class by class."""

    supports: Mask  # (C,), numbers of records
    rates: Mask  # (C,), precision, recall and F1
    cells: Mask  # (C, C), of the confusion matrix

    def in_blank_cells(self, confusion: Counts) -> list[int | None]:
        """Return of each true class how many of its records are in hidden cells, None if withheld.

        Where the support and the recall of a class are shown, a reader can work this sum out: to
        say it tells nothing more.

        >>> table = np.array([[90, 3, 8], [20, 80, 0], [1, 1, 1]])
        >>> suppress(table).in_blank_cells(table)
        [11, None, None]
        """
        known = ~(self.supports | self.rates | self.cells.diagonal())
        sums = np.where(self.cells, confusion, 0).sum(axis=1)
        return [int(n) if shown else None for n, shown in zip(sums, known, strict=True)]


def suppress_counts(counts: Counts) -> Mask:
    """Return which of the counts (n,) to hide where their sum is known.

    The hidden ones together come to ten or more, since their sum is known as well. Where all counts
    together are fewer, all of them are hidden, and the sum must be too.

    >>> suppress_counts(np.array([40, 4, 12, 30])).tolist()
    [False, True, True, False]
    """
    return _with_complements(counts, lambda _: np.ones((1, len(counts))), SMALLEST_SHOWN)


def suppress_cells(table: Counts) -> Mask:
    """Return which cells of a table (R, C) to hide where the sums of rows and columns are known.

    What the sums leave open of a count of one to nine is a range ten wide, or, where all cells are
    hidden and it is not, must be seen to by hiding sums.

    >>> suppress_cells(np.array([[90, 5, 40], [30, 60, 20], [70, 80, 95]])).tolist()
    [[False, True, True], [False, True, True], [False, False, False]]
    """
    rows, columns = np.indices(table.shape).reshape(2, -1)
    sums = np.vstack([rows == row for row in range(table.shape[0])]
                     + [columns == column for column in range(table.shape[1])])  # fmt: skip
    hidden = _with_complements(table.ravel(), lambda _: sums.astype(float), SMALLEST_SHOWN)
    return hidden.reshape(table.shape)


def suppress(confusion: Counts) -> Suppressed:
    """Return what to hide of a confusion matrix (C, C), rows true, and of the measures by class.

    Support and recall give the cell on the diagonal, and the precision then the sum of its column:
    a class with that cell hidden has none of them shown, but for the support. The sum of the
    diagonal is known from the accuracy. How often a model errs on a class may be worked out; what
    it takes so few records for may not.
    """
    n = len(confusion)
    supports = suppress_counts(confusion.sum(axis=1))
    rows, columns = np.indices(confusion.shape).reshape(2, -1)

    def sums(hidden: Mask) -> NDArray[np.float64]:
        rated = np.flatnonzero(~hidden[:: n + 1])
        known = [rows == columns, supports[rows]]
        known += [rows == number for number in np.flatnonzero(~supports)]
        known += [columns == number for number in rated]
        return np.array(known, dtype=np.float64)

    cells = _with_complements(confusion.ravel(), sums, 1, supports[rows]).reshape(n, n)
    return Suppressed(supports, cells.diagonal(), cells)


def any_shown(measures: Mapping[str, float | None]) -> bool:
    """Return whether any measure of a class may be shown; None stands for one that may not."""
    return any(value is not None for value in measures.values())


def _with_complements(
    counts: Counts,
    sums: Callable[[Mask], NDArray[np.float64]],
    width: float,
    given: Mask | bool = False,
) -> Mask:
    """Return which of the counts (n,) to hide: the small ones, and as many more as it takes.

    Parameters
    ----------
    sums
        What a reader knows besides the counts shown, as rows (m, n) of zeros and ones; it may
        depend on which counts are hidden.
    width
        Of the range that has to be left open of each hidden count of one to nine.
    given
        What is hidden in any case.
    """
    hidden = (counts < SMALLEST_SHOWN) | given
    while not hidden.all():
        known = sums(hidden)
        exposed = _exposed(counts, hidden, known, width)
        if not exposed.any():
            break
        hidden[_complement(counts, hidden, exposed, known)] = True
    return hidden


def _complement(counts: Counts, hidden: Mask, exposed: Mask, sums: NDArray[np.float64]) -> int:
    """Return the place of the count to hide next: one that balances hidden ones, a small one."""
    linked, reached = exposed, sums[:, exposed].any(axis=1)
    while (more := hidden & sums[reached].any(axis=0)).sum() > linked.sum():
        linked, reached = more, sums[:, more].any(axis=1)
    apart = hidden | ~sums[reached].any(axis=0)
    loose = sums[~reached].sum(axis=0)  # sums that would have to be balanced in turn
    return int(np.lexsort((counts, loose, apart))[0])


def _exposed(counts: Counts, hidden: Mask, sums: NDArray[np.float64], width: float) -> Mask:
    """Return which hidden counts of one to nine the sums leave too narrow a range of.

    The ends of the range are linear programs over the hidden counts; what one of them finds for the
    other counts widens theirs.
    """
    # Imported late: it takes a tenth of a second, and coding needs only the constant above.
    from scipy.optimize import linprog

    places, known = np.flatnonzero(hidden), sums[:, hidden]
    low = high = counts[hidden].astype(np.float64)
    small = (low > 0) & (low < SMALLEST_SHOWN)
    exposed = np.zeros_like(hidden)
    for place in np.flatnonzero(small):
        wanted = np.arange(len(places)) == place
        for sign in (1.0, -1.0):
            if high[place] - low[place] < width - TOLERANCE:
                found = linprog(sign * wanted, A_eq=known, b_eq=known @ counts[hidden]).x
                low, high = np.minimum(low, found), np.maximum(high, found)
        exposed[places[place]] = high[place] - low[place] < width - TOLERANCE
    return exposed
