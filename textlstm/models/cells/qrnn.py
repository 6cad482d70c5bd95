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
from torch.nn import functional

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
        """Return the state after a word, and the gates (0 to 1) and the candidate (-1 to 1)."""
        _, cell, *earlier = state
        now, *later = projected.split(self.width, dim=1)
        sums = [part + old for part, old in zip([now, *later], [*earlier, 0.0], strict=True)]
        gates = self._squash(sums[0])
        cell = gates["forget_gate"] * cell + _entering(gates)
        hidden = _shown(gates, cell)
        return (hidden, cell, *sums[1:]), gates | {"cell": cell, "hidden": hidden}

    def forward(self, embedded: Tensor) -> Tensor:
        """Return the hidden states (B, T, H): all gates at once, and then the cell step by step."""
        now, *later = self.project(embedded).split(self.width, dim=2)  # (B, T, G * H) each
        for lag, part in enumerate(later, start=1):
            now = now + functional.pad(part, (0, 0, lag, 0))[:, : now.shape[1]]
        gates = self._squash(now)
        cell, cells = embedded.new_zeros(len(embedded), self.hidden_units), []
        steps = zip(gates["forget_gate"].unbind(1), _entering(gates).unbind(1), strict=True)
        for keep, entering in steps:
            cell = torch.addcmul(entering, keep, cell)
            cells.append(cell)
        return _shown(gates, torch.stack(cells, dim=1))

    def _squash(self, sums: Tensor) -> Trace:
        """Return the candidate and the gates (..., H) by name, of their sums (..., G * H)."""
        parts = (sums + self.bias).chunk(self.CONVOLUTIONS, dim=-1)
        names = "candidate", "forget_gate", "output_gate", "input_gate"
        return {
            name: part.tanh() if name == "candidate" else part.sigmoid()
            for name, part in zip(names, parts, strict=False)
        }


def _entering(gates: Trace) -> Tensor:
    """Return what enters the cell (..., H): the share that is not kept, or the input gate's."""
    enter = gates["input_gate"] if "input_gate" in gates else 1 - gates["forget_gate"]
    return enter * gates["candidate"]


def _shown(gates: Trace, cell: Tensor) -> Tensor:
    """Return the hidden state (..., H): the cell, or as much of it as an output gate shows."""
    return gates["output_gate"] * cell if "output_gate" in gates else cell


class ForgetPooling(QRNN):
    """f-pooling: ``h = f h + (1 - f) z``."""

    CONVOLUTIONS = 2


class ForgetOutputPooling(QRNN):
    """fo-pooling: ``c = f c + (1 - f) z``, ``h = o c``."""

    CONVOLUTIONS = 3


class InputForgetOutputPooling(QRNN):
    """ifo-pooling: ``c = f c + i z``, ``h = o c``."""

    CONVOLUTIONS = 4
    GATES = MappingProxyType({
        "input_gate": "the words of the window enter the cell",
        "forget_gate": "the cell keeps what was read before",
    })  # fmt: skip
