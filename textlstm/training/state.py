"""The state of a training: what a checkpoint saves and restores, so that it can be resumed."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import takewhile
from typing import Any

import numpy as np
import torch
from torch import Tensor

from textlstm.encoding.corpus import Corpus
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.models.ensemble import Ensemble
from textlstm.models.word_vectors import latent_vectors
from textlstm.recipe import Recipe
from textlstm.recipe_sections import TrainingConfig
from textlstm.training.checkpoint import Checkpoint

INITIAL_STREAM, ORDER_STREAM, DROPOUT_STREAM = 1, 2, 3
"""Random streams, each seeded separately: starting weights, order of records, dropout."""


@dataclass(frozen=True)
class Epoch:
    """Measures of one epoch: the loss first, then what else the task measures.

    The training measures are means over the members and the epoch's steps, with dropout, while the
    weights moved; the validation measures are those of the out-of-fold records at the epoch's end.
    """

    number: int
    learning_rate: float
    train: Mapping[str, float]
    validation: Mapping[str, float]
    best: bool
    seconds: float

    @property
    def train_loss(self) -> float:
        """Return the training loss."""
        return self.train["loss"]

    @property
    def validation_loss(self) -> float:
        """Return the validation loss, which early stopping follows."""
        return self.validation["loss"]

    def to_dict(self) -> dict[str, float]:
        """Return a row of the training history, such as ``train_loss`` and ``validation_loss``."""
        return {
            "number": self.number,
            "learning_rate": self.learning_rate,
            **{f"train_{name}": value for name, value in self.train.items()},
            **{f"validation_{name}": value for name, value in self.validation.items()},
            "best": self.best,
            "seconds": self.seconds,
        }

    def describe(self, n_epochs: int) -> str:
        """Describe the epoch, one of ``n_epochs``, and its measures in a line of a log."""
        validation = (f"validation {name} {value:.3f}" for name, value in self.validation.items())
        measures = ", ".join([f"loss {self.train_loss:.3f}", *validation])
        return f"epoch {self.number} of {n_epochs}: {measures}"

    def describe_validation(self) -> str:
        """Describe the validation measures in fewer words, for a place beside a progress bar."""
        return ", ".join(f"{name} {value:.3f}" for name, value in self.validation.items())


def history_columns(epochs: Sequence[Epoch]) -> dict[str, list[float]]:
    """Return the training history as columns, one value an epoch."""
    rows = [epoch.to_dict() for epoch in epochs]
    return {name: [row[name] for row in rows] for name in rows[0]}


@dataclass
class TrainingState:
    """The mutable state of a training; restoring it resumes the training bit for bit.

    Attributes
    ----------
    ensemble
        The networks.
    optimizers, schedules, generators
        Optimizer, learning-rate schedule and random generator of the dropout of each member.
    totals
        (1 + M,) float64, sums over the steps of the epoch under way: weight, and the M measures.
    steps
        Steps taken in the epoch under way.
    started
        Start of the epoch under way, on the clock of :func:`time.perf_counter`.
    epochs
        The finished epochs.
    best
        Trainable weights of the best epoch, where they are to be restored.
    """

    ensemble: Ensemble
    optimizers: list[torch.optim.Optimizer]
    schedules: list[torch.optim.lr_scheduler.LRScheduler]
    generators: list[torch.Generator]
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
        """Return the lowest validation loss of the finished epochs."""
        return min((epoch.validation_loss for epoch in self.epochs), default=math.inf)

    def finished(self, config: TrainingConfig) -> bool:
        """Return whether training ends: after the last epoch, or by early stopping."""
        since_best = sum(1 for _ in takewhile(lambda epoch: not epoch.best, self.epochs[::-1]))
        return len(self.epochs) >= config.epochs or 0 < config.patience <= since_best

    def begin_epoch(self, seed: int) -> None:
        """Reset totals and clock, and seed the dropout of the epoch."""
        for member, generator in enumerate(self.generators):
            generator.manual_seed(derive_seed(seed, self.number, member, DROPOUT_STREAM))
        self.totals.zero_()
        self.started = time.perf_counter()

    def end_epoch(self, epoch: Epoch, *, keep_best: bool) -> None:
        """Add a finished epoch; copy its weights if it is the best and ``keep_best``."""
        self.epochs.append(epoch)
        self.steps = 0
        if keep_best and epoch.best:
            self.best = {name: weight.clone() for name, weight in self.trainable().items()}

    def trainable(self) -> dict[str, Tensor]:
        """Return the weights that training changes."""
        named = self.ensemble.named_parameters()
        return {name: weight.detach() for name, weight in named if weight.requires_grad}

    def all_finite(self) -> bool:
        """Return whether all trainable weights are finite."""
        return all(bool(weight.isfinite().all()) for weight in self.trainable().values())

    @torch.no_grad()
    def set_trainable(self, weights: Mapping[str, Tensor]) -> None:
        """Set the weights that :meth:`trainable` names."""
        for name, weight in self.trainable().items():
            weight.copy_(weights[name])

    def save(self, checkpoint: Checkpoint) -> None:
        """Save the state in a checkpoint."""
        moments = {
            f"{member}.{parameter}.{key}": value
            for member, optimizer in enumerate(self.optimizers)
            for parameter, state in optimizer.state_dict()["state"].items()
            for key, value in state.items()
        }
        generators = {str(m): generator.get_state() for m, generator in enumerate(self.generators)}
        groups = {
            "trainable": self.trainable(),
            "best": self.best,
            "optimizer": moments,
            "generator": generators,
            "epoch": {"totals": self.totals},
        }
        tensors = {
            f"{group}/{name}": tensor
            for group, members in groups.items()
            for name, tensor in members.items()
        }
        metadata = {
            "steps": self.steps,
            "seconds": time.perf_counter() - self.started,
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "schedules": [schedule.state_dict() for schedule in self.schedules],
            "weight_decays": [one.param_groups[0]["weight_decay"] for one in self.optimizers],
        }
        checkpoint.save(tensors, metadata)

    def restore(self, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
        """Resume from the tensors and metadata of a checkpoint."""
        groups: dict[str, dict[str, Tensor]] = {"best": {}, "optimizer": {}}
        for path, tensor in tensors.items():
            group, name = path.split("/")
            groups.setdefault(group, {})[name] = tensor.to(self.totals.device)
        self.set_trainable(groups["trainable"])
        self.best = groups["best"]
        self.totals.copy_(groups["epoch"]["totals"])
        for member, generator in enumerate(self.generators):
            generator.set_state(tensors[f"generator/{member}"])
        self._restore_optimizers(groups["optimizer"], metadata["schedules"])
        for optimizer, decay in zip(self.optimizers, metadata["weight_decays"], strict=True):
            optimizer.param_groups[0]["weight_decay"] = decay
        self.steps = metadata["steps"]
        self.started = time.perf_counter() - metadata["seconds"]
        self.epochs = [Epoch(**epoch) for epoch in metadata["epochs"]]

    def _restore_optimizers(
        self, moments: Mapping[str, Tensor], schedule_states: Sequence[dict[str, object]]
    ) -> None:
        """Restore the optimizers' moments, the schedules and the learning rates."""
        states: list[dict[int, dict[str, Tensor]]] = [{} for _ in self.optimizers]
        for name, tensor in moments.items():
            member, parameter, key = name.split(".")
            states[int(member)].setdefault(int(parameter), {})[key] = tensor
        restored = zip(self.optimizers, states, self.schedules, schedule_states, strict=True)
        for optimizer, state, schedule, schedule_state in restored:
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
            schedule.load_state_dict(schedule_state)
            for group, rate in zip(optimizer.param_groups, schedule.get_last_lr(), strict=True):
                group["lr"] = rate


def initial_ensemble(
    recipe: Recipe, vocabulary: Vocabulary, corpus: Corpus, n_classes: int, seed: int
) -> Ensemble:
    """Return the recipe's networks with their starting weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, INITIAL_STREAM))
        ensemble = Ensemble(recipe.network, vocabulary, n_classes)
    if recipe.network.embedding_init == "lsa":
        vectors = latent_vectors(corpus, recipe.network.embedding_size, seed)
        ensemble.set_word_vectors(*map(torch.from_numpy, vectors))
    return ensemble


def derive_seed(*numbers: int) -> int:
    """Derive the seed of a random stream from numbers, a run's seed first."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
