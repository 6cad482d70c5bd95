"""Pooling: from the hidden states of a text, one a token, to the features that are classified.

A pooling is three methods. ``start`` sums up the first states of texts, all of them where the text
is read at once; ``add`` takes in one more state, where texts that begin alike are read as a prefix
tree; ``finish`` makes the features. To add a pooling, write its class here, name it in
:data:`POOLINGS`, and add its name to the choices of the recipe's ``pooling``.

Shapes: B texts, T tokens, N texts or prefixes, H hidden units, P pooled features.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable

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
    """

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


class Attention(Pooling):
    """The mean of the states, weighted by a learned query (Yang et al. 2016).

    The weights are a softmax over the tokens of a text. States are added up by the running maximum
    of the scores, so that no exponential overflows.
    """

    def __init__(self, hidden_units: int, n_classes: int = 1) -> None:
        super().__init__(hidden_units)
        self.key = nn.Linear(hidden_units, hidden_units)
        self.query = nn.Linear(hidden_units, 1, bias=False)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set Glorot-uniform weights and a bias of zero."""
        nn.init.xavier_uniform_(self.key.weight)
        self.key.bias.zero_()
        nn.init.xavier_uniform_(self.query.weight)

    def scores(self, states: Tensor) -> Tensor:
        """Return the scores (..., 1) of states (..., H)."""
        scores: Tensor = self.query(self.key(states).tanh())
        return scores

    def start(self, states: Tensor, lengths: Tensor) -> Memory:
        """Return the highest score, the sum of the weights, and that of the weighted states."""
        read = inside(states, lengths)[:, :, None]  # (N, T, 1)
        scores = self.scores(states).masked_fill(~read, -torch.inf)
        highest = scores.detach().amax(dim=1)  # (N, 1)
        weights = (scores - highest[:, None]).exp()
        return highest, weights.sum(dim=1), (weights * states).sum(dim=1)

    def add(self, memory: Iterable[Tensor], state: Tensor) -> Memory:
        """Return the same with one more state."""
        before, weight, total = memory
        score = self.scores(state)  # (N, 1)
        highest = torch.maximum(before, score)
        kept, new = (before - highest).exp(), (score - highest).exp()
        return highest, weight * kept + new, total * kept + new * state

    def finish(self, memory: Memory, lengths: Tensor) -> Tensor:
        """Return the weighted mean (N, H)."""
        _, weight, total = memory
        return total / weight


class LabelAttention(Pooling):
    """A mean of the states for each class, weighted by its own query (Mullenbach et al. 2018).

    Without the authors' convolution it is attention, once for each class; the features of a class
    are for its own logit, see :class:`.LabelOutput`.
    """

    def __init__(self, hidden_units: int, n_classes: int = 1) -> None:
        super().__init__(hidden_units)
        self.size = n_classes * hidden_units
        self.query = nn.Linear(hidden_units, n_classes, bias=False)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set Glorot-uniform weights."""
        nn.init.xavier_uniform_(self.query.weight)

    def start(self, states: Tensor, lengths: Tensor) -> Memory:
        """Return, for each class, what :class:`Attention` keeps: (N, C) twice, and (N, C, H)."""
        read = inside(states, lengths)[:, :, None]  # (N, T, 1)
        scores = self.query(states).masked_fill(~read, -torch.inf)  # (N, T, C)
        highest = scores.detach().amax(dim=1)  # (N, C)
        weights = (scores - highest[:, None]).exp()
        return highest, weights.sum(dim=1), weights.transpose(1, 2) @ states

    def add(self, memory: Iterable[Tensor], state: Tensor) -> Memory:
        """Return the same with one more state."""
        before, weight, total = memory
        score = self.query(state)  # (N, C)
        highest = torch.maximum(before, score)
        kept, new = (before - highest).exp(), (score - highest).exp()
        total = total * kept[:, :, None] + new[:, :, None] * state[:, None]
        return highest, weight * kept + new, total

    def finish(self, memory: Memory, lengths: Tensor) -> Tensor:
        """Return the weighted means, class by class (N, C * H)."""
        _, weight, total = memory
        return (total / weight[:, :, None]).flatten(1)


POOLINGS: dict[str, type[Pooling]] = {
    "last": Last,
    "max": Max,
    "mean": Mean,
    "max_mean": MaxMean,
    "attention": Attention,
    "label-attention": LabelAttention,
}
