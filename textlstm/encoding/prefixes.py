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
from torch import Tensor


class Level(NamedTuple):
    """The distinct beginnings of one length."""

    words: Tensor  # (N,) int64, the last word of each, a row of the word vectors
    parents: Tensor  # (N,) int64, what it prolongs, among the beginnings of the step before
    ends: Tensor  # (M,) int64, which beginning each text is that is no longer, in their order

    def to(self, device: torch.device) -> Self:
        """Return the step on a device."""
        return type(self)(*(tensor.to(device) for tensor in self))


class PrefixTrees:
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
    def forward(self) -> list[Level]:
        """Return the steps in reading order."""
        return [step.to(self.device) for step in build_tree(self.ids, self.lengths)]

    @cached_property
    def backward(self) -> list[Level]:
        """Return the steps against it."""
        reverse = reverse_index(self.lengths, self.ids.shape[1])  # (B, T)
        return [
            step.to(self.device) for step in build_tree(self.ids.gather(1, reverse), self.lengths)
        ]


def build_tree(ids: Tensor, lengths: Tensor) -> list[Level]:
    """Return the distinct beginnings of texts (B, T), a step for each length.

    >>> one, two = build_tree(torch.tensor([[3, 4], [3, 5], [3, 0]]), torch.tensor([2, 2, 1]))
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
        found.append(Level(keys % n_words, keys // n_words, ends))
    return found


def reverse_index(lengths: Tensor, size: int) -> Tensor:
    """Return, for each text, the steps (B, T) that read it backwards; padding stays in place.

    >>> reverse_index(torch.tensor([3, 1]), 4)
    tensor([[2, 1, 0, 3],
            [0, 1, 2, 3]])
    """
    steps = torch.arange(size, device=lengths.device)[None, :]
    backwards = lengths[:, None] - 1 - steps
    return torch.where(backwards >= 0, backwards, steps)
