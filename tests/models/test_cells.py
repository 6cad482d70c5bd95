"""The cells: their equations, against torch's own layers and against NumPy."""

import numpy as np
import pytest
import torch
from models.cell_equations import EQUATIONS
from torch import nn

from textlstm.models.cells.qrnn import ForgetOutputPooling
from textlstm.models.cells.recurrent_highway import RecurrentHighway
from textlstm.models.choices import CELLS
from textlstm.models.memory import least_bytes
from textlstm.recipe import NetworkConfig

LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
"""Torch's layers with the weights of our cells."""

STARTING_BIASES = {"lstm": {1}, "peephole-lstm": {1}, "peephole-gru": {1}, "qrnn-f": {1},
                   "multiplicative-lstm": {2}, "qrnn-fo": {1}, "qrnn-ifo": {1}, "sru": {0},
                   "update-gate-rnn": {1}, "intersection-rnn": {1, 3}}  # fmt: skip
"""Blocks of biases that start at one: those of the gates that keep the memory."""


RECURRENT = {"layer.weight_hh_l0", "recurrent.weight", "intermediate.weight", "recurrent"}
"""Weights that multiply the state."""


def made(name, inputs=4, hidden=3, scale=1.0):
    """A cell with random weights and biases."""
    torch.manual_seed(0)
    cell = CELLS[name](inputs, hidden)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.uniform_(-scale, scale)
    return cell


def weights_of(cell):
    return {name: weight.detach().numpy() for name, weight in cell.named_parameters()}


def state_like(cell, n, **options):
    """A random state of n texts, in float64."""
    start = cell.initial_state(torch.zeros(1, dtype=torch.float64))
    return [torch.randn(n, part.shape[1], dtype=torch.float64, **options) for part in start]


def test_every_cell_can_be_chosen_and_has_its_equations():
    choices = NetworkConfig.__dataclass_fields__["cell"].metadata["choices"]
    assert list(choices) == list(CELLS) and set(CELLS) == set(EQUATIONS)
    assert set(LAYERS) == {name for name, kind in CELLS.items() if hasattr(kind(2, 2), "layer")}


@pytest.mark.parametrize("name", LAYERS)
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
@pytest.mark.parametrize("inputs", [3, 4])
def test_states_are_those_of_the_equations(name, inputs):
    cell, embedded = made(name, inputs).double(), torch.randn(5, 7, inputs, dtype=torch.float64)
    expected = np.stack(list(EQUATIONS[name](embedded.numpy(), weights_of(cell))), axis=1)
    for states in (cell(embedded), cell.trace(embedded)["hidden"]):
        np.testing.assert_allclose(states.detach().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("window", [1, 3, 9])
def test_a_qrnn_reads_the_words_of_its_window(window):
    torch.manual_seed(0)
    cell = ForgetOutputPooling(4, 3, window).double()
    embedded = torch.randn(5, 7, 4, dtype=torch.float64)
    equations = EQUATIONS["qrnn-fo"](embedded.numpy(), weights_of(cell), window)
    found = cell(embedded).detach().numpy()
    np.testing.assert_allclose(found, np.stack(list(equations), axis=1), atol=1e-12)


def test_a_recipe_sets_the_window_and_the_depth():
    config = NetworkConfig(qrnn_window=5, recurrence_depth=4)
    assert CELLS["qrnn-ifo"].of_config(4, 3, config).window == 5
    assert len(CELLS["recurrent-highway"].of_config(4, 3, config).recurrent) == 4


@pytest.mark.parametrize("name", CELLS)
def test_the_step_has_the_gradient_of_its_equations(name):
    cell = made(name).double()
    vectors = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)
    state = state_like(cell, 2, requires_grad=True)

    def step(vectors, *tensors):  # the weights follow the state, and are moved in place
        return cell.step(cell.project(vectors), tensors[: len(state)])

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


def force(cell, blocks):
    """Set all weights to zero, and blocks of biases to numbers that close or open their gates."""
    bias = {"layer.bias_ih_l0", "input.bias", "bias"} & weights_of(cell).keys()
    with torch.no_grad():
        for weight in cell.parameters():
            weight.zero_()
        for block, value in blocks.items():
            blocks_of_units = cell.get_parameter(*bias).view(-1, cell.hidden_units)
            blocks_of_units[block] = value


KEEPING = {"lstm": {1: 50}, "gru": {1: 50}, "peephole-lstm": {1: 50}, "peephole-gru": {1: 50},
           "multiplicative-lstm": {2: 50}, "qrnn-f": {1: 50}, "qrnn-fo": {1: 50},
           "qrnn-ifo": {1: 50, 3: -50}, "sru": {0: 50}, "update-gate-rnn": {1: 50},
           "intersection-rnn": {3: 50}, "recurrent-highway": {1: -50, 3: -50, 5: -50}}  # fmt: skip
