"""The gated unit with peepholes that J. Dylag describes: an LSTM of two gates.

His article on the LSTM (AI Society, University of Southampton) simplifies the LSTM with peepholes:
one update gate takes the place of the input gate and the output gate, and the hidden state and the
cell both stay. It gives no equations; these are the ones of the words.

Shapes: N texts or prefixes that are read side by side, H hidden units. The projections stand
in this order: update gate, forget gate, candidate.
"""

from types import MappingProxyType

import torch
from torch import Tensor, nn

from textlstm.models.cells.cell import State, Trace
from textlstm.models.cells.gated import GatedCell


class PeepholeGRU(GatedCell):
    """A cell with an update gate, which lets the word in and shows the cell, and a forget gate.

    Both gates see the cell before the word, each unit its own. Peepholes start at zero.
    """

    PROJECTIONS = 3
    RECURRENT = 3
    STATES = 2  # hidden, cell
    FORGET = 1
    GATES = MappingProxyType({
        "update_gate": "the word enters the cell, and the cell is shown",
        "forget_gate": "the cell keeps what was read before",
    })  # fmt: skip
    MEMORY = "cell"

    def __init__(self, inputs: int, hidden_units: int) -> None:
        super().__init__(inputs, hidden_units)
        self.peepholes = nn.Parameter(torch.zeros(2, hidden_units))  # update gate, forget gate

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set the starting weights of an LSTM, and peepholes of zero."""
        super().reset_parameters()
        self.peepholes.zero_()

    def traced_step(self, projected: Tensor, state: State) -> tuple[State, Trace]:
        """Return the state after a word, and the gates (0 to 1) and the candidate (-1 to 1)."""
        hidden, cell = state
        gates = (projected + self.recurrent(hidden)).chunk(3, dim=1)
        update = (gates[0] + self.peepholes[0] * cell).sigmoid()
        keep = (gates[1] + self.peepholes[1] * cell).sigmoid()
        candidate = gates[2].tanh()
        cell = keep * cell + update * candidate
        hidden = update * cell.tanh()
        return (hidden, cell), {
            "update_gate": update,
            "forget_gate": keep,
            "candidate": candidate,
            "cell": cell,
            "hidden": hidden,
        }
