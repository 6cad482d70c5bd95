"""Dense layers: a feed-forward stack between the pooled features of a text and its classes.

Shapes: B texts, P features, O units of the last layer.
"""

import torch
from torch import Tensor, nn

from textlstm.models.layers import TRANSFORM_GATE_BIAS


class DenseLayer(nn.Module):
    """A dense layer with a ReLU, and what leads past it.

    Parameters
    ----------
    inputs, units
        Features that it reads and gives.
    highway
        Whether a transform gate t mixes both as ``t * relu(W x + b) + (1 - t) * x`` (Srivastava et
        al. 2015). An input of another size is projected first.
    """

    def __init__(self, inputs: int, units: int, *, highway: bool) -> None:
        super().__init__()
        self.layer = nn.Linear(inputs, units)
        self.gate = nn.Linear(inputs, units) if highway else None
        projected = highway and inputs != units
        self.carry = nn.Linear(inputs, units, bias=False) if projected else None

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set Glorot-uniform weights, biases of zero, and gates that carry the input on."""
        for linear in (self.layer, self.gate, self.carry):
            if linear is not None:
                nn.init.xavier_uniform_(linear.weight)
        self.layer.bias.zero_()
        if self.gate is not None:
            self.gate.bias.fill_(TRANSFORM_GATE_BIAS)

    def forward(self, features: Tensor) -> Tensor:
        """Return the units (B, units) of features (B, inputs)."""
        units: Tensor = self.layer(features).relu()
        if self.gate is None:
            return units
        carried: Tensor = features if self.carry is None else self.carry(features)
        return torch.lerp(carried, units, self.gate(features).sigmoid())


class DenseStack(nn.Module):
    """Dense layers, the first one first; without layers, the features stay as they are.

    Attributes
    ----------
    size
        O.
    """

    def __init__(self, inputs: int, sizes: tuple[int, ...], *, highway: bool) -> None:
        super().__init__()
        widths = inputs, *sizes
        self.layers = nn.ModuleList(
            DenseLayer(width, units, highway=highway)
            for width, units in zip(widths, sizes, strict=False)
        )
        self.size = widths[-1]

    def reset_parameters(self) -> None:
        """Set the starting weights."""
        for layer in self.layers:
            if isinstance(layer, DenseLayer):
                layer.reset_parameters()

    def forward(self, features: Tensor) -> Tensor:
        """Return the units of the last layer (B, O) of features (B, P)."""
        for layer in self.layers:
            features = layer(features)
        return features
