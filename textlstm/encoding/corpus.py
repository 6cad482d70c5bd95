"""From encoded texts to the tensors that the network reads, a batch at a time."""

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textlstm.encoding.batching import Batch
from textlstm.encoding.encoded import PAD, UNKNOWN, EncodedTexts
from textlstm.encoding.rare_words import hashed_ngrams
from textlstm.encoding.unique_rows import unique_rows
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.storage.arrays import advise_random_access, flatnonzero, row_blocks, take


class Corpus:
    """Encoded texts as tensors, from which any records can be taken as a :class:`Batch`.

    Each distinct text is kept once, in the order of its ids, and computed once in a batch: most
    texts of a registry are repeats. Padding on the right is cut to the longest text of a batch.
    Padding on the left is part of the text, as in MATLAB, and is always read.

    A *word form* is a word of the vocabulary or, after these, an unknown word of the texts.

    Attributes
    ----------
    text_ids
        (B, T) int32, the word forms of each distinct text.
    inverse
        (n,) int32, the row of ``text_ids`` of each record.
    text_lengths
        (B,) int32, the tokens to read of each distinct text.
    words
        (V,) int64, the vocabulary id of each word form.
    counts
        (V,) int64, how often the records have each word form.
    subwords, offsets
        The subwords of each word form; see :func:`subword_table`.
    """

    def __init__(self, texts: EncodedTexts, vocabulary: Vocabulary) -> None:
        text_ids, inverse = _deduplicated(texts)
        self.text_ids, self.inverse = torch.from_numpy(text_ids), torch.from_numpy(inverse)
        self.n_words, self.n_subwords = len(vocabulary.words), len(vocabulary.subwords)
        self.n_fields, self.separator = vocabulary.n_fields, vocabulary.separator
        self.words = torch.tensor([*range(self.n_words), *map(vocabulary.id_of, texts.unknown)])
        self.subwords, self.offsets = map(
            torch.from_numpy, subword_table(vocabulary, texts.unknown)
        )
        records = torch.bincount(self.inverse, minlength=len(text_ids))  # of each distinct text
        self.text_lengths = torch.full((len(text_ids),), vocabulary.length, dtype=torch.int32)
        self.counts = torch.zeros(len(self.words), dtype=torch.int64)
        for block in row_blocks(len(text_ids)):
            forms = self.text_ids[block]
            if vocabulary.padding != "left":
                self.text_lengths[block] = (forms != PAD).sum(dim=1).clamp(min=1)
            repeats = records[block].repeat_interleave(vocabulary.length)
            self.counts.index_add_(0, forms.flatten(), repeats)
        advise_random_access(text_ids)
        beside = texts.covariates
        self._features = None if beside is None else torch.from_numpy(beside.features)  # (V, K)
        self._feature_rows = None if beside is None else torch.from_numpy(beside.inverse)  # (n,)

    def __len__(self) -> int:
        return len(self.inverse)

    @property
    def lengths(self) -> Tensor:
        """Return the tokens to read of each record (n,) int32."""
        return torch.from_numpy(take(self.text_lengths.numpy(), self.inverse.numpy()))

    def select(self, records: Tensor) -> "Corpus":
        """Return a subset of the records; word counts stay those of the whole corpus."""
        subset = copy.copy(self)
        texts, inverse = torch.unique(self.inverse[records], return_inverse=True)
        subset.inverse = inverse.int()
        subset.text_ids = torch.from_numpy(take(self.text_ids.numpy(), texts.numpy()))
        subset.text_lengths = self.text_lengths[texts]
        if self._feature_rows is not None:
            subset._feature_rows = self._feature_rows[records]
        return subset

    def without_covariates(self) -> "Corpus":
        """Return the corpus with all covariates missing."""
        bare = copy.copy(self)
        if self._features is not None:
            bare._features = torch.zeros(1, self._features.shape[1])
            bare._feature_rows = torch.zeros_like(self.inverse)
        return bare

    def distinct_inputs(self) -> tuple["Corpus", Tensor]:
        """Return a corpus of one record for each distinct input, and the row in it of each record.

        Inputs stand in the order of their texts, so that texts that begin alike come together.
        """
        distinct = copy.copy(self)
        if self._features is None or self._feature_rows is None:
            distinct.inverse = torch.arange(len(self.text_ids), dtype=torch.int32)
            return distinct, self.inverse
        pairs = self.inverse.long() * len(self._features) + self._feature_rows
        numbers, rows = torch.unique(pairs, return_inverse=True)
        distinct.inverse = (numbers // len(self._features)).int()
        distinct._feature_rows = (numbers % len(self._features)).int()
        return distinct, rows.int()

    def features(self, records: Tensor) -> Tensor | None:
        """Return the features of the covariates of records (R, K); None if there are none."""
        if self._features is None or self._feature_rows is None:
            return None
        return self._features[self._feature_rows[records]]

    def unknown_share(self) -> float:
        """Return the share of the records' words that are not in the vocabulary."""
        records = torch.bincount(self.inverse, minlength=len(self.text_ids))  # (B,)
        n_words, n_unknown = 0, 0
        for block in row_blocks(len(self.text_ids)):
            forms = self.text_ids[block]
            is_word = (forms > UNKNOWN) & (forms != self.separator)
            n_words += int(is_word.sum(dim=1) @ records[block])
            n_unknown += int((is_word & (forms >= self.n_words)).sum(dim=1) @ records[block])
        return n_unknown / max(n_words, 1)

    def has_known_word(self) -> NDArray[np.bool_]:
        """Return whether each distinct text has a word of the vocabulary (B,)."""
        flags = np.zeros(len(self.text_ids), dtype=np.bool_)
        for block in row_blocks(len(flags)):
            forms = self.text_ids[block]
            known = (forms > UNKNOWN) & (forms < self.n_words) & (forms != self.separator)
            flags[block] = known.any(dim=1).numpy()
        return flags

    def batch(self, records: Tensor) -> Batch:
        """Return a batch of these records."""
        texts, inverse = torch.unique(self.inverse[records], return_inverse=True)
        features = self.features(records)
        return self.batch_of_texts(texts)._replace(inverse=inverse, covariates=features)

    def record_batch(self, records: Tensor) -> Batch:
        """Return a batch of these records in which none shares its text with another."""
        batch = self.batch_of_texts(self.inverse[records])
        return batch._replace(covariates=self.features(records))

    def batch_of_texts(self, texts: Tensor) -> Batch:
        """Return a batch of these distinct texts, one record each, without covariates."""
        lengths = self.text_lengths[texts].long()
        forms = self.text_ids[texts, : int(lengths.max())]
        # Padding comes first among the distinct word forms, whether or not the batch has any.
        distinct = torch.unique(torch.cat([forms.new_zeros(1), forms.flatten()]))
        starts = self.offsets[distinct]
        sizes = self.offsets[distinct + 1] - starts
        offsets = sizes.cumsum(0) - sizes
        subword_rows = torch.arange(int(sizes.sum()))
        subword_rows += (starts - offsets).repeat_interleave(sizes)
        return Batch(
            words=self.words[distinct],
            counts=self.counts[distinct],
            subwords=self.subwords[subword_rows],
            offsets=offsets,
            ids=torch.searchsorted(distinct, forms),
            lengths=lengths,
            inverse=torch.arange(len(texts)),
        )


def _deduplicated(texts: EncodedTexts) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the distinct ids of the texts (B, T), sorted, and the row of each text (n,).

    Texts that differ only behind the length that is read are one text from here on.
    """
    used = np.zeros(len(texts.ids), dtype=bool)
    for block in row_blocks(len(texts)):
        used[texts.inverse[block]] = True
    ids = texts.ids if used.all() else take(texts.ids, flatnonzero(used))
    text_ids, row_of_used = unique_rows(ids)
    row = np.zeros(len(used), dtype=np.int32)
    row[used] = row_of_used
    return text_ids, take(row, texts.inverse)


def subword_table(
    vocabulary: Vocabulary, unknown: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the subwords of all word forms: of the vocabulary, then of some unknown words.

    Returns
    -------
    numbers, offsets
        The subwords of form i are ``numbers[offsets[i]:offsets[i + 1]]``, which are rows of the
        vocabulary's subwords. Padding, the unknown word as such and the separator have none.
    """
    row = {ngram: number for number, ngram in enumerate(vocabulary.subwords)}
    rows = [
        [row[ngram] for ngram in hashed_ngrams(word) if ngram in row] if row else []
        for word in (*vocabulary.words, *unknown)
    ]
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    return np.array([number for numbers in rows for number in numbers], dtype=np.int64), offsets
