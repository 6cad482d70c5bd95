"""The intersection RNN, +RNN: gates through time and through depth (Collins et al. 2017).

Shapes: N texts or prefixes that are read side by side, E embedding dimensions, H hidden units. The
projections stand in this order: output candidate, depth gate, state candidate, time gate, and the
word itself.
"""

from types import MappingProxyType

import torch
from torch import Tensor, nn

from textlstm.models.cells.cell import State, Trace
from textlstm.models.cells.gated import GatedCell


class IntersectionRNN(GatedCell):
    """A cell that hands on its state in time and gives a mixture of word and state as its output.

    The output, which poolings read, keeps a share of the word itself; where a word vector has
    another size than the state, it is projected first.
    """

    PROJECTIONS = 5
    RECURRENT = 4
    STATES = 2  # output, state
    FORGET = 3
    GATES = MappingProxyType({
        "depth_gate": "the output is the word itself",
        "time_gate": "the state keeps what was read before",
    })  # fmt: skip
    MEMORY = "state"

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set Glorot and orthogonal weights, and biases of one for both gates, as the authors do.

        Where a word vector has the size of the state, its own projection starts as the identity.
        """
        super().reset_parameters()
        size = self.hidden_units
        self.input.bias[size : 2 * size] = 1.0
        if self.inputs == size:
            nn.init.eye_(self.input.weight[4 * size :])

    def traced_step(self, projected: Tensor, state: State) -> tuple[State, Trace]:
        """Return the output and the state after a word, and the gates (0 to 1)."""
        _, state_before = state
        words, word = projected.split((4 * self.hidden_units, self.hidden_units), dim=1)
        parts = (words + self.recurrent(state_before)).chunk(4, dim=1)
        depth, time = parts[1].sigmoid(), parts[3].sigmoid()
        output = depth * word + (1 - depth) * parts[0].relu()
        after = time * state_before + (1 - time) * parts[2].tanh()
        return (output, after), {
            "depth_gate": depth,
            "time_gate": time,
            "state": after,
            "hidden": output,
        }
