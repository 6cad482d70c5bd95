"""Tasks: the loss, validation score, calibration and predictions of a kind of target.

The training loop, the checkpoint and the ensemble know network outputs and targets only. Whether a
target is one class, several labels or a number is known to the task: it gives the loss of a batch,
the validation score of out-of-fold outputs and the predictions. :class:`SingleLabel` is the task of
one label a record; another kind of target is another class with the methods of :class:`Task`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from textlstm.array_types import Flags, Integers
from textlstm.models.heads import Softmax
from textlstm.uncertainty.calibration import (
    apply_temperature,
    calibrated_loss,
    fit_linear_weight,
    fit_temperature,
    mix_log_probs,
)
from textlstm.uncertainty.predictions import Predictions


@dataclass(frozen=True)
class OutOfFoldTargets:
    """Targets of n out-of-fold records, whose network outputs are computed once a text.

    Attributes
    ----------
    targets
        (n,) targets.
    weights
        (n,) weights of the records, of mean 1.
    rows
        (n,) the row of the out-of-fold outputs (B, O) of each record.
    """

    targets: NDArray[Any]
    weights: NDArray[np.float32]
    rows: NDArray[np.int32]


class Task(Protocol):
    """Methods of a task that the training loop calls.

    Shapes: n records, B distinct texts, O network outputs.
    """

    @property
    def measures(self) -> Sequence[str]:
        """Name the measures of an epoch; the first is the loss."""

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the loss that training minimizes, of each record (n,)."""

    def measure(self, outputs: Tensor, targets: Tensor) -> list[Tensor]:
        """Compute the measures of each record of a training batch: (n,) for each measure."""

    def validate(self, outputs: NDArray[np.float32], truth: OutOfFoldTargets) -> dict[str, float]:
        """Compute the measures of out-of-fold outputs (B, O); early stopping follows the loss."""


@dataclass(frozen=True)
class SingleLabel:
    """The task of one label a record: softmax classification with cross entropy.

    The targets are class numbers; the outputs are logits (n, C).

    Attributes
    ----------
    labels
        The C labels, in the order of the outputs.
    label_smoothing
        Share of a training target that is spread over all classes.
    """

    labels: tuple[str, ...]
    label_smoothing: float = 0.0
    measures: Sequence[str] = ("loss", "accuracy")

    @property
    def n_targets(self) -> int:
        """Return the number of targets: that of the classes, unless labels stand for several."""
        return len(self.labels)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the targets, in the order of their numbers."""
        return self.labels

    @property
    def class_spans(self) -> Integers | None:
        """Return the first class of each target and the one after its last (N, 2).

        None if each target is one class.
        """
        return None

    def agree(self, predicted: Integers, targets: Integers) -> Flags:
        """Tell whether the predicted class of each of n records is one of its target."""
        same: Flags = predicted == targets
        return same

    def learns(self, labels: Sequence[str]) -> bool:
        """Tell whether a model of this task learns these labels, sorted, from records."""
        return list(self.labels) == list(labels)

    def encode(self, labels: Sequence[str]) -> NDArray[np.intp]:
        """Return the class numbers (n,) of labels; -1 for a label that the task does not have.

        >>> SingleLabel(("a", "b")).encode(["b", "c", "a"])
        array([ 1, -1,  0])
        """
        numbers: NDArray[np.intp] = pd.Index(self.names).get_indexer(pd.Index(labels))
        return numbers

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the cross entropy of each record (n,), in nats, with label smoothing."""
        return Softmax.loss(outputs, targets.long(), self.label_smoothing)

    def measure(self, outputs: Tensor, targets: Tensor) -> list[Tensor]:
        """Compute the cross entropy without label smoothing, and the hits, of each record (n,)."""
        targets = targets.long()
        hits = (outputs.argmax(1) == targets).double()
        return [Softmax.loss(outputs, targets), hits]

    def validate(self, outputs: NDArray[np.float32], truth: OutOfFoldTargets) -> dict[str, float]:
        """Compute loss and accuracy of out-of-fold logits (B, C), the loss after calibration.

        An epoch is validated as it will be used, calibrated: before calibration the most confident
        network has the highest loss, and the best one would be stopped too early.
        """
        temperature = self.fit_temperature(outputs, truth)
        records = truth.targets, temperature, truth.weights, truth.rows
        loss = calibrated_loss(outputs, *records, self.class_spans)
        hits = self.agree(outputs.argmax(axis=1)[truth.rows], truth.targets)
        return {"loss": loss, "accuracy": float(hits.mean())}

    def fit_linear_weight(
        self,
        outputs: NDArray[np.float32],
        linear: NDArray[np.float32],
        truth: OutOfFoldTargets,
    ) -> float:
        """Fit the weight of the linear branch in the mixture, on out-of-fold records."""
        records = truth.targets, truth.weights, truth.rows
        return fit_linear_weight(outputs, linear, *records, self.class_spans)

    def mix(
        self, outputs: NDArray[np.float32], linear: NDArray[np.float32], weight: float
    ) -> NDArray[np.float32]:
        """Mix the outputs (B, C) of a network and of its linear branch."""
        mixed = Softmax.combine([outputs], linear, weight, mix=mix_log_probs)
        return mixed.astype(np.float32)

    def fit_temperature(self, outputs: NDArray[np.float32], truth: OutOfFoldTargets) -> float:
        """Fit the temperature that calibrates logits (B, C) on out-of-fold records."""
        records = truth.targets, truth.weights, truth.rows
        return fit_temperature(outputs, *records, self.class_spans)

    def predict(
        self,
        outputs: NDArray[np.float32],
        temperature: float,
        rows: Integers | None = None,
    ) -> Predictions:
        """Return the calibrated predictions of n records from the logits (B, C) of B texts.

        Parameters
        ----------
        rows
            (n,) the row of the logits of each record; by default, each record has its own.

        >>> logits = np.log(np.array([[0.25, 0.75]], dtype=np.float32))
        >>> SingleLabel(("a", "b")).predict(logits, 1.0, np.array([0, 0])).predicted
        array([1, 1])
        """
        probabilities = apply_temperature(outputs, temperature)
        if rows is None:
            return Predictions.of(probabilities)
        return Predictions(probabilities, rows)
