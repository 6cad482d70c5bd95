"""The update-gate RNN: one gate mixes the state with a new one (Collins et al. 2017).

Shapes: N texts or prefixes that are read side by side, H hidden units. The projections stand
in this order: candidate, update gate.
"""

from types import MappingProxyType

from torch import Tensor

from textlstm.models.cells.cell import State, Trace
from textlstm.models.cells.gated import GatedCell


class UpdateGateRNN(GatedCell):
    """A simple RNN with one gate: ``h = g h + (1 - g) c``."""

    PROJECTIONS = 2
    RECURRENT = 2
    FORGET = 1
    GATES = MappingProxyType({"update_gate": "the state keeps what was read before"})

    def traced_step(self, projected: Tensor, state: State) -> tuple[State, Trace]:
        """Return the state after a word, the gate (0 to 1) and the candidate (-1 to 1)."""
        (hidden,) = state
        candidate, update = (projected + self.recurrent(hidden)).chunk(2, dim=1)
        candidate, update = candidate.tanh(), update.sigmoid()
        hidden = update * hidden + (1 - update) * candidate
        return (hidden,), {"update_gate": update, "candidate": candidate, "hidden": hidden}
