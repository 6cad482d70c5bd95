"""Weights in the form of MATLAB's lstmLayer: its equations, and the way there and back."""

import numpy as np
import pytest
import torch

from textlstm.errors import InputError
from textlstm.models.cells.lstm import LSTM
from textlstm.models.matlab_weights import MatlabWeights


def states_of_the_page(weights, texts):
    """The hidden states (B, T, H) by MATLAB's equations, gate by gate."""
    hidden = len(weights.bias) // 4
    parts = weights.input_weights, weights.recurrent_weights, weights.bias
    w, r, b = (np.split(part, 4) for part in parts)
    h = c = np.zeros((len(texts), hidden))
    states = []
    for x in texts.swapaxes(0, 1):
        i, f, g, o = (x @ w[n].T + h @ r[n].T + b[n] for n in range(4))
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        states.append(h)
    return np.stack(states, axis=1)


def test_an_imported_layer_computes_as_matlab_does():
    generator = np.random.default_rng(0)
    weights = MatlabWeights(*(generator.normal(size=size) for size in ((12, 5), (12, 3), (12,))))
    texts = generator.normal(size=(4, 7, 5))
    found = weights.cell().double()(torch.from_numpy(texts)).detach().numpy()
    np.testing.assert_allclose(found, states_of_the_page(weights, texts), atol=1e-6)


def test_exported_weights_come_back():
    torch.manual_seed(0)
    cell = LSTM(5, 3)  # torch's own start, with two biases
    weights = MatlabWeights.of(cell)
    assert weights.bias.shape == (12,)
    texts = torch.randn(4, 7, 5)
    torch.testing.assert_close(weights.cell()(texts), cell(texts))
    np.testing.assert_allclose(
        states_of_the_page(weights, texts.numpy()), cell(texts).detach().numpy(), atol=1e-6
    )


def test_weights_of_another_layer_are_refused():
    with pytest.raises(InputError, match=r"\(9, 3\) and Bias \(12,\) are not those"):
        MatlabWeights(np.zeros((12, 5)), np.zeros((9, 3)), np.zeros(12)).cell()
