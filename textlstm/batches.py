"""From encoded texts to the tensors the network reads, a batch at a time."""

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from textlstm.encoding import PAD, UNKNOWN, EncodedTexts, WordEncoding, subwords

POOL = 32
"""Batches among which shuffled texts are sorted by length: enough to save padding in long texts."""


class Batch(NamedTuple):
    """B texts of at most T tokens, made of U distinct words with S subwords in all."""

    words: Tensor  # (U,) int64, vocabulary ids
    subwords: Tensor  # (S,) int64, the words' subwords, word after word
    offsets: Tensor  # (U,) int64, where each word's subwords begin
    ids: Tensor  # (B, T) int64, rows of `words`; the first row is padding
    lengths: Tensor  # (B,) int64, tokens to read, at least 1

    def to(self, device: torch.device) -> Self:
        """Return the batch on a device."""
        return type(self)(*(tensor.to(device, non_blocking=True) for tensor in self))


class Corpus:
    """Encoded texts as tensors, from which any rows can be taken as a :class:`Batch`.

    Padding on the right is cut to the longest text of a batch; padding on the left is part of
    the text, as in MATLAB, and read whole.
    """

    def __init__(self, texts: EncodedTexts, encoding: WordEncoding) -> None:
        self.forms = torch.from_numpy(texts.forms)
        words = [*encoding.words, *texts.unknown]
        word_ids = np.arange(len(words))
        word_ids[len(encoding.words) :] = UNKNOWN
        # Padding and the unknown word as such are not made of letters.
        numbers, offsets = subwords(["", "", *words[2:]], encoding.subword_buckets)
        self.word_ids = torch.from_numpy(word_ids)
        self.subwords = torch.from_numpy(numbers)
        self.offsets = torch.from_numpy(offsets)
        if encoding.padding == "left":
            self.lengths = torch.full((len(texts),), encoding.length)
        else:
            self.lengths = (self.forms != PAD).sum(dim=1).clamp(min=1)

    def __len__(self) -> int:
        return len(self.forms)

    def batch(self, rows: Tensor) -> Batch:
        """Return the texts of these rows, each distinct word listed once."""
        lengths = self.lengths[rows]
        forms = self.forms[rows, : int(lengths.max())]
        # Padding comes first among the distinct words, whether or not the batch has any.
        distinct = torch.unique(torch.cat([forms.new_zeros(1), forms.flatten()]))
        ids = torch.searchsorted(distinct, forms)
        starts, ends = self.offsets[distinct], self.offsets[distinct + 1]
        sizes = ends - starts
        offsets = sizes.cumsum(0) - sizes
        places = torch.arange(int(sizes.sum())) + (starts - offsets).repeat_interleave(sizes)
        return Batch(self.word_ids[distinct], self.subwords[places], offsets, ids, lengths)


def shuffled(
    lengths: Tensor, size: int, generator: torch.Generator, *, drop_last: bool = False
) -> Iterator[Tensor]:
    """Yield the rows of each batch of an epoch, in random order, texts of like length together.

    Parameters
    ----------
    lengths
        (n,) tokens of each text.
    size
        Rows a batch.
    drop_last
        Leave out the rows that do not fill a batch, unless there are no others.
    """
    order = torch.randperm(len(lengths), generator=generator)
    if drop_last and len(order) >= size:
        order = order[: len(order) // size * size]
    pools = [pool[lengths[pool].argsort(stable=True)] for pool in order.split(POOL * size)]
    batches = [batch for pool in pools for batch in pool.split(size)]
    for number in torch.randperm(len(batches), generator=generator).tolist():
        yield batches[number]


def by_length(lengths: Tensor, size: int) -> Iterator[Tensor]:
    """Yield the rows of batches for prediction: every row once, shorter texts first."""
    if len(lengths):
        yield from lengths.argsort(stable=True).split(size)
