"""Values of other programs as text: numbers, truth values, dates and times."""

import datetime as dt
import math
from typing import Any

MIDNIGHT = dt.time()
"""Time of day of a date that some formats store with a time."""


def value_text(value: Any) -> str:
    r"""Return a value as text: as a person reads it, without the traces of its type.

    A missing value is empty, a whole number has no decimal point, dates and times are in ISO 8601
    with a blank between them, and midnight is left out, since many formats store a date so. Truth
    values are ``True`` and ``False``, as in Parquet files.

    >>> [value_text(value) for value in (None, float("nan"), 1.0, 0.5, 1e20, True, "0123")]
    ['', '', '1', '0.5', '1e+20', 'True', '0123']
    >>> value_text(dt.datetime(2020, 1, 31)), value_text(dt.datetime(2020, 1, 31, 14, 5))
    ('2020-01-31', '2020-01-31 14:05:00')
    """
    if type(value) is str:
        return value
    if value is None or value != value:  # NaN, and the missing times of pandas
        return ""
    if isinstance(value, float):
        return _number_text(value)
    if isinstance(value, dt.datetime):
        is_date = value.time() == MIDNIGHT and value.tzinfo is None
        return value.date().isoformat() if is_date else value.isoformat(" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return _duration_text(value)
    return str(value)


def _number_text(value: float) -> str:
    """Return a number with as few digits as distinguish it, whole ones without a point."""
    return "0" if value == 0 else repr(float(value)).removesuffix(".0")


def _duration_text(value: dt.timedelta) -> str:
    """Return a duration as hours, minutes and seconds.

    >>> _duration_text(dt.timedelta(days=1, hours=2, seconds=5))
    '26:00:05'
    """
    seconds = math.floor(abs(value).total_seconds())
    sign = "-" if value < dt.timedelta() else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
