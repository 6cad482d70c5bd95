"""The training loop: it yields one :class:`Epoch` at a time; who calls it logs, draws and saves."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from itertools import islice, takewhile
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.nn import functional

from textlstm.batches import Batch, Corpus, shuffled
from textlstm.calibration import calibrated_loss, fit_temperature
from textlstm.checkpoint import Checkpoint
from textlstm.config import Recipe, TrainingConfig
from textlstm.encoding import WordEncoding
from textlstm.errors import InputError
from textlstm.lsa import latent_vectors
from textlstm.model import Ensemble, predict_logits
from textlstm.parts import processors
from textlstm.records import divide
from textlstm.spill import room, some_of, taken, where

START, ORDER, DROPOUT = 1, 2, 3
"""What chance decides: each has a source of its own."""

SMALLEST_BATCH = 8
"""However few records there are, fewer to a step make its direction a matter of chance."""

STEPS_TOGETHER = 8
"""Steps after which members wait for each other."""

MOST_LEFT_OUT = 1 << 16
"""So many records that it left out say what a member is worth: more would say hardly more."""

MOST_DIVIDED = 1 << 20
"""So many records are divided into the parts that members leave out."""


Truth = tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int32]]
"""Of held-out records: class numbers, weights, and places; see :func:`held_out_truth`."""


@dataclass(frozen=True)
class Examples:
    """Texts with what is to be learned of them, the validation part among them.

    A record is its place among the distinct texts, its label, weight and part; there may be more
    of them than memory holds.

    Each member of an ensemble leaves another part out of its training, the first one the validation
    part: together they learn from all records, and yet say of each part what it is worth on records
    never trained on (as in cross-validation; Krogh and Vedelsby 1995). Of very many records that a
    member leaves out, :data:`MOST_LEFT_OUT` say so, drawn at random.
    """

    corpus: Corpus
    labels: Tensor  # (n,) int32, class numbers
    weights: Tensor  # (n,) float32
    parts: Tensor  # (n,) int16, the part a record belongs to, 0 for validation; -1 for none
    split: str = "stratified"  # how the validation part was left out: see the data settings

    def left_out(self, member: int) -> Tensor:
        """Return the rows that a member leaves out and is judged by, int32."""
        rows = where((self.parts == self._part_of(member)).numpy())
        return torch.from_numpy(rows[drawn(len(rows), MOST_LEFT_OUT, member)])

    def trained_on(self, member: int) -> Tensor:
        """Return the rows that a member learns from, int32."""
        return torch.from_numpy(where((self.parts != self._part_of(member)).numpy()))

    def _part_of(self, member: int) -> int:
        return member % (int(self.parts.max()) + 1)

    def some(self, most: int, seed: int) -> Self:
        """Return all of the records, or if that is too many so many of them drawn at random."""
        rows = torch.from_numpy(drawn(len(self.labels), most, seed))
        of_records = {name: getattr(self, name)[rows] for name in ("labels", "weights", "parts")}
        return replace(self, corpus=self.corpus.select(rows), **of_records)


def drawn(n: int, most: int, seed: int) -> NDArray[np.int64]:
    """Return the rows of n, in their order: all, or if that is too many so many drawn at random."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False, shuffle=False))


def with_parts(examples: Examples, members: int, seed: int) -> Examples:
    """Return the examples with a part for each member, drawn as large as the validation part.

    Where equal texts are together in the validation part, so they are in the other parts. Where
    there are too few records for so many parts, some members leave out the same. Very large parts
    are no larger than need be, and of very many records :data:`MOST_DIVIDED` are divided.
    """
    places, parts = examples.corpus.places.numpy(), room(len(examples.parts), np.int16)
    parts[:] = examples.parts
    rows = drawn(len(parts), MOST_DIVIDED, seed)
    frame = pd.DataFrame({"text": places[rows], "label": examples.labels.numpy()[rows]}, index=rows)
    rest = frame[parts[rows] != 0]
    size = min(len(frame) - len(rest), MOST_LEFT_OUT)
    grouped = examples.split == "grouped"
    how = "grouped" if grouped and rest["text"].duplicated().any() else "stratified"
    for member in range(1, members):
        if len(rest) <= size:
            break
        try:
            rest, part = divide(rest, size / len(rest), how, seed + member)
        except InputError:
            break
        parts[part.index] = member
        if grouped:  # with the other records of their texts, if not all are divided
            moved = np.zeros(len(examples.corpus.forms), dtype=bool)
            moved[part["text"]] = True
            for some in some_of(len(parts)):
                parts[some][moved[places[some]]] = member
    return replace(examples, parts=torch.from_numpy(parts))


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
        torch.manual_seed(_seed(seed, START))
        ensemble = Ensemble(recipe.network, encoding, n_classes)
    if recipe.network.start == "lsa":
        vectors = latent_vectors(corpus, recipe.network.embedding, seed)
        ensemble.place(*map(torch.from_numpy, vectors))
    return ensemble


def class_sums(labels: Tensor, weights: Tensor, n_classes: int) -> Tensor:
    """Return the weights of all records (n,) of each class, summed up (C,)."""
    sums = torch.zeros(n_classes, dtype=torch.float64)
    for some in some_of(len(labels)):
        sums.index_add_(0, labels[some], weights[some].double())
    return sums.float()


