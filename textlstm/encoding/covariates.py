"""Covariates: numbers and categories beside the text, as features that a network can read.

A number becomes a linear spline: a hat function for each knot, at quantiles of the training
records (Harrell 2015, "Regression Modeling Strategies", table 2.3). An effect may rise and fall,
whatever the unit; values beyond the outer knots count as these. A category becomes an indicator for
each value of at least ``min_count`` training records, and one that all rarer and new values share.
The features of a covariate sum to 1, and are all 0 where it is missing.

A knot is the mean of at least ``min_count`` training records, so that no value of a few records is
kept.

Shapes: n records, V distinct rows of values, K features.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textlstm.array_types import Floats
from textlstm.data.distinct import Distinct
from textlstm.data.inputs import CATEGORY, NUMBER, Values, parse_decimal
from textlstm.errors import InputError
from textlstm.storage.json_files import is_unicode

KNOT_QUANTILES = 0.05, 0.275, 0.5, 0.725, 0.95
"""Shares of the training records below the knots of a number (Harrell 2015)."""

MOST_VALUES = 1000
"""Values of a category that are told apart, at most: the most frequent ones."""


@dataclass(frozen=True)
class Covariates:
    """The covariates of a model, as fitted on the training records.

    Attributes
    ----------
    knots
        Of each number by the name of its column, in ascending order.
    categories
        The values of each category that are told apart, by the name of its column.
    """

    knots: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if set(self.knots) & set(self.categories) or not all(map(is_unicode, self.names)):
            raise InputError("covariates have names, each of its own")
        for knots in self.knots.values():
            if not knots or not np.isfinite(knots).all() or (np.diff(knots) <= 0).any():
                raise InputError("the knots of a number are numbers in ascending order")
        for values in self.categories.values():
            texts = all(isinstance(value, str) and is_unicode(value) for value in values)
            if not texts or len(set(values)) < len(values) or len(values) > MOST_VALUES:
                raise InputError("the values of a category are distinct texts")

    @classmethod
    def fit(cls, columns: Sequence[str], records: Distinct[Values] | None, min_count: int) -> Self:
        """Fit knots and values on the training records.

        Parameters
        ----------
        columns
            Names of the columns with their prefixes, in the order of the values.
        records
            Normalised values of the n records; None if there are no covariates.
        min_count
            Records that a knot is the mean of, and that a value of a category needs.

        Raises
        ------
        InputError
            If a column has fewer than ``min_count`` values.
        """
        knots, categories = {}, {}
        counts = np.zeros(0, np.int64) if records is None else records.counts
        for number, column in enumerate(columns):
            prefix, _, name = column.partition(":")
            cells = [] if records is None else [values[number] for values in records.values]
            frequencies = Counter[str]()
            for cell, n in zip(cells, counts.tolist(), strict=True):
                frequencies[cell] += n
            del frequencies[""]
            if sum(frequencies.values()) < min_count:
                raise InputError(
                    f"--{prefix} {name}: fewer than {min_count} training records have a "
                    f"{'number' if column.startswith(NUMBER) else 'value'} in this column"
                )
            if column.startswith(NUMBER):
                knots[name] = _fit_knots(frequencies, min_count)
            else:
                shared = [(value, n) for value, n in frequencies.items() if n >= min_count]
                shared.sort(key=lambda item: (-item[1], item[0]))
                categories[name] = tuple(value for value, _ in shared[:MOST_VALUES])
        return cls(knots, categories)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the covariates in their order, numbers first."""
        return (*self.knots, *self.categories)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the same names with their prefixes, as columns of records have them."""
        return (*(NUMBER + name for name in self.knots), *(CATEGORY + n for n in self.categories))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Return the number of features of each covariate; they sum to K."""
        numbers = map(len, self.knots.values())
        return (*numbers, *(len(values) + 1 for values in self.categories.values()))

    def encode(self, rows: Sequence[Values]) -> NDArray[np.float32]:
        """Return the features (V, K) of rows of normalised values; all 0 for an empty row.

        >>> covariates = Covariates({"age": (20.0, 60.0)}, {"sex": ("f", "m")})
        >>> covariates.encode([("30", "m"), ("90", "x"), ("", ""), ()])
        array([[0.75, 0.25, 0.  , 1.  , 0.  ],
               [0.  , 1.  , 0.  , 0.  , 1.  ],
               [0.  , 0.  , 0.  , 0.  , 0.  ],
               [0.  , 0.  , 0.  , 0.  , 0.  ]], dtype=float32)
        """
        blocks = [np.zeros((len(rows), 0), np.float32)]
        cells = [row or ("",) * len(self.names) for row in rows]
        for number, knots in enumerate(self.knots.values()):
            numbers = [parse_decimal(row[number]) for row in cells]
            blocks.append(_hat_functions(numbers, np.array(knots)))
        for number, values in enumerate(self.categories.values(), start=len(self.knots)):
            place = {value: row for row, value in enumerate(values)}
            block = np.zeros((len(cells), len(values) + 1), np.float32)
            for features, row in zip(block, cells, strict=True):
                if row[number]:
                    features[place.get(row[number], len(values))] = 1.0
            blocks.append(block)
        return np.concatenate(blocks, axis=1)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON can hold them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from the result of :meth:`to_dict`."""
        knots = {name: tuple(map(float, of_name)) for name, of_name in values["knots"].items()}
        return cls(knots, {name: tuple(of) for name, of in values["categories"].items()})


def _fit_knots(frequencies: Mapping[str, int], min_count: int) -> tuple[float, ...]:
    """Return the knots of a number, each the mean of ``min_count`` records or more."""
    numbers = np.sort(np.repeat([float(cell) for cell in frequencies], list(frequencies.values())))
    first = [int(share * (len(numbers) - min_count)) for share in KNOT_QUANTILES]
    means = [float(f"{numbers[start : start + min_count].mean():.6g}") for start in first]
    return tuple(sorted(set(means)))


def _hat_functions(numbers: Sequence[float | None], knots: Floats) -> NDArray[np.float32]:
    """Return the hat functions (n, knots) of numbers; all 0 for a missing number."""
    missing = np.array([number is None for number in numbers], dtype=bool)
    filled = np.array([0.0 if number is None else number for number in numbers])
    hats = [np.interp(filled, knots, peak) for peak in np.eye(len(knots))]
    features = np.stack(hats, axis=1).astype(np.float32)
    features[missing] = 0.0
    return features
