"""The weights of an LSTM in the form of MATLAB's lstmLayer, which torch's can be exchanged for.

The rows stand in MATLAB's order, which is torch's, too: input gate, forget gate, cell candidate,
output gate. MATLAB has one bias, torch has two that are added.

Shapes: E embedding dimensions, H hidden units.
"""

from dataclasses import dataclass
from typing import Self

import torch

from textlstm.array_types import Floats
from textlstm.errors import InputError
from textlstm.models.cells.lstm import LSTM


@dataclass(frozen=True)
class MatlabWeights:
    """The weights of an lstmLayer, by the names of its properties.

    Attributes
    ----------
    input_weights
        ``InputWeights`` (4H, E).
    recurrent_weights
        ``RecurrentWeights`` (4H, H).
    bias
        ``Bias`` (4H,).
    """

    input_weights: Floats
    recurrent_weights: Floats
    bias: Floats

    @classmethod
    def of(cls, cell: LSTM) -> Self:
        """Export the weights of a cell."""
        weight = {name: value.detach().double().numpy(force=True)
                  for name, value in cell.layer.named_parameters()}  # fmt: skip
        bias = weight["bias_ih_l0"] + weight["bias_hh_l0"]
        return cls(weight["weight_ih_l0"], weight["weight_hh_l0"], bias)

    def cell(self) -> LSTM:
        """Import the weights: return a cell that computes as the lstmLayer does.

        Raises
        ------
        InputError
            If the shapes are not those of one LSTM.
        """
        rows, inputs = self.input_weights.shape
        hidden = rows // 4
        shapes = self.input_weights.shape, self.recurrent_weights.shape, self.bias.shape
        if shapes != ((4 * hidden, inputs), (4 * hidden, hidden), (4 * hidden,)):
            raise InputError(
                "InputWeights {}, RecurrentWeights {} and Bias {} are not those of an "
                "lstmLayer".format(*shapes)
            )
        cell = LSTM(inputs, hidden)
        cell.reset_parameters()
        with torch.no_grad():
            for name, values in (
                ("weight_ih_l0", self.input_weights),
                ("weight_hh_l0", self.recurrent_weights),
                ("bias_ih_l0", self.bias),
            ):
                cell.layer.get_parameter(name).copy_(torch.from_numpy(values))
        return cell
