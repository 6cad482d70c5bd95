"""Batches of texts: shuffled for training, sorted by length for prediction."""

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from textlstm.storage.arrays import empty

SORT_POOL = 32
"""Batches that are sorted by length together: enough to save padding where texts are long."""


class Batch(NamedTuple):
    """R records with B distinct texts of at most T tokens, of U distinct words, S subwords.

    K features describe the covariates of a record.
    """

    words: Tensor  # (U,) int64, vocabulary ids
    counts: Tensor  # (U,) int64, how often the corpus has each word
    subwords: Tensor  # (S,) int64, the words' subwords, word after word
    offsets: Tensor  # (U,) int64, where each word's subwords begin
    ids: Tensor  # (B, T) int64, rows of `words`; the first row is padding
    lengths: Tensor  # (B,) int64, tokens to read, at least 1
    inverse: Tensor  # (R,) int64, the row of `ids` of each record
    covariates: Tensor | None = None  # (R, K), if the model reads any

    def to(self, device: torch.device) -> Self:
        """Return the batch on a device."""
        moved = {name: one.to(device) for name, one in self._asdict().items() if one is not None}
        return type(self)(**moved)


def shuffled_batches(
    lengths: Tensor, size: int, generator: torch.Generator, *, drop_last: bool = False
) -> Iterator[Tensor]:
    """Yield the rows of each batch of an epoch, in random order; a batch has similar lengths.

    Parameters
    ----------
    lengths
        (n,) tokens of each text.
    size
        Rows of a batch.
    drop_last
        Leave out the rows that do not fill a batch, unless there are no others.
    """
    order = torch.from_numpy(empty(len(lengths), np.int32))
    torch.randperm(len(lengths), generator=generator, dtype=torch.int32, out=order)
    if drop_last and len(order) >= size:
        order = order[: len(order) // size * size]
    for pool in order.split(SORT_POOL * size):
        pool.copy_(pool[lengths[pool].argsort(stable=True)])
    starts = torch.arange(0, len(order), size)
    for start in starts[torch.randperm(len(starts), generator=generator)].tolist():
        yield order[start : start + size]


def length_batches(lengths: Tensor, size: int) -> Iterator[Tensor]:
    """Yield the rows of batches, shorter texts first; every row occurs once."""
    if len(lengths):
        yield from lengths.argsort(stable=True).split(size)
