"""The task of one code of a book a record: a softmax over the leaves, labels at any level."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textlstm.codes.tree import CodeTree
from textlstm.models.heads import LeafSoftmax
from textlstm.tasks import OutOfFoldTargets, SingleLabel
from textlstm.uncertainty.calibration import calibrated_loss, fit_linear_weight, fit_temperature


@dataclass(frozen=True)
class CodedLabel(SingleLabel):
    """One code a record, at any level of a book: the probability of a code is that of its leaves.

    The targets are numbers of codes, the leaves first; the outputs are logits of the leaves (n, C).

    Attributes
    ----------
    tree
        The book, whose leaves are the labels.
    """

    tree: CodeTree | None = None

    @classmethod
    def of(cls, tree: CodeTree) -> Self:
        """Build from a book."""
        return cls(tree.leaves, tree=tree)

    @property
    def book(self) -> CodeTree:
        """Return the tree."""
        assert self.tree is not None
        return self.tree

    @property
    def names(self) -> tuple[str, ...]:
        """Return the codes of all levels, in the order of their numbers."""
        return self.book.codes

    def learns(self, labels: Sequence[str]) -> bool:
        """Tell whether these labels are codes of the book."""
        return set(labels) <= set(self.book.codes)

    @property
    def n_targets(self) -> int:
        """Return N, the number of codes of every level."""
        return len(self.book.codes)

    def spans(self, targets: Tensor) -> Tensor:
        """Return the span of leaves of each target (n, 2)."""
        return torch.from_numpy(self.book.spans).to(targets.device)[targets.long()]

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the cross entropy of each record (n,): of the sum of its label's leaves."""
        return LeafSoftmax.span_loss(outputs, self.spans(targets), self.label_smoothing)

    def measure(self, outputs: Tensor, targets: Tensor) -> list[Tensor]:
        """Compute the cross entropy without label smoothing, and the hits, of each record (n,)."""
        spans, best = self.spans(targets), outputs.argmax(1)
        hits = ((spans[:, 0] <= best) & (best < spans[:, 1])).double()
        return [LeafSoftmax.span_loss(outputs, spans), hits]

    def validate(self, outputs: NDArray[np.float32], truth: OutOfFoldTargets) -> dict[str, float]:
        """Compute loss and accuracy of out-of-fold logits (B, C), the loss after calibration."""
        spans = self.book.spans
        temperature = self.fit_temperature(outputs, truth)
        loss = calibrated_loss(
            outputs, truth.targets, temperature, truth.weights, truth.rows, spans
        )
        hits = self.book.agree(outputs.argmax(axis=1)[truth.rows], truth.targets)
        return {"loss": loss, "accuracy": float(hits.mean())}

    def fit_linear_weight(
        self,
        outputs: NDArray[np.float32],
        linear: NDArray[np.float32],
        truth: OutOfFoldTargets,
    ) -> float:
        """Fit the weight of the linear branch in the mixture, on out-of-fold records."""
        spans = self.book.spans
        return fit_linear_weight(outputs, linear, truth.targets, truth.weights, truth.rows, spans)

    def fit_temperature(self, outputs: NDArray[np.float32], truth: OutOfFoldTargets) -> float:
        """Fit the temperature that calibrates logits (B, C) on out-of-fold records."""
        spans = self.book.spans
        return fit_temperature(outputs, truth.targets, truth.weights, truth.rows, spans)


def read_task(labels: Any, folder: Path) -> SingleLabel:
    """Return the task of ``labels.json`` in a folder: a list of labels, or a code book."""
    if isinstance(labels, dict):
        return CodedLabel.of(CodeTree.from_dict(labels, str(folder)))
    return SingleLabel(tuple(labels))
