"""Training records, and the validation fold of each member of an ensemble."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from textlstm.array_types import Flags, Floats, Integers
from textlstm.data.splits import METHODS, split_off
from textlstm.encoding.corpus import Corpus
from textlstm.encoding.encoded import EncodedTexts
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.errors import InputError
from textlstm.storage.arrays import empty, flatnonzero, row_blocks

MAX_FOLD_RECORDS = 1 << 16
"""Validation records per member, at most; more would not change the estimate."""

MAX_ASSIGNED_RECORDS = 1 << 20
"""Records that are divided into folds, at most; further records are trained on by all members."""


@dataclass(frozen=True)
class Examples:
    """Training and validation records: encoded texts, targets, weights and folds.

    Each member of an ensemble has a validation fold of its own, the first one the validation part,
    and is trained on all other records. Together the members train on all records, and each fold
    has out-of-fold predictions, as in cross-validation (Krogh and Vedelsby 1995). The columns may
    be larger than memory.

    Attributes
    ----------
    corpus
        The texts of the n records, each distinct text once.
    targets
        (n,) targets of the task, such as int32 class numbers.
    weights
        (n,) float32.
    folds
        (n,) int16, the fold of each record: 0 for the validation part, -1 for none.
    split
        How the validation part was drawn: ``stratified``, ``grouped`` or ``temporal``.
    max_fold_records
        Validation records per member, at most; they are drawn at random.
    """

    corpus: Corpus
    targets: Tensor
    weights: Tensor
    folds: Tensor
    split: str = "stratified"
    max_fold_records: int = MAX_FOLD_RECORDS

    def validation_rows(self, member: int) -> Tensor:
        """Return the rows of a member's validation fold, int32."""
        rows = flatnonzero((self.folds == self._fold_of(member)).numpy())
        return torch.from_numpy(rows[subsample(len(rows), self.max_fold_records, member)])

    def training_rows(self, member: int) -> Tensor:
        """Return the rows that a member is trained on, int32: all outside its fold."""
        return torch.from_numpy(flatnonzero((self.folds != self._fold_of(member)).numpy()))

    def without_covariates(self) -> Self:
        """Return the records with all covariates missing."""
        return replace(self, corpus=self.corpus.without_covariates())

    def _fold_of(self, member: int) -> int:
        """Return the fold of a member; members share folds where there are fewer folds."""
        return member % (int(self.folds.max()) + 1)

    def sample(self, max_records: int, seed: int) -> Self:
        """Return all records, or ``max_records`` drawn at random."""
        rows = torch.from_numpy(subsample(len(self.targets), max_records, seed))
        columns = {name: getattr(self, name)[rows] for name in ("targets", "weights", "folds")}
        return replace(self, corpus=self.corpus.select(rows), **columns)


def subsample(n: int, max_rows: int, seed: int) -> Integers:
    """Return the rows of n in order: all, or ``max_rows`` drawn at random."""
    if n <= max_rows:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, max_rows, replace=False, shuffle=False))


def assign_folds(
    examples: Examples, n_members: int, seed: int, max_assigned: int = MAX_ASSIGNED_RECORDS
) -> Examples:
    """Draw a validation fold for each member, of the size of the validation part.

    If equal texts are kept together in the validation part, they are in the other folds too. If
    there are fewer records than these folds need, members share folds. Folds are not larger than
    ``examples.max_fold_records``, and they are drawn from at most ``max_assigned`` records.
    """
    text_ids, folds = examples.corpus.inverse.numpy(), empty(len(examples.folds), np.int16)
    folds[:] = examples.folds
    rows = subsample(len(folds), max_assigned, seed)
    columns = {"text": text_ids[rows], "label": examples.targets.numpy()[rows]}
    drawn_from = pd.DataFrame(columns, index=rows)
    remaining = drawn_from[folds[rows] != 0]
    fold_size = min(len(drawn_from) - len(remaining), examples.max_fold_records)
    grouped = METHODS[examples.split].keeps_texts_together
    split = "grouped" if grouped and remaining["text"].duplicated().any() else "stratified"
    for member in range(1, n_members):
        if len(remaining) <= fold_size:
            break
        try:
            share = fold_size / len(remaining)
            remaining, fold = split_off(remaining, share, split, seed + member)
        except InputError:  # too few records for another fold
            break
        folds[fold.index] = member
        if grouped:
            in_fold = np.zeros(len(examples.corpus.text_ids), dtype=bool)
            in_fold[fold["text"]] = True
            _add_equal_texts(folds, text_ids, in_fold, member)
    return replace(examples, folds=torch.from_numpy(folds))


def _add_equal_texts(
    folds: NDArray[np.int16],
    text_ids: NDArray[np.int32],
    in_fold: Flags,
    member: int,
) -> None:
    """Put all records of a fold's texts into the fold, also those it was not drawn from.

    ``in_fold`` (B,) flags the distinct texts of the fold.
    """
    for rows in row_blocks(len(folds)):
        folds[rows][in_fold[text_ids[rows]]] = member


def as_examples(
    texts: EncodedTexts,
    targets: Integers,
    vocabulary: Vocabulary,
    validation: Flags,
    weights: Floats | None = None,
    *,
    split: str = "stratified",
) -> Examples:
    """Build examples from encoded texts and targets.

    Parameters
    ----------
    texts
        The texts of the n records.
    targets
        (n,) class numbers.
    vocabulary
        The vocabulary that the texts were encoded with.
    validation
        (n,) whether a record belongs to the validation part.
    weights
        (n,) weights of the records, scaled here to a mean of 1, which leaves the size of a
        training step as it is; by default all are 1.
    split
        How the validation part was drawn: at random (``stratified``), with all records of a text
        (``grouped``), or the latest records (``temporal``).
    """
    folds = empty(len(targets), np.int16)
    for rows in row_blocks(len(targets)):
        folds[rows] = validation[rows].astype(np.int16) - 1
    if weights is None:
        scaled = torch.ones(1).expand(len(targets))
    else:
        scaled = torch.tensor(weights / weights.mean(), dtype=torch.float32)
    return Examples(
        Corpus(texts, vocabulary),
        torch.from_numpy(targets.astype(np.int32, copy=False)),
        scaled,
        torch.from_numpy(folds),
        split,
    )
