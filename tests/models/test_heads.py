import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from torch.nn import functional

from textlstm.models.heads import LeafSoftmax, Softmax
from textlstm.uncertainty.calibration import mix_log_probs

HEAD = Softmax()


def log_probs(n, seed=0):
    """Log probabilities (5, 3) of n models."""
    torch.manual_seed(seed)
    return [3 * torch.randn(5, 3) for _ in range(n)]


def test_the_loss_is_the_cross_entropy():
    (logits,), labels = log_probs(1), torch.tensor([0, 1, 2, 1, 0])
    probabilities = logits.softmax(dim=1)
    expected = -probabilities[torch.arange(5), labels].log()
    torch.testing.assert_close(HEAD.loss(logits, labels), expected)
    smoothed = 0.8 * functional.one_hot(labels, 3) + 0.2 / 3
    expected = -(smoothed * probabilities.log()).sum(dim=1)
    torch.testing.assert_close(HEAD.loss(logits, labels, 0.2), expected)


def test_log_probabilities_are_those_of_logits_over_the_temperature():
    (logits,) = log_probs(1)
    expected = log_softmax(logits.numpy() / 2.5, axis=1)
    np.testing.assert_allclose(HEAD.log_probs(logits, 2.5), expected, atol=1e-6)
    assert HEAD.log_probs(logits).equal(logits.log_softmax(dim=1))


@pytest.mark.parametrize("weight", [0.0, 0.25, 0.75, 1.0])
@pytest.mark.parametrize("members", [1, 2, 3, 5])
def test_members_and_linear_branch_are_mixed_and_adjusted(members, weight):
    *networks, linear = (logits.log_softmax(dim=1) for logits in log_probs(members + 1))
    adjustment = torch.tensor([0.0, 1.0, -2.0])
    mean = sum(networks) / members
    expected = (1 - weight) * mean + weight * linear + adjustment
    found = HEAD.combine(networks, linear, torch.tensor(weight), adjustment)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(HEAD.combine(networks, None, 0.5, adjustment), mean + adjustment)


def test_arrays_are_mixed_as_the_weight_is_fitted():
    network, linear = (logits.log_softmax(dim=1).numpy() for logits in log_probs(2))
    found = HEAD.combine([network], linear, 0.3, mix=mix_log_probs)
    assert found.dtype == np.float64
    assert (found == mix_log_probs(network, linear, 0.3)).all()
    tensors = HEAD.combine([torch.from_numpy(network)], torch.from_numpy(linear), 0.3)
    np.testing.assert_allclose(found, tensors, atol=1e-6)


def test_a_span_teaches_by_the_sum_of_its_leaves():
    logits = torch.tensor([[1.0, 2.0, 3.0], [0.5, 0.0, 1.0]])
    losses = LeafSoftmax.span_loss(logits, torch.tensor([[0, 2], [2, 3]]))
    expected = -logits.softmax(1)[0, :2].sum().log()
    assert torch.allclose(losses[0], expected)
    assert losses[1] == Softmax.loss(logits, torch.tensor([0, 2]))[1]
