"""The task of one label a record: loss, measures, validation, calibrated predictions."""

import numpy as np
import pytest
import torch

from textlstm.tasks import OutOfFoldTargets, SingleLabel
from textlstm.uncertainty.calibration import calibrated_loss, fit_temperature

TASK = SingleLabel(("a", "b", "c"), label_smoothing=0.1)
LOGITS = torch.tensor([[2.0, 0.0, 1.0], [0.0, 3.0, 1.0], [1.0, 0.5, 0.0]])
TARGETS = torch.tensor([0, 2, 0], dtype=torch.int32)


def test_the_loss_has_label_smoothing_and_the_measures_have_not():
    log_probabilities = LOGITS.log_softmax(dim=1)
    plain = -log_probabilities[torch.arange(3), TARGETS.long()]
    smooth = 0.9 * plain - 0.1 * log_probabilities.mean(dim=1)
    torch.testing.assert_close(TASK.losses(LOGITS, TARGETS), smooth)
    loss, hits = TASK.measure(LOGITS, TARGETS)
    torch.testing.assert_close(loss, plain)
    assert hits.tolist() == [1.0, 0.0, 1.0] and len(TASK.measures) == 2


def test_validation_is_by_calibrated_loss_weighted_and_by_accuracy_over_records():
    targets, rows = np.array([0, 2, 0, 0]), np.array([0, 1, 1, 2], dtype=np.int32)
    weights = np.array([1.0, 0.5, 1.5, 1.0], dtype=np.float32)
    truth = OutOfFoldTargets(targets, weights, rows)
    logits = LOGITS.numpy()
    temperature = fit_temperature(logits, targets, weights, rows)
    assert TASK.fit_temperature(logits, truth) == temperature
    assert TASK.validate(logits, truth) == {
        "loss": calibrated_loss(logits, targets, temperature, weights, rows),
        "accuracy": 0.5,
    }


def test_predictions_are_calibrated_and_kept_once_a_text():
    predictions = TASK.predict(LOGITS.numpy(), 2.0, np.array([2, 0, 0], dtype=np.int32))
    expected = (LOGITS.double() / 2).softmax(dim=1).numpy()
    assert predictions.probabilities == pytest.approx(expected)
    assert predictions.predicted.tolist() == [0, 0, 0] and len(predictions) == 3
    assert TASK.predict(LOGITS.numpy(), 2.0).predicted.tolist() == [0, 1, 0]


def test_labels_are_encoded_as_class_numbers():
    assert TASK.encode(["c", "a", "unknown", "a"]).tolist() == [2, 0, -1, 0]
