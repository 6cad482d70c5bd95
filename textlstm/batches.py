"""From encoded texts to the tensors the network reads, a batch at a time."""

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textlstm.encoding import PAD, UNKNOWN, EncodedTexts, WordEncoding, subword_table
from textlstm.prefixes import Readings

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
        given[texts.places] = True
        # Texts that differ only behind the length that is read are one from here on.
        forms, form_of_text = _distinct_rows(texts.forms[given])
        place_of_text = np.zeros(len(given), dtype=np.int32)
        place_of_text[given] = form_of_text
        self.forms = torch.from_numpy(forms)
        self.places = torch.from_numpy(place_of_text[texts.places])  # (n,) int32
        n_words, n_forms = len(encoding.words), len(encoding.words) + len(texts.unknown)
        self.words = torch.tensor([*range(n_words), *map(encoding.id_of, texts.unknown)])
        records = np.bincount(self.places, minlength=len(forms)).repeat(encoding.length)
        counts = np.bincount(forms.ravel(), weights=records, minlength=n_forms)
        self.counts = torch.from_numpy(counts.astype(np.int64))
        self.subwords, self.offsets = map(torch.from_numpy, subword_table(encoding, texts.unknown))
        if encoding.padding == "left":
            text_lengths = torch.full((len(forms),), encoding.length)
        else:
            text_lengths = (self.forms != PAD).sum(dim=1).clamp(min=1)
        self.text_lengths = text_lengths
        self.n_words, self.n_subwords = n_words, len(encoding.subwords)
        self.n_fields, self.separator = encoding.n_fields, encoding.separator

    def __len__(self) -> int:
        return len(self.places)

    @property
    def lengths(self) -> Tensor:
        """Return the tokens of each record (n,) int32."""
        return self.text_lengths.int()[self.places]

    def select(self, records: Tensor) -> "Corpus":
        """Return these records as a corpus, with the forms and their counts of the whole."""
        part = copy.copy(self)
        texts, places = torch.unique(self.places[records], return_inverse=True)
        part.places = places.int()
        part.forms, part.text_lengths = self.forms[texts], self.text_lengths[texts]
        return part

    def once(self) -> "Corpus":
        """Return each distinct text as one record, in the order of the forms."""
        part = copy.copy(self)
        part.places = torch.arange(len(self.forms), dtype=torch.int32)
        return part

    def unknown_share(self) -> float:
        """Return the share of the records' words that the vocabulary does not have."""
        records = torch.bincount(self.places, minlength=len(self.forms))[:, None]  # (B, 1)
        words = ((self.forms > UNKNOWN) & (self.forms != self.separator)) * records
        unknown = words * (self.forms >= self.n_words)
        return float(unknown.sum() / words.sum().clamp(min=1))

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
        lengths = self.text_lengths[texts]
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


def _distinct_rows(ids: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the distinct rows of ids (B, T) in order, and which of them each row is (B,).

    Highest byte first, ids sort as their bytes do, which is some times faster.
    """
    rows = ids.astype(">i4").view(f"S{ids.itemsize * ids.shape[1]}").ravel()
    _, first, places = np.unique(rows, return_index=True, return_inverse=True)
    return ids[first], places


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
    order = torch.randperm(len(lengths), generator=generator, dtype=torch.int32)
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
