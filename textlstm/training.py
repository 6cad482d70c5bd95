"""The training loop: it yields one :class:`Epoch` at a time; who calls it logs, draws and saves."""

import copy
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.nn import functional

from textlstm.batches import Batch, Corpus, shuffled
from textlstm.calibration import calibrated_loss, fit_temperature
from textlstm.config import Recipe, TrainingConfig
from textlstm.encoding import WordEncoding
from textlstm.errors import InputError
from textlstm.lsa import latent_vectors
from textlstm.model import Ensemble, predict_logits
from textlstm.records import divide

START, ORDER, DROPOUT = 1, 2, 3
"""What chance decides: each has a source of its own."""

SMALLEST_BATCH = 8
"""However few records there are, fewer to a step make its direction a matter of chance."""


@dataclass(frozen=True)
class Examples:
    """Texts with what is to be learned of them, the validation part among them.

    Each member of an ensemble leaves another part out of its training, the first one the validation
    part: together they learn from all records, and yet say of each part what it is worth on records
    never trained on (as in cross-validation; Krogh and Vedelsby 1995).
    """

    corpus: Corpus
    labels: Tensor  # (n,) int64, class numbers
    weights: Tensor  # (n,) float32
    parts: Tensor  # (n,) int64, the part a record belongs to, 0 for validation; -1 for none

    def left_out(self, member: int) -> Tensor:
        """Return the rows that a member leaves out."""
        return self._leaves_out(member).nonzero().flatten()

    def trained_on(self, member: int) -> Tensor:
        """Return the rows that a member learns from."""
        return (~self._leaves_out(member)).nonzero().flatten()

    def _leaves_out(self, member: int) -> Tensor:
        return self.parts == member % (int(self.parts.max()) + 1)


def with_parts(examples: Examples, members: int, seed: int) -> Examples:
    """Return the examples with a part for each member, drawn as large as the validation part.

    If equal texts are kept together, none of the validation part being trained on, so they are in
    the other parts. Where there are too few records for so many parts, some members leave out the
    same.
    """
    parts = examples.parts.clone()
    frame = pd.DataFrame({"text": examples.corpus.places, "label": examples.labels})
    validation = (parts == 0).numpy()
    rest, size = frame[~validation], int(validation.sum())
    apart = not frame["text"][validation].isin(rest["text"]).any()
    how = "grouped" if apart and rest["text"].duplicated().any() else "stratified"
    for member in range(1, members):
        if len(rest) <= size:
            break
        try:
            rest, part = divide(rest, size / len(rest), how, seed + member)
        except InputError:
            break
        parts[torch.tensor(part.index.to_numpy())] = member
    return replace(examples, parts=parts)


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


def new_ensemble(
    recipe: Recipe, encoding: WordEncoding, corpus: Corpus, n_classes: int, seed: int
) -> Ensemble:
    """Return the recipe's networks as they start on the training texts."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_chance(seed, START).initial_seed())
        ensemble = Ensemble(recipe.network, encoding, n_classes)
    if recipe.network.start == "lsa":
        vectors = latent_vectors(corpus, recipe.network.embedding, seed)
        ensemble.place(*map(torch.from_numpy, vectors))
    return ensemble


def weighted_by_class(examples: Examples, n_classes: int) -> Examples:
    """Return the examples so weighted that every class that has any comes to the same sum.

    >>> labels, ones = torch.tensor([0, 0, 0, 2]), torch.ones(4)
    >>> weighted_by_class(Examples(None, labels, ones, labels), n_classes=3).weights
    tensor([0.6667, 0.6667, 0.6667, 2.0000])
    """
    sums = torch.zeros(n_classes).index_add_(0, examples.labels, examples.weights)  # (C,)
    shares = sums.sum() / (sums * (sums > 0).sum())
    return replace(examples, weights=examples.weights * shares[examples.labels])


def resolve_device(name: str) -> torch.device:
    """Return the device of that name; ``auto`` is the GPU where there is one.

    Raises
    ------
    InputError
        If this machine has no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError) as error:  # torch raises either, by build
        raise InputError(f"--device {name}: not available here; use auto or cpu") from error
    return device


def fit(
    ensemble: Ensemble,
    examples: Examples,
    config: TrainingConfig,
    seed: int,
    device: torch.device,
) -> Iterator[Epoch]:
    """Train the networks in place, yielding each epoch.

    Members take their steps side by side, each on its own records. Where the recipe restores the
    best weights, they then are those of the epoch with the lowest validation loss, otherwise those
    of the last one. An epoch's randomness follows from the seed, the member and its number alone.

    Raises
    ------
    InputError
        If the loss stops being finite.
    """
    ensemble.to(device)
    members = range(len(ensemble.networks))
    n_records = min(len(examples.trained_on(member)) for member in members)
    config = replace(config, batch=batch_size(n_records, config))
    optimizers = [make_optimizer(network, config) for network in ensemble.networks]
    n_steps = _steps(n_records, config) * config.epochs
    schedules = [make_schedule(optimizer, config, n_steps) for optimizer in optimizers]
    labels, weights = held_out_truth(examples, len(members))
    best_loss, best_weights, since_best = math.inf, None, 0
    for number in range(1, config.epochs + 1):
        started = time.perf_counter()
        train_loss, train_accuracy = _one_epoch(
            ensemble, examples, config, optimizers, schedules, seed, number, device
        )
        answers = [ensemble.answer(member) for member in members]
        logits = held_out_logits(answers, examples, device)
        # Epochs are judged as they will be used, calibrated: before it, the most confident network
        # looks worst, and the best one is stopped too early.
        arrays = logits.numpy(), labels
        loss = calibrated_loss(*arrays, fit_temperature(*arrays, weights), weights)
        if not (math.isfinite(train_loss) and math.isfinite(loss)):
            raise InputError(
                f"the loss is not finite in epoch {number}; lower --learning-rate or set --clip"
            )
        is_best = loss < best_loss
        if is_best:
            best_loss, since_best = loss, 0
            best_weights = copy.deepcopy(ensemble.state_dict()) if config.restore_best else None
        else:
            since_best += 1
        yield Epoch(
            number=number,
            learning_rate=float(optimizers[0].param_groups[0]["lr"]),
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            validation_loss=loss,
            validation_accuracy=float((logits.argmax(1).numpy() == labels).mean()),
            best=is_best,
            seconds=time.perf_counter() - started,
        )
        if config.patience and since_best >= config.patience:
            break
    if best_weights is not None:
        ensemble.load_state_dict(best_weights)


