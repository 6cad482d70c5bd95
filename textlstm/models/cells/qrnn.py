"""Quasi-recurrent networks: gates by convolution, pooled through time (Bradbury et al. 2016).

Shapes: B texts, T tokens, N texts or prefixes that are read side by side, E embedding dimensions,
H hidden units, G gates, K words of the window. The projections are those of the word for its own
step, then for the step after it, and so on: K times G in all. The gates stand in this order:
candidate, forget gate, output gate, input gate.
"""

from types import MappingProxyType
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from textlstm.models.cells.cell import Cell, State, Trace
from textlstm.network_config import NetworkConfig


class QRNN(Cell):
    """What the three QRNNs share: a convolution over a word and those before it.

    No product has to wait for the state. The state holds what earlier words contribute to the steps
    to come, so that texts which begin alike are read as one here, too.

    Parameters
    ----------
    window
        K, at least 1.
    """

    CONVOLUTIONS: ClassVar[int]  # G
    MEMORY = "cell"
    GATES = MappingProxyType({"forget_gate": "the cell keeps what was read before"})

    def __init__(self, inputs: int, hidden_units: int, window: int = 2) -> None:
        super().__init__(inputs, hidden_units)
        self.window, self.width = window, self.CONVOLUTIONS * hidden_units
        self.input = nn.Linear(inputs, window * self.width, bias=False)
        self.bias = nn.Parameter(torch.zeros(self.width))

    @classmethod
    def of_config(cls, inputs: int, hidden_units: int, config: NetworkConfig) -> Self:
        """Return the cell with the recipe's ``qrnn_window``."""
        return cls(inputs, hidden_units, config.qrnn_window)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set Glorot-uniform weights, and biases of zero, but of one for the forget gate."""
        nn.init.xavier_uniform_(self.input.weight)
        self.bias.zero_()[self.hidden_units : 2 * self.hidden_units] = 1.0

    def project(self, vectors: Tensor) -> Tensor:
        """Return what a word contributes to its own step and to the next ones (..., K * G * H)."""
        projected: Tensor = self.input(vectors)
        return projected

    def initial_state(self, vectors: Tensor) -> State:
        """Return the state before the first word: zeros (1, H) twice, K - 1 times (1, G * H)."""
        units = vectors.new_zeros(1, self.hidden_units)
        return (units, units, *[vectors.new_zeros(1, self.width)] * (self.window - 1))

    def traced_step(self, projected: Tensor, state: State) -> tuple[State, Trace]:
        """Return the state after a word, and the gates (0 to 1)."""
        _, cell, *earlier = state
        now, *later = projected.split(self.width, dim=1)
        sums = [part + old for part, old in zip([now, *later], [*earlier, 0.0], strict=True)]
        cell, trace = self.pool(sums[0] + self.bias, cell)
        return (trace["hidden"], cell, *sums[1:]), trace

    def pool(self, gates: Tensor, cell: Tensor) -> tuple[Tensor, Trace]:
        """Return the cell (N, H) after a step, and the trace; ``gates`` (N, G * H) are sums."""
        raise NotImplementedError


class ForgetPooling(QRNN):
    """f-pooling: ``h = f h + (1 - f) z``."""

    CONVOLUTIONS = 2

    def pool(self, gates: Tensor, cell: Tensor) -> tuple[Tensor, Trace]:
        """Return the cell, which is the hidden state as well, and the trace."""
        candidate, keep = gates.chunk(2, dim=1)
        candidate, keep = candidate.tanh(), keep.sigmoid()
        cell = keep * cell + (1 - keep) * candidate
        return cell, {"forget_gate": keep, "candidate": candidate, "cell": cell, "hidden": cell}


class ForgetOutputPooling(QRNN):
    """fo-pooling: ``c = f c + (1 - f) z``, ``h = o c``."""

    CONVOLUTIONS = 3

    def pool(self, gates: Tensor, cell: Tensor) -> tuple[Tensor, Trace]:
        """Return the cell and the trace."""
        candidate, keep, show = gates.chunk(3, dim=1)
        candidate, keep, show = candidate.tanh(), keep.sigmoid(), show.sigmoid()
        cell = keep * cell + (1 - keep) * candidate
        return cell, {
            "forget_gate": keep,
            "candidate": candidate,
            "output_gate": show,
            "cell": cell,
            "hidden": show * cell,
        }


class InputForgetOutputPooling(QRNN):
    """ifo-pooling: ``c = f c + i z``, ``h = o c``."""

    CONVOLUTIONS = 4
    GATES = MappingProxyType({
        "input_gate": "the words of the window enter the cell",
        "forget_gate": "the cell keeps what was read before",
    })  # fmt: skip

    def pool(self, gates: Tensor, cell: Tensor) -> tuple[Tensor, Trace]:
        """Return the cell and the trace."""
        candidate, keep, show, enter = gates.chunk(4, dim=1)
        candidate, keep, show, enter = (
            candidate.tanh(), keep.sigmoid(), show.sigmoid(), enter.sigmoid(),
        )  # fmt: skip
        cell = keep * cell + enter * candidate
        return cell, {
            "input_gate": enter,
            "forget_gate": keep,
            "candidate": candidate,
            "output_gate": show,
            "cell": cell,
            "hidden": show * cell,
        }
