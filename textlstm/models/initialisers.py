"""Initialisers of the weights of recurrent cells, by the names of MATLAB's lstmLayer.

Cells set their weights by Glorot and Orthogonal initialisers by themselves; a recipe may choose
others for their input weights and their recurrent weights.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

NARROW = 0.01
"""Standard deviation of narrow-normal weights."""

INITIALISERS: dict[str, Callable[[Tensor], object]] = {
    "glorot": nn.init.xavier_uniform_,
    "he": nn.init.kaiming_normal_,
    "orthogonal": nn.init.orthogonal_,
    "narrow-normal": lambda weight: nn.init.normal_(weight, std=NARROW),
}
"""Glorot and Bengio 2010 (uniform), He et al. 2015 (normal), Saxe et al. 2014, and a normal
distribution of a small deviation."""

INPUT, RECURRENT = ("input", "weight_ih"), ("recurrent", "weight_hh")
"""Beginnings of the names of input weights and of recurrent weights in all cells."""

OWN_INPUT, OWN_RECURRENT = "glorot", "orthogonal"
"""Initialisers that cells use by themselves."""


@torch.no_grad()
def initialise(cell: nn.Module, input_init: str, recurrent_init: str) -> None:
    """Set the weight matrices of a cell by other initialisers than its own; biases stay.

    Parameters
    ----------
    input_init, recurrent_init
        Keys of :data:`INITIALISERS`.
    """
    for names, chosen, own in (
        (INPUT, input_init, OWN_INPUT),
        (RECURRENT, recurrent_init, OWN_RECURRENT),
    ):
        if chosen == own:  # set already, and not drawn again
            continue
        for path, weight in cell.named_parameters():
            parts = path.split(".")
            if weight.ndim > 1 and any(part.startswith(names) for part in parts):
                for matrix in weight if weight.ndim > 2 else [weight]:
                    INITIALISERS[chosen](matrix)
