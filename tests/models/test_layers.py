"""Layers below the last one: against torch's stacked LSTM, connections, convolution, batches."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from textlstm.encoding.corpus import Corpus
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.models.choices import CELLS
from textlstm.models.encoder import Encoder
from textlstm.models.layers import Convolution, RecurrentLayer
from textlstm.models.network import Network
from textlstm.network_config import NetworkConfig

LENGTHS = torch.tensor([6, 1, 3, 4])
WORDS = ("<pad>", "<unk>", *"abcdefgh")
TEXTS = ["a b c", "d", "a b c d e f", "h g", "", "a b", "c b a", "a b c", "b c d e f"]
STACKS = [
    {"lower_layers": (6,)},
    {"lower_layers": (6, 4), "bidirectional": False},
    {"lower_layers": (4, 4), "layer_connection": "highway"},
    {"lower_layers": (3,), "layer_connection": "residual", "cell": "qrnn-fo"},
    {"convolution_width": 3},
    {"convolution_width": 2, "lower_layers": (5,), "cell": "gru", "pooling": "attention"},
]


def config_of(**fields):
    return NetworkConfig(**({"embedding_size": 8, "hidden_units": 5} | fields))


@pytest.mark.parametrize("bidirectional", [True, False])
def test_a_stack_is_torchs_stacked_lstm_on_packed_texts(bidirectional):
    torch.manual_seed(0)
    config = config_of(lower_layers=(5,), bidirectional=bidirectional, pooling="last")
    encoder = Encoder(config)
    oracle = nn.LSTM(8, 5, num_layers=2, batch_first=True, bidirectional=bidirectional)
    layer = encoder.layers[0]
    cells = [layer.forward_cell, encoder.forward_direction.cell]
    backward = [layer.backward_cell, encoder.directions["backward"].cell] if bidirectional else []
    with torch.no_grad():
        for suffix, of_direction in (("", cells), ("_reverse", backward)):
            for number, cell in enumerate(of_direction):
                for name, weight in cell.layer.named_parameters():
                    own = oracle.get_parameter(name.replace("_l0", f"_l{number}{suffix}"))
                    own.copy_(weight)
    embedded = torch.randn(4, 6, 8)
    packed = pack_padded_sequence(embedded, LENGTHS, batch_first=True, enforce_sorted=False)
    states, (last, _) = oracle(packed)
    expected = torch.cat(list(last[-2:] if bidirectional else last[-1:]), dim=1)
    torch.testing.assert_close(encoder(embedded, LENGTHS), expected, atol=1e-6, rtol=1e-5)
    whole = pad_packed_sequence(states, batch_first=True)[0][..., :5]
    trace = encoder.trace(embedded, LENGTHS)["forward"]["hidden"]
    read = (torch.arange(6) < LENGTHS[:, None])[:, :, None]
    torch.testing.assert_close(trace * read, whole * read, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("stack", STACKS)
def test_batches_and_single_texts_give_the_same(stack):
    torch.manual_seed(0)
    network = Network(config_of(**stack), len(WORDS), 3)
    with torch.no_grad():
        network.embedding.weight.normal_()
    vocabulary = Vocabulary(WORDS, 7, "right", ())
    corpus = Corpus(vocabulary.encode(TEXTS), vocabulary)
    rows = torch.arange(len(TEXTS))
    trained = network(corpus.batch(rows))
    assert trained.requires_grad
    with torch.inference_mode():
        together = network(corpus.batch(rows))
        alone = torch.cat([network(corpus.batch(row[None])) for row in rows])
    for other in (together, alone):
        torch.testing.assert_close(other, trained.detach(), atol=1e-6, rtol=1e-5)
    trained.square().sum().backward()
    for name, weight in network.named_parameters():
        assert not weight.requires_grad or (weight.grad is not None and weight.grad.any()), name


@pytest.mark.parametrize("inputs", [10, 4])
def test_a_closed_transform_gate_carries_the_input_on(inputs):
    torch.manual_seed(0)
    layer = RecurrentLayer(inputs, 5, config_of(layer_connection="highway"))
    layer.reset_parameters()
    sequence = torch.randn(4, 6, inputs)
    with torch.no_grad():
        layer.gate.weight.zero_()
        layer.gate.bias.fill_(-200.0)
        carried = layer(sequence, LENGTHS)
        layer.gate.bias.fill_(200.0)
        states = layer(sequence, LENGTHS)
    expected = sequence if inputs == 10 else layer.carry(sequence)
    assert (layer.carry is None) == (inputs == 10)
    torch.testing.assert_close(carried, expected)
    plain = RecurrentLayer(inputs, 5, config_of(layer_connection="none"))
    plain.load_state_dict(layer.state_dict(), strict=False)
    torch.testing.assert_close(states, plain(sequence, LENGTHS))


def test_a_residual_connection_adds_the_input():
    torch.manual_seed(0)
    layer = RecurrentLayer(10, 5, config_of(layer_connection="residual"))
    plain = RecurrentLayer(10, 5, config_of())
    plain.load_state_dict(layer.state_dict())
    sequence = torch.randn(4, 6, 10)
    torch.testing.assert_close(layer(sequence, LENGTHS), plain(sequence, LENGTHS) + sequence)


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_a_convolution_reads_a_word_and_its_neighbours(width):
    torch.manual_seed(0)
    layer = Convolution(4, width)
    sequence, kernel = torch.randn(1, 6, 4), layer.convolution.weight  # (O, I, width)
    before = (width - 1) // 2
    padded = functional.pad(sequence[0], (0, 0, before, width - 1 - before))
    expected = [
        sum(kernel[:, :, k] @ padded[t + k] for k in range(width)) + layer.convolution.bias
        for t in range(6)
    ]
    found = layer(sequence, torch.tensor([6]))[0]
    torch.testing.assert_close(found, torch.stack(expected).relu(), atol=1e-6, rtol=1e-5)


def test_between_layers_a_share_of_the_outputs_is_dropped_in_training():
    torch.manual_seed(0)
    encoder = Encoder(config_of(lower_layers=(200,), layer_dropout=0.4, bidirectional=False))
    embedded = torch.randn(4, 6, 8)
    seen = []
    encoder.forward_direction.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    generator = torch.Generator().manual_seed(0)
    for drawn in (None, generator, generator):
        encoder(embedded, LENGTHS, drawn)
    whole, first, second = seen
    dropped = first == 0
    assert 0.37 < float(dropped.float().mean()) < 0.43 and not (whole == 0).any()
    torch.testing.assert_close(first[~dropped], whole[~dropped] / 0.6)
    assert not first.equal(second)


@pytest.mark.parametrize("name", CELLS)
def test_every_cell_can_be_stacked(name):
    encoder = Encoder(config_of(cell=name, lower_layers=(6,), layer_connection="highway"))
    encoder.reset_parameters()
    assert encoder(torch.randn(4, 6, 8), LENGTHS).shape == (4, encoder.size)
