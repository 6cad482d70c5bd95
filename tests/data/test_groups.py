import re

import pytest

from textlstm.data.groups import MISSING_GROUP, MOST_GROUPS, group_names, pooled_ages
from textlstm.errors import InputError


def test_of_dates_the_year_is_the_group():
    cells = ["2021-03-01", "", "2022-12-31 10:00"]
    assert group_names("when", cells) == ["2021", MISSING_GROUP, "2022"]
    assert group_names("when", ["2021-03-01", "unknown"]) == ["2021-03-01", "unknown"]


def test_of_ages_ten_years_are_the_group_and_the_oldest_are_one():
    cells = ["7", "64.5", "89", "90", "103", "unknown", "", "9.9", "10"]
    assert group_names("age", cells) == [
        "0-9", "60-69", "80-89", "90+", "90+", "unknown", MISSING_GROUP, "0-9", "10-19",
    ]  # fmt: skip
    assert group_names("stage", ["7", "64"]) == ["7", "64"]


def test_names_differ_by_no_invisible_character():
    assert group_names("sex", ["F ", "\u200bM", "F"]) == ["F", "M", "F"]


def test_a_column_of_names_is_refused():
    cells = [str(number) for number in range(MOST_GROUPS)]
    assert group_names("county", cells) == cells
    message = (
        f"--by county: this column has {MOST_GROUPS + 1} groups; at most {MOST_GROUPS} can be "
        "compared, so give a column of fewer"
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        group_names("county", [*cells, "one more"])


def test_ages_over_89_are_one_group_however_they_are_written():
    ages = ["89", "90", "90-99", "110-119", "80-89", "65-79", "90 or more", "none"]
    pooled = pooled_ages(ages)
    assert pooled[0] == "89" and pooled[1:4] == ["90+"] * 3
    assert pooled[4:6] == ["80-89", "65-79"] and pooled[7] == "none"
