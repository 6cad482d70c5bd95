import numpy as np
import pytest
from scipy.special import softmax as scipy_softmax
from sklearn.metrics import log_loss

from textlstm.uncertainty.calibration import (
    apply_temperature,
    calibrated_loss,
    fit_linear_weight,
    fit_temperature,
    softmax,
    undo_temperature,
)


def drawn(scale, n=4000):
    """Logits, multiplied by ``scale``, and labels drawn by the softmax of the logits before."""
    generator = np.random.default_rng(0)
    logits = generator.normal(scale=2.0, size=(n, 4))
    labels = np.array([generator.choice(4, p=row) for row in scipy_softmax(logits, axis=1)])
    return (logits * scale).astype(np.float32), labels


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (200, 7)])
@pytest.mark.parametrize("scale", [0.0, 1.0, 1e3])
def test_the_softmax_is_that_of_scipy(shape, scale):
    logits = scale * np.random.default_rng(0).normal(size=shape)
    np.testing.assert_allclose(softmax(logits), scipy_softmax(logits, axis=1), rtol=1e-12)


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_a_wrong_scale(scale):
    assert fit_temperature(*drawn(scale)) == pytest.approx(scale, rel=0.1)


def test_no_other_temperature_has_a_lower_loss():
    logits, labels = drawn(2.0)
    best = fit_temperature(logits, labels)
    losses = [log_loss(labels, apply_temperature(logits, best * k)) for k in (0.9, 1.0, 1.1)]
    assert losses[1] == min(losses)
    assert calibrated_loss(logits, labels, best) == pytest.approx(losses[1])


def test_the_temperature_stays_finite_if_every_record_is_right():
    logits = np.eye(3, dtype=np.float32) * 50
    temperature = fit_temperature(logits, np.arange(3))
    assert np.isfinite(apply_temperature(logits, temperature)).all()


def test_probabilities_sum_to_one_and_keep_their_order():
    logits, _ = drawn(1.0, n=50)
    probabilities = apply_temperature(logits, 5.0)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert (probabilities.argmax(axis=1) == logits.argmax(axis=1)).all()
    np.testing.assert_allclose(undo_temperature(probabilities, 5.0), softmax(logits), rtol=1e-6)


def test_the_better_model_has_the_larger_weight():
    good, labels = drawn(1.0)
    noise = np.random.default_rng(1).normal(size=good.shape).astype(np.float32)
    assert fit_linear_weight(good, noise, labels) < 0.05
    assert fit_linear_weight(noise, good, labels) > 0.95


def test_models_with_independent_errors_have_equal_weights_and_few_records_change_little():
    truth, labels = drawn(1.0)
    generator = np.random.default_rng(2)
    network, linear = (truth + generator.normal(size=truth.shape) for _ in range(2))
    assert fit_linear_weight(network, linear, labels) == pytest.approx(0.5, abs=0.06)
    few = fit_linear_weight(network[:2], linear[:2], labels[:2])
    assert few == pytest.approx(0.5, abs=0.1)


def test_records_that_share_their_logits_count_as_if_each_had_its_own():
    logits, labels = drawn(2.0)
    rows = np.random.default_rng(0).integers(40, size=500).astype(np.int32)
    labels, network, linear = labels[rows], logits[:40], logits[40:80]
    assert fit_temperature(network, labels, None, rows) == fit_temperature(network[rows], labels)
    assert fit_linear_weight(network, linear, labels, None, rows) == fit_linear_weight(
        network[rows], linear[rows], labels
    )
