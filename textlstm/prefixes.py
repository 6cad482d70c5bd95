"""Texts read together: what begins alike is read once.

An LSTM's state depends on the words read so far alone, so that texts that begin alike share their
first states, and texts that end alike do so when read backwards. The beginnings of many texts form
a tree; of causes of death it has half as many nodes as the texts have words. No padding is read,
and each distinct word meets the input weights once.

Shapes: B texts, T tokens, U distinct words, N nodes of a step, M texts that end there, E embedding
dimensions, H hidden units, P pooled features.
"""

from functools import cached_property
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

ENOUGH = 4
"""Rows from which on matrix products are made in one way."""


class Step(NamedTuple):
    """The distinct beginnings of one length."""

    words: Tensor  # (N,) int64, the last word of each, a row of the word vectors
    parents: Tensor  # (N,) int64, what it prolongs, among the beginnings of the step before
    ends: Tensor  # (M,) int64, which beginning each text is that is no longer, in their order

    def to(self, device: torch.device) -> Self:
        """Return the step on a device."""
        return type(self)(*(tensor.to(device) for tensor in self))


class Readings:
    """Texts as trees of their beginnings, read forwards and backwards.

    Parameters
    ----------
    ids
        (B, T) int64, rows of the word vectors.
    lengths
        (B,) int64, tokens to read, at least 1.
    device
        Where the steps are to be; the trees are made on the CPU.
    """

    def __init__(self, ids: Tensor, lengths: Tensor, device: torch.device | None = None) -> None:
        self.ids, self.lengths, self.device = ids, lengths, device or ids.device

    def to(self, device: torch.device) -> Self:
        """Return the readings, their steps on a device."""
        return type(self)(self.ids, self.lengths, device)

    @cached_property
    def forward(self) -> list[Step]:
        """Return the steps in reading order."""
        return [step.to(self.device) for step in steps(self.ids, self.lengths)]

    @cached_property
    def backward(self) -> list[Step]:
        """Return the steps against it."""
        reverse = reversed_within(self.lengths, self.ids.shape[1])  # (B, T)
        return [step.to(self.device) for step in steps(self.ids.gather(1, reverse), self.lengths)]


def steps(ids: Tensor, lengths: Tensor) -> list[Step]:
    """Return the distinct beginnings of texts (B, T), a step for each length.

    >>> one, two = steps(torch.tensor([[3, 4], [3, 5], [3, 0]]), torch.tensor([2, 2, 1]))
    >>> one.words.tolist(), two.words.tolist(), two.parents.tolist()
    ([3], [4, 5], [0, 0])
    """
    n_words = int(ids.max()) + 1
    node, texts, found = torch.zeros(len(ids), dtype=torch.int64), torch.arange(len(ids)), []
    for step in range(int(lengths.max())):
        texts = texts[lengths[texts] > step]
        keys, nodes = torch.unique(
            node[texts] * n_words + ids[texts, step], return_inverse=True
        )  # (N,), (texts,)
        node[texts] = nodes
        ends = nodes[lengths[texts] == step + 1]
        found.append(Step(keys % n_words, keys // n_words, ends))
    return found


def reversed_within(lengths: Tensor, size: int) -> Tensor:
    """Return, for each text, the steps (B, T) that read it backwards; padding stays in place.

    >>> reversed_within(torch.tensor([3, 1]), 4)
    tensor([[2, 1, 0, 3],
            [0, 1, 2, 3]])
    """
    steps = torch.arange(size, device=lengths.device)[None, :]
    backwards = lengths[:, None] - 1 - steps
    return torch.where(backwards >= 0, backwards, steps)


def read(
    lstm: nn.LSTM, vectors: Tensor, steps: list[Step], lengths: Tensor, pooling: str
) -> Tensor:
    """Return the pooled states of each text (B, P).

    It gives what torch's own layer gives, but for rounding, and no gradients.

    Parameters
    ----------
    lstm
        One layer, one direction; its second bias is 0.
    vectors
        (U, E), of the distinct words.
    lengths
        (B,) int64, of the texts.
    pooling
        ``last``, or ``max_mean``, the maximum over the states and their mean.
    """
    size, weight = lstm.hidden_size, lstm.get_parameter
    # As tanh(x) = 2 sigmoid(2 x) - 1, all gates can be had of one function, a fast one.
    scale = vectors.new_ones(4 * size)  # gates: input, forget, candidate, output
    scale[2 * size : 3 * size] = 2.0
    inputs = (
        functional.linear(enough(vectors), weight("weight_ih_l0"), weight("bias_ih_l0")) * scale
    )  # (U, 4H)
    recurrent = weight("weight_hh_l0").T * scale  # (H, 4H)
    hidden = cell = total = vectors.new_zeros(1, size)
    maximum = vectors.new_full((1, size), -1.0)  # all states lie above it
    pooled: list[list[Tensor]] = []
    for step in steps:
        words, parents = enough(step.words), enough(step.parents)
        # index_select is some times faster here than indexing.
        before, cell = hidden.index_select(0, parents), cell.index_select(0, parents)  # (N, H)
        gates = inputs.index_select(0, words).addmm_(before, recurrent).sigmoid_()  # (N, 4H)
        enter, forget, candidate, leave = gates.chunk(4, dim=1)  # (N, H) each
        cell.mul_(forget).addcmul_(enter, candidate, value=2).sub_(enter)
        hidden = (2 * cell).sigmoid_().mul_(2).sub_(1).mul_(leave)
        kept = [hidden]
        if pooling == "max_mean":
            maximum = maximum.index_select(0, parents)
            torch.maximum(maximum, hidden, out=maximum)
            total = total.index_select(0, parents).add_(hidden)
            kept = [maximum, total]
        pooled.append([state.index_select(0, step.ends) for state in kept])  # (M, H) each
    # Shorter texts have ended first.
    places = lengths.argsort(stable=True).argsort()
    ends = [torch.cat(some).index_select(0, places) for some in zip(*pooled, strict=True)]
    if pooling == "max_mean":
        ends[1] /= lengths[:, None]
    return torch.cat(ends, dim=1)


def enough(rows: Tensor) -> Tensor:
    """Return rows, and zeros behind them if they are very few.

    Sums of products over fewer rows are summed in another order: a text's states would depend on
    how many others are read with it.
    """
    short = max(ENOUGH - len(rows), 0)
    return torch.cat([rows, rows.new_zeros(short, *rows.shape[1:])]) if short else rows
