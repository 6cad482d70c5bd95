"""Attention pooling: means of the hidden states, weighted by learned queries.

Shapes: B texts, T tokens, N texts or prefixes, H hidden units, C classes.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from textlstm.models.pooling import Memory, Pooling, inside


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

    BY_CLASS = True

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