def weighted_by_class(examples: Examples, n_classes: int) -> Examples:
    """Return the examples so weighted that every class that has any comes to the same sum.

    >>> labels, ones = torch.tensor([0, 0, 0, 2]), torch.ones(4)
    >>> weighted_by_class(Examples(None, labels, ones, labels), n_classes=3).weights
    tensor([0.6667, 0.6667, 0.6667, 2.0000])
    """
    sums = class_sums(examples.labels, examples.weights, n_classes)
    shares = sums.sum() / (sums * (sums > 0).sum())
    weights = room(len(examples.labels), np.float32)
    for some in some_of(len(weights)):
        weights[some] = examples.weights[some] * shares[examples.labels[some]]
    return replace(examples, weights=torch.from_numpy(weights))


@dataclass
class Course:
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

    def over(self, config: TrainingConfig) -> bool:
        """Return whether there have been enough epochs, or too many without a lower loss."""
        since_best = sum(1 for _ in takewhile(lambda epoch: not epoch.best, self.epochs[::-1]))
        return len(self.epochs) >= config.epochs or 0 < config.patience <= since_best

    def begin_epoch(self, seed: int) -> None:
        """Make ready for the first step of an epoch."""
        for member, chance in enumerate(self.chances):
            chance.manual_seed(_seed(seed, self.number, member, DROPOUT))
        self.totals.zero_()
        self.started = time.perf_counter()

    def end_epoch(self, epoch: Epoch, *, keep_best: bool) -> None:
        """Note an epoch that is over."""
        self.epochs.append(epoch)
        self.steps = 0
        if keep_best and epoch.best:
            self.best = {name: weight.clone() for name, weight in self.learned().items()}

    def learned(self) -> dict[str, Tensor]:
        """Return the weights that training moves."""
        named = self.ensemble.named_parameters()
        return {name: weight.detach() for name, weight in named if weight.requires_grad}

    def healthy(self) -> bool:
        """Return whether all weights are finite numbers."""
        return all(bool(weight.isfinite().all()) for weight in self.learned().values())

    @torch.no_grad()
    def set_learned(self, weights: Mapping[str, Tensor]) -> None:
        """Set the weights that :meth:`learned` names."""
        for name, weight in self.learned().items():
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
        named = {"learned": self.learned(), "best": self.best, "optimizer": states,
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
        self.set_learned(named["learned"])
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


def fit(
    ensemble: Ensemble,
    examples: Examples,
    config: TrainingConfig,
    seed: int,
    device: torch.device,
    checkpoint: Checkpoint | None = None,
) -> Iterator[Epoch]:
    """Train the networks in place, yielding each epoch.

    Members take their steps side by side, each on its own records. Where the recipe restores the
    best weights, they then are those of the epoch with the lowest validation loss, otherwise those
    of the last one. An epoch's randomness follows from the seed, the member and its number alone.

    With a checkpoint, the training is saved now and then, and at its end. It goes on from what was
    saved, and comes to the same weights as one that was never stopped; the epochs before are
    yielded again.

    Raises
    ------
    InputError
        If the loss stops being finite; the checkpoint is one from before.
    KeyboardInterrupt
        If the checkpoint is told to stop; it has been saved then.
    """
    ensemble.to(device)
    members = range(len(ensemble.networks))
    n_records = min(len(examples.trained_on(member)) for member in members)
    config = replace(config, batch=batch_size(n_records, config))
    optimizers = [make_optimizer(network, config) for network in ensemble.networks]
    n_steps = _steps(n_records, config) * config.epochs
    course = Course(
        ensemble,
        optimizers,
        schedules=[make_schedule(optimizer, config, n_steps) for optimizer in optimizers],
        chances=[torch.Generator(device) for _ in members],
        totals=torch.zeros(3, dtype=torch.float64, device=device),
    )
    if checkpoint is not None and checkpoint.start is not None:
        course.restore(*checkpoint.start)
        checkpoint.start = None
        yield from course.epochs
    labels, weights, places = held_out_truth(examples, len(members))
    with checkpoint.steps() if checkpoint is not None else nullcontext():
        while not course.over(config):
            train_loss, train_accuracy = _one_epoch(
                course, examples, config, seed, device, checkpoint
            )
            answers = [ensemble.answer(member) for member in members]
            logits = held_out_logits(answers, examples, device)
            # Epochs are judged as they will be used, calibrated: before it, the most confident
            # network looks worst, and the best one is stopped too early.
            arrays = logits.numpy(), labels
            temperature = fit_temperature(*arrays, weights, places)
            loss = calibrated_loss(*arrays, temperature, weights, places)
            if not (math.isfinite(train_loss) and math.isfinite(loss)):
                raise _diverged(course)
            epoch = Epoch(
                number=course.number,
                learning_rate=float(optimizers[0].param_groups[0]["lr"]),
                train_loss=train_loss,
                train_accuracy=train_accuracy,
                validation_loss=loss,
                validation_accuracy=float((logits.argmax(1).numpy()[places] == labels).mean()),
                best=loss < course.best_loss,
                seconds=time.perf_counter() - course.started,
            )
            course.end_epoch(epoch, keep_best=config.restore_best)
            yield epoch
        if checkpoint is not None:
            course.save(checkpoint)
    if checkpoint is not None and checkpoint.stopping:
        raise KeyboardInterrupt
    if course.best:
        course.set_learned(course.best)


def _diverged(course: Course) -> InputError:
    return InputError(
        f"the loss is not finite in epoch {course.number}; lower --learning-rate or set --clip"
    )


def held_out_truth(examples: Examples, members: int) -> Truth:
    """Return what is known of the records that each member left out, member after member.

    Returns
    -------
    labels, weights
        (n,) of the records.
    places
        (n,) the row that each has among the :func:`held_out_logits`.
    """
    rows = torch.cat([examples.left_out(member) for member in range(members)])
    parts = [examples.corpus.select(examples.left_out(member)) for member in range(members)]
    firsts = np.cumsum([0, *(len(part.forms) for part in parts)], dtype=np.int32)[:-1]
    places = [part.places.numpy() + first for part, first in zip(parts, firsts, strict=True)]
    return examples.labels[rows].numpy(), examples.weights[rows].numpy(), np.concatenate(places)


def held_out_logits(
    answers: Sequence[Callable[[Batch], Tensor]], examples: Examples, device: torch.device
) -> Tensor:
    """Return the logits of the distinct texts that each member left out, member after member."""
    return torch.cat([
        predict_logits(answer, examples.corpus.select(examples.left_out(member)).once(), device)
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
    course: Course,
    examples: Examples,
    config: TrainingConfig,
    seed: int,
    device: torch.device,
    checkpoint: Checkpoint | None,
) -> tuple[float, float]:
    """Take an epoch's steps; return the members' mean loss and accuracy, records weighted."""
    ensemble, number = course.ensemble, course.number
    members = range(len(ensemble.networks))
    all_lengths = examples.corpus.lengths.numpy()

    def batches(member: int) -> Iterator[Tensor]:
        records = examples.trained_on(member)
        order = torch.Generator().manual_seed(_seed(seed, number, member, ORDER))
        lengths = torch.from_numpy(taken(all_lengths, records.numpy()))
        for rows in shuffled(lengths, config.batch, order, drop_last=config.drop_last):
            yield records[rows]

    def step(member: int, rows: Tensor) -> Tensor:
        network, optimizer = ensemble.networks[member], course.optimizers[member]
        batch = examples.corpus.batch(rows).to(device)
        labels = examples.labels[rows].long().to(device)
        weights = examples.weights[rows].to(device)
        logits = network(batch, ensemble.spelt(batch), course.chances[member])  # (B, C)
        losses = functional.cross_entropy(
            logits, labels, reduction="none", label_smoothing=config.label_smoothing
        )
        optimizer.zero_grad(set_to_none=True)
        (losses * weights).mean().backward()
        clip_gradients(network.parameters(), config)
        optimizer.step()
        course.schedules[member].step()
        with torch.no_grad():
            plain = functional.cross_entropy(logits, labels, reduction="none")
            hits = (logits.argmax(1) == labels).double()
            return torch.stack([weights.sum(), (plain * weights).sum(), (hits * weights).sum()])

    if not course.steps:
        course.begin_epoch(seed)
    # Members are independent, and torch lets go of Python's lock while it computes. They meet now
    # and then, so that an interruption finds all of them at the same step; parts differ by a record
    # or two, and with them, at most, the last batch.
    workers = min(len(members), processors())
    steps = islice(zip(*map(batches, members), strict=False), course.steps, None)
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        while several := list(islice(steps, STEPS_TOGETHER)):
            for sums in _steps_taken(pool, step, several):
                course.totals += sums
                course.steps += 1
            if checkpoint is not None and checkpoint.due():
                if not course.healthy():
                    raise _diverged(course)
                course.save(checkpoint)
                if checkpoint.stopping:
                    raise KeyboardInterrupt
    weight, loss, correct = course.totals.tolist()
    return loss / weight, correct / weight


def _steps_taken(
    pool: ThreadPoolExecutor,
    step: Callable[[int, Tensor], Tensor],
    several: Sequence[tuple[Tensor, ...]],
) -> Iterator[Tensor]:
    """Take several steps of all members, and yield what each step came to, over the members.

    A member's steps follow each other, and wait for no other member's: no processor is idle while
    there are more members than processors.
    """

    def after(before: Future[Tensor] | None, member: int, rows: Tensor) -> Tensor:
        if before is not None:
            before.result()
        return step(member, rows)

    last: list[Future[Tensor] | None] = [None] * len(several[0])
    taken = []
    for records in several:
        members = enumerate(zip(last, records, strict=True))
        now = [pool.submit(after, before, member, rows) for member, (before, rows) in members]
        taken.append(now)
        last = list(now)
    for futures in taken:
        yield torch.stack([future.result() for future in futures]).sum(0)


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


def _seed(*numbers: int) -> int:
    """Return the seed of a source of chance that follows from these, a run's seed first."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
