"""The cells: their equations, against torch's own layers and against NumPy."""

import numpy as np
import pytest
import torch
from torch import nn

from textlstm.models.cells.table import CELLS
from textlstm.models.memory import least_bytes
from textlstm.recipe import NetworkConfig

LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU}
"""Torch's layers with the weights of our cells."""


def made(name, inputs=4, hidden=3, scale=1.0):
    """A cell with random weights and biases."""
    torch.manual_seed(0)
    cell = CELLS[name](inputs, hidden)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.uniform_(-scale, scale)
    return cell


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_equations(embedded, kernel, recurrent, bias, recurrent_bias):
    hidden = cell = np.zeros((len(embedded), recurrent.shape[1]))
    for words in embedded.swapaxes(0, 1):
        gates = words @ kernel.T + hidden @ recurrent.T + bias + recurrent_bias
        entry, forget, candidate, show = np.split(gates, 4, axis=1)
        cell = sigmoid(forget) * cell + sigmoid(entry) * np.tanh(candidate)
        hidden = sigmoid(show) * np.tanh(cell)
    return hidden


def gru_equations(embedded, kernel, recurrent, bias, recurrent_bias):
    hidden = np.zeros((len(embedded), recurrent.shape[1]))
    for words in embedded.swapaxes(0, 1):
        word = np.split(words @ kernel.T + bias, 3, axis=1)
        state = np.split(hidden @ recurrent.T + recurrent_bias, 3, axis=1)
        reset, update = sigmoid(word[0] + state[0]), sigmoid(word[1] + state[1])
        hidden = (1 - update) * np.tanh(word[2] + reset * state[2]) + update * hidden
    return hidden


EQUATIONS = {"lstm": lstm_equations, "gru": gru_equations}


def test_every_cell_can_be_chosen_and_has_an_oracle():
    choices = NetworkConfig.__dataclass_fields__["cell"].metadata["choices"]
    assert set(choices) == set(CELLS) == set(LAYERS) == set(EQUATIONS)


@pytest.mark.parametrize("name", CELLS)
def test_the_step_is_that_of_torch(name):
    cell, embedded = made(name).double(), torch.randn(5, 7, 4, dtype=torch.float64)
    oracle = LAYERS[name](4, 3, batch_first=True).double()
    oracle.load_state_dict(cell.layer.state_dict())
    states, last = oracle(embedded)
    trace = cell.trace(embedded)
    torch.testing.assert_close(trace["hidden"], states, atol=1e-12, rtol=0)
    torch.testing.assert_close(cell(embedded), states, atol=1e-12, rtol=0)
    if name == "lstm":
        torch.testing.assert_close(trace["cell"][:, -1], last[1][0], atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", CELLS)
def test_the_step_is_that_of_the_equations(name):
    cell, embedded = made(name).double(), torch.randn(5, 7, 4, dtype=torch.float64)
    weights = [weight.detach().numpy() for weight in cell.layer.parameters()]
    expected = EQUATIONS[name](embedded.numpy(), *weights)
    hidden = cell.trace(embedded)["hidden"][:, -1].detach().numpy()
    np.testing.assert_allclose(hidden, expected, atol=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_the_step_has_the_gradient_of_its_equations(name):
    cell = made(name).double()
    vectors = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)
    state = [torch.randn(2, 3, dtype=torch.float64, requires_grad=True) for _ in range(cell.STATES)]

    def step(vectors, *tensors):  # the weights follow the state, and are moved in place
        return cell.step(cell.project(vectors), tensors[: cell.STATES])

    assert torch.autograd.gradcheck(step, (vectors, *state, *cell.parameters()))


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("scale", [0.3, 3.0])
def test_the_fused_step_is_the_plain_one(name, scale):
    cell = made(name, 6, 5, scale)
    if name == "lstm":
        nn.init.zeros_(cell.layer.bias_hh_l0)  # as it starts, and stays
    fused, vectors = cell.fused(), 2 * torch.randn(9, 6)
    state = other = tuple(part.expand(9, -1).clone() for part in cell.initial_state(vectors))
    with torch.inference_mode():
        for words in torch.randint(9, (4, 9)):
            state = cell.step(cell.project(vectors)[words], state)
            other = fused.step(fused.project(vectors)[words], tuple(map(torch.clone, other)))
            for one, two in zip(state, other, strict=True):
                torch.testing.assert_close(one, two, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", CELLS)
def test_a_trace_has_gates_between_0_and_1_and_the_memory(name):
    cell = made(name)
    trace = cell.trace(torch.randn(2, 6, 4))
    assert {*cell.GATES, cell.MEMORY, "hidden"} <= trace.keys()
    for gate in cell.GATES:
        assert trace[gate].shape == (2, 6, 3)
        assert trace[gate].min() > 0 and trace[gate].max() < 1


@pytest.mark.parametrize("name", CELLS)
def test_the_last_gate_keeps_what_was_read_before(name):
    cell = made(name)
    with torch.no_grad():
        for weight in cell.parameters():
            weight.zero_()
        row = {"lstm": 1, "gru": 1}[name]  # in torch's order
        cell.layer.bias_ih_l0[row * 3 : (row + 1) * 3] = 50.0
        kept = torch.randn(2, 3)
        state = (*cell.initial_state(kept)[1:], kept) if cell.STATES > 1 else (kept,)
        state = tuple(part.expand(2, -1) for part in state)
        after, trace = cell.traced_step(cell.project(torch.ones(2, 4)), state)
    assert (trace[list(cell.GATES)[-1]] == 1).all()
    torch.testing.assert_close(trace[cell.MEMORY], kept)
    assert len(after) == cell.STATES


@pytest.mark.parametrize("name", CELLS)
def test_cells_start_with_glorot_and_orthogonal_weights(name):
    torch.manual_seed(0)
    cell = CELLS[name](30, 20)
    cell.reset_parameters()
    weights = dict(cell.layer.named_parameters())
    rows = cell.PROJECTIONS * 20
    bound = (6 / (rows + 30)) ** 0.5  # uniform within the root of 6 / (inputs + outputs)
    assert float(weights["weight_ih_l0"].detach().abs().max()) == pytest.approx(bound, rel=0.01)
    recurrent = weights["weight_hh_l0"]
    torch.testing.assert_close(recurrent.T @ recurrent, torch.eye(20), atol=1e-4, rtol=0)
    biases = weights["bias_ih_l0"].view(-1, 20).sum(dim=1).tolist()
    assert biases == [0.0, 20.0 if name == "lstm" else 0.0, *[0.0] * (cell.PROJECTIONS - 2)]
    assert weights["bias_hh_l0"].abs().sum() == 0


@pytest.mark.parametrize("name", CELLS)
def test_the_least_memory_is_that_of_the_weights_and_their_moments(name):
    config = NetworkConfig(embedding_size=6, hidden_units=5, ensemble_size=3, cell=name)
    weights = 2 * sum(weight.numel() for weight in made(name, 6, 5).parameters())
    assert least_bytes(config) == 4 * weights * (3 - 1 + 4)
