"""The optimizer, the learning-rate schedule, gradient clipping and the batch size."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from textlstm.recipe_sections import TrainingConfig

MIN_BATCH_SIZE = 8
"""However few records there are, fewer to a step make its direction a matter of chance."""


def effective_batch_size(n_records: int, config: TrainingConfig) -> int:
    """Return the records per step: small enough for the least number of steps, yet not too small.

    >>> effective_batch_size(600, TrainingConfig(batch_size=64, min_steps=60))
    10
    """
    if not config.min_steps:
        return config.batch_size
    return min(config.batch_size, max(MIN_BATCH_SIZE, n_records // config.min_steps))


def make_optimizer(network: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Return Adam (Kingma and Ba 2015), or AdamW (Loshchilov and Hutter 2019).

    Only matrices decay: biases are left free, as in MATLAB.
    """
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in learned if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in learned if p.ndim <= 1], "weight_decay": 0.0},
    ]
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
    return kind(groups, lr=config.learning_rate, fused=True)


def make_schedule(
    optimizer: torch.optim.Optimizer, config: TrainingConfig, n_steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """Return the course of the learning rate over all steps (one-cycle: Smith and Topin 2018)."""
    if config.schedule == "one_cycle":
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=config.learning_rate, total_steps=n_steps, cycle_momentum=False
        )
    return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)


def clip_gradients(parameters: Iterable[Tensor], config: TrainingConfig) -> None:
    """Scale gradients down to the recipe's largest L2 norm.

    Either each parameter's gradient has its own norm (MATLAB's ``l2norm``), or all together have
    one (``global-l2norm``; Pascanu et al. 2013).
    """
    if not config.max_grad_norm:
        return
    learned = [parameter for parameter in parameters if parameter.grad is not None]
    groups = [[one] for one in learned] if config.clip_scope == "parameter" else [learned]
    for group in groups:
        nn.utils.clip_grad_norm_(group, config.max_grad_norm)


def steps_per_epoch(n_records: int, config: TrainingConfig) -> int:
    """Return the steps of an epoch."""
    if config.drop_last and n_records >= config.batch_size:
        return n_records // config.batch_size
    return math.ceil(n_records / config.batch_size)
