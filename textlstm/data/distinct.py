"""Distinct values of a column, and the inverse index that restores the column."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def relabel(values: pd.Series, name: Callable[[str], str]) -> pd.Series:
    """Return the values under other names as a categorical, whose categories are sorted.

    >>> renamed(pd.Series(["b", "a", "B"]), str.lower).cat.codes.tolist()
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
    places, found = values.factorize()
    return [str(value) for value in found], places


def interned(values: pd.Series) -> list[str]:
    """Return the values as a list in which equal ones are one object."""
    found, places = distinct(values)
    cells: list[str] = np.array(found, dtype=object)[places].tolist()
    return cells
