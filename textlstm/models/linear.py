"""The linear branch: every word of a text votes for the classes, by itself and by its spelling.

Logistic regression on TF-IDF features is hard to beat on causes of death, and it errs elsewhere
than an LSTM does: it does not read order, yet a word seen ten times is enough for it. Both together
are better than either ("wide and deep": Cheng et al. 2016). It is trained to its optimum by itself,
and its share in the common prediction is measured on validation records.

A text is described by two blocks of features for each of its fields: its words, and the character
n-grams of its words. In a block, a text with the terms t (a term that stands twice is two) has the
features

    sum_t idf_t e_t / sqrt(sum_t idf_t^2)

which is TF-IDF, but for the length, taken as if no two terms were the same. Sums over terms are
sums over words: the words' votes can be added up without ever forming the features.
"""

import copy
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from textlstm.encoding.batching import Batch
from textlstm.encoding.corpus import Corpus
from textlstm.encoding.terms import (
    document_frequencies,
    field_numbers,
    form_counts,
    form_to_ngram,
    form_to_word,
)
from textlstm.storage.arrays import row_blocks, vstack_on_disk

if TYPE_CHECKING:
    from scipy import sparse

MAX_ITERATIONS = 300
"""Steps of L-BFGS, at most: some sixty are usual, and the last ones change no prediction."""

GRADIENT_TOLERANCE = 1e-3


class LinearBranch(nn.Module):
    """Logistic regression on the words and n-grams of a text's fields.

    Shapes: R records, B distinct texts, T tokens, U distinct words, F fields, C classes.

    Parameters
    ----------
    n_fields
        F.
    n_words, n_subwords
        Ids of the vocabulary and of the character n-grams.
    n_classes
        C.
    separator
        The id of the separator of fields.
    """

    words: Tensor  # (F, n_words, C + 1): the votes of each word, and the square of its length
    subwords: Tensor  # (F, n_subwords, C + 1)
    bias: Tensor  # (C,)

    def __init__(
        self, n_fields: int, n_words: int, n_subwords: int, n_classes: int, separator: int
    ) -> None:
        super().__init__()
        self.separator = separator
        self.register_buffer("words", torch.zeros(n_fields, n_words, n_classes + 1))
        self.register_buffer("subwords", torch.zeros(n_fields, n_subwords, n_classes + 1))
        self.register_buffer("bias", torch.zeros(n_classes))

    def forward(self, batch: Batch) -> Tensor:
        """Return the logits (R, C)."""
        fields = field_numbers(batch.words[batch.ids], self.separator, len(self.words))  # (B, T)
        logits = self.bias.expand(len(batch.ids), -1)  # (B, C)
        for field, (words, subwords) in enumerate(zip(self.words, self.subwords, strict=True)):
            inside = (fields == field).to(words.dtype)  # (B, T)
            subword_vectors = functional.embedding_bag(
                batch.subwords, subwords, batch.offsets, mode="sum"
            )  # (U, C + 1)
            for votes in (words[batch.words], subword_vectors):
                sums = functional.embedding_bag(
                    batch.ids, votes, per_sample_weights=inside, mode="sum"
                )  # (B, C + 1)
                length = sums[:, -1:].sqrt()
                logits = logits + sums[:, :-1] / length.where(length > 0, 1.0)
        return logits[batch.inverse]

    def term_scores(self, batch: Batch) -> Tensor:
        """Return what each token of the distinct texts adds to their logits (B, T, C).

        With the bias they add up to the logits: a word's vote is exact, given the text's length.
        """
        fields = field_numbers(batch.words[batch.ids], self.separator, len(self.words))  # (B, T)
        votes = self.bias.new_zeros(*batch.ids.shape, len(self.bias))
        for field, (words, subwords) in enumerate(zip(self.words, self.subwords, strict=True)):
            inside = (fields == field)[:, :, None]  # (B, T, 1)
            subword_vectors = functional.embedding_bag(
                batch.subwords, subwords, batch.offsets, mode="sum"
            )  # (U, C + 1)
            for table in (words[batch.words], subword_vectors):
                terms = functional.embedding(batch.ids, table) * inside  # (B, T, C + 1)
                length = terms[:, :, -1:].sum(dim=1, keepdim=True).sqrt()  # (B, 1, 1)
                votes = votes + terms[:, :, :-1] / length.where(length > 0, 1.0)
        return votes