def held_out_truth(
    examples: Examples, members: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return class numbers and weights of what each member left out, member after member."""
    rows = torch.cat([examples.left_out(member) for member in range(members)])
    return examples.labels[rows].numpy(), examples.weights[rows].numpy()


def held_out_logits(
    answers: Sequence[Callable[[Batch], Tensor]], examples: Examples, device: torch.device
) -> Tensor:
    """Return the logits of what each member left out, member after member."""
    return torch.cat([
        predict_logits(answer, examples.corpus.select(examples.left_out(member)), device)
        for member, answer in enumerate(answers)
    ])  # fmt: skip


def batch_size(n_records: int, config: TrainingConfig) -> int:
    """Return the records per step: small enough for the least number of steps, yet not too small.

    >>> batch_size(600, TrainingConfig(batch=64, min_steps=60))
    10
    """
    if not config.min_steps:
        return config.batch
    return min(config.batch, max(SMALLEST_BATCH, n_records // config.min_steps))


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
    if not config.clip:
        return
    learned = [parameter for parameter in parameters if parameter.grad is not None]
    groups = [[one] for one in learned] if config.clip_scope == "parameter" else [learned]
    for group in groups:
        nn.utils.clip_grad_norm_(group, config.clip)


def _steps(n_records: int, config: TrainingConfig) -> int:
    """Return the steps of an epoch."""
    if config.drop_last and n_records >= config.batch:
        return n_records // config.batch
    return math.ceil(n_records / config.batch)


def _one_epoch(
    ensemble: Ensemble,
    examples: Examples,
    config: TrainingConfig,
    optimizers: Sequence[torch.optim.Optimizer],
    schedules: Sequence[torch.optim.lr_scheduler.LRScheduler],
    seed: int,
    number: int,
    device: torch.device,
) -> tuple[float, float]:
    """Take an epoch's steps; return the members' mean loss and accuracy, records weighted."""
    members = range(len(ensemble.networks))
    chances = [_chance(seed, number, member, DROPOUT, device=device) for member in members]
    totals = torch.zeros(3, dtype=torch.float64, device=device)  # weight, loss, hits

    def batches(member: int) -> Iterator[Tensor]:
        records = examples.trained_on(member)
        lengths, order = examples.corpus.lengths[records], _chance(seed, number, member, ORDER)
        for rows in shuffled(lengths, config.batch, order, drop_last=config.drop_last):
            yield records[rows]

    def step(member: int, rows: Tensor) -> Tensor:
        network, optimizer = ensemble.networks[member], optimizers[member]
        batch = examples.corpus.batch(rows).to(device)
        labels, weights = examples.labels[rows].to(device), examples.weights[rows].to(device)
        logits = network(batch, ensemble.spelt(batch), chances[member])  # (B, C)
        losses = functional.cross_entropy(
            logits, labels, reduction="none", label_smoothing=config.label_smoothing
        )
        optimizer.zero_grad(set_to_none=True)
        (losses * weights).mean().backward()
        clip_gradients(network.parameters(), config)
        optimizer.step()
        schedules[member].step()
        with torch.no_grad():
            plain = functional.cross_entropy(logits, labels, reduction="none")
            hits = (logits.argmax(1) == labels).double()
            return torch.stack([weights.sum(), (plain * weights).sum(), (hits * weights).sum()])

    # Members are independent, and torch lets go of Python's lock while it computes. They step in
    # turn, so that an interruption finds all of them at the same step; parts differ by a record or
    # two, and with them, at most, the last batch.
    with ThreadPoolExecutor(len(members), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for rows in zip(*map(batches, members), strict=False):
            totals += torch.stack(list(pool.map(step, members, rows))).sum(0)
    weight, loss, correct = totals.tolist()
    return loss / weight, correct / weight


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute each thing with one thread for a while, in torch and in linear algebra.

    The steps are too small to gain from more, lose much where other work wants the processors too,
    and with one the sums do not depend on how many processors there are.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(before)


def _chance(*numbers: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a source of random numbers that follows from these, a run's seed first."""
    state = np.random.SeedSequence(numbers).generate_state(1)
    return torch.Generator(device).manual_seed(int(state[0]))
