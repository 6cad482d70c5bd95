import numpy as np
import pandas as pd
import pytest

from textlstm.data.groups import MISSING, group_names
from textlstm.errors import InputError
from textlstm.evaluation.metrics import bootstrap_mean, log_losses
from textlstm.evaluation.subgroups import SEEN, Outcome, seen_names, shown_groups


@pytest.mark.parametrize(
    ("column", "cells", "names"),
    [
        ("year", ["2020", "2021"], ["2020", "2021"]),
        ("when", ["2020-02-29T12:00", ""], ["2020", "(missing)"]),
        ("age", ["0", "9.9", "89", "90", "104"], ["0-9", "0-9", "80-89", "90+", "90+"]),
        ("age_group", ["80-89", "90-94", "85+", ""], ["80-89", "90+", "85+", "(missing)"]),
        ("visits", ["95", "104"], ["95", "104"]),
        ("sex", [" Female\t", "Female", " "], ["Female", "Female", "(missing)"]),
    ],
)
def test_groups_are_what_a_column_says(column, cells, names):
    assert group_names(column, cells) == names


def test_a_column_of_names_is_refused_and_none_is_told():
    with pytest.raises(InputError, match="--by who: this column has 101 groups") as caught:
        group_names("who", [f"Quill{number}" for number in range(101)])
    assert "Quill" not in str(caught.value)


def test_texts_are_unseen_rare_or_frequent():
    names = [SEEN[0], SEEN[1], SEEN[1], SEEN[2], SEEN[2]]
    assert seen_names(np.array([0, 1, 9, 10, 400])).tolist() == names


@pytest.mark.parametrize("kind", ["str", pd.CategoricalDtype(["10+", "b", "no record's"])])
def test_each_group_is_measured_by_itself(kind):
    truth = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.2, 0.8]])
    correct, losses = probabilities.argmax(axis=1) == truth, log_losses(truth, probabilities)
    outcome = Outcome(correct, losses, np.array([True, False, True, False]), correct | True)
    found = outcome.by(pd.Series(["b", "10+", "b", "10+"], dtype=kind), seed=0)
    assert list(found) == ["10+", "b"]
    assert found["b"]["records"] == 2
    assert found["b"]["accuracy"]["share"] == 0.5 and found["10+"]["accuracy"]["share"] == 1.0
    assert found["b"]["log_loss"]["estimate"] == pytest.approx(-np.log([0.9, 0.4]).mean())
    assert found["b"]["coded"]["share"] == 1.0 and found["b"]["error"]["share"] == 0.5
    assert found["10+"]["coded"]["share"] == 0.0 and found["10+"]["error"]["share"] is None


def test_records_of_unknown_classes_count_where_records_are_coded_and_only_there():
    for n, coded, error in ((10, 11 / 12, 10 / 11), (9, 0.5, 0.0)):  # few would be told
        known = np.repeat([True, False], [2, n + 1])
        accepted = np.append([True, False], np.ones(n + 1, dtype=bool))
        groups = pd.Series(["a"] * (n + 2) + ["b"])
        found = Outcome(known, np.ones(n + 3), accepted, known).by(groups, seed=0)
        assert list(found) == ["a"]  # of the other group nothing is known
        assert found["a"]["records"] == 2 and found["a"]["accuracy"]["share"] == 1.0
        assert found["a"]["coded"]["share"] == pytest.approx(coded)
        assert found["a"]["error"]["share"] == pytest.approx(error)


def test_groups_stand_in_the_order_of_ages_and_years_with_missing_ones_last():
    names = ["90+", "(missing)", "0-9", "unknown", "20-29", "100"] * 10
    nothing = np.zeros(len(names))
    outcome = Outcome(nothing == 0, nothing, nothing == 0, nothing == 0)
    ordered = ["0-9", "20-29", "90+", "100", "unknown", "(missing)"]
    assert list(outcome.by(pd.Series(names), 0)) == ordered
    assert list(outcome.by(pd.Series([*SEEN[::-1], *SEEN] * 10), 0)) == list(SEEN)


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution_where_records_are_many():
    values = np.random.default_rng(0).exponential(size=2000)
    found = bootstrap_mean(values, seed=0)
    half = 1.96 * values.std() / 2000**0.5
    assert found["estimate"] == values.mean()
    assert found["high"] - found["estimate"] == pytest.approx(half, rel=0.1)
    assert found["estimate"] - found["low"] == pytest.approx(half, rel=0.1)
    assert bootstrap_mean(values, seed=0) == found != bootstrap_mean(values, seed=1)


@pytest.mark.parametrize(
    ("counts", "shown"),
    [([40, 30], "ab"), ([40, 4, 12, 30], "ad"), ([40, 9, 1, 30], "ad"), ([3, 4], "")],
)
def test_small_groups_are_not_shown_nor_what_tells_them(counts, shown):
    groups = {name: {"records": number} for name, number in zip("abcd", counts, strict=False)}
    assert "".join(shown_groups(groups)) == shown


@pytest.mark.parametrize(
    ("missing", "small", "shown"),
    [
        (5, 30, {"F": 40, "M or (missing)": 35}),
        (5, 4, {}),
        (6, 4, {"F": 40, "M or (missing)": 10}),
        (12, 4, {"F": 40}),
        (12, 30, {"F": 40, "M": 30, MISSING: 12}),
        (0, 30, {"F": 40, "M": 30}),
    ],
)
def test_few_missing_cells_are_counted_with_the_smallest_group(missing, small, shown):
    groups = ["F"] * 40 + ["M"] * small + [MISSING] * missing
    flags, losses = np.ones(len(groups), dtype=bool), np.zeros(len(groups))
    measured = shown_groups(Outcome(flags, losses, flags, flags).by(pd.Series(groups), 0))
    assert {name: row["records"] for name, row in measured.items()} == shown
