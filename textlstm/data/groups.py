"""Groups of records by a column: categories, years of dates, ten years of age."""

import re
from collections.abc import Sequence

from textlstm.data.labels import plain_label
from textlstm.errors import InputError

MOST_GROUPS = 100
"""Groups of a column, at most: a column of more groups holds names or ids."""

MISSING_GROUP = "(missing)"
"""Group of the records whose cell is empty."""

PREFIX = "by:"
"""Prefix of the names of columns that hold the group of each record."""


def group_names(column: str, cells: Sequence[str]) -> list[str]:
    r"""Return the group of each cell: the cell, the year of a date, or ten years of age.

    Ages over 89 are one group, and missing cells are one.

    Raises
    ------
    InputError
        If there are more than :data:`MOST_GROUPS` groups.

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
    return [name or MISSING_GROUP for name in names]


def _ten_years(age: str) -> str:
    """Return the ten years in which an age in years lies, and any other text unchanged."""
    if not re.fullmatch(r"\d+(\.\d+)?", age):
        return age
    first = int(float(age)) // 10 * 10
    return f"{first}-{first + 9}"


OLDEST_SHOWN = 89
"""Oldest age in years that is shown: higher ages are one group (HIPAA Privacy Rule, 45 CFR
164.514(b)(2)(i)(C))."""

OLDEST_GROUP = "90+"
"""Group of the ages over :data:`OLDEST_SHOWN`."""


def pooled_ages(ages: Sequence[str]) -> list[str]:
    """Return ages in years, or groups of ages; all that begin above 89 become one group.

    >>> pooled_ages(["7", "89", "90", "95-99", "101.5", "85+", "unknown"])
    ['7', '89', '90+', '90+', '90+', '85+', 'unknown']
    """
    first = (re.search(r"\d+", age) for age in ages)
    return [
        OLDEST_GROUP if number and int(number[0]) > OLDEST_SHOWN else age
        for age, number in zip(ages, first, strict=True)
    ]


def is_age(column: str) -> bool:
    """Return whether a column's name says that it holds ages.

    >>> [is_age(name) for name in ("age", "AgeAtDeath", "decedent_age", "age_group", "Stage")]
    [True, True, True, True, False]
    """
    return "age" in re.findall("[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column).lower())
