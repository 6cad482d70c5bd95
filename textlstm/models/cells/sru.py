"""The simple recurrent unit: gates without a product with the state (Lei et al. 2018).

Shapes: B texts, T tokens, N texts or prefixes that are read side by side, E embedding dimensions,
H hidden units. The projections stand in this order: candidate, forget gate, reset gate, word.
"""

from types import MappingProxyType

import torch
from torch import Tensor, nn

from textlstm.models.cells.cell import Cell, State, Trace


class SRU(Cell):
    """An SRU of one layer and one direction: all products are of words, and are made at once.

    The gates see the cell before the word, each unit its own. The output is a mixture of the cell
    and the word (a highway), which is projected to the size of the state.
    """

    STATES = 2  # hidden, cell
    GATES = MappingProxyType({
        "reset_gate": "the cell is shown, and not the word itself",
        "forget_gate": "the cell keeps what was read before",
    })  # fmt: skip
    MEMORY = "cell"

    def __init__(self, inputs: int, hidden_units: int) -> None:
        super().__init__(inputs, hidden_units)
        self.input = nn.Linear(inputs, 4 * hidden_units, bias=False)
        self.bias = nn.Parameter(torch.zeros(2 * hidden_units))  # forget gate, reset gate
        self.peepholes = nn.Parameter(torch.zeros(2, hidden_units))  # forget gate, reset gate

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set Glorot-uniform weights, peepholes of zero, and biases of one and zero."""
        nn.init.xavier_uniform_(self.input.weight)
        self.bias.zero_()[: self.hidden_units] = 1.0
        self.peepholes.zero_()

    def project(self, vectors: Tensor) -> Tensor:
        """Return all that words contribute (..., 4H)."""
        size = self.hidden_units
        bias = torch.cat([self.bias.new_zeros(size), self.bias, self.bias.new_zeros(size)])
        projected: Tensor = self.input(vectors) + bias
        return projected

    def traced_step(self, projected: Tensor, state: State) -> tuple[State, Trace]:
        """Return the state after a word, and the gates (0 to 1)."""
        _, cell = state
        candidate, keep, reset, word = projected.chunk(4, dim=1)
        keep = (keep + self.peepholes[0] * cell).sigmoid()
        reset = (reset + self.peepholes[1] * cell).sigmoid()
        cell = keep * cell + (1 - keep) * candidate
        hidden = reset * cell + (1 - reset) * word
        return (hidden, cell), {
            "reset_gate": reset,
            "forget_gate": keep,
            "cell": cell,
            "hidden": hidden,
        }
