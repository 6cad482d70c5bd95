"""The recurrent highway network: several highway layers from word to word (Zilly et al. 2017).

Shapes: N texts or prefixes that are read side by side, E embedding dimensions, H hidden units. The
projections stand in this order: candidate, transform gate.
"""

from types import MappingProxyType
from typing import Self

import torch
from torch import Tensor, nn

from textlstm.models.cells.cell import Cell, State, Trace
from textlstm.network_config import NetworkConfig

TRANSFORM_BIAS = -2.0
"""Bias with which transform gates start: the state is carried on at first (as in the paper)."""


class RecurrentHighway(Cell):
    """A recurrent highway network with coupled gates: the carry gate is 1 - the transform gate.

    The word enters the first of the layers only.

    Parameters
    ----------
    depth
        Layers that the state passes at each word, at least 1.
    """

    GATES = MappingProxyType({
        "transform_gate": "the word changes the state",
        "carry_gate": "the state keeps what was read before",
    })  # fmt: skip

    def __init__(self, inputs: int, hidden_units: int, depth: int = 3) -> None:
        super().__init__(inputs, hidden_units)
        self.input = nn.Linear(inputs, 2 * hidden_units, bias=False)
        self.recurrent = nn.Parameter(torch.zeros(depth, 2 * hidden_units, hidden_units))
        self.bias = nn.Parameter(torch.zeros(depth, 2 * hidden_units))

    @classmethod
    def of_config(cls, inputs: int, hidden_units: int, config: NetworkConfig) -> Self:
        """Return the cell with the recipe's ``recurrence_depth``."""
        return cls(inputs, hidden_units, config.recurrence_depth)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set Glorot-uniform input weights, orthogonal recurrent weights and the biases."""
        nn.init.xavier_uniform_(self.input.weight)
        for weight in self.recurrent:
            nn.init.orthogonal_(weight)
        self.bias.zero_()[:, self.hidden_units :] = TRANSFORM_BIAS

    def project(self, vectors: Tensor) -> Tensor:
        """Return the words' share in the first layer (..., 2H)."""
        projected: Tensor = self.input(vectors)
        return projected

    def traced_step(self, projected: Tensor, state: State) -> tuple[State, Trace]:
        """Return the state after a word, and the gates over all layers (0 to 1).

        ``carry_gate`` is the product of the layers' carry gates: the share of the state before the
        word that is still in the state after it; ``transform_gate`` is the rest.
        """
        (hidden,) = state
        carried, words = torch.ones_like(hidden), projected
        for weight, bias in zip(self.recurrent, self.bias, strict=True):
            candidate, transform = (words + hidden @ weight.T + bias).chunk(2, dim=1)
            words = torch.zeros_like(projected)  # the word enters the first layer only
            transform = transform.sigmoid()
            hidden = transform * candidate.tanh() + (1 - transform) * hidden
            carried = carried * (1 - transform)
        return (hidden,), {
            "transform_gate": 1 - carried,
            "carry_gate": carried,
            "hidden": hidden,
        }
