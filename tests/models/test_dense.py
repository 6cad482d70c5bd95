"""Dense layers, and the feed-forward references."""

import pytest
import torch

from textlstm.models.dense import DenseLayer, DenseStack

FEATURES = torch.randn(5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def stack(*sizes, highway=False):
    torch.manual_seed(0)
    layers = DenseStack(4, sizes, highway=highway).double()
    layers.reset_parameters()
    return layers


def test_without_layers_features_stay_as_they_are():
    layers = stack()
    assert layers.size == 4 and layers(FEATURES) is FEATURES


def test_a_plain_layer_is_a_product_and_a_relu():
    layers = stack(3)
    (layer,) = layers.layers
    expected = (FEATURES @ layer.layer.weight.T + layer.layer.bias).clamp(min=0)
    torch.testing.assert_close(layers(FEATURES), expected)
    assert layers.size == 3 and (expected > 0).any() and (expected == 0).any()


def test_a_highway_mixes_the_layer_with_its_input():
    layers = stack(4, highway=True)
    (layer,) = layers.layers
    gate = torch.sigmoid(FEATURES @ layer.gate.weight.T + layer.gate.bias)
    units = (FEATURES @ layer.layer.weight.T + layer.layer.bias).clamp(min=0)
    torch.testing.assert_close(layers(FEATURES), gate * units + (1 - gate) * FEATURES)


def test_a_carry_gate_of_one_is_the_identity():
    layers = stack(4, 4, highway=True)
    for layer in layers.layers:
        torch.nn.init.constant_(layer.gate.bias, -1e4)
    torch.testing.assert_close(layers(FEATURES), FEATURES)


def test_an_input_of_another_size_is_projected():
    layer = DenseLayer(4, 2, highway=True).double()
    layer.reset_parameters()
    with torch.no_grad():
        layer.gate.bias.fill_(-1e4)
    torch.testing.assert_close(layer(FEATURES), FEATURES @ layer.carry.weight.T)


@pytest.mark.parametrize("highway", [False, True])
def test_gradients_are_right(highway):
    layers = stack(3, 3, highway=highway)
    torch.autograd.gradcheck(layers, FEATURES.clone().requires_grad_())
