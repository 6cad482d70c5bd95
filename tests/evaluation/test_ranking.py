"""AUROC and AUPRC, against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from textlstm.evaluation.ranking import auprc, auroc
from textlstm.uncertainty.predictions import Predictions


def drawn(n_classes, n_texts=40, n=200):
    """Predictions of records that share texts and ties, and their labels."""
    generator = np.random.default_rng(n_classes)
    probabilities = generator.dirichlet(np.ones(n_classes), n_texts).round(1) + 0.01
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    rows = generator.integers(n_texts, size=n)
    likely = np.array([generator.choice(n_classes, p=one) for one in probabilities[rows]])
    noise = generator.integers(n_classes, size=n)
    return Predictions(probabilities, rows), np.where(generator.random(n) < 0.7, likely, noise)


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_areas_are_those_of_scikit_learn(n_classes):
    predictions, labels = drawn(n_classes)
    probabilities = predictions.probabilities[predictions.rows]
    of_class = [(labels == number, probabilities[:, number]) for number in range(n_classes)]
    assert auroc(predictions, labels) == pytest.approx(
        np.mean([roc_auc_score(*one) for one in of_class])
    )
    assert auprc(predictions, labels) == pytest.approx(
        np.mean([average_precision_score(*one) for one in of_class])
    )


def test_classes_without_records_are_left_out():
    predictions, labels = drawn(3)
    probabilities = np.hstack([predictions.probabilities * 0.9, np.full((40, 1), 0.1)])
    wider = Predictions(probabilities, predictions.rows)
    assert auroc(wider, labels) == pytest.approx(auroc(predictions, labels))
    assert auprc(wider, labels) == pytest.approx(auprc(predictions, labels))


def test_the_same_probability_for_all_ranks_by_chance():
    predictions = Predictions(np.array([[0.7, 0.3]]), np.zeros(10, dtype=int))
    labels = np.array([0] * 7 + [1] * 3)
    assert auroc(predictions, labels) == 0.5
    assert auprc(predictions, labels) == pytest.approx((0.7 + 0.3) / 2)


def test_one_class_ranks_nothing():
    predictions = Predictions.of(np.array([[0.7, 0.3], [0.2, 0.8]]))
    assert auroc(predictions, np.array([1, 1])) is None
    assert auprc(predictions, np.array([1, 1])) is None
