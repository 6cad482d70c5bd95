"""Out-of-fold predictions: of each validation fold, by the member that was not trained on it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textlstm.array_types import Flags, Floats, Integers, Numbers
from textlstm.coded_task import CodedLabel
from textlstm.data.splits import METHODS
from textlstm.encoding.batching import Batch
from textlstm.encoding.corpus import Corpus
from textlstm.models.logits import predict_logits
from textlstm.tasks import OutOfFoldTargets, SingleLabel
from textlstm.training.folds import Examples
from textlstm.uncertainty.back_off import BackOff
from textlstm.uncertainty.out_of_fold import OutOfFold
from textlstm.uncertainty.predictions import Predictions

Predictor = Callable[[Batch], Tensor]
"""A function from a batch to the outputs (R, O) of its records."""


def out_of_fold_targets(examples: Examples, n_members: int) -> OutOfFoldTargets:
    """Return targets, weights and output rows of the validation folds, concatenated over members.

    The rows are those of :func:`out_of_fold_outputs`.
    """
    folds = [examples.validation_rows(member) for member in range(n_members)]
    distinct = [examples.corpus.select(fold).distinct_inputs() for fold in folds]
    offsets = np.cumsum([0, *(len(inputs) for inputs, _ in distinct)], dtype=np.int32)[:-1]
    rows = [own.numpy() + offset for (_, own), offset in zip(distinct, offsets, strict=True)]
    records = torch.cat(folds)
    return OutOfFoldTargets(
        examples.targets[records].numpy(),
        examples.weights[records].numpy(),
        np.concatenate(rows),
    )


def out_of_fold_outputs(
    members: Sequence[Predictor], examples: Examples, device: torch.device
) -> NDArray[np.float32]:
    """Return the outputs (B, O) of each member for the distinct inputs of its validation fold."""
    outputs = []
    for member, predictor in enumerate(members):
        fold = examples.corpus.select(examples.validation_rows(member))
        outputs.append(predict_logits(predictor, fold.distinct_inputs()[0], device))
    found: NDArray[np.float32] = torch.cat(outputs).numpy()
    return found


@dataclass(frozen=True)
class MemberModels:
    """The model of each member: its network, mixed with its linear branch if there is one.

    Attributes
    ----------
    task
        It mixes network and linear branch.
    networks
        The network of each member.
    device
        The device that the networks are on; linear branches are on the CPU.
    branches
        The linear branch of each member; empty if the recipe has none.
    linear_weight
        Weight of the linear branch in the mean of log probabilities.
    """

    task: SingleLabel
    networks: Sequence[Predictor]
    device: torch.device
    branches: Sequence[Predictor] = ()
    linear_weight: float = 0.0

    def predict_logits(self, member: int, corpus: Corpus) -> NDArray[np.float32]:
        """Return the logits (n, C) of a member for the records of a corpus."""
        logits: NDArray[np.float32]
        logits = predict_logits(self.networks[member], corpus, self.device).numpy()
        if not self.branches:
            return logits
        linear = predict_logits(self.branches[member], corpus, torch.device("cpu")).numpy()
        return self.task.mix(logits, linear, self.linear_weight)

    def out_of_fold_logits(self, examples: Examples) -> NDArray[np.float32]:
        """Return the logits (B, C) of each member for the distinct inputs of its fold."""
        logits = out_of_fold_outputs(self.networks, examples, self.device)
        if not self.branches:
            return logits
        linear = out_of_fold_outputs(self.branches, examples, torch.device("cpu"))
        return self.task.mix(logits, linear, self.linear_weight)


@dataclass(frozen=True)
class OutOfFoldPredictions:
    """Out-of-fold predictions of n records that have B distinct inputs.

    Attributes
    ----------
    predictions
        Of the records.
    has_known_word
        (B,) whether the text of an input has a word of the vocabulary.
    labels
        (n,) class numbers; -1 for a class that the model cannot predict.
    weights
        (n,) weights of the records in training.
    text_ids
        (n,) numbers of the records' texts; equal texts have equal numbers.
    """

    predictions: Predictions
    has_known_word: Flags
    labels: Integers
    weights: Numbers
    text_ids: Integers

    @classmethod
    def of(
        cls,
        examples: Examples,
        n_members: int,
        truth: OutOfFoldTargets,
        predictions: Predictions,
    ) -> Self:
        """Collect the out-of-fold predictions of a training, without records of rare classes.

        After a temporal split these are the latest records, the validation part, since drift shows
        in them.

        Parameters
        ----------
        truth
            As :func:`out_of_fold_targets` gives it.
        predictions
            Of the same records.
        """
        folds = [examples.validation_rows(member) for member in range(n_members)]
        inputs = [examples.corpus.select(fold).distinct_inputs()[0] for fold in folds]
        has_known_word = [corpus.has_known_word()[corpus.inverse.numpy()] for corpus in inputs]
        text_ids = examples.corpus.inverse[torch.cat(folds)].numpy()
        latest = METHODS[examples.split].judged_by_latest
        n = len(folds[0]) if latest else len(text_ids)
        return cls(
            predictions.take(np.arange(n)),
            np.concatenate(has_known_word),
            truth.targets[:n],
            truth.weights[:n],
            text_ids[:n],
        )

    def within(self, n_classes: int) -> Self:
        """Select the records whose label is a class, not an inner code of a book."""
        inside = self.labels < n_classes
        if inside.all():
            return self
        columns = {name: getattr(self, name)[inside] for name in ("labels", "weights", "text_ids")}
        return replace(self, predictions=self.predictions.take(inside), **columns)

    def along_levels(
        self, task: SingleLabel, split: str, leaves: OutOfFold, seed: int
    ) -> BackOff | None:
        """Reduce the records to what back-off needs along a code book, if the task has one."""
        if not isinstance(task, CodedLabel):
            return None
        texts = self.text_ids if METHODS[split].keeps_texts_together else None
        records = self.predictions, self.labels, self.has_known_word
        return BackOff.along(task.tree, *records, seed, texts).with_gain(leaves)

    def with_rare_classes(
        self,
        probabilities: Floats,
        has_known_word: Flags,
        text_ids: Integers,
        borderline: Sequence[int],
    ) -> Self:
        """Append k records of dropped classes, with the label -1.

        Parameters
        ----------
        probabilities, has_known_word
            (k, C) and (k,).
        text_ids
            (k,) numbers of the texts among the records of dropped classes.
        borderline
            Class numbers that become -1 too: one record less would have made these classes rare.
        """
        k, known = len(text_ids), self.predictions
        labels = np.where(np.isin(self.labels, borderline), -1, self.labels)
        rows = np.append(known.rows, len(known.probabilities) + np.arange(k))
        return replace(
            self,
            predictions=Predictions(np.concatenate([known.probabilities, probabilities]), rows),
            has_known_word=np.concatenate([self.has_known_word, has_known_word]),
            labels=np.append(labels, np.full(k, -1)),
            weights=np.append(self.weights, np.ones(k)),
            text_ids=np.append(self.text_ids, self.text_ids.max(initial=-1) + 1 + text_ids),
        )


@dataclass(frozen=True)
class CalibratedMembers:
    """Calibrated models of the members, and their out-of-fold predictions.

    ``adjustment`` (C,) is added to the logits; ``records`` are without those of rare classes.
    """

    models: MemberModels
    adjustment: NDArray[np.float32]
    temperature: float
    records: OutOfFoldPredictions
