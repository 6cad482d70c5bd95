"""From encoded texts to the tensors the network reads, a batch at a time."""

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textlstm.encoding.batching import Batch
from textlstm.encoding.encoded import PAD, UNKNOWN, EncodedTexts
from textlstm.encoding.subwords import hashed_ngrams
from textlstm.encoding.terms import field_numbers
from textlstm.encoding.unique_rows import unique_rows
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.storage.arrays import advise_random_access, flatnonzero, row_blocks, take

if TYPE_CHECKING:
    from scipy import sparse


class Corpus:
    """Encoded texts as tensors, from which any records can be taken as a :class:`Batch`.

    Each distinct text is kept once, in the order of its ids, and computed once in a batch: most
    texts of a registry are repeats. Padding on the right is cut to the longest text of a batch;
    padding on the left is part of the text, as in MATLAB, and read whole.
    """

    def __init__(self, texts: EncodedTexts, vocabulary: Vocabulary) -> None:
        given = np.zeros(len(texts.forms), dtype=bool)
        for some in row_blocks(len(texts)):
            given[texts.places[some]] = True
        known = texts.forms if given.all() else take(texts.forms, flatnonzero(given))
        # Texts that differ only behind the length that is read are one from here on.
        forms, form_of_text = unique_rows(known)
        place_of_text = np.zeros(len(given), dtype=np.int32)
        place_of_text[given] = form_of_text
        self.forms = torch.from_numpy(forms)
        self.places = torch.from_numpy(take(place_of_text, texts.places))  # (n,) int32
        n_words, n_forms = len(vocabulary.words), len(vocabulary.words) + len(texts.unknown)
        self.words = torch.tensor([*range(n_words), *map(vocabulary.id_of, texts.unknown)])
        self.subwords, self.offsets = map(
            torch.from_numpy, subword_table(vocabulary, texts.unknown)
        )
        records = torch.bincount(self.places, minlength=len(forms))
        self.text_lengths = torch.full((len(forms),), vocabulary.length, dtype=torch.int32)
        self.counts = torch.zeros(n_forms, dtype=torch.int64)
        for some in row_blocks(len(forms)):
            mine = self.forms[some]
            if vocabulary.padding != "left":
                self.text_lengths[some] = (mine != PAD).sum(dim=1).clamp(min=1)
            times = records[some].repeat_interleave(vocabulary.length)
            self.counts.index_add_(0, mine.flatten(), times)
        advise_random_access(forms)
        self.n_words, self.n_subwords = n_words, len(vocabulary.subwords)
        self.n_fields, self.separator = vocabulary.n_fields, vocabulary.separator

    def __len__(self) -> int:
        return len(self.places)

    @property
    def lengths(self) -> Tensor:
        """Return the tokens of each record (n,) int32."""
        return torch.from_numpy(take(self.text_lengths.numpy(), self.places.numpy()))

    def select(self, records: Tensor) -> "Corpus":
        """Return these records as a corpus, with the forms and their counts of the whole."""
        part = copy.copy(self)
        texts, places = torch.unique(self.places[records], return_inverse=True)
        part.places = places.int()
        part.forms = torch.from_numpy(take(self.forms.numpy(), texts.numpy()))
        part.text_lengths = self.text_lengths[texts]
        return part

    def distinct_texts(self) -> "Corpus":
        """Return each distinct text as one record, in the order of the forms."""
        part = copy.copy(self)
        part.places = torch.arange(len(self.forms), dtype=torch.int32)
        return part

    def unknown_share(self) -> float:
        """Return the share of the records' words that the vocabulary does not have."""
        records = torch.bincount(self.places, minlength=len(self.forms))  # (B,)
        n_words, n_unknown = 0, 0
        for some in row_blocks(len(self.forms)):
            forms = self.forms[some]
            words = (forms > UNKNOWN) & (forms != self.separator)
            n_words += int(words.sum(dim=1) @ records[some])
            n_unknown += int((words & (forms >= self.n_words)).sum(dim=1) @ records[some])
        return n_unknown / max(n_words, 1)

    def has_known_word(self) -> NDArray[np.bool_]:
        """Return whether each distinct text has a word of the vocabulary (B,)."""
        found = np.zeros(len(self.forms), dtype=np.bool_)
        for some in row_blocks(len(found)):
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

    def form_to_word(self) -> "sparse.csr_matrix":
        """Return which word of the vocabulary, or which bucket, each form is: a one in its row."""
        from scipy import sparse

        forms = np.flatnonzero(self.words != UNKNOWN)
        shape = len(self.words), self.n_words
        return sparse.csr_matrix((np.ones(len(forms)), (forms, self.words[forms])), shape=shape)

    def form_to_ngram(self) -> "sparse.csr_matrix":
        """Return how often each subword stands in each form."""
        from scipy import sparse

        numbers, offsets = self.subwords.numpy(), self.offsets.numpy()
        shape = len(self.words), self.n_subwords
        return sparse.csr_matrix((np.ones(len(numbers)), numbers, offsets), shape=shape)

    def batch(self, records: Tensor) -> Batch:
        """Return these records."""
        texts, places = torch.unique(self.places[records], return_inverse=True)
        return self.batch_of_texts(texts)._replace(places=places)

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


def subword_table(
    vocabulary: Vocabulary, unknown: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the subwords of all forms: the vocabulary, then the unknown words of some texts.

    Returns
    -------
    numbers, offsets
        The subwords of form i are ``numbers[offsets[i]:offsets[i + 1]]``, rows of the encoding's
        subwords. What is not made of letters (padding, the unknown word as such, the separator)
        has none.
    """
    row = {ngram: number for number, ngram in enumerate(vocabulary.subwords)}
    rows = [
        [row[ngram] for ngram in hashed_ngrams(word) if ngram in row] if row else []
        for word in (*vocabulary.words, *unknown)
    ]
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    return np.array([number for one in rows for number in one], dtype=np.int64), offsets
