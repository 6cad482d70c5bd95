"""From encoded texts to the tensors the network reads, a batch at a time."""

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textlstm import spill
from textlstm.encoding import PAD, UNKNOWN, EncodedTexts, WordEncoding, subword_table
from textlstm.prefixes import Readings
from textlstm.spill import ROWS, at_random, room, some_of, taken, where

if TYPE_CHECKING:  # imported where it is needed: prediction does without it
    from scipy import sparse

POOL = 32
"""Batches among which shuffled texts are sorted by length: enough to save padding in long texts."""


class Batch(NamedTuple):
    """R records with B distinct texts of at most T tokens, of U distinct words, S subwords."""

    words: Tensor  # (U,) int64, vocabulary ids
    counts: Tensor  # (U,) int64, how often the corpus has each word
    subwords: Tensor  # (S,) int64, the words' subwords, word after word
    offsets: Tensor  # (U,) int64, where each word's subwords begin
    ids: Tensor  # (B, T) int64, rows of `words`; the first row is padding
    lengths: Tensor  # (B,) int64, tokens to read, at least 1
    places: Tensor  # (R,) int64, the text of each record
    readings: Readings | None = None  # of the texts, where they are only to be classified

    def to(self, device: torch.device) -> Self:
        """Return the batch on a device."""
        parts = {name: part.to(device) for name, part in self._asdict().items() if part is not None}
        return self._replace(**parts)


class Corpus:
    """Encoded texts as tensors, from which any records can be taken as a :class:`Batch`.

    Each distinct text is kept once, in the order of its ids, and computed once in a batch: most
    texts of a registry are repeats. Padding on the right is cut to the longest text of a batch;
    padding on the left is part of the text, as in MATLAB, and read whole.
    """

    def __init__(self, texts: EncodedTexts, encoding: WordEncoding) -> None:
        given = np.zeros(len(texts.forms), dtype=bool)
        for some in some_of(len(texts)):
            given[texts.places[some]] = True
        known = texts.forms if given.all() else taken(texts.forms, where(given))
        # Texts that differ only behind the length that is read are one from here on.
        forms, form_of_text = distinct_rows(known)
        place_of_text = np.zeros(len(given), dtype=np.int32)
        place_of_text[given] = form_of_text
        self.forms = torch.from_numpy(forms)
        self.places = torch.from_numpy(taken(place_of_text, texts.places))  # (n,) int32
        n_words, n_forms = len(encoding.words), len(encoding.words) + len(texts.unknown)
        self.words = torch.tensor([*range(n_words), *map(encoding.id_of, texts.unknown)])
        self.subwords, self.offsets = map(torch.from_numpy, subword_table(encoding, texts.unknown))
        records = torch.bincount(self.places, minlength=len(forms))
        self.text_lengths = torch.full((len(forms),), encoding.length, dtype=torch.int32)
        self.counts = torch.zeros(n_forms, dtype=torch.int64)
        for some in some_of(len(forms)):
            mine = self.forms[some]
            if encoding.padding != "left":
                self.text_lengths[some] = (mine != PAD).sum(dim=1).clamp(min=1)
            times = records[some].repeat_interleave(encoding.length)
            self.counts.index_add_(0, mine.flatten(), times)
        at_random(forms)
        self.n_words, self.n_subwords = n_words, len(encoding.subwords)
        self.n_fields, self.separator = encoding.n_fields, encoding.separator

    def __len__(self) -> int:
        return len(self.places)

    @property
    def lengths(self) -> Tensor:
        """Return the tokens of each record (n,) int32."""
        return torch.from_numpy(taken(self.text_lengths.numpy(), self.places.numpy()))

    def select(self, records: Tensor) -> "Corpus":
        """Return these records as a corpus, with the forms and their counts of the whole."""
        part = copy.copy(self)
        texts, places = torch.unique(self.places[records], return_inverse=True)
        part.places = places.int()
        part.forms = torch.from_numpy(taken(self.forms.numpy(), texts.numpy()))
        part.text_lengths = self.text_lengths[texts]
        return part

    def once(self) -> "Corpus":
        """Return each distinct text as one record, in the order of the forms."""
        part = copy.copy(self)
        part.places = torch.arange(len(self.forms), dtype=torch.int32)
        return part

    def unknown_share(self) -> float:
        """Return the share of the records' words that the vocabulary does not have."""
        records = torch.bincount(self.places, minlength=len(self.forms))  # (B,)
        n_words, n_unknown = 0, 0
        for some in some_of(len(self.forms)):
            forms = self.forms[some]
            words = (forms > UNKNOWN) & (forms != self.separator)
            n_words += int(words.sum(dim=1) @ records[some])
            n_unknown += int((words & (forms >= self.n_words)).sum(dim=1) @ records[some])
        return n_unknown / max(n_words, 1)

    def readable(self) -> NDArray[np.bool_]:
        """Return whether each distinct text has a word of the vocabulary (B,)."""
        found = np.zeros(len(self.forms), dtype=np.bool_)
        for some in some_of(len(found)):
            forms = self.forms[some]
            words = (forms > UNKNOWN) & (forms < self.n_words) & (forms != self.separator)
            found[some] = words.any(dim=1).numpy()
        return found

    def text_forms(self, texts: Tensor | slice, field: int | None = None) -> "sparse.csr_matrix":
        """Return how often each form stands in some distinct texts, or in one field of them.

        A form is an id of the vocabulary or, after these, an unknown word. Padding and the unknown
        word as such do not count.
        """
        from scipy import sparse

        forms = self.forms[texts]
        inside = forms > UNKNOWN
        if field is not None:
            inside &= field_numbers(forms, self.separator, self.n_fields) == field
        rows, columns = inside.nonzero()[:, 0].numpy(), forms[inside].numpy()
        shape = len(forms), len(self.words)
        return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)

    def naming(self) -> "sparse.csr_matrix":
        """Return which word of the vocabulary, or which bucket, each form is: a one in its row."""
        from scipy import sparse

        forms = np.flatnonzero(self.words != UNKNOWN)
        shape = len(self.words), self.n_words
        return sparse.csr_matrix((np.ones(len(forms)), (forms, self.words[forms])), shape=shape)

    def spelling(self) -> "sparse.csr_matrix":
        """Return how often each subword stands in each form."""
        from scipy import sparse

        numbers, offsets = self.subwords.numpy(), self.offsets.numpy()
        shape = len(self.words), self.n_subwords
        return sparse.csr_matrix((np.ones(len(numbers)), numbers, offsets), shape=shape)

    def batch(self, records: Tensor) -> Batch:
        """Return these records."""
        texts, places = torch.unique(self.places[records], return_inverse=True)
        return self.batch_of_texts(texts)._replace(places=places)

    def batch_to_classify(self, texts: Tensor) -> Batch:
        """Return these distinct texts, as if each were one record, to be classified only."""
        batch = self.batch_of_texts(texts)
        return batch._replace(readings=Readings(batch.ids, batch.lengths))

    def batch_of_texts(self, texts: Tensor) -> Batch:
        """Return these distinct texts, as if each were one record."""
        lengths = self.text_lengths[texts].long()
        forms = self.forms[texts, : int(lengths.max())]
        # Padding comes first among the distinct words, whether or not the batch has any.
        distinct = torch.unique(torch.cat([forms.new_zeros(1), forms.flatten()]))
        starts = self.offsets[distinct]
        sizes = self.offsets[distinct + 1] - starts
        offsets = sizes.cumsum(0) - sizes
        subword_places = torch.arange(int(sizes.sum()))
        subword_places += (starts - offsets).repeat_interleave(sizes)
        return Batch(
            words=self.words[distinct],
            counts=self.counts[distinct],
            subwords=self.subwords[subword_places],
            offsets=offsets,
            ids=torch.searchsorted(distinct, forms),
            lengths=lengths,
            places=torch.arange(len(texts)),
        )


