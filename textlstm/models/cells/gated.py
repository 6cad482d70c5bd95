"""What hand-written cells share: one product for the word, one for the state, and their start.

Shapes: E embedding dimensions, H hidden units, G projections of a word to H units, R projections of
the hidden state.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from textlstm.models.cells.cell import Cell


class GatedCell(Cell):
    """A cell whose gates are sums of a product with the word and a product with the state.

    Attributes
    ----------
    PROJECTIONS
        G.
    RECURRENT
        R.
    FORGET
        Number of the projection that starts with a bias of one, so that the memory is kept at the
        start of training (Gers et al. 2000); None where there is none.
    """

    PROJECTIONS: ClassVar[int]
    RECURRENT: ClassVar[int]
    FORGET: ClassVar[int | None] = None

    def __init__(self, inputs: int, hidden_units: int) -> None:
        super().__init__(inputs, hidden_units)
        self.input = nn.Linear(inputs, self.PROJECTIONS * hidden_units)
        self.recurrent = nn.Linear(hidden_units, self.RECURRENT * hidden_units, bias=False)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set Glorot-uniform input weights, orthogonal recurrent weights and the biases."""
        nn.init.xavier_uniform_(self.input.weight)
        nn.init.orthogonal_(self.recurrent.weight)
        self.input.bias.zero_()
        if self.FORGET is not None:
            first = self.FORGET * self.hidden_units
            self.input.bias[first : first + self.hidden_units] = 1.0

    def project(self, vectors: Tensor) -> Tensor:
        """Return the words' share in the gates and the candidate (..., G * H)."""
        projected: Tensor = self.input(vectors)
        return projected
