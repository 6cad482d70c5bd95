"""Prefix trees: texts that begin alike are read together, each shared beginning once.

A recurrent state depends on the words read so far alone, so that texts that begin alike share their
first states, and texts that end alike do so when read backwards. The prefixes of many texts form a
tree; of causes of death it has half as many nodes as the texts have words. No padding is read, and
each distinct word is projected once.

Shapes: B texts, T tokens, U distinct words, N nodes of a level, M texts that end there, E embedding
dimensions, H hidden units, P pooled features.
"""

from functools import cached_property
from typing import NamedTuple, Self

import torch
from torch import Tensor

from textlstm.models.cells.cell import Cell
from textlstm.models.pooling import Memory, Pooling

MIN_GEMM_ROWS = 4
"""Rows from which on a matrix product sums in one order."""


class Level(NamedTuple):
    """The distinct prefixes of one length."""

    words: Tensor  # (N,) int64, the last word of each, a row of the word vectors
    parents: Tensor  # (N,) int64, the prefix without that word, a row of the level before
    ends: Tensor  # (M,) int64, the prefix of each text that is no longer, in the texts' order

    def to(self, device: torch.device) -> Self:
        """Return the level on a device."""
        return type(self)(*(tensor.to(device) for tensor in self))


class PrefixTrees:
    """The prefix trees of texts, forward and backward; each is built when it is first asked for.

    Parameters
    ----------
    ids
        (B, T) int64, rows of the word vectors.
    lengths
        (B,) int64, tokens to read, at least 1.
    """

    def __init__(self, ids: Tensor, lengths: Tensor) -> None:
        self.ids, self.lengths = ids, lengths

    @cached_property
    def forward(self) -> list[Level]:
        """Return the levels in reading order."""
        return self._levels(self.ids.cpu())

    @cached_property
    def backward(self) -> list[Level]:
        """Return the levels against it."""
        ids = self.ids.cpu()
        return self._levels(ids.gather(1, reverse_index(self.lengths.cpu(), ids.shape[1])))

    def _levels(self, ids: Tensor) -> list[Level]:
        """Return the levels of a tree, built on the CPU, on the device of the texts."""
        return [level.to(self.ids.device) for level in build_tree(ids, self.lengths.cpu())]


def build_tree(ids: Tensor, lengths: Tensor) -> list[Level]:
    """Return the distinct prefixes of texts (B, T), a level for each length.

    >>> one, two = build_tree(torch.tensor([[3, 4], [3, 5], [3, 0]]), torch.tensor([2, 2, 1]))
    >>> one.words.tolist(), two.words.tolist(), two.parents.tolist()
    ([3], [4, 5], [0, 0])
    """
    n_words = int(ids.max()) + 1
    prefixes, texts = torch.zeros(len(ids), dtype=torch.int64), torch.arange(len(ids))
    levels = []
    for position in range(int(lengths.max())):
        texts = texts[lengths[texts] > position]
        keys, nodes = torch.unique(
            prefixes[texts] * n_words + ids[texts, position], return_inverse=True
        )  # (N,), (texts,)
        prefixes[texts] = nodes
        ends = nodes[lengths[texts] == position + 1]
        levels.append(Level(keys % n_words, keys // n_words, ends))
    return levels


def reverse_index(lengths: Tensor, size: int) -> Tensor:
    """Return the token positions (B, T) that read each text backwards; padding stays behind it.

    >>> reverse_index(torch.tensor([3, 1]), 4)
    tensor([[2, 1, 0, 3],
            [0, 1, 2, 3]])
    """
    positions = torch.arange(size, device=lengths.device)[None, :]
    backwards = lengths[:, None] - 1 - positions
    return torch.where(backwards >= 0, backwards, positions)


@torch.no_grad()
def run_tree(
    cell: Cell, pooling: Pooling, vectors: Tensor, levels: list[Level], lengths: Tensor
) -> Tensor:
    """Return the features (B, P) of the texts of a prefix tree; they carry no gradients.

    They are those of reading each text by itself, but for rounding.

    Parameters
    ----------
    vectors
        (U, E), of the distinct words.
    levels
        Of :func:`build_tree`.
    lengths
        (B,) int64, of the texts.
    """
    fused = cell.fused()
    projected, state = fused.project(pad_rows(vectors)), fused.initial_state(vectors)
    memory: Memory | None = None
    ended = []
    for level in levels:
        words, parents = pad_rows(level.words), pad_rows(level.parents)
        # index_select is several times faster here than indexing.
        before = tuple(part.index_select(0, parents) for part in state)  # (N, H) each
        state = fused.step(projected.index_select(0, words), before)
        if memory is None:
            memory = pooling.start(state[0][:, None], torch.ones_like(words))
        else:
            memory = pooling.add((part.index_select(0, parents) for part in memory), state[0])
        ended.append([part.index_select(0, level.ends) for part in memory])  # (M, ...) each
    # Shorter texts have ended first.
    rows = lengths.argsort(stable=True).argsort()
    whole = tuple(torch.cat(parts).index_select(0, rows) for parts in zip(*ended, strict=True))
    return pooling.finish(whole, lengths)


def pad_rows(rows: Tensor) -> Tensor:
    """Return rows, with rows of zeros behind them up to MIN_GEMM_ROWS.

    Products of fewer rows are summed in another order: a text's states would depend on how many
    other texts are read with it.
    """
    short = max(MIN_GEMM_ROWS - len(rows), 0)
    return torch.cat([rows, rows.new_zeros(short, *rows.shape[1:])]) if short else rows
