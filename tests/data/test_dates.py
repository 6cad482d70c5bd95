import re

import pandas as pd
import pytest

from textlstm.data.dates import parse_dates, says_when
from textlstm.errors import InputError


@pytest.mark.parametrize(
    ("name", "cells", "expected"),
    [
        ("Year of death", ["2021"], True),
        ("date", [""], True),
        ("DateOfDeath", [], True),
        ("YEAR", [], True),
        ("update", ["no"], False),
        ("yearly", [], False),
        ("birth_date", ["2021-03-01"], False),
        ("BornOnDate", [], False),
        ("dob", ["2021-03-01"], False),
        ("x", ["2021-03-01", "", " 2022-12-31 10:00"], True),
        ("x", ["1999-03"], True),
        ("x", ["2021-03-01", "no"], False),
        ("x", ["2021-03x"], False),
        ("x", ["2021"], False),
        ("x", ["1821-03-01"], False),
        ("x", ["", " "], False),
    ],
)
def test_a_column_says_when_records_were_made_by_its_name_or_its_cells(name, cells, expected):
    assert says_when(name, cells) is expected


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            ["2021-03-01", " "],
            "1 usable record has an empty 'when', as those of review import have; fill it in, "
            "leave them out, or use another split",
        ),
        (
            ["", "2021-03-01", ""],
            "2 usable records have an empty 'when', as those of review import have; fill it in, "
            "leave them out, or use another split",
        ),
        (
            ["2021-03-01", "now"],
            "the 'when' of 1 usable record cannot be read as a date; use ISO 8601, such as "
            "2021-12-31",
        ),
        (
            ["1.3.2021", "1.3.2021", "2021-13-01"],
            "the 'when' of 3 usable records cannot be read as a date; use ISO 8601, such as "
            "2021-12-31",
        ),
    ],
)
def test_what_is_no_date_is_refused_with_its_number_of_records(cells, message):
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        parse_dates(pd.Series(cells), "when")


def test_a_column_without_a_name_is_called_date():
    with pytest.raises(InputError, match="an empty 'date'"):
        parse_dates(pd.Series([""]))


def test_days_and_times_stand_beside_each_other():
    dates = parse_dates(pd.Series(["2021-03-01", "2021-03-01T10:30:00", "2020"]))
    told = [str(date)[:16] for date in dates]
    assert told == ["2021-03-01 00:00", "2021-03-01 10:30", "2020-01-01 00:00"]


def test_no_records_have_no_dates():
    assert len(parse_dates(pd.Series([], dtype=str))) == 0
