"""The optimizer, the learning-rate schedule, gradient clipping and the batch size."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from textlstm.recipe_sections import TrainingConfig

MIN_BATCH_SIZE = 8
"""Records per step, at least: the gradient of fewer records is mostly noise."""


def effective_batch_size(n_records: int, config: TrainingConfig) -> int:
    """Return the batch size: reduced on few records, so that an epoch has ``min_steps`` steps.

    It is not reduced below :data:`MIN_BATCH_SIZE`.

    >>> effective_batch_size(600, TrainingConfig(batch_size=64, min_steps=60))
    10
    """
    if not config.min_steps:
        return config.batch_size
    return min(config.batch_size, max(MIN_BATCH_SIZE, n_records // config.min_steps))


def make_optimizer(network: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Return Adam (Kingma and Ba 2015), or AdamW (Loshchilov and Hutter 2019).

    Weight decay applies to matrices, not to biases, as in MATLAB.
    """
    trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
    return kind(groups, lr=config.learning_rate, fused=True)


def make_schedule(
    optimizer: torch.optim.Optimizer, config: TrainingConfig, n_steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """Return the learning-rate schedule of a training of ``n_steps`` steps.

    It is one-cycle (Smith and Topin 2018), constant, or piecewise constant, as MATLAB's
    ``LearnRateSchedule`` with ``LearnRateDropPeriod`` and ``LearnRateDropFactor``.
    """
    if config.schedule == "one_cycle":
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=config.learning_rate, total_steps=n_steps, cycle_momentum=False
        )
    if config.schedule == "piecewise":
        steps = config.drop_period * (n_steps // config.epochs)
        return torch.optim.lr_scheduler.StepLR(optimizer, steps, gamma=config.drop_factor)
    return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)


def clip_gradients(parameters: Iterable[Tensor], config: TrainingConfig) -> None:
    """Clip gradients to the recipe's maximum L2 norm.

    The norm is that of each parameter's gradient (``parameter``; MATLAB's ``l2norm``), or of all
    gradients together (``global``; MATLAB's ``global-l2norm``; Pascanu et al. 2013).
    """
    if not config.max_grad_norm:
        return
    with_gradient = [parameter for parameter in parameters if parameter.grad is not None]
    by_parameter = [[parameter] for parameter in with_gradient]
    groups = by_parameter if config.clip_scope == "parameter" else [with_gradient]
    for group in groups:
        nn.utils.clip_grad_norm_(group, config.max_grad_norm)


def steps_per_epoch(n_records: int, config: TrainingConfig) -> int:
    """Return the number of optimizer steps in an epoch."""
    if config.drop_last and n_records >= config.batch_size:
        return n_records // config.batch_size
    return math.ceil(n_records / config.batch_size)
