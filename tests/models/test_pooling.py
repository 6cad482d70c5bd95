"""The poolings: whole texts, one state after the other, and masks."""

import pytest
import torch

from textlstm.models.choices import POOLINGS
from textlstm.models.label_output import LabelOutput
from textlstm.models.network import Network
from textlstm.recipe import NetworkConfig

LENGTHS = torch.tensor([6, 1, 3, 4])


def made(name, hidden=5):
    """A pooling, and states (B, T, H) that no cell bounds."""
    torch.manual_seed(0)
    pooling = POOLINGS[name](hidden, 4)
    pooling.reset_parameters()
    return pooling, 5 * torch.randn(4, 6, hidden)


def test_every_pooling_can_be_chosen():
    choices = NetworkConfig.__dataclass_fields__["pooling"].metadata["choices"]
    assert set(choices) == set(POOLINGS)


@pytest.mark.parametrize("name", POOLINGS)
def test_state_after_state_comes_to_the_whole_text(name):
    pooling, states = made(name)
    with torch.no_grad():
        expected = pooling(states, LENGTHS)
        for text, length in enumerate(LENGTHS.tolist()):
            one = torch.ones(1, dtype=torch.int64)
            for first in range(1, length + 1):
                memory = pooling.start(states[text : text + 1, :first], first * one)
                for state in states[text, first:length]:
                    memory = pooling.add(iter(memory), state[None])
                found = pooling.finish(memory, length * one)[0]
                torch.testing.assert_close(found, expected[text], atol=1e-6, rtol=1e-5)
    assert expected.shape == (4, pooling.size)


@pytest.mark.parametrize("name", POOLINGS)
def test_states_behind_the_end_of_a_text_do_not_count(name):
    pooling, states = made(name)
    states.requires_grad_()
    features = pooling(states, LENGTHS)
    features.square().sum().backward()
    behind = torch.arange(6) >= LENGTHS[:, None]
    assert not states.grad[behind].any() and states.grad[~behind].any()
    other = torch.where(behind[:, :, None], torch.tensor(1e4), states)
    assert pooling(other, LENGTHS).equal(features)


@pytest.mark.parametrize("name", POOLINGS)
def test_gradients_are_those_of_the_formula(name):
    pooling, states = made(name, hidden=3)
    pooling, states = pooling.double(), states.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda states: pooling(states, LENGTHS), states)
    pooling(states, LENGTHS).square().sum().backward()
    assert all(bool(weight.grad.any()) for weight in pooling.parameters())


def test_attention_is_a_softmax_over_the_tokens_of_a_text():
    pooling, states = made("attention")
    for text, length in enumerate(LENGTHS.tolist()):
        own = states[text, :length]  # (tokens, H)
        keys = (own @ pooling.key.weight.T + pooling.key.bias).tanh()
        weights = (keys @ pooling.query.weight[0]).softmax(dim=0)
        expected = weights @ own
        found = pooling(states[text : text + 1], LENGTHS[text : text + 1])[0]
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_attention_stays_finite_at_any_score():
    pooling, states = made("attention")
    with torch.no_grad():
        pooling.query.weight.mul_(1e6)
        whole = pooling(states, LENGTHS)
        memory = pooling.start(states[:1, :1], torch.tensor([1]))
        for state in states[0, 1:]:
            memory = pooling.add(iter(memory), state[None])
    assert whole.isfinite().all()
    torch.testing.assert_close(pooling.finish(memory, LENGTHS[:1])[0], whole[0])


def test_label_attention_is_a_softmax_over_the_tokens_for_each_class():
    pooling, states = made("label-attention")
    features = pooling(states, LENGTHS).view(4, 4, 5)  # (B, C, H)
    for text, length in enumerate(LENGTHS.tolist()):
        read = states[text, :length]
        weights = (read @ pooling.query.weight.T).softmax(dim=0)  # (T, C)
        torch.testing.assert_close(features[text], weights.T @ read)


def test_each_class_sees_its_own_features_alone():
    torch.manual_seed(0)
    output = LabelOutput(2, 3, 4)
    torch.nn.init.normal_(output.weight)
    torch.nn.init.normal_(output.bias)
    forward, backward = torch.randn(2, 5, 3, 4)  # (B, C, H) each
    found = output(torch.cat([forward.flatten(1), backward.flatten(1)], dim=1))
    for label in range(3):
        own = torch.cat([forward[:, label], backward[:, label]], dim=1)
        expected = own @ output.weight[label] + output.bias[label]
        torch.testing.assert_close(found[:, label], expected)


@pytest.mark.parametrize("dense", [(), (6,)])
def test_a_network_of_label_attention_learns_by_its_own_output(dense):
    config = NetworkConfig(
        pooling="label-attention", hidden_units=4, embedding_size=3, dense_layers=dense
    )
    network = Network(config, n_words=7, n_classes=3)
    assert isinstance(network.output, torch.nn.Linear if dense else LabelOutput)
    assert network.classify(torch.randn(2, network.encoder.size)).shape == (2, 3)
