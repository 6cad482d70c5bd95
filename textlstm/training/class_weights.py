"""Class weights of imbalanced classes: balanced weights, and logit adjustment."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textlstm.storage.arrays import empty, row_blocks
from textlstm.training.folds import Examples


def class_weight_sums(targets: Tensor, weights: Tensor, n_classes: int) -> Tensor:
    """Return the sum of the record weights (n,) of each class (C,)."""
    sums = torch.zeros(n_classes, dtype=torch.float64)
    for rows in row_blocks(len(targets)):
        sums.index_add_(0, targets[rows], weights[rows].double())
    return sums.float()


def balance_classes(examples: Examples, n_classes: int) -> Examples:
    """Return the examples with class weights: all classes that occur have the same sum.

    >>> labels, ones = torch.tensor([0, 0, 0, 2]), torch.ones(4)
    >>> balance_classes(Examples(None, labels, ones, labels), n_classes=3).weights
    tensor([0.6667, 0.6667, 0.6667, 2.0000])
    """
    sums = class_weight_sums(examples.targets, examples.weights, n_classes)
    class_weights = sums.sum() / (sums * (sums > 0).sum())
    weights = empty(len(examples.targets), np.float32)
    for rows in row_blocks(len(weights)):
        weights[rows] = examples.weights[rows] * class_weights[examples.targets[rows]]
    return replace(examples, weights=torch.from_numpy(weights))


def shares_and_weights(
    weighted: Examples, examples: Examples, n_classes: int
) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Return the shares of the classes in training (C,), and the weights that they have there (C,).

    Parameters
    ----------
    weighted, examples
        The records with class weights, and without.
    """
    sums, counts = (
        class_weight_sums(one.targets, one.weights, n_classes).numpy()
        for one in (weighted, examples)
    )
    class_weights = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    return (sums + 1) / (sums + 1).sum(), class_weights


def logit_adjustment(targets: Tensor, weights: Tensor, n_classes: int, strength: float) -> Tensor:
    """Return the summand of the logits (C,) with which rare classes are predicted more often.

    The most probable class is seldom a rare one: predictions that maximize accuracy have a lower
    macro-F1 than they could have. Menon et al. 2021, "Long-tail learning via logit adjustment":
    ``-strength * log p``, where p is the frequency of the class among the training records, each
    class counted once more than it occurs.

    >>> labels, ones = torch.tensor([0, 0, 0]), torch.ones(3)
    >>> logit_adjustment(labels, ones, n_classes=2, strength=0.5).exp() ** -2
    tensor([0.8000, 0.2000])
    """
    counts = class_weight_sums(targets, weights, n_classes) + 1
    return -strength * (counts / counts.sum()).log()
