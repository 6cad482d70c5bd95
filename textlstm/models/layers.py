"""Layers below the last recurrent one: from a sequence of vectors to another of the same length.

Shapes: B texts, T tokens, I features that a layer reads, O features that it gives.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from textlstm.models.choices import CELLS
from textlstm.models.initialisers import initialise
from textlstm.models.pooling import inside
from textlstm.models.prefix_tree import reverse_index
from textlstm.network_config import NetworkConfig

TRANSFORM_GATE_BIAS = -1.0
"""Bias with which a highway gate starts: the input is carried on at first (Srivastava et al. 2015,
who choose -1 to -3)."""


class Layer(nn.Module, ABC):
    """A layer that gives a vector for each token.

    Attributes
    ----------
    size
        O.
    """

    size: int

    @abstractmethod
    def reset_parameters(self) -> None:
        """Set the starting weights."""

    @abstractmethod
    def forward(self, sequence: Tensor, lengths: Tensor) -> Tensor:
        """Return the vectors (B, T, O) of a sequence (B, T, I) of texts of these lengths (B,).

        Those behind the end of a text mean nothing.
        """


class Convolution(Layer):
    """A convolution over words, with a ReLU: a word and its neighbours on both sides.

    Parameters
    ----------
    inputs
        I, and O.
    width
        Words that are read together. Words before and behind a text are zeros.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.size = inputs
        self.convolution = nn.Conv1d(inputs, inputs, width)
        self.before = (width - 1) // 2  # words before the one in the middle

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set Glorot-uniform weights and a bias of zero."""
        nn.init.xavier_uniform_(self.convolution.weight)
        if self.convolution.bias is not None:
            self.convolution.bias.zero_()

    def forward(self, sequence: Tensor, lengths: Tensor) -> Tensor:
        """Return the vectors (B, T, O)."""
        read = sequence * inside(sequence, lengths)[:, :, None]
        behind = self.convolution.kernel_size[0] - 1 - self.before
        padded = functional.pad(read.transpose(1, 2), (self.before, behind))
        convolved: Tensor = self.convolution(padded).transpose(1, 2)
        return convolved.relu()


class RecurrentLayer(Layer):
    """A recurrent layer in one or two directions, and what leads past it.

    Parameters
    ----------
    inputs
        I.
    units
        Hidden units in each direction.
    config
        The recipe's ``[network]``: its cell, its directions, and how layers are connected.
    """

    def __init__(self, inputs: int, units: int, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        kind = CELLS[config.cell]
        self.forward_cell = kind.of_config(inputs, units, config)
        self.backward_cell = kind.of_config(inputs, units, config) if config.bidirectional else None
        self.size = units * (2 if config.bidirectional else 1)
        connected, highway = config.layer_connection != "none", config.layer_connection == "highway"
        differs = connected and inputs != self.size
        self.carry = nn.Linear(inputs, self.size, bias=False) if differs else None
        self.gate = nn.Linear(inputs, self.size) if highway else None
        self.connected = connected

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set the starting weights of the cells; Glorot-uniform ones for what leads past them."""
        for cell in (self.forward_cell, self.backward_cell):
            if cell is not None:
                cell.reset_parameters()
                initialise(cell, self.config.input_init, self.config.recurrent_init)
        if self.carry is not None:
            nn.init.xavier_uniform_(self.carry.weight)
        if self.gate is not None:
            nn.init.xavier_uniform_(self.gate.weight)
            self.gate.bias.fill_(TRANSFORM_GATE_BIAS)

    def forward(self, sequence: Tensor, lengths: Tensor) -> Tensor:
        """Return the states (B, T, O) in reading order, joined to the input.

        A residual connection adds the input (He et al. 2016); a highway connection mixes both by a
        transform gate t as ``t * states + (1 - t) * input``. An input of another size is projected.
        """
        states: Tensor = self.forward_cell(sequence)
        if self.backward_cell is not None:
            backward = self.backward_cell(against_reading(sequence, lengths))
            states = torch.cat([states, against_reading(backward, lengths)], dim=2)
        if not self.connected:
            return states
        carried: Tensor = sequence if self.carry is None else self.carry(sequence)
        if self.gate is None:
            return states + carried
        return torch.lerp(carried, states, self.gate(sequence).sigmoid())


def against_reading(values: Tensor, lengths: Tensor) -> Tensor:
    """Return the values (B, T, ...) of texts against reading order, padding left in place."""
    positions = reverse_index(lengths, values.shape[1])  # (B, T), its own inverse
    return values.gather(1, positions[:, :, None].expand_as(values))


def lower_layers(config: NetworkConfig) -> list[Layer]:
    """Return the layers below the last recurrent one, the first layer first."""
    size, layers = config.embedding_size, list[Layer]()
    if config.convolution_width:
        layers.append(Convolution(size, config.convolution_width))
    for units in config.lower_layers:
        layers.append(RecurrentLayer(size, units, config))
        size = layers[-1].size
    return layers
