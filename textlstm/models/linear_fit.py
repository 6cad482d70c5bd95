"""Fitting the linear branch: a logistic regression for each fold, at its optimum."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textlstm.encoding.corpus import Corpus
from textlstm.encoding.terms import (
    document_frequencies,
    form_counts,
    form_to_ngram,
    form_to_word,
)
from textlstm.models.linear import LinearBranch
from textlstm.storage.arrays import row_blocks, vstack_on_disk

if TYPE_CHECKING:
    from scipy import sparse

MAX_ITERATIONS = 300
"""Iterations of L-BFGS, at most: some sixty are usual, and the last ones change no prediction."""

GRADIENT_TOLERANCE = 1e-3
"""Largest component of the gradient at which L-BFGS stops."""


def fit_linear(
    corpus: Corpus,
    labels: Tensor,
    weights: Tensor,
    n_classes: int,
    strength: float,
    folds: Sequence[Tensor],
    dropped: float = 0.0,
) -> list[LinearBranch]:
    """Fit one linear branch per fold of the training records.

    Parameters
    ----------
    corpus
        The training texts; the document frequencies of terms are of all of them.
    labels, weights
        (n,) class numbers and weights of the records.
    strength
        C of scikit-learn's logistic regression.
    folds
        The rows that each branch is fitted to.
    dropped
        Share of each record's weight that it is fitted with once more without its covariates.
    """
    from scipy import sparse

    blocks = [block for field in range(corpus.n_fields) for block in _blocks(corpus, field)]
    features = vstack_on_disk(
        sparse.hstack([block.features(rows) for block in blocks]).tocsr()
        for rows in row_blocks(len(corpus.text_ids))
    )
    ends = np.cumsum([len(block.idf) for block in blocks])[:-1]
    branches = []
    for rows in folds:
        records = corpus.inverse[rows].numpy(), labels[rows].numpy(), weights[rows].numpy()
        beside = corpus.features(rows)
        if beside is None:
            scores, bias = _fit(features, *records, n_classes, strength)
        else:
            both = _with_covariates(features, beside.numpy(), *records, dropped)
            scores, bias = _fit(*both, n_classes, strength)
        n_beside = 0 if beside is None else beside.shape[1]
        sizes = corpus.n_words, corpus.n_subwords, n_classes
        branch = LinearBranch(corpus.n_fields, *sizes, corpus.separator, n_beside)
        branch.bias.copy_(torch.from_numpy(bias))
        if n_beside:
            scores, of_covariates = scores[:-n_beside], scores[-n_beside:]
            branch.covariates.copy_(torch.from_numpy(of_covariates))
        # In the order of the blocks: the words of a field, then its n-grams, field after field.
        tables = chain.from_iterable(zip(branch.words, branch.subwords, strict=True))
        for table, block, of_block in zip(tables, blocks, np.split(scores, ends), strict=True):
            table[:, :-1] = torch.from_numpy(of_block * block.idf[:, None])
            table[:, -1] = torch.from_numpy(block.idf**2)
        branches.append(branch)
    return branches


def _with_covariates(
    features: "sparse.csr_matrix",
    beside: NDArray[np.float32],
    texts: NDArray[np.int32],
    labels: NDArray[np.int32],
    weights: NDArray[np.float32],
    dropped: float,
) -> tuple["sparse.csr_matrix", NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Add covariates to the features, and records without any, so that both are predicted well.

    Parameters
    ----------
    features
        Of the distinct texts.
    beside
        (n, K) features of the records' covariates.
    texts, labels, weights
        (n,) row of the text, class number and weight of each record.

    Returns
    -------
    features, inputs, labels, weights
        Features of the distinct inputs, and 2 n records: row of the input, class number, weight.
    """
    from scipy import sparse

    distinct, rows = np.unique(beside, axis=0, return_inverse=True)
    distinct = np.vstack([distinct, np.zeros_like(distinct[:1])])
    all_texts = np.concatenate([texts, texts]).astype(np.int64)
    all_rows = np.concatenate([rows.ravel(), np.full(len(texts), len(distinct) - 1)])
    pairs, inputs = np.unique(all_texts * len(distinct) + all_rows, return_inverse=True)
    of_text, of_row = np.divmod(pairs, len(distinct))
    wide = vstack_on_disk(
        sparse.hstack([features[of_text[block]], distinct[of_row[block]]]).tocsr()
        for block in row_blocks(len(pairs))
    )
    shared = np.concatenate([weights * (1 - dropped), weights * dropped])
    return wide, inputs.astype(np.int32), np.concatenate([labels, labels]), shared


