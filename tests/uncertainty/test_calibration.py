import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss

from textlstm.uncertainty.calibration import apply_temperature, fit_linear_weight, fit_temperature


def drawn(scale, n=4000):
    """Logits whose softmax is the truth, then multiplied by ``scale``."""
    generator = np.random.default_rng(0)
    logits = generator.normal(scale=2.0, size=(n, 4))
    labels = np.array([generator.choice(4, p=row) for row in softmax(logits, axis=1)])
    return (logits * scale).astype(np.float32), labels


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_a_wrong_scale(scale):
    assert fit_temperature(*drawn(scale)) == pytest.approx(scale, rel=0.1)


def test_no_other_temperature_has_a_lower_loss():
    logits, labels = drawn(2.0)
    best = fit_temperature(logits, labels)
    losses = [log_loss(labels, apply_temperature(logits, best * k)) for k in (0.9, 1.0, 1.1)]
    assert losses[1] == min(losses)


def test_it_stays_finite_where_every_record_is_right():
    temperature = fit_temperature(np.eye(3, dtype=np.float32) * 50, np.arange(3))
    assert np.isfinite(apply_temperature(np.eye(3, dtype=np.float32) * 50, temperature)).all()


def test_probabilities_sum_to_one_and_keep_their_order():
    logits, _ = drawn(1.0, n=50)
    probabilities = apply_temperature(logits, 5.0)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert (probabilities.argmax(axis=1) == logits.argmax(axis=1)).all()


def test_the_better_part_has_the_larger_share():
    good, labels = drawn(1.0)
    noise = np.random.default_rng(1).normal(size=good.shape).astype(np.float32)
    assert fit_linear_weight(good, noise, labels) < 0.05
    assert fit_linear_weight(noise, good, labels) > 0.95


def test_parts_that_err_apart_share_and_few_records_leave_the_share_in_the_middle():
    truth, labels = drawn(1.0)
    generator = np.random.default_rng(2)
    one, other = (truth + generator.normal(size=truth.shape) for _ in range(2))
    assert fit_linear_weight(one, other, labels) == pytest.approx(0.5, abs=0.06)
    assert fit_linear_weight(one[:2], other[:2], labels[:2]) == pytest.approx(0.5, abs=0.1)


def test_repeats_that_share_their_logits_count_as_if_each_had_its_own():
    logits, labels = drawn(2.0)
    places = np.random.default_rng(0).integers(40, size=500).astype(np.int32)
    labels, one, other = labels[places], logits[:40], logits[40:80]
    assert fit_temperature(one, labels, None, places) == fit_temperature(one[places], labels)
    assert fit_linear_weight(one, other, labels, None, places) == fit_linear_weight(
        one[places], other[places], labels
    )
