"""The multiplicative LSTM: the word chooses how the state is read (Krause et al. 2016).

Shapes: N texts or prefixes that are read side by side, H hidden units. The projections stand
in this order: the word's factor of the intermediate state, then input gate, forget gate, candidate,
output gate.
"""

from types import MappingProxyType

import torch
from torch import Tensor, nn

from textlstm.models.cells.cell import State, Trace
from textlstm.models.cells.gated import GatedCell


class MultiplicativeLSTM(GatedCell):
    """An LSTM whose gates read an intermediate state in place of the hidden state.

    The intermediate state is the product, unit by unit, of a projection of the word and one of the
    hidden state: each word has recurrent weights of its own.
    """

    PROJECTIONS = 5
    RECURRENT = 1
    STATES = 2  # hidden, cell
    FORGET = 2
    GATES = MappingProxyType({
        "input_gate": "the word enters the cell",
        "forget_gate": "the cell keeps what was read before",
    })  # fmt: skip
    MEMORY = "cell"

    def __init__(self, inputs: int, hidden_units: int) -> None:
        super().__init__(inputs, hidden_units)
        self.intermediate = nn.Linear(hidden_units, 4 * hidden_units, bias=False)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set the starting weights of an LSTM; those of the intermediate state are orthogonal."""
        super().reset_parameters()
        nn.init.orthogonal_(self.intermediate.weight)

    def traced_step(self, projected: Tensor, state: State) -> tuple[State, Trace]:
        """Return the state after a word, and all gates, as in :meth:`.LSTM.traced_step`."""
        hidden, cell = state
        factor, gates = projected.split((self.hidden_units, 4 * self.hidden_units), dim=1)
        gates = gates + self.intermediate(factor * self.recurrent(hidden))
        parts = gates.chunk(4, dim=1)
        enter, keep, show = (parts[i].sigmoid() for i in (0, 1, 3))
        candidate = parts[2].tanh()
        cell = keep * cell + enter * candidate
        hidden = show * cell.tanh()
        return (hidden, cell), {
            "input_gate": enter,
            "forget_gate": keep,
            "candidate": candidate,
            "output_gate": show,
            "cell": cell,
            "hidden": hidden,
        }
