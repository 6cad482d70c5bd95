"""The task of one code of a book a record: a softmax over the leaves, labels at any level."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from textlstm.array_types import Flags, Integers
from textlstm.codes.tree import CodeTree
from textlstm.models.heads import LeafSoftmax
from textlstm.tasks import SingleLabel


@dataclass(frozen=True)
class CodedLabel(SingleLabel):
    """One code a record, at any level of a book: the probability of a code is that of its leaves.

    The targets are numbers of codes, the leaves first; the outputs are logits of the leaves (n, C).

    Attributes
    ----------
    tree
        The book, whose leaves are the labels.
    """

    tree: CodeTree = field(kw_only=True)

    @classmethod
    def of(cls, tree: CodeTree) -> Self:
        """Build from a book."""
        return cls(tree.leaves, tree=tree)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the codes of all levels, in the order of their numbers."""
        return self.tree.codes

    def learns(self, labels: Sequence[str]) -> bool:
        """Tell whether these labels are codes of the book."""
        return set(labels) <= set(self.tree.codes)

    @property
    def n_targets(self) -> int:
        """Return N, the number of codes of every level."""
        return len(self.tree.codes)

    @property
    def class_spans(self) -> Integers:
        """Return the first leaf of each code and the one after its last (N, 2)."""
        return self.tree.spans

    def agree(self, predicted: Integers, targets: Integers) -> Flags:
        """Tell whether the predicted leaf of each of n records lies below its target."""
        return self.tree.agree(predicted, targets)

    def spans(self, targets: Tensor) -> Tensor:
        """Return the span of leaves of each target (n, 2)."""
        return torch.from_numpy(self.tree.spans).to(targets.device)[targets.long()]

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the cross entropy of each record (n,): of the sum of its label's leaves."""
        return LeafSoftmax.span_loss(outputs, self.spans(targets), self.label_smoothing)

    def measure(self, outputs: Tensor, targets: Tensor) -> list[Tensor]:
        """Compute the cross entropy without label smoothing, and the hits, of each record (n,)."""
        spans, best = self.spans(targets), outputs.argmax(1)
        hits = ((spans[:, 0] <= best) & (best < spans[:, 1])).double()
        return [LeafSoftmax.span_loss(outputs, spans), hits]


def read_task(labels: Any, folder: Path) -> SingleLabel:
    """Return the task of ``labels.json`` in a folder: a list of labels, or a code book."""
    if isinstance(labels, dict):
        return CodedLabel.of(CodeTree.from_dict(labels, str(folder)))
    return SingleLabel(tuple(labels))
