"""Long short-term memory (Hochreiter and Schmidhuber 1997), with forget gates (Gers et al. 2000).

Shapes: B texts, T tokens, N texts or prefixes that are read side by side, E embedding dimensions,
H hidden units. The gates stand in torch's order: input, forget, candidate, output.
"""

from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional

from textlstm.models.cells.cell import Cell, State, Step, Trace


class LSTM(Cell):
    """An LSTM of one layer and one direction.

    Parameters
    ----------
    inputs
        E.
    hidden_units
        H.
    """

    STATES = 2  # hidden, cell
    GATES = MappingProxyType({
        "input_gate": "the word enters the cell",
        "forget_gate": "the cell keeps what was read before",
    })  # fmt: skip
    MEMORY = "cell"

    def __init__(self, inputs: int, hidden_units: int) -> None:
        super().__init__(inputs, hidden_units)
        self.layer = nn.LSTM(inputs, hidden_units, batch_first=True)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set the starting weights of MATLAB R2020b's lstmLayer.

        Glorot-uniform input weights, orthogonal recurrent weights, and one bias, zero but for the
        forget gate, where it is one. Torch has a second bias, which is held at zero.
        """
        weight = self.layer.get_parameter
        nn.init.xavier_uniform_(weight("weight_ih_l0"))
        nn.init.orthogonal_(weight("weight_hh_l0"))
        weight("bias_ih_l0").zero_()[self.hidden_units : 2 * self.hidden_units] = 1.0
        weight("bias_hh_l0").zero_().requires_grad_(False)

    def project(self, vectors: Tensor) -> Tensor:
        """Return the words' share in the gates (..., 4H)."""
        weight = self.layer.get_parameter
        return vectors @ weight("weight_ih_l0").T + weight("bias_ih_l0") + weight("bias_hh_l0")

    def traced_step(self, projected: Tensor, state: State) -> tuple[State, Trace]:
        """Return the state after a word, and all gates: the definition of the cell.

        ``input_gate`` says how much of the word enters the cell, ``forget_gate`` how much of the
        cell is kept, ``output_gate`` how much of it is shown (0 to 1 each); ``candidate`` is what
        the word would put into the cell (-1 to 1).
        """
        hidden, cell = state
        gates = (projected + hidden @ self.layer.get_parameter("weight_hh_l0").T).chunk(4, dim=1)
        enter, keep, show = (gates[i].sigmoid() for i in (0, 1, 3))
        candidate = gates[2].tanh()
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

    def forward(self, embedded: Tensor) -> Tensor:
        """Return the hidden states (B, T, H), by torch's kernel."""
        hidden: Tensor = self.layer(embedded)[0]
        return hidden

    def fused(self) -> Step:
        """Return the step that computes all gates by one function, in place."""
        return FusedStep(self)


class FusedStep:
    """The step of an LSTM whose second bias is zero, in half the time and without gradients.

    As tanh(x) = 2 sigmoid(2 x) - 1, the sigmoid, which is fast, serves all gates, once the weights
    of the candidate are doubled.
    """

    def __init__(self, cell: LSTM) -> None:
        size, weight = cell.hidden_units, cell.layer.get_parameter
        self.initial_state = cell.initial_state
        self.kernel, self.bias = weight("weight_ih_l0"), weight("bias_ih_l0")
        self.scale = self.kernel.new_ones(4 * size)
        self.scale[2 * size : 3 * size] = 2.0
        self.recurrent = weight("weight_hh_l0").T * self.scale  # (H, 4H)

    def project(self, vectors: Tensor) -> Tensor:
        """Return the words' share in the gates (..., 4H), that of the candidate doubled."""
        return functional.linear(vectors, self.kernel, self.bias) * self.scale

    def step(self, projected: Tensor, state: State) -> State:
        """Return the state after a word; the projection and the cell are overwritten."""
        hidden, cell = state
        gates = projected.addmm_(hidden, self.recurrent).sigmoid_()  # (N, 4H)
        enter, keep, candidate, show = gates.chunk(4, dim=1)  # (N, H) each
        cell.mul_(keep).addcmul_(enter, candidate, value=2).sub_(enter)
        return (2 * cell).sigmoid_().mul_(2).sub_(1).mul_(show), cell