def distinct_rows(ids: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the distinct rows of ids (B, T) in order, and which of them each row is (B,).

    Highest byte first, ids sort as their bytes do, which is some times faster.

    >>> rows, places = distinct_rows(np.array([[300, 1], [2, 0], [300, 1]], dtype=np.int32))
    >>> rows.tolist(), places.tolist()
    ([[2, 0], [300, 1]], [1, 0, 1])
    """
    forms, places, number = room(ids.shape, np.int32), np.empty(len(ids), dtype=np.int32), 0
    for rows in _alike(ids):
        keys = np.empty((len(rows), ids.shape[1]), dtype=">i4")
        for some in some_of(len(rows)):
            keys[some] = ids[rows[some]]
        texts = keys.view(f"S{keys.itemsize * ids.shape[1]}").ravel()
        order = texts.argsort(kind="stable")
        begins = np.ones(len(rows), dtype=bool)  # whether, in that order, another text begins
        for some in some_of(len(rows) - 1):
            begins[1:][some] = texts[order[1:][some]] != texts[order[:-1][some]]
        places[rows[order]] = number + np.cumsum(begins) - 1
        for first in np.array_split(order[begins], max(1, len(rows) // ROWS)):
            forms[number : number + len(first)] = keys[first]
            number += len(first)
    return forms[:number], places


def _alike(ids: NDArray[np.int32]) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of ids (B, T), those together that begin alike, in the order of beginnings.

    Where all are too large to be sorted as a whole, so many are yielded at a time as are not. No
    more is looked at then than their first two ids.
    """
    if ids.nbytes < spill.LARGE:
        yield np.arange(len(ids))
        return
    beginnings = np.zeros(len(ids), dtype=np.int64)
    for some in some_of(len(ids)):
        for column in ids[some, :2].T:
            beginnings[some] = beginnings[some] << 31 | column
    order = beginnings.argsort(kind="stable")
    start, size = 0, max(1, spill.LARGE // (ids.itemsize * ids.shape[1]))
    while start < len(order):
        last = beginnings[order[min(start + size, len(order)) - 1]]
        end = int(np.searchsorted(beginnings, last, side="right", sorter=order))
        yield np.sort(order[start:end])  # as they stand in the file
        start = end


def field_numbers(ids: Tensor, separator: int, n_fields: int) -> Tensor:
    """Return in which field, from 0, each word of texts (B, T) stands.

    >>> field_numbers(torch.tensor([[5, 2, 6, 7]]), separator=2, n_fields=2)
    tensor([[0, 1, 1, 1]])
    """
    return (ids == separator).cumsum(dim=1).clamp(max=n_fields - 1)


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
    order = torch.from_numpy(room(len(lengths), np.int32))
    torch.randperm(len(lengths), generator=generator, dtype=torch.int32, out=order)
    if drop_last and len(order) >= size:
        order = order[: len(order) // size * size]
    for pool in order.split(POOL * size):
        pool.copy_(pool[lengths[pool].argsort(stable=True)])
    starts = torch.arange(0, len(order), size)
    for start in starts[torch.randperm(len(starts), generator=generator)].tolist():
        yield order[start : start + size]


def by_length(lengths: Tensor, size: int) -> Iterator[Tensor]:
    """Yield the rows of batches, every row once, shorter texts first."""
    if len(lengths):
        yield from lengths.argsort(stable=True).split(size)
