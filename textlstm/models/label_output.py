"""The output layer of label attention: each class sees its own features alone.

Shapes: B texts, D directions, C classes, H hidden units.
"""

import torch
from torch import Tensor, nn


class LabelOutput(nn.Module):
    """A linear layer for each class, of the features pooled for it (Mullenbach et al. 2018).

    Parameters
    ----------
    n_directions, n_classes, hidden_units
        D, C and H.
    """

    def __init__(self, n_directions: int, n_classes: int, hidden_units: int) -> None:
        super().__init__()
        self.n_directions = n_directions
        self.weight = nn.Parameter(torch.empty(n_classes, n_directions * hidden_units))
        self.bias = nn.Parameter(torch.empty(n_classes))

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits (B, C) of features (B, D * C * H)."""
        shape = len(features), self.n_directions, len(self.bias), -1
        of_classes = features.view(shape).transpose(1, 2).flatten(2)  # (B, C, D * H)
        return (of_classes * self.weight).sum(dim=2) + self.bias