"""Biases that open the gate which keeps the memory; of a recurrent highway, its carry gates. A gate
that would still let words in is closed."""


@pytest.mark.parametrize("name", KEEPING)
def test_the_last_gate_keeps_what_was_read_before(name):
    cell = made(name).double()
    force(cell, KEEPING[name])
    state = tuple(state_like(cell, 2))
    after, trace = cell.traced_step(cell.project(torch.ones(2, 4, dtype=torch.float64)), state)
    assert (trace[list(cell.GATES)[-1]] > 1 - 1e-12).all()
    kept = state[0] if cell.MEMORY == "hidden" else state[1]
    torch.testing.assert_close(trace[cell.MEMORY], kept, atol=1e-12, rtol=0)
    assert len(after) == len(state)


def test_a_cell_passes_unchanged_where_it_keeps_all_and_lets_nothing_in():
    """The constant error carousel: the gradient of the cell by the cell far before is one."""
    cell = made("lstm").double()
    force(cell, {0: -50, 1: 50})
    before = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    state = (torch.zeros_like(before), before)
    for word in torch.randn(100, 2, 4, dtype=torch.float64):
        state = cell.step(cell.project(word), state)
    torch.testing.assert_close(state[1], before, atol=1e-12, rtol=0)
    (gradient,) = torch.autograd.grad(state[1].sum(), before)
    torch.testing.assert_close(gradient, torch.ones_like(gradient), atol=1e-12, rtol=0)


def gradient_by_step(name, n_steps=60):
    """The norm of the gradient of the last state by each word, of cells as they start."""
    torch.manual_seed(0)
    cell = CELLS[name](8, 16).double()
    cell.reset_parameters()
    embedded = torch.randn(4, n_steps, 8, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(cell(embedded)[:, -1].square().sum(), embedded)
    return gradient.norm(dim=(0, 2))


def test_gradients_vanish_in_an_rnn_sooner_than_in_an_lstm():
    rnn, lstm = gradient_by_step("rnn"), gradient_by_step("lstm")
    assert rnn[20] / rnn[-1] < 1e-6
    assert lstm[20] / lstm[-1] > 1e-5
    assert lstm[20] / lstm[-1] > 100 * rnn[20] / rnn[-1]


@pytest.mark.parametrize("name", CELLS)
def test_a_small_change_of_the_words_does_little_harm(name):
    torch.manual_seed(0)
    cell = CELLS[name](8, 16).double()
    cell.reset_parameters()
    embedded = torch.randn(4, 50, 8, dtype=torch.float64)
    change = 1e-4 * torch.randn_like(embedded)
    harm = (cell(embedded + change) - cell(embedded)).abs().max()
    assert 0 < harm < 10 * change.abs().max()


@pytest.mark.parametrize("name", CELLS)
def test_cells_start_with_glorot_and_orthogonal_weights(name):
    torch.manual_seed(0)
    cell = CELLS[name](30, 20)
    cell.reset_parameters()
    weights = dict(cell.named_parameters())
    first = weights["layer.weight_ih_l0" if name in LAYERS else "input.weight"]
    bound = (6 / (len(first) + 30)) ** 0.5  # uniform within the root of 6 / (inputs + outputs)
    assert float(first.detach().abs().max()) == pytest.approx(bound, rel=0.01)
    for part in RECURRENT & weights.keys():
        for weight in weights[part].view(-1, *weights[part].shape[-2:]):
            torch.testing.assert_close(weight.T @ weight, torch.eye(20), atol=1e-4, rtol=0)
    if isinstance(cell, RecurrentHighway):
        starts = cell.bias.view(3, 2, 20)
        assert (starts[:, 0] == 0).all() and (starts[:, 1] == -2).all()
        return
    (bias,) = {"layer.bias_ih_l0", "input.bias", "bias"} & weights.keys()
    of_gates = weights[bias].view(-1, 20).sum(dim=1).tolist()
    ones = STARTING_BIASES.get(name, set())
    assert of_gates == [20.0 * (block in ones) for block in range(len(of_gates))]
    for part in ("layer.bias_hh_l0", "peepholes"):
        assert not weights.get(part, torch.zeros(1)).any()


@pytest.mark.parametrize("name", CELLS)
def test_the_least_memory_is_that_of_the_weights_and_their_moments(name):
    config = NetworkConfig(embedding_size=6, hidden_units=5, ensemble_size=3, cell=name)
    weights = 2 * sum(weight.numel() for weight in made(name, 6, 5).parameters())
    assert least_bytes(config) == 4 * weights * (3 - 1 + 4)
