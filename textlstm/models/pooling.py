"""Pooling: from the hidden states of a text, one a token, to the features that are classified.

A pooling is three methods. ``start`` sums up the first states of texts, all of them where the text
is read at once; ``add`` takes in one more state, where texts that begin alike are read as a prefix
tree; ``finish`` makes the features. Those with learned weights are in :mod:`.attention`.

Shapes: B texts, T tokens, N texts or prefixes, H hidden units, P pooled features.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor, nn

Memory = tuple[Tensor, ...]
"""Tensors (N, ...): all that a pooling keeps of the states of a text."""


def inside(states: Tensor, lengths: Tensor) -> Tensor:
    """Return which states (N, T, H) belong to texts of these lengths (N, T)."""
    return torch.arange(states.shape[1], device=states.device) < lengths[:, None]


class Pooling(nn.Module, ABC):
    """A pooling of hidden states.

    Parameters
    ----------
    hidden_units
        H.
    n_classes
        C, which only a pooling for each class needs.

    Attributes
    ----------
    size
        P.
    BY_CLASS
        Whether each class has features of its own, which are for its own logit alone.
    """

    BY_CLASS: ClassVar[bool] = False
    size: int

    def __init__(self, hidden_units: int, n_classes: int = 1) -> None:
        super().__init__()
        self.size = hidden_units

    def reset_parameters(self) -> None:
        """Set the starting weights."""

    @abstractmethod
    def start(self, states: Tensor, lengths: Tensor) -> Memory:
        """Return the memory of texts' states (N, T, H), those behind a text's length left out."""

    @abstractmethod
    def add(self, memory: Iterable[Tensor], state: Tensor) -> Memory:
        """Return the memory with one more state (N, H); without gradients.

        The tensors of ``memory`` may be overwritten. One that is not asked for is not computed.
        """

    @abstractmethod
    def finish(self, memory: Memory, lengths: Tensor) -> Tensor:
        """Return the features (N, P) of texts of these lengths (N,)."""

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Return the features (B, P) of whole texts of states (B, T, H)."""
        return self.finish(self.start(states, lengths), lengths)


class Last(Pooling):
    """The state at the last token."""

    def start(self, states: Tensor, lengths: Tensor) -> Memory:
        """Return the last state."""
        last = (lengths - 1)[:, None, None].expand(-1, 1, states.shape[2])  # (N, 1, H)
        return (states.gather(1, last).squeeze(1),)

    def add(self, memory: Iterable[Tensor], state: Tensor) -> Memory:
        """Return the state."""
        return (state,)

    def finish(self, memory: Memory, lengths: Tensor) -> Tensor:
        """Return the state."""
        return memory[0]


class Max(Pooling):
    """The maximum of each hidden unit over the tokens."""

    def start(self, states: Tensor, lengths: Tensor) -> Memory:
        """Return the maximum."""
        read = inside(states, lengths)[:, :, None]  # (N, T, 1)
        return (states.masked_fill(~read, -torch.inf).amax(dim=1),)

    def add(self, memory: Iterable[Tensor], state: Tensor) -> Memory:
        """Return the maximum."""
        (maximum,) = memory
        return (torch.maximum(maximum, state, out=maximum),)

    def finish(self, memory: Memory, lengths: Tensor) -> Tensor:
        """Return the maximum (N, H)."""
        return memory[0]


class Mean(Pooling):
    """The mean of each hidden unit over the tokens."""

    def start(self, states: Tensor, lengths: Tensor) -> Memory:
        """Return the sum."""
        return ((states * inside(states, lengths)[:, :, None]).sum(dim=1),)

    def add(self, memory: Iterable[Tensor], state: Tensor) -> Memory:
        """Return the sum."""
        (total,) = memory
        return (total.add_(state),)

    def finish(self, memory: Memory, lengths: Tensor) -> Tensor:
        """Return the mean (N, H)."""
        return memory[0] / lengths[:, None]


class MaxMean(Pooling):
    """The maximum of each hidden unit over the tokens, and its mean, side by side."""

    def __init__(self, hidden_units: int, n_classes: int = 1) -> None:
        super().__init__(hidden_units)
        self.size = 2 * hidden_units
        self.parts = Max(hidden_units), Mean(hidden_units)

    def start(self, states: Tensor, lengths: Tensor) -> Memory:
        """Return the maximum and the sum."""
        (maximum,), (total,) = (part.start(states, lengths) for part in self.parts)
        return maximum, total

    def add(self, memory: Iterable[Tensor], state: Tensor) -> Memory:
        """Return the maximum and the sum."""
        (maximum,), (total,) = (
            part.add((kept,), state) for part, kept in zip(self.parts, memory, strict=True)
        )
        return maximum, total

    def finish(self, memory: Memory, lengths: Tensor) -> Tensor:
        """Return the maximum and the mean (N, 2H)."""
        parts = zip(self.parts, memory, strict=True)
        return torch.cat([part.finish((kept,), lengths) for part, kept in parts], dim=1)
