"""Initialisers of cells: which weights they set, and how."""

import pytest
import torch

from textlstm.models.choices import CELLS
from textlstm.models.encoder import Encoder
from textlstm.models.initialisers import INITIALISERS, initialise
from textlstm.network_config import NetworkConfig


def weights(cell, **chosen):
    """The matrices of a cell, by name, before and after others are chosen."""
    torch.manual_seed(0)
    module = CELLS[cell].of_config(40, 30, NetworkConfig())
    module.reset_parameters()
    before = {name: values.clone() for name, values in module.named_parameters()}
    initialise(module, **{"input_init": "glorot", "recurrent_init": "orthogonal"} | chosen)
    return before, dict(module.named_parameters())


@pytest.mark.parametrize("cell", CELLS)
def test_its_own_initialisers_draw_nothing_anew(cell):
    before, after = weights(cell)
    assert all((after[name] == values).all() for name, values in before.items())


@pytest.mark.parametrize("cell", CELLS)
def test_each_cell_has_input_weights_and_biases_stay(cell):
    before, after = weights(cell, input_init="narrow-normal")
    changed = [name for name, values in before.items() if (after[name] != values).any()]
    assert changed and all("input" in name or "weight_ih" in name for name in changed)
    assert all(after[name].ndim > 1 and after[name].std() < 0.02 for name in changed)


@pytest.mark.parametrize("cell", ["lstm", "gru", "peephole-lstm", "recurrent-highway"])
def test_recurrent_weights_are_chosen_by_themselves(cell):
    before, after = weights(cell, recurrent_init="narrow-normal")
    changed = [name for name, values in before.items() if (after[name] != values).any()]
    assert changed and all("recurrent" in name or "weight_hh" in name for name in changed)


@pytest.mark.parametrize(
    ("name", "deviation"),
    [("glorot", (2 / 500) ** 0.5), ("he", (2 / 200) ** 0.5), ("narrow-normal", 0.01)],
)
def test_weights_have_the_published_deviation(name, deviation):
    torch.manual_seed(0)
    weight = torch.empty(300, 200)
    INITIALISERS[name](weight)
    assert float(weight.std()) == pytest.approx(deviation, rel=0.02)


def test_orthogonal_rows_are():
    weight = torch.empty(5, 9)
    INITIALISERS["orthogonal"](weight)
    torch.testing.assert_close(weight @ weight.T, torch.eye(5))


def test_all_layers_of_a_recipe_start_as_it_says():
    config = NetworkConfig(recurrent_init="narrow-normal", lower_layers=(4,))
    encoder = Encoder(config)
    encoder.reset_parameters()
    found = [p for name, p in encoder.named_parameters() if "weight_hh" in name]
    assert len(found) == 4 and all(bool((weight.abs() < 0.06).all()) for weight in found)
