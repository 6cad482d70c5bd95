"""The LSTM with peepholes: its gates see the cell (Gers and Schmidhuber 2000).

Shapes: N texts or prefixes that are read side by side, H hidden units. The projections stand in the
order of torch's LSTM: input gate, forget gate, candidate, output gate.
"""

from types import MappingProxyType

import torch
from torch import Tensor, nn

from textlstm.models.cells.cell import State, Trace
from textlstm.models.cells.gated import GatedCell


class PeepholeLSTM(GatedCell):
    """An LSTM whose input and forget gates see the cell before the word, its output gate after it.

    Each unit sees its own cell only: a peephole is one weight a unit and gate. They start at zero,
    where the cell is an LSTM.
    """

    PROJECTIONS = 4
    RECURRENT = 4
    STATES = 2  # hidden, cell
    FORGET = 1
    GATES = MappingProxyType({
        "input_gate": "the word enters the cell",
        "forget_gate": "the cell keeps what was read before",
    })  # fmt: skip
    MEMORY = "cell"

    def __init__(self, inputs: int, hidden_units: int) -> None:
        super().__init__(inputs, hidden_units)
        # (3, H): of the input, the forget and the output gate.
        self.peepholes = nn.Parameter(torch.zeros(3, hidden_units))

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set the starting weights of an LSTM, and peepholes of zero."""
        super().reset_parameters()
        self.peepholes.zero_()

    def traced_step(self, projected: Tensor, state: State) -> tuple[State, Trace]:
        """Return the state after a word, and all gates, as in :meth:`.LSTM.traced_step`."""
        hidden, cell = state
        gates = (projected + self.recurrent(hidden)).chunk(4, dim=1)
        enter = (gates[0] + self.peepholes[0] * cell).sigmoid()
        keep = (gates[1] + self.peepholes[1] * cell).sigmoid()
        candidate = gates[2].tanh()
        cell = keep * cell + enter * candidate
        show = (gates[3] + self.peepholes[2] * cell).sigmoid()
        hidden = show * cell.tanh()
        return (hidden, cell), {
            "input_gate": enter,
            "forget_gate": keep,
            "candidate": candidate,
            "output_gate": show,
            "cell": cell,
            "hidden": hidden,
        }
