import dataclasses
import json

import numpy as np
import pytest
from drawn_records import drawn_texts, each_by_itself, labelled
from sklearn.base import BaseEstimator, ClassifierMixin

from textlstm.uncertainty.conformal import (
    conformal_threshold,
    format_sets,
    prediction_sets,
    why_sets_are_full,
)
from textlstm.uncertainty.out_of_fold import OutOfFold
from textlstm.uncertainty.predictions import Predictions


def fitted(probabilities, labels):
    return OutOfFold.of(Predictions.of(probabilities), labels)


def test_no_set_covers_a_class_that_the_model_cannot_give():
    probabilities, labels = labelled(1000, 0)
    out_of_fold = fitted(probabilities, np.where(np.arange(1000) < 80, -1, labels))
    assert conformal_threshold(out_of_fold, 0.95) == 0.0 < conformal_threshold(out_of_fold, 0.9)
    assert "8.0 % of them are of classes that" in why_sets_are_full(out_of_fold, 0.95)
    assert why_sets_are_full(out_of_fold, 0.9) == ""
    # The share of the table counts if the out-of-fold records happen to have less. A small count
    # of records is not disclosed.
    table = dataclasses.replace(out_of_fold, known=out_of_fold.known | True, uncodable=0.12)
    assert conformal_threshold(table, 0.9) == 0.0
    assert "12.0 % of" in why_sets_are_full(table, 0.9)
    few = dataclasses.replace(table, top=table.top[:50])
    assert "some of" in why_sets_are_full(few, 0.9)
    few = fitted(*labelled(8, 0))
    assert why_sets_are_full(few, 0.9).startswith("8 left-out training records are too few")


class OwnProbabilities(ClassifierMixin, BaseEstimator):
    """A classifier whose records are their own probabilities."""

    classes_ = np.arange(4)

    def fit(self, records, labels):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict_proba(self, records):
        return records

    def predict(self, records):
        return records.argmax(axis=1)


@pytest.mark.parametrize(("n", "coverage"), [(57, 0.9), (500, 0.8), (500, 0.95)])
def test_sets_are_those_of_mapie(n, coverage):
    mapie = pytest.importorskip("mapie.classification")
    probabilities, labels = (values.round(6) for values in labelled(n, 0))
    oracle = mapie.SplitConformalClassifier(
        OwnProbabilities(), confidence_level=coverage, prefit=True, conformity_score="lac"
    ).conformalize(probabilities, labels)
    records = labelled(300, 1)[0].round(6)
    expected = oracle.predict_set(records)[1][:, :, 0]
    threshold = conformal_threshold(fitted(probabilities, labels), coverage)
    # If not even the most probable label is probable enough, the set of MAPIE is empty.
    expected[np.arange(300), records.argmax(axis=1)] = True
    assert (prediction_sets(records, threshold) == expected).all()


def test_sets_reach_their_coverage():
    covered = []
    for seed in range(200):
        threshold = conformal_threshold(fitted(*labelled(100, 2 * seed)), 0.9)
        probabilities, labels = labelled(100, 2 * seed + 1)
        inside = probabilities.round(6) >= threshold  # without the label that always belongs
        covered.append(inside[np.arange(100), labels].mean())
    # Between 0.9 and 0.9 + 1 / 101, and the mean of 200 has a standard error near 0.003.
    assert 0.89 < np.mean(covered) < 0.92


def test_sets_reach_their_coverage_on_new_texts():
    covered = {"texts": [], "records": []}
    for seed in range(400):
        out_of_fold, new = drawn_texts(20, 2 * seed), drawn_texts(20, 2 * seed + 1)
        apart = each_by_itself(out_of_fold)
        for name, records in (("texts", out_of_fold), ("records", apart)):
            covered[name].append((new.true >= conformal_threshold(records, 0.9)).mean())
    # The means have standard errors near 0.006.
    assert np.mean(covered["records"]) < 0.9 < np.mean(covered["texts"])


def test_too_few_records_leave_every_label_possible():
    probabilities, labels = labelled(8, 0)
    assert conformal_threshold(fitted(probabilities, labels), 0.9) == 0.0
    assert prediction_sets(probabilities, 0.0).all()


def test_a_set_is_never_empty_and_its_cell_is_a_list():
    probabilities = np.array([[0.4, 0.35, 0.25], [0.05, 0.15, 0.8]])
    inside = prediction_sets(probabilities, 0.5)
    assert inside.tolist() == [[True, False, False], [False, False, True]]
    cells = format_sets(inside | [True, False, False], probabilities, ['A"', "B", "Ü, |"])
    assert [json.loads(cell) for cell in cells] == [['A"'], ["Ü, |", 'A"']]
