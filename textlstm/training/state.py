"""The state of a training: what a checkpoint saves and restores, so that it can be resumed."""

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import takewhile
from typing import Any

import numpy as np
import torch
from torch import Tensor

from textlstm.models.ensemble import Ensemble
from textlstm.recipe_sections import TrainingConfig
from textlstm.training.checkpoint import Checkpoint

INITIAL_STREAM, ORDER_STREAM, DROPOUT_STREAM = 1, 2, 3
"""What chance decides: each has a source of its own."""


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training records came to.

    The training figures are means over the members and the epoch's steps, dropout on, as the
    weights moved; the validation figures are of each member's own part at its end, the loss after
    calibration on the same records. Losses are cross entropies in nats, without label smoothing.
    """

    number: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    best: bool
    seconds: float


@dataclass
class TrainingState:
    """What moves in a training: with it, and with what stays, the training goes on bit for bit.

    Attributes
    ----------
    ensemble, optimizers, schedules, chances
        The networks; of each member, the optimizer, the course of its learning rate, and the chance
        of its dropout.
    totals
        (3,) float64: weight, loss and hits of the steps of the epoch under way.
    steps
        How many of them have been taken.
    started
        When the epoch started, on the clock of :func:`time.perf_counter`.
    epochs
        Those that are over.
    best
        The learned weights of the best of them, where they are to be restored.
    """

    ensemble: Ensemble
    optimizers: list[torch.optim.Optimizer]
    schedules: list[torch.optim.lr_scheduler.LRScheduler]
    chances: list[torch.Generator]
    totals: Tensor
    steps: int = 0
    started: float = 0.0
    epochs: list[Epoch] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """Return the number of the epoch under way, from 1."""
        return len(self.epochs) + 1

    @property
    def best_loss(self) -> float:
        """Return the lowest validation loss so far."""
        return min((epoch.validation_loss for epoch in self.epochs), default=math.inf)

    def finished(self, config: TrainingConfig) -> bool:
        """Return whether there have been enough epochs, or too many without a lower loss."""
        since_best = sum(1 for _ in takewhile(lambda epoch: not epoch.best, self.epochs[::-1]))
        return len(self.epochs) >= config.epochs or 0 < config.patience <= since_best

    def begin_epoch(self, seed: int) -> None:
        """Make ready for the first step of an epoch."""
        for member, chance in enumerate(self.chances):
            chance.manual_seed(derive_seed(seed, self.number, member, DROPOUT_STREAM))
        self.totals.zero_()
        self.started = time.perf_counter()

    def end_epoch(self, epoch: Epoch, *, keep_best: bool) -> None:
        """Note an epoch that is over."""
        self.epochs.append(epoch)
        self.steps = 0
        if keep_best and epoch.best:
            self.best = {name: weight.clone() for name, weight in self.trainable().items()}

    def trainable(self) -> dict[str, Tensor]:
        """Return the weights that training moves."""
        named = self.ensemble.named_parameters()
        return {name: weight.detach() for name, weight in named if weight.requires_grad}

    def all_finite(self) -> bool:
        """Return whether all weights are finite numbers."""
        return all(bool(weight.isfinite().all()) for weight in self.trainable().values())

    @torch.no_grad()
    def set_trainable(self, weights: Mapping[str, Tensor]) -> None:
        """Set the weights that :meth:`learned` names."""
        for name, weight in self.trainable().items():
            weight.copy_(weights[name])

    def save(self, checkpoint: Checkpoint) -> None:
        """Save all of it."""
        states = {
            f"{member}.{number}.{key}": value
            for member, optimizer in enumerate(self.optimizers)
            for number, state in optimizer.state_dict()["state"].items()
            for key, value in state.items()
        }
        chances = {str(member): chance.get_state() for member, chance in enumerate(self.chances)}
        named = {"learned": self.trainable(), "best": self.best, "optimizer": states,
                 "chance": chances, "epoch": {"totals": self.totals}}  # fmt: skip
        tensors = {
            f"{kind}/{name}": tensor
            for kind, each in named.items()
            for name, tensor in each.items()
        }
        facts = {
            "steps": self.steps,
            "seconds": time.perf_counter() - self.started,
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "schedules": [schedule.state_dict() for schedule in self.schedules],
        }
        checkpoint.save(tensors, facts)

    def restore(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Go back to what was saved."""
        named: dict[str, dict[str, Tensor]] = {"best": {}}
        for path, tensor in tensors.items():
            kind, name = path.split("/")
            named.setdefault(kind, {})[name] = tensor.to(self.totals.device)
        self.set_trainable(named["learned"])
        self.best = named["best"]
        self.totals.copy_(named["epoch"]["totals"])
        for member, chance in enumerate(self.chances):
            chance.set_state(tensors[f"chance/{member}"])
        states: list[dict[int, dict[str, Tensor]]] = [{} for _ in self.optimizers]
        for name, tensor in named["optimizer"].items():
            number, row, key = name.split(".")
            states[int(number)].setdefault(int(row), {})[key] = tensor
        kept = zip(self.optimizers, states, self.schedules, facts["schedules"], strict=True)
        for optimizer, state, schedule, course in kept:
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
            schedule.load_state_dict(course)
            for group, rate in zip(optimizer.param_groups, schedule.get_last_lr(), strict=True):
                group["lr"] = rate
        self.steps = facts["steps"]
        self.started = time.perf_counter() - facts["seconds"]
        self.epochs = [Epoch(**epoch) for epoch in facts["epochs"]]


def derive_seed(*numbers: int) -> int:
    """Return the seed of a source of chance that follows from these, a run's seed first."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
