"""Sparse term counts of a corpus: words and character n-grams, document frequencies.

A text has about a hundred character n-grams, so the features of many distinct texts may be larger
than memory: they are built a block of texts at a time.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from textlstm.encoding.corpus import Corpus
from textlstm.encoding.encoded import UNKNOWN
from textlstm.storage.arrays import row_blocks

if TYPE_CHECKING:
    from scipy import sparse


def form_counts(
    corpus: Corpus, texts: Tensor | slice, field: int | None = None
) -> "sparse.csr_matrix":
    """Count the word forms of distinct texts, or of one of their fields (texts, V).

    Padding and the unknown word as such do not count.
    """
    from scipy import sparse

    forms = corpus.text_ids[texts]
    counted = forms > UNKNOWN
    if field is not None:
        counted &= field_numbers(forms, corpus.separator, corpus.n_fields) == field
    rows, columns = counted.nonzero()[:, 0].numpy(), forms[counted].numpy()
    shape = len(forms), len(corpus.words)
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)


def form_to_word(corpus: Corpus) -> "sparse.csr_matrix":
    """Return the sparse one-hot matrix (word forms, vocabulary ids).

    A rare word has the id of its hash bucket; the row of a word without an id is empty.
    """
    from scipy import sparse

    forms = np.flatnonzero(corpus.words != UNKNOWN)
    shape = len(corpus.words), corpus.n_words
    return sparse.csr_matrix((np.ones(len(forms)), (forms, corpus.words[forms])), shape=shape)


def form_to_ngram(corpus: Corpus) -> "sparse.csr_matrix":
    """Count the character n-grams of each word form (word forms, subwords)."""
    from scipy import sparse

    numbers, offsets = corpus.subwords.numpy(), corpus.offsets.numpy()
    shape = len(corpus.words), corpus.n_subwords
    return sparse.csr_matrix((np.ones(len(numbers)), numbers, offsets), shape=shape)


def document_frequencies(counts: "sparse.csr_matrix", weights: NDArray[Any]) -> NDArray[Any]:
    """Return the total weight (terms,) of the texts that contain each term.

    Parameters
    ----------
    counts
        (n, terms), how often each text contains each term.
    weights
        (n,) weights of the texts.
    """
    total = np.zeros(counts.shape[1], dtype=weights.dtype)
    for block in row_blocks(counts.shape[0]):
        total += weights[block] @ (counts[block] > 0)
    return total


def field_numbers(ids: Tensor, separator: int, n_fields: int) -> Tensor:
    """Return the text field, counted from 0, of each word of texts (B, T).

    >>> import torch
    >>> field_numbers(torch.tensor([[5, 2, 6, 7]]), separator=2, n_fields=2)
    tensor([[0, 1, 1, 1]])
    """
    return (ids == separator).cumsum(dim=1).clamp(max=n_fields - 1)
