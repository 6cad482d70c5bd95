"""Inverted dropout with a random generator of its own."""

import torch
from torch import Tensor


def dropout_mask(values: Tensor, shares: float | Tensor, chance: torch.Generator) -> Tensor:
    """Return by what dropout multiplies values: 0 for the shares that go, 1 / (1 - share) else."""
    drawn = torch.rand(values.shape, generator=chance, device=values.device)
    return (drawn >= shares) / (1 - torch.as_tensor(shares, device=values.device))
