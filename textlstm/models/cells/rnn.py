"""The simple recurrent network (Elman 1990), with the hyperbolic tangent.

Shapes: B texts, T tokens, N texts or prefixes that are read side by side, E embedding dimensions,
H hidden units.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from textlstm.models.cells.cell import Cell, State, Trace


class RNN(Cell):
    """A simple RNN of one layer and one direction: ``h = tanh(W x + b + R h)``.

    It has no gates: all that was read before passes through the same weights at every word.
    """

    def __init__(self, inputs: int, hidden_units: int) -> None:
        super().__init__(inputs, hidden_units)
        self.layer = nn.RNN(inputs, hidden_units, batch_first=True)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set Glorot-uniform input weights, orthogonal recurrent weights and biases of zero."""
        weight = self.layer.get_parameter
        nn.init.xavier_uniform_(weight("weight_ih_l0"))
        nn.init.orthogonal_(weight("weight_hh_l0"))
        weight("bias_ih_l0").zero_()
        weight("bias_hh_l0").zero_().requires_grad_(False)

    def project(self, vectors: Tensor) -> Tensor:
        """Return the words' share in the state (..., H)."""
        weight = self.layer.get_parameter
        bias = weight("bias_ih_l0") + weight("bias_hh_l0")
        return functional.linear(vectors, weight("weight_ih_l0"), bias)

    def traced_step(self, projected: Tensor, state: State) -> tuple[State, Trace]:
        """Return the state after a word (-1 to 1): the definition of the cell."""
        (hidden,) = state
        hidden = (projected + hidden @ self.layer.get_parameter("weight_hh_l0").T).tanh()
        return (hidden,), {"hidden": hidden}

    def forward(self, embedded: Tensor) -> Tensor:
        """Return the hidden states (B, T, H), by torch's kernel."""
        hidden: Tensor = self.layer(embedded)[0]
        return hidden
