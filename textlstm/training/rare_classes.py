"""Records of rare classes: a model learns nothing from them, and is judged on them all the same.

A class that is dropped for its few records is a class that no prediction names. New records have it
as often as those of the table, and whatever such a record is coded as is wrong. Promises are read
off records that a member of the ensemble left out of its training; as large a share of these as of
the table must be of rare classes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textlstm.data.draws import draw_share
from textlstm.data.splits import METHODS
from textlstm.encoding.batching import Batch
from textlstm.encoding.corpus import Corpus
from textlstm.encoding.encoded import EncodedTexts
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.models.heads import Softmax
from textlstm.models.logits import predict_logits
from textlstm.training.folds import Examples, OutOfFoldLabels
from textlstm.uncertainty.calibration import mix_log_probs

JUDGED = 3
"""Source of the chance by which records are drawn and given to members, apart from a run's seed."""

Answer = Callable[[Batch], Tensor]
"""Gives the log probabilities (R, C) of a batch."""


@dataclass(frozen=True)
class RareClasses:
    """What a table has of classes that a model cannot give.

    Attributes
    ----------
    texts
        (m,) of the records on the training side whose class was dropped.
    validation
        (m,) whether they belong to the validation part.
    share
        Share of the table's records, of label and text, whose class was dropped or merged.
    borderline
        Numbers of the classes that one record less would have made rare.
    """

    texts: EncodedTexts
    validation: NDArray[np.bool_]
    share: float
    borderline: tuple[int, ...]

    def judged_by(self, examples: Examples, members: int, seed: int) -> list[NDArray[np.int64]]:
        """Return the rows (of m) that each member judges, drawn as its left-out records are.

        After a temporal split the latest records are what is judged; otherwise as large a share of
        the rows as members leave out of the others, of whole texts where these are left out whole.
        """
        left_out = [len(examples.validation_rows(member)) for member in range(members)]
        none = [np.zeros(0, dtype=np.int64)] * (members - 1)
        if METHODS[examples.split].judged_by_latest:
            rows = np.flatnonzero(self.validation)
            share = left_out[0] / max(int((examples.folds == 0).sum()), 1)
            return [rows[np.sort(draw_share(len(rows), share, seed + JUDGED))], *none]
        share = min(1.0, sum(left_out) / len(examples.labels))
        by_text = METHODS[examples.split].keeps_texts_together
        units = self.texts.inverse if by_text else np.arange(len(self.texts))
        n_units = int(units.max(initial=-1)) + 1
        drawn = draw_share(n_units, share, seed + JUDGED)
        return [np.flatnonzero(np.isin(units, drawn[member::members])) for member in range(members)]

    def logits(
        self,
        rows: Sequence[NDArray[np.int64]],
        answers: Sequence[Answer],
        branches: Sequence[Answer],
        linear_share: float,
        n_classes: int,
        vocabulary: Vocabulary,
        device: torch.device,
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return what each member says of its rows, and whether any of their words is known.

        Parameters
        ----------
        rows
            The rows that each member judges, k in all.
        answers, branches
            Of each member: the network, and the linear branch if there are any.
        linear_share
            Share of the linear branch in the mean of log probabilities.

        Returns
        -------
        logits, readable
            (k, C) and (k,), member after member.
        """
        logits, has_known_word = [], []
        for member, mine in enumerate(rows):
            if not len(mine):
                continue
            corpus = Corpus(self.texts[mine], vocabulary)
            found = predict_logits(answers[member], corpus, device).numpy()
            if branches:
                linear = predict_logits(branches[member], corpus, torch.device("cpu")).numpy()
                mixed = Softmax.combine([found], linear, linear_share, mix=mix_log_probs)
                found = mixed.astype(np.float32)
            logits.append(found)
            has_known_word.append(corpus.has_known_word()[corpus.inverse.numpy()])
        if not logits:
            return np.zeros((0, n_classes), np.float32), np.zeros(0, np.bool_)
        return np.concatenate(logits), np.concatenate(has_known_word)


@dataclass(frozen=True)
class Judged:
    """Records with what the members that left them out of their training say of them.

    Attributes
    ----------
    probabilities
        (B, C) of distinct texts.
    readable
        (B,) whether any word of the text is known.
    labels
        (n,) class numbers; -1 where the model cannot give the class.
    weights
        (n,) as in training.
    places
        (n,) the row of the probabilities of each record.
    texts
        (n,) numbers by which records of one text are told.
    """

    probabilities: NDArray[np.float64]
    has_known_word: NDArray[np.bool_]
    labels: NDArray[np.integer[Any]]
    weights: NDArray[np.floating[Any]]
    places: NDArray[np.integer[Any]]
    texts: NDArray[np.integer[Any]]

    @classmethod
    def of(
        cls,
        examples: Examples,
        members: int,
        truth: OutOfFoldLabels,
        probabilities: NDArray[np.float64],
    ) -> Self:
        """Return the left-out records of a training, without those of rare classes.

        After a temporal split these are the latest: they know most of what changes with time.

        Parameters
        ----------
        truth
            As :func:`.out_of_fold_labels` gives it.
        probabilities
            (B, C) of the texts there.
        """
        folds = [examples.validation_rows(member) for member in range(members)]
        has_known_word = np.concatenate(
            [examples.corpus.select(rows).has_known_word() for rows in folds]
        )
        texts = examples.corpus.inverse[torch.cat(folds)].numpy()
        n = len(folds[0]) if METHODS[examples.split].judged_by_latest else len(texts)
        labels, weights, places = truth
        return cls(probabilities, has_known_word, labels[:n], weights[:n], places[:n], texts[:n])

    def with_rare(
        self,
        rare: RareClasses,
        rows: Sequence[NDArray[np.int64]],
        probabilities: NDArray[np.float64],
        has_known_word: NDArray[np.bool_],
    ) -> Self:
        """Return these and the records of dropped classes, none of a class that can be given.

        Parameters
        ----------
        rows
            The rows that each member judges, k in all.
        probabilities, readable
            (k, C) and (k,), member after member.
        """
        mine = np.concatenate(rows)
        texts = self.texts.max(initial=-1) + 1 + rare.texts.inverse[mine]
        new = len(self.probabilities) + np.arange(len(mine))
        labels = np.where(np.isin(self.labels, rare.borderline), -1, self.labels)
        return replace(
            self,
            probabilities=np.concatenate([self.probabilities, probabilities]),
            has_known_word=np.concatenate([self.has_known_word, has_known_word]),
            labels=np.append(labels, np.full(len(mine), -1)),
            weights=np.append(self.weights, np.ones(len(mine))),
            places=np.append(self.places, new),
            texts=np.append(self.texts, texts),
        )
