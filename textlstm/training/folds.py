"""Training examples, and the validation fold that each member of an ensemble leaves out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from textlstm.data.splits import METHODS, split_off
from textlstm.encoding.batching import Batch
from textlstm.encoding.corpus import Corpus
from textlstm.encoding.encoded import EncodedTexts
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.errors import InputError
from textlstm.models.logits import predict_logits
from textlstm.storage.arrays import empty, flatnonzero, row_blocks

MAX_FOLD_RECORDS = 1 << 16
"""So many records that it left out say what a member is worth: more would say hardly more."""

MAX_ASSIGNED_RECORDS = 1 << 20
"""So many records are divided into the parts that members leave out."""


OutOfFoldLabels = tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int32]]
"""Of held-out records: class numbers, weights, and places; see :func:`out_of_fold_labels`."""


@dataclass(frozen=True)
class Examples:
    """Texts with what is to be learned of them, the validation part among them.

    A record is its place among the distinct texts, its label, weight and part; there may be more
    of them than memory holds.

    Each member of an ensemble leaves another part out of its training, the first one the validation
    part: together they learn from all records, and yet say of each part what it is worth on records
    never trained on (as in cross-validation; Krogh and Vedelsby 1995). Of very many records that a
    member leaves out, :data:`MAX_FOLD_RECORDS` say so, drawn at random.
    """

    corpus: Corpus
    labels: Tensor  # (n,) int32, class numbers
    weights: Tensor  # (n,) float32
    folds: Tensor  # (n,) int16, the part a record belongs to, 0 for validation; -1 for none
    split: str = "stratified"  # how the validation part was left out: see the data settings

    def validation_rows(self, member: int) -> Tensor:
        """Return the rows that a member leaves out and is judged by, int32."""
        rows = flatnonzero((self.folds == self._part_of(member)).numpy())
        return torch.from_numpy(rows[subsample(len(rows), MAX_FOLD_RECORDS, member)])

    def training_rows(self, member: int) -> Tensor:
        """Return the rows that a member learns from, int32."""
        return torch.from_numpy(flatnonzero((self.folds != self._part_of(member)).numpy()))

    def _part_of(self, member: int) -> int:
        return member % (int(self.folds.max()) + 1)

    def sample(self, most: int, seed: int) -> Self:
        """Return all of the records, or if that is too many so many of them drawn at random."""
        rows = torch.from_numpy(subsample(len(self.labels), most, seed))
        of_records = {name: getattr(self, name)[rows] for name in ("labels", "weights", "folds")}
        return replace(self, corpus=self.corpus.select(rows), **of_records)


def subsample(n: int, most: int, seed: int) -> NDArray[np.int64]:
    """Return the rows of n, in their order: all, or if that is too many so many drawn at random."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False, shuffle=False))


def assign_folds(examples: Examples, members: int, seed: int) -> Examples:
    """Return the examples with a part for each member, drawn as large as the validation part.

    Where equal texts are together in the validation part, so they are in the other parts. Where
    there are too few records for so many parts, some members leave out the same. Very large parts
    are no larger than need be, and of very many records :data:`MAX_ASSIGNED_RECORDS` are divided.
    """
    places, folds = examples.corpus.inverse.numpy(), empty(len(examples.folds), np.int16)
    folds[:] = examples.folds
    rows = subsample(len(folds), MAX_ASSIGNED_RECORDS, seed)
    frame = pd.DataFrame({"text": places[rows], "label": examples.labels.numpy()[rows]}, index=rows)
    rest = frame[folds[rows] != 0]
    size = min(len(frame) - len(rest), MAX_FOLD_RECORDS)
    grouped = METHODS[examples.split].keeps_texts_together
    how = "grouped" if grouped and rest["text"].duplicated().any() else "stratified"
    for member in range(1, members):
        if len(rest) <= size:
            break
        try:
            rest, part = split_off(rest, size / len(rest), how, seed + member)
        except InputError:
            break
        folds[part.index] = member
        if grouped:  # with the other records of their texts, if not all are divided
            moved = np.zeros(len(examples.corpus.text_ids), dtype=bool)
            moved[part["text"]] = True
            for some in row_blocks(len(folds)):
                folds[some][moved[places[some]]] = member
    return replace(examples, folds=torch.from_numpy(folds))


