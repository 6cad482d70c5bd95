"""A bag of words: no recurrence, to see what the order of the words is worth.

Shapes: B texts, T tokens, N texts or prefixes that are read side by side, E embedding dimensions,
H hidden units.
"""

import torch
from torch import Tensor, nn

from textlstm.models.cells.cell import Cell, State, Trace


class BagOfWords(Cell):
    """A linear layer of each word by itself: ``h = W x + b``.

    Pooled by its mean and followed by dense layers, it is a deep averaging network (Iyyer et al.
    2015).
    """

    def __init__(self, inputs: int, hidden_units: int) -> None:
        super().__init__(inputs, hidden_units)
        self.input = nn.Linear(inputs, hidden_units)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set Glorot-uniform weights and biases of zero."""
        nn.init.xavier_uniform_(self.input.weight)
        self.input.bias.zero_()

    def project(self, vectors: Tensor) -> Tensor:
        """Return the states of words (..., H)."""
        projected: Tensor = self.input(vectors)
        return projected

    def traced_step(self, projected: Tensor, state: State) -> tuple[State, Trace]:
        """Return the word's own state, whatever was read before."""
        return (projected,), {"hidden": projected}

    def forward(self, embedded: Tensor) -> Tensor:
        """Return the states (B, T, H), all words at once."""
        return self.project(embedded)
