"""The gated recurrent unit (Cho et al. 2014), as torch has it.

Shapes: B texts, T tokens, N texts or prefixes that are read side by side, E embedding dimensions,
H hidden units. The projections stand in torch's order: reset gate, update gate, candidate.
"""

from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional

from textlstm.models.cells.cell import Cell, State, Trace


class GRU(Cell):
    """A GRU of one layer and one direction.

    The reset gate is applied behind the recurrent weights, not before them: one product serves both
    gates and the candidate.
    """

    GATES = MappingProxyType({
        "reset_gate": "the word is joined to what was read before",
        "update_gate": "the state keeps what was read before",
    })  # fmt: skip

    def __init__(self, inputs: int, hidden_units: int) -> None:
        super().__init__(inputs, hidden_units)
        self.layer = nn.GRU(inputs, hidden_units, batch_first=True)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set Glorot-uniform input weights, orthogonal recurrent weights and biases of zero."""
        weight = self.layer.get_parameter
        nn.init.xavier_uniform_(weight("weight_ih_l0"))
        nn.init.orthogonal_(weight("weight_hh_l0"))
        weight("bias_ih_l0").zero_()
        weight("bias_hh_l0").zero_()

    def project(self, vectors: Tensor) -> Tensor:
        """Return the words' share in the gates and the candidate (..., 3H)."""
        weight = self.layer.get_parameter
        return functional.linear(vectors, weight("weight_ih_l0"), weight("bias_ih_l0"))

    def traced_step(self, projected: Tensor, state: State) -> tuple[State, Trace]:
        """Return the state after a word, and the gates: the definition of the cell.

        ``reset_gate`` says how much of the state the candidate is made of, ``update_gate`` how much
        of the state is kept (0 to 1 each); ``candidate`` is what takes the place of the rest
        (-1 to 1).
        """
        (hidden,), weight = state, self.layer.get_parameter
        recurrent = functional.linear(hidden, weight("weight_hh_l0"), weight("bias_hh_l0"))
        words, states = projected.chunk(3, dim=1), recurrent.chunk(3, dim=1)
        reset, update = ((words[i] + states[i]).sigmoid() for i in (0, 1))
        candidate = (words[2] + reset * states[2]).tanh()
        hidden = (1 - update) * candidate + update * hidden
        return (hidden,), {
            "reset_gate": reset,
            "update_gate": update,
            "candidate": candidate,
            "hidden": hidden,
        }

    def forward(self, embedded: Tensor) -> Tensor:
        """Return the hidden states (B, T, H), by torch's kernel."""
        hidden: Tensor = self.layer(embedded)[0]
        return hidden
