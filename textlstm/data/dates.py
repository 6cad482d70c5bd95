"""Dates of records: columns of dates, and dates in ISO 8601."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from textlstm.data.distinct import Distinct
from textlstm.errors import InputError, counted, quoted

_ISO_8601 = re.compile(r"\s*-?[0-9]{4}")
"""Beginning of a date in ISO 8601: the year comes first."""


def says_when(name: str, cells: Sequence[str]) -> bool:
    """Return whether a column says when records were made, by its name or by its cells.

    >>> says_when("Year of death", ["2021"]), says_when("date", [""]), says_when("update", ["no"])
    (True, True, False)
    >>> says_when("DateOfDeath", []), says_when("YEAR", []), says_when("birth_date", ["2021-03-01"])
    (True, True, False)
    >>> says_when("x", ["2021-03-01", "", "2022-12-31 10:00"]), says_when("x", ["2021", "4-1"])
    (True, False)
    """
    filled = [cell.strip() for cell in cells if cell.strip()]
    without_capitals = re.sub(r"[A-Z]{2,}", lambda capitals: capitals[0].lower(), name)
    words = [word.lower() for word in re.findall(r"[a-z]+|[A-Z][a-z]*", without_capitals)]
    if not {"birth", "born", "dob"}.isdisjoint(words):
        return False
    dated = all(re.match(r"(19|20)\d\d-\d\d(-\d\d|$)", cell) for cell in filled)
    return "year" in words or "date" in words or bool(filled and dated)


def parse_dates(values: pd.Series, name: str = "date") -> np.ndarray[Any, Any]:
    """Parse the dates of a column; messages call the column ``name``.

    Raises
    ------
    InputError
        If a cell is empty or not a date in ISO 8601.
    """
    cells = Distinct[str].of(values)
    is_empty = np.array([not cell.strip() for cell in cells.values], dtype=bool)
    empty = int(is_empty[cells.inverse].sum())
    if empty:
        raise InputError(
            f"{counted(empty, 'usable record has', 'usable records have')} an empty "
            f"{quoted(name)}, as those of review import have; fill it in, leave them out, or use "
            "another split"
        )
    # pandas also reads "now" and "today" as dates: the split would change every day.
    iso = [cell if _ISO_8601.match(cell) else None for cell in cells.values]
    dates = pd.to_datetime(pd.Series(iso), errors="coerce", format="ISO8601", utc=True)
    if unreadable := int(dates.isna().to_numpy()[cells.inverse].sum()):
        raise InputError(
            f"the {quoted(name)} of {counted(unreadable, 'usable record')} cannot be read as a "
            "date; use ISO 8601, such as 2021-12-31"
        )
    return np.asarray(dates.to_numpy()[cells.inverse])
