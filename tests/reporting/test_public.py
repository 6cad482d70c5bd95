"""What a report publishes of an evaluation: no small count, and none that can be worked out."""

from dataclasses import asdict

import numpy as np
import pytest
from report_source import METRICS, source_of

from textlstm.disclosure import suppress
from textlstm.evaluation.decisions import measure_decisions
from textlstm.evaluation.metrics import intervals_by_class, measures_by_class
from textlstm.evaluation.scored_records import ScoredRecords
from textlstm.inference.scoring import Scores
from textlstm.reporting.sections.confusion import Confusion
from textlstm.reporting.sections.data import Data
from textlstm.reporting.sections.per_class import PerClass
from textlstm.reporting.sections.prediction_sets import PredictionSets
from textlstm.reporting.sections.workload import Workload
from textlstm.reporting.sections.workload_by_class import WorkloadByClass
from textlstm.reporting.sections.workload_curves import WorkloadCurves
from textlstm.uncertainty.out_of_fold import OutOfFold
from textlstm.uncertainty.predictions import Predictions

CONFUSION = np.array([[40, 0, 0, 0], [0, 30, 0, 0], [0, 0, 12, 0], [0, 0, 0, 4]])
LABELS = ("a", "b", "c", "d")


def source(dropped=None):
    """A run with this confusion matrix, measured."""
    truth = np.repeat(np.arange(4), CONFUSION.sum(axis=1))
    answers = np.eye(4)[truth]
    # The texts of the last class have no known word.
    scores = Scores(Predictions.of(answers), truth < 3)
    records = ScoredRecords(scores, truth, truth > 1, np.ones(len(truth)))
    out_of_fold = OutOfFold.of(Predictions.of(answers), truth)
    measures = measures_by_class(truth, truth, LABELS)
    intervals = intervals_by_class(CONFUSION, LABELS)
    metrics = METRICS | {
        "per_class": {label: asdict(row) for label, row in measures.items()},
        "per_class_intervals": {label: asdict(row) for label, row in intervals.items()},
        "decisions": measure_decisions(out_of_fold, records, LABELS).to_dict(),
        "data": METRICS["data"] | {"rows": 1000, "dropped": dropped or {}},
    }
    return source_of(metrics, confusion=CONFUSION, suppressed=suppress(CONFUSION))


def test_small_classes_and_one_more_are_left_out_of_what_is_published():
    run = source({"empty_text": 0})
    np.testing.assert_array_equal(run.evaluation.confusion, CONFUSION)
    shown = PerClass().public(run)
    nothing = dict.fromkeys(("precision", "recall", "f1", "support"))
    assert shown.measures["d"] == shown.measures["c"] == nothing
    assert set(shown.intervals["d"].values()) == {None}
    assert shown.intervals["a"]["f1"]["high"] == 1.0
    assert shown.measures["a"] == run.metrics["per_class"]["a"]
    promises = [*Workload().public(run).promises, WorkloadByClass().public(run).promise]
    for decision in (*promises, *PredictionSets().public(run).sets):
        assert list(decision["per_class"]) == ["a", "b"]
    assert Data().public(run).n_rows == 1000
    assert run.metrics["per_class"]["d"]["support"] == 4  # metrics.json has every count


def test_small_cells_are_left_out_of_the_published_matrix_and_not_of_the_private_one():
    run, section = source(), Confusion()
    shown = section.public(run)
    assert np.where(shown.suppressed, -1, shown.counts).tolist() == [
        [40, *[-1] * 3],
        [-1, 30, -1, -1],
        *[[-1] * 4] * 2,
    ]
    assert shown.counts[shown.suppressed].tolist() == [0] * 14
    assert shown.supports.tolist() == [40, 30, 0, 0]
    assert section.table(shown)["records"].tolist() == [40, 30]
    private = section.measure(run, None, str).private_tables
    assert private["confusion"]["records"].tolist() == [40, 30, 12, 4]


def test_of_small_classes_and_of_single_points_no_curve_is_published():
    run = source({"empty_text": 0})
    curves = run.metrics["decisions"]["workload_per_class"]
    assert [curve["share"] for curve in curves.values()] == [[1.0]] * 4  # all of them equally sure
    assert not WorkloadCurves().public(run).curves
    curves |= {label: curves[label] | {"share": [0.5, 1.0]} for label in "bcd"}
    assert list(WorkloadCurves().public(run).curves) == ["b"]


@pytest.mark.parametrize(("number", "rows"), [(0, 1000), (1, None), (9, None), (10, 1000)])
def test_the_number_of_rows_does_not_tell_how_few_were_left_out(number, rows):
    shown = Data().public(source({"empty_text": number, "rare_class": 20}))
    assert shown.n_rows == rows
    assert shown.dropped == {"empty_text": 9 if rows is None else number, "rare_class": 20}
