"""The training loop: it yields one :class:`Epoch` at a time; who calls it logs, draws and saves."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import islice

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from textlstm.encoding.batching import shuffled_batches
from textlstm.encoding.corpus import Corpus
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.errors import InputError
from textlstm.models.ensemble import Ensemble
from textlstm.models.word_vectors import latent_vectors
from textlstm.recipe import Recipe
from textlstm.recipe_sections import TrainingConfig
from textlstm.storage.arrays import take
from textlstm.storage.parallel import usable_cpus
from textlstm.training.checkpoint import Checkpoint
from textlstm.training.folds import Examples, out_of_fold_labels, out_of_fold_logits
from textlstm.training.optim import (
    clip_gradients,
    effective_batch_size,
    make_optimizer,
    make_schedule,
    steps_per_epoch,
)
from textlstm.training.state import INITIAL_STREAM, ORDER_STREAM, Epoch, TrainingState, derive_seed
from textlstm.uncertainty.calibration import calibrated_loss, fit_temperature

SYNC_EVERY = 8
"""Steps after which members wait for each other."""


def initial_ensemble(
    recipe: Recipe, vocabulary: Vocabulary, corpus: Corpus, n_classes: int, seed: int
) -> Ensemble:
    """Return the recipe's networks as they start on the training texts."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, INITIAL_STREAM))
        ensemble = Ensemble(recipe.network, vocabulary, n_classes)
    if recipe.network.embedding_init == "lsa":
        vectors = latent_vectors(corpus, recipe.network.embedding_size, seed)
        ensemble.set_word_vectors(*map(torch.from_numpy, vectors))
    return ensemble


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
    n_records = min(len(examples.training_rows(member)) for member in members)
    config = replace(config, batch_size=effective_batch_size(n_records, config))
    optimizers = [make_optimizer(network, config) for network in ensemble.networks]
    n_steps = steps_per_epoch(n_records, config) * config.epochs
    course = TrainingState(
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
    labels, weights, places = out_of_fold_labels(examples, len(members))
    with checkpoint.steps() if checkpoint is not None else nullcontext():
        while not course.finished(config):
            train_loss, train_accuracy = _one_epoch(
                course, examples, config, seed, device, checkpoint
            )
            answers = [ensemble.member_log_probs(member) for member in members]
            logits = out_of_fold_logits(answers, examples, device)
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
        course.set_trainable(course.best)


def _diverged(course: TrainingState) -> InputError:
    return InputError(
        f"the loss is not finite in epoch {course.number}; lower --learning-rate or set "
        "--max-grad-norm"
    )


def _one_epoch(
    course: TrainingState,
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
        records = examples.training_rows(member)
        order = torch.Generator().manual_seed(derive_seed(seed, number, member, ORDER_STREAM))
        lengths = torch.from_numpy(take(all_lengths, records.numpy()))
        for rows in shuffled_batches(lengths, config.batch_size, order, drop_last=config.drop_last):
            yield records[rows]

    def step(member: int, rows: Tensor) -> Tensor:
        network, optimizer = ensemble.networks[member], course.optimizers[member]
        batch = examples.corpus.batch(rows).to(device)
        labels = examples.labels[rows].long().to(device)
        weights = examples.weights[rows].to(device)
        logits = network(batch, ensemble.subword_vectors(batch), course.chances[member])  # (B, C)
        losses = ensemble.head.loss(logits, labels, config.label_smoothing)
        optimizer.zero_grad(set_to_none=True)
        (losses * weights).mean().backward()
        clip_gradients(network.parameters(), config)
        optimizer.step()
        course.schedules[member].step()
        with torch.no_grad():
            plain = ensemble.head.loss(logits, labels)
            hits = (logits.argmax(1) == labels).double()
            return torch.stack([weights.sum(), (plain * weights).sum(), (hits * weights).sum()])

    if not course.steps:
        course.begin_epoch(seed)
    # Members are independent, and torch lets go of Python's lock while it computes. They meet now
    # and then, so that an interruption finds all of them at the same step; parts differ by a record
    # or two, and with them, at most, the last batch.
    workers = min(len(members), usable_cpus())
    steps = islice(zip(*map(batches, members), strict=False), course.steps, None)
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        while several := list(islice(steps, SYNC_EVERY)):
            for sums in _steps_taken(pool, step, several):
                course.totals += sums
                course.steps += 1
            if checkpoint is not None and checkpoint.should_save():
                if not course.all_finite():
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
def single_threaded() -> Iterator[None]:
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