def class_weight_sums(labels: Tensor, weights: Tensor, n_classes: int) -> Tensor:
    """Return the weights of all records (n,) of each class, summed up (C,)."""
    sums = torch.zeros(n_classes, dtype=torch.float64)
    for some in row_blocks(len(labels)):
        sums.index_add_(0, labels[some], weights[some].double())
    return sums.float()


def balance_classes(examples: Examples, n_classes: int) -> Examples:
    """Return the examples so weighted that every class that has any comes to the same sum.

    >>> labels, ones = torch.tensor([0, 0, 0, 2]), torch.ones(4)
    >>> balance_classes(Examples(None, labels, ones, labels), n_classes=3).weights
    tensor([0.6667, 0.6667, 0.6667, 2.0000])
    """
    sums = class_weight_sums(examples.labels, examples.weights, n_classes)
    shares = sums.sum() / (sums * (sums > 0).sum())
    weights = empty(len(examples.labels), np.float32)
    for some in row_blocks(len(weights)):
        weights[some] = examples.weights[some] * shares[examples.labels[some]]
    return replace(examples, weights=torch.from_numpy(weights))


def out_of_fold_labels(examples: Examples, members: int) -> OutOfFoldLabels:
    """Return what is known of the records that each member left out, member after member.

    Returns
    -------
    labels, weights
        (n,) of the records.
    places
        (n,) the row that each has among the :func:`out_of_fold_logits`.
    """
    rows = torch.cat([examples.validation_rows(member) for member in range(members)])
    folds = [examples.corpus.select(examples.validation_rows(member)) for member in range(members)]
    firsts = np.cumsum([0, *(len(part.text_ids) for part in folds)], dtype=np.int32)[:-1]
    places = [part.inverse.numpy() + first for part, first in zip(folds, firsts, strict=True)]
    return examples.labels[rows].numpy(), examples.weights[rows].numpy(), np.concatenate(places)


def out_of_fold_logits(
    answers: Sequence[Callable[[Batch], Tensor]], examples: Examples, device: torch.device
) -> Tensor:
    """Return the logits of the distinct texts that each member left out, member after member."""
    rows = (examples.validation_rows(member) for member in range(len(answers)))
    corpora = (examples.corpus.select(some).distinct_texts() for some in rows)
    return torch.cat(
        [
            predict_logits(log_probs, corpus, device)
            for log_probs, corpus in zip(answers, corpora, strict=True)
        ]
    )


def as_examples(
    texts: EncodedTexts,
    labels: NDArray[np.integer[Any]],
    vocabulary: Vocabulary,
    validation: NDArray[np.bool_],
    weights: NDArray[np.float64] | None = None,
    *,
    split: str = "stratified",
) -> Examples:
    """Return encoded texts and class numbers as what the training loop takes.

    Weights are scaled to a mean of 1, which leaves the size of a training step as it is.
    ``split`` says how the validation part was left out: drawn at random, with all records of its
    texts (``grouped``), or as the latest (``temporal``).
    """
    folds = empty(len(labels), np.int16)
    for some in row_blocks(len(labels)):
        folds[some] = validation[some].astype(np.int16) - 1
    if weights is None:
        scaled = torch.ones(1).expand(len(labels))
    else:
        scaled = torch.tensor(weights / weights.mean(), dtype=torch.float32)
    return Examples(
        Corpus(texts, vocabulary),
        torch.from_numpy(labels.astype(np.int32, copy=False)),
        scaled,
        torch.from_numpy(folds),
        split,
    )
