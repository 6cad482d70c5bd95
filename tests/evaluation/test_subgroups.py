import numpy as np
import pandas as pd
import pytest

from textlstm.data.groups import MISSING_GROUP, group_names
from textlstm.errors import InputError
from textlstm.evaluation.metrics import log_losses
from textlstm.evaluation.subgroups import SEEN, RecordOutcomes, seen_names, shown_groups
from textlstm.uncertainty.predictions import Predictions


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
    labels = np.array([0, 0, 1, 1])
    predictions = Predictions.of(np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.2, 0.8]]))
    outcomes = RecordOutcomes(
        correct=predictions.correct(labels),
        losses=log_losses(predictions, labels),
        accepted=np.array([True, False, True, False]),
        known=labels >= 0,
    )
    groups = outcomes.by(pd.Series(["b", "10+", "b", "10+"], dtype=kind), seed=0)
    assert list(groups) == ["10+", "b"]
    assert groups["b"].records == 2
    assert groups["b"].accuracy.share == 0.5 and groups["10+"].accuracy.share == 1.0
    assert groups["b"].log_loss.estimate == pytest.approx(-np.log([0.9, 0.4]).mean())
    assert groups["b"].coded.share == 1.0 and groups["b"].error.share == 0.5
    assert groups["10+"].coded.share == 0.0 and groups["10+"].error.share is None


def test_records_of_unknown_classes_count_where_records_are_coded_and_only_there():
    # Fewer than ten do not count: the share that is coded would disclose their number.
    for n, coded, error in ((10, 11 / 12, 10 / 11), (9, 0.5, 0.0)):
        known = np.repeat([True, False], [2, n + 1])
        accepted = np.append([True, False], np.ones(n + 1, dtype=bool))
        groups = pd.Series(["a"] * (n + 2) + ["b"])
        measured = RecordOutcomes(known, np.ones(n + 3), accepted, known).by(groups, seed=0)
        assert list(measured) == ["a"]  # the other group has no record of a known class
        assert measured["a"].records == 2 and measured["a"].accuracy.share == 1.0
        assert measured["a"].coded.share == pytest.approx(coded)
        assert measured["a"].error.share == pytest.approx(error)


def test_groups_stand_in_the_order_of_ages_and_years_with_missing_ones_last():
    names = ["90+", "(missing)", "0-9", "unknown", "20-29", "100"] * 10
    nothing = np.zeros(len(names))
    outcomes = RecordOutcomes(nothing == 0, nothing, nothing == 0, nothing == 0)
    ordered = ["0-9", "20-29", "90+", "100", "unknown", "(missing)"]
    assert list(outcomes.by(pd.Series(names), 0)) == ordered
    assert list(outcomes.by(pd.Series([*SEEN[::-1], *SEEN] * 10), 0)) == list(SEEN)


@pytest.mark.parametrize(
    ("counts", "shown"),
    [([40, 30], "ab"), ([40, 4, 12, 30], "ad"), ([40, 9, 1, 30], "ad"), ([3, 4], "")],
)
def test_small_groups_are_not_shown_nor_what_tells_them(counts, shown):
    names = pd.Series([name for name, n in zip("abcd", counts, strict=False) for _ in range(n)])
    flags, losses = np.ones(len(names), dtype=bool), np.zeros(len(names))
    groups = RecordOutcomes(flags, losses, flags, flags).by(names, seed=0)
    assert "".join(shown_groups(groups)) == shown


@pytest.mark.parametrize(
    ("missing", "small", "shown"),
    [
        (5, 30, {"F": 40, "M or (missing)": 35}),
        (5, 4, {}),
        (6, 4, {"F": 40, "M or (missing)": 10}),
        (12, 4, {"F": 40}),
        (12, 30, {"F": 40, "M": 30, MISSING_GROUP: 12}),
        (0, 30, {"F": 40, "M": 30}),
    ],
)
def test_few_missing_cells_are_counted_with_the_smallest_group(missing, small, shown):
    groups = ["F"] * 40 + ["M"] * small + [MISSING_GROUP] * missing
    flags, losses = np.ones(len(groups), dtype=bool), np.zeros(len(groups))
    outcomes = RecordOutcomes(flags, losses, flags, flags)
    measured = shown_groups(outcomes.by(pd.Series(groups), 0))
    assert {name: group.records for name, group in measured.items()} == shown