def fit_linear(
    corpus: Corpus,
    labels: Tensor,
    weights: Tensor,
    n_classes: int,
    strength: float,
    parts: Sequence[Tensor],
) -> list[LinearBranch]:
    """Return a branch for each part of the training records, at its optimum there.

    Parameters
    ----------
    corpus
        The training texts; the frequencies of terms are of all of them.
    labels, weights
        (n,) class numbers and weights of the records.
    strength
        C of scikit-learn's logistic regression.
    parts
        The rows of each part.
    """
    from scipy import sparse

    blocks = [block for field in range(corpus.n_fields) for block in _blocks(corpus, field)]
    features = vstack_on_disk(
        sparse.hstack([block.features(some) for block in blocks]).tocsr()
        for some in row_blocks(len(corpus.text_ids))
    )
    ends = np.cumsum([len(block.idf) for block in blocks])[:-1]
    branches = []
    for rows in parts:
        records = corpus.inverse[rows].numpy(), labels[rows].numpy(), weights[rows].numpy()
        votes, bias = _fit(features, *records, n_classes, strength)
        sizes = corpus.n_words, corpus.n_subwords, n_classes
        branch = LinearBranch(corpus.n_fields, *sizes, corpus.separator)
        branch.bias.copy_(torch.from_numpy(bias))
        # In the order of the blocks: the words of a field, then its n-grams, field after field.
        tables = chain.from_iterable(zip(branch.words, branch.subwords, strict=True))
        for table, block, mine in zip(tables, blocks, np.split(votes, ends), strict=True):
            table[:, :-1] = torch.from_numpy(mine * block.idf[:, None])
            table[:, -1] = torch.from_numpy(block.idf**2)
        branches.append(branch)
    return branches


@torch.no_grad()
def average_branches(branches: Sequence[LinearBranch]) -> LinearBranch:
    """Return the branch whose votes are the mean of these."""
    mean = copy.deepcopy(branches[0])
    for name, table in mean.state_dict().items():
        table.copy_(torch.stack([branch.state_dict()[name] for branch in branches]).mean(0))
    return mean


@contextmanager
def without_convergence_warnings() -> Iterator[None]:
    """Fit a logistic regression without scikit-learn's advice, which does not apply to ours.

    After all of its iterations it is as near to its optimum as need be; and where hardly a text
    carries the label of another, classes are still classes and no numbers to regress on.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of which ConvergenceWarning is one
        yield


def _fit(
    features: "sparse.csr_matrix",
    texts: NDArray[np.int32],
    labels: NDArray[np.int32],
    weights: NDArray[np.float32],
    n_classes: int,
    strength: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the votes (features, C) and biases (C,) of a logistic regression.

    ``features`` are of distinct texts; ``texts`` says which one each record has.
    """
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    votes, bias = np.zeros((features.shape[1], n_classes)), np.zeros(n_classes)
    present = np.unique(labels)
    if len(present) < 2:
        return votes, bias
    # Records with the same text and label are one of their common weight: the optimum is the same.
    shape = features.shape[0], n_classes
    records = sparse.coo_matrix((weights.astype(np.float64), (texts, labels)), shape)
    pairs = records.tocsr().tocoo()
    model = LogisticRegression(C=strength, max_iter=MAX_ITERATIONS, tol=GRADIENT_TOLERANCE)
    rows = vstack_on_disk(features[pairs.row[some]] for some in row_blocks(len(pairs.row)))
    with without_convergence_warnings():
        model.fit(rows, pairs.col, sample_weight=pairs.data)
    # Of two classes scikit-learn keeps one. A class without records is as unlikely as the least
    # likely of the others.
    columns = present[1:] if len(present) == 2 else present
    votes[:, columns] = model.coef_.T
    bias[columns] = model.intercept_
    absent = np.setdiff1d(np.arange(n_classes), present)
    bias[absent] = bias[present].min()
    return votes, bias


@dataclass(frozen=True)
class _Block:
    """The words of one field, or their n-grams."""

    idf: NDArray[np.float64]  # (terms,); 0 for a term that no training record has in this field
    found: "sparse.csr_matrix"  # (distinct texts, terms), how often each term stands in each text

    def features(self, texts: slice) -> "sparse.csr_matrix":
        """Return the features of some texts."""
        from scipy import sparse

        found = self.found[texts]
        lengths = np.sqrt(found @ self.idf**2)
        scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        return sparse.diags(scale) @ found @ sparse.diags(self.idf)


def _blocks(corpus: Corpus, field: int) -> Iterator[_Block]:
    """Yield the blocks of a field: words, n-grams."""
    n = len(corpus.text_ids)
    records = np.bincount(corpus.inverse, minlength=n)  # of each distinct text
    words = form_to_word(corpus)  # (forms, n_words)
    for terms in (words, form_to_ngram(corpus)):
        found = vstack_on_disk(form_counts(corpus, some, field) @ terms for some in row_blocks(n))
        weight = document_frequencies(found, records)  # (terms,)
        idf = np.log((1 + records.sum()) / (1 + weight)) + 1
        idf[weight == 0] = 0.0
        if terms is words and corpus.separator > 0:
            idf[corpus.separator] = 0.0
        yield _Block(idf, found)
