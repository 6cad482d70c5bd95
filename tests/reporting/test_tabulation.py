from dataclasses import asdict

import numpy as np
import pandas as pd

from textlstm.evaluation.subgroups import RecordOutcomes
from textlstm.reporting import tabulation


def test_hidden_cells_are_left_out():
    matrix, hidden = np.array([[30, 2], [20, 40]]), np.array([[False, True], [True, False]])
    table = tabulation.confusion(matrix, ["a", "b"], hidden)
    assert table.to_dict("list") == {"true": ["a", "b"], "predicted": ["a", "b"],
                                     "records": [30, 40]}  # fmt: skip


def test_bins_of_few_records_are_left_out_with_one_more():
    bins = {
        "confidence": np.array([0.4, 0.6, 0.9]),
        "accuracy": np.array([0.5, 0.7, 1.0]),
        "records": np.array([3.0, 20.0, 70.0]),
    }
    table = tabulation.reliability({"m": bins})
    assert table.to_dict("list") == {
        "model": ["m"], "confidence": [0.9], "accuracy": [1.0], "records": [70]
    }  # fmt: skip


def test_measures_that_are_none_are_empty_cells():
    row = {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    nothing = dict.fromkeys((*row, "support"))
    bounds = {name: {"low": 0.4, "high": 0.6} for name in row}
    measures = {"a": {**row, "support": 20}, "b": nothing}
    table = tabulation.per_class(measures, {"a": bounds, "b": nothing})
    assert table.to_csv(index=False).splitlines()[1:] == [
        "a,20,0.5,0.4,0.6,0.5,0.4,0.6,0.5,0.4,0.6",
        "b,,,,,,,,,,",
    ]
    assert table.drop(columns="label").dtypes.map(pd.api.types.is_numeric_dtype).all()


def test_groups_and_classes_stand_with_their_intervals():
    flags = np.array([True, False])
    outcomes = RecordOutcomes(flags, np.array([1.0, 3.0]), np.array([False, False]), flags | True)
    found = {name: asdict(row) for name, row in outcomes.by(pd.Series(["F", "F"]), 0).items()}
    table = tabulation.groups({"sex": found})
    assert table.loc[0, ["column", "group", "records"]].tolist() == ["sex", "F", 2]
    assert table.loc[0, ["accuracy", "log_loss", "coded"]].tolist() == [0.5, 2.0, 0.0]
    assert np.isnan(table.loc[0, "error"]) and table.loc[0, "error_high"] == 1.0
    promise = {"per_class": {"a": {"coded": found["F"]["coded"], "error": found["F"]["error"]}}}
    by_class = tabulation.workload_by_class(promise)
    assert by_class.loc[0, ["predicted", "records", "coded_share"]].tolist() == ["a", 2, 0.0]


def test_the_points_of_the_curves_stand_under_their_class():
    points = {"share": [0.5, 1.0], "error": [0.0, 0.1], "low": [0.0, 0.0], "high": [0.3, 0.4]}
    table = tabulation.workload_curves({"a": points, "b": points})
    assert list(table) == ["predicted", "share", "error", "low", "high"]
    assert table["predicted"].tolist() == ["a", "a", "b", "b"]
    assert table["error"].tolist() == [0.0, 0.1] * 2
    assert table["error"].dtype == float


def test_no_number_of_records_with_a_word_tells_another():
    # Of 57 records with a word 52 are of one class: 5 of the other are not to be known.
    table = tabulation.words({"": {"fall": 57}, "a": {"fall": 52}})
    assert table["records_at_least"].tolist() == [50, 50]


def test_changes_are_rows():
    table = tabulation.robustness({"typo": {"records": 12, "before": 0.5, "after": 0.25}})
    assert table.to_csv(index=False) == "change,records,before,after\ntypo,12,0.5,0.25\n"


def test_where_nothing_may_be_shown_tables_are_empty():
    nothing = np.array([3.0, 4.0])
    bins = {"confidence": nothing, "accuracy": nothing, "records": nothing}
    assert not len(tabulation.reliability({"m": bins}))
    assert not len(tabulation.groups({"sex": {}}))
    assert not len(tabulation.workload_by_class({"per_class": {}}))
    assert not len(tabulation.workload_curves({}))
    assert not len(tabulation.words({"": {}})) and not len(tabulation.robustness({}))