@contextmanager
def without_convergence_warnings() -> Iterator[None]:
    """Fit a logistic regression without scikit-learn's warnings, which do not apply here.

    After MAX_ITERATIONS it is near enough to its optimum; and where nearly every text has a label
    of its own, labels are still classes and no numbers to regress on.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # ConvergenceWarning is one
        yield


def _fit(
    features: "sparse.csr_matrix",
    texts: NDArray[np.int32],
    labels: NDArray[np.int32],
    weights: NDArray[np.float32],
    n_classes: int,
    strength: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the scores (features, C) and biases (C,) of a logistic regression.

    ``features`` are of distinct texts; ``texts`` is the row of each record's text.
    """
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    scores, bias = np.zeros((features.shape[1], n_classes)), np.zeros(n_classes)
    present = np.unique(labels)
    if len(present) < 2:
        return scores, bias
    # Records with the same text and label are one of their summed weight: the optimum is the same.
    shape = features.shape[0], n_classes
    records = sparse.coo_matrix((weights.astype(np.float64), (texts, labels)), shape)
    pairs = records.tocsr().tocoo()
    model = LogisticRegression(C=strength, max_iter=MAX_ITERATIONS, tol=GRADIENT_TOLERANCE)
    rows = vstack_on_disk(features[pairs.row[block]] for block in row_blocks(len(pairs.row)))
    with without_convergence_warnings():
        model.fit(rows, pairs.col, sample_weight=pairs.data)
    # Of two classes scikit-learn keeps one. A class without records is as unlikely as the least
    # likely of the others.
    columns = present[1:] if len(present) == 2 else present
    scores[:, columns] = model.coef_.T
    bias[columns] = model.intercept_
    absent = np.setdiff1d(np.arange(n_classes), present)
    bias[absent] = bias[present].min()
    return scores, bias


@dataclass(frozen=True)
class _Block:
    """The words of one field, or their n-grams."""

    idf: NDArray[np.float64]  # (terms,); 0 for a term that no training record has in this field
    counts: "sparse.csr_matrix"  # (distinct texts, terms), occurrences of each term in each text

    def features(self, rows: slice) -> "sparse.csr_matrix":
        """Return the features of these texts."""
        from scipy import sparse

        counts = self.counts[rows]
        lengths = np.sqrt(counts @ self.idf**2)
        scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        return sparse.diags(scale) @ counts @ sparse.diags(self.idf)


def _blocks(corpus: Corpus, field: int) -> Iterator[_Block]:
    """Yield the blocks of a field: words, n-grams."""
    n_texts = len(corpus.text_ids)
    records = np.bincount(corpus.inverse, minlength=n_texts)  # of each distinct text
    words = form_to_word(corpus)  # (forms, n_words)
    for terms in (words, form_to_ngram(corpus)):
        counts = vstack_on_disk(
            form_counts(corpus, rows, field) @ terms for rows in row_blocks(n_texts)
        )
        frequencies = document_frequencies(counts, records)  # (terms,)
        idf = np.log((1 + records.sum()) / (1 + frequencies)) + 1
        idf[frequencies == 0] = 0.0
        if terms is words and corpus.separator > 0:
            idf[corpus.separator] = 0.0
        yield _Block(idf, counts)
