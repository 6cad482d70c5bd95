"""Inverted dropout with a random generator of its own."""

import torch
from torch import Tensor


def dropout_mask(values: Tensor, shares: float | Tensor, generator: torch.Generator) -> Tensor:
    """Return an inverted-dropout mask: 0 with probability ``shares``, else 1 / (1 - share)."""
    drawn = torch.rand(values.shape, generator=generator, device=values.device)
    return (drawn >= shares) / (1 - torch.as_tensor(shares, device=values.device))
