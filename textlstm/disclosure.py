"""Statistical disclosure control: suppress small counts, so that no sum gives them away.

A count of one to nine may identify persons. Primary suppression hides every count under ten. That
is not enough where sums and the other counts are published, since a reader can subtract: secondary
(complementary) suppression hides further counts until no small count can be worked out (Cox 1980,
"Suppression methodology and statistical disclosure control").
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from textlstm.array_types import Counts, Flags, Floats

SMALLEST_SHOWN = 10
"""Records of the smallest count that is published. Smaller counts are suppressed, zero too: so the
suppression of a count tells nothing about it."""

TOLERANCE = 1e-6
"""Records by which a linear program may be wrong."""

Sums = Floats
"""Sums of counts that a reader knows, as rows (m, n): one where a sum includes a count, else zero.
"""


class Suppressed(NamedTuple):
    """Which measures of a classifier are suppressed, class by class."""

    supports: Flags  # (C,), numbers of records
    rates: Flags  # (C,), precision, recall and F1
    cells: Flags  # (C, C), of the confusion matrix

    def suppressed_row_sums(self, confusion: Counts) -> list[int | None]:
        """Return the records of each true class in suppressed cells; None if that is suppressed.

        A reader who knows the support and the recall of a class can work this sum out: publishing
        it tells nothing more.

        >>> table = np.array([[90, 3, 8], [20, 80, 0], [1, 1, 1]])
        >>> suppress(table).suppressed_row_sums(table)
        [11, None, None]
        """
        published = ~(self.supports | self.rates | self.cells.diagonal())
        sums = np.where(self.cells, confusion, 0).sum(axis=1)
        return [int(n) if is_known else None for n, is_known in zip(sums, published, strict=True)]


def suppress_counts(counts: Counts) -> Flags:
    """Return which counts (n,) to suppress where their sum is published.

    The suppressed counts together come to ten or more, since their sum can be worked out. Where all
    counts together are fewer, all are suppressed, and their sum must be suppressed too.

    >>> suppress_counts(np.array([40, 4, 12, 30])).tolist()
    [False, True, True, False]
    """
    return _suppress(counts, lambda _: np.ones((1, len(counts))), SMALLEST_SHOWN)


def suppress_cells(table: Counts) -> Flags:
    """Return which cells of a table (R, C) to suppress where row and column sums are published.

    The sums leave open a range of ten or more for each count of one to nine. Where all cells are
    suppressed and a range is narrower, sums must be suppressed too.

    >>> suppress_cells(np.array([[90, 5, 40], [30, 60, 20], [70, 80, 95]])).tolist()
    [[False, True, True], [False, True, True], [False, False, False]]
    """
    rows, columns = np.indices(table.shape).reshape(2, -1)
    sums = np.vstack([rows == row for row in range(table.shape[0])]
                     + [columns == column for column in range(table.shape[1])])  # fmt: skip
    suppressed = _suppress(table.ravel(), lambda _: sums.astype(float), SMALLEST_SHOWN)
    return suppressed.reshape(table.shape)


def suppress(confusion: Counts) -> Suppressed:
    """Return what to suppress of a confusion matrix (C, C), rows true, and of class measures.

    Support and recall of a class give its cell on the diagonal, and its precision then the sum of
    its column: if that cell is suppressed, all measures of the class but the support are. The sum
    of the diagonal is known from the accuracy. The number of errors on a class may be worked out;
    the number of records wrongly given a label may not.
    """
    n = len(confusion)
    supports = suppress_counts(confusion.sum(axis=1))
    rows, columns = np.indices(confusion.shape).reshape(2, -1)

    def published_sums(suppressed: Flags) -> Sums:
        rated = np.flatnonzero(~suppressed[:: n + 1])
        sums = [rows == columns, supports[rows]]
        sums += [rows == number for number in np.flatnonzero(~supports)]
        sums += [columns == number for number in rated]
        return np.array(sums, dtype=np.float64)

    flat = _suppress(confusion.ravel(), published_sums, 1, in_any_case=supports[rows])
    cells = flat.reshape(n, n)
    return Suppressed(supports, cells.diagonal(), cells)


def any_shown(measures: Mapping[str, float | None]) -> bool:
    """Return whether any measure of a class is published; None stands for a suppressed one."""
    return any(value is not None for value in measures.values())


def _suppress(
    counts: Counts,
    published_sums: Callable[[Flags], Sums],
    width: float,
    in_any_case: Flags | bool = False,
) -> Flags:
    """Return which counts (n,) to suppress: the small ones, and others until these are protected.

    Parameters
    ----------
    published_sums
        Returns the sums that a reader knows, given which counts are suppressed.
    width
        Width of the protection interval: the range that a reader must be left with for each
        suppressed count of one to nine.
    in_any_case
        Counts that are suppressed for another reason.
    """
    suppressed = (counts < SMALLEST_SHOWN) | in_any_case
    while not suppressed.all():
        sums = published_sums(suppressed)
        exposed = _exposed(counts, suppressed, sums, width)
        if not exposed.any():
            break
        suppressed[_next_secondary(counts, suppressed, exposed, sums)] = True
    return suppressed


def _next_secondary(counts: Counts, suppressed: Flags, exposed: Flags, sums: Sums) -> int:
    """Return the index of the count to suppress next: a small one that protects exposed counts."""
    linked, reached = exposed, sums[:, exposed].any(axis=1)
    while (more := suppressed & sums[reached].any(axis=0)).sum() > linked.sum():
        linked, reached = more, sums[:, more].any(axis=1)
    useless = suppressed | ~sums[reached].any(axis=0)
    new_sums = sums[~reached].sum(axis=0)  # sums in which another suppressed count would be needed
    return int(np.lexsort((counts, new_sums, useless))[0])


def _exposed(counts: Counts, suppressed: Flags, sums: Sums, width: float) -> Flags:
    """Return which suppressed counts of one to nine a reader can narrow to less than ``width``.

    The ends of each count's range are linear programs over the suppressed counts. A solution
    for one count is a possible value of every other, and so widens their ranges.
    """
    # Imported late: it takes a tenth of a second, and coding needs only the constant above.
    from scipy.optimize import linprog

    indices, open_sums = np.flatnonzero(suppressed), sums[:, suppressed]
    low = high = counts[suppressed].astype(np.float64)
    small = (low > 0) & (low < SMALLEST_SHOWN)
    exposed = np.zeros_like(suppressed)
    for number in np.flatnonzero(small):
        objective = np.arange(len(indices)) == number
        for sign in (1.0, -1.0):
            if high[number] - low[number] < width - TOLERANCE:
                solution = linprog(
                    sign * objective, A_eq=open_sums, b_eq=open_sums @ counts[suppressed]
                ).x
                low, high = np.minimum(low, solution), np.maximum(high, solution)
        exposed[indices[number]] = high[number] - low[number] < width - TOLERANCE
    return exposed
