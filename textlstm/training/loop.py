"""The training loop: epochs of all members side by side, with early stopping and checkpoints."""

import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import islice

import torch
from torch import Tensor

from textlstm.encoding.batching import shuffled_batches
from textlstm.errors import InputError
from textlstm.models.ensemble import Ensemble
from textlstm.recipe_sections import TrainingConfig
from textlstm.storage.arrays import take
from textlstm.storage.parallel import usable_cpus
from textlstm.tasks import OutOfFoldTargets, Task
from textlstm.training.checkpoint import Checkpoint
from textlstm.training.evidence import reestimate_weight_decay
from textlstm.training.folds import Examples
from textlstm.training.optim import (
    clip_gradients,
    effective_batch_size,
    make_optimizer,
    make_schedule,
    steps_per_epoch,
)
from textlstm.training.out_of_fold import out_of_fold_outputs, out_of_fold_targets
from textlstm.training.state import ORDER_STREAM, Epoch, TrainingState, derive_seed

SYNC_EVERY = 8
"""Steps after which the members wait for each other, and the training can be saved."""


def fit(
    ensemble: Ensemble,
    examples: Examples,
    task: Task,
    config: TrainingConfig,
    seed: int,
    device: torch.device,
    checkpoint: Checkpoint | None = None,
    *,
    sync_every: int = SYNC_EVERY,
) -> Iterator[Epoch]:
    """Train the networks in place, and yield each epoch.

    The members are trained side by side, each on the records outside its validation fold. At the
    end, if the recipe restores the best weights, the networks have those of the epoch with the
    lowest validation loss, else those of the last epoch. The randomness of an epoch follows from
    the seed, the member and the number of the epoch only.

    With a checkpoint, the training is saved now and then and at its end. A saved training is
    resumed: it comes to the same weights as one that was never interrupted, and its finished epochs
    are yielded again.

    Parameters
    ----------
    sync_every
        Steps after which the members wait for each other, and the training can be saved.

    Raises
    ------
    InputError
        If the loss is not finite; the checkpoint then holds an earlier state.
    KeyboardInterrupt
        If the checkpoint was told to stop; it has been saved then.
    """
    ensemble.to(device)
    loop = _TrainingLoop.begin(ensemble, examples, task, config, seed, device)
    state = loop.state
    if checkpoint is not None and checkpoint.resumed_from is not None:
        state.restore(*checkpoint.resumed_from)
        checkpoint.resumed_from = None
        yield from state.epochs
    with checkpoint.training() if checkpoint is not None else nullcontext():
        while not state.finished(loop.config):
            loop.train_epoch(checkpoint, sync_every)
            yield loop.end_epoch()
        if checkpoint is not None:
            state.save(checkpoint)
    if checkpoint is not None and checkpoint.stopping:
        raise KeyboardInterrupt
    if state.best:
        state.set_trainable(state.best)


@dataclass(frozen=True)
class _TrainingLoop:
    """What a training needs: the state that changes, and the records and settings that stay."""

    state: TrainingState
    examples: Examples
    task: Task
    truth: OutOfFoldTargets
    config: TrainingConfig  # with the effective batch size
    seed: int
    device: torch.device

    @classmethod
    def begin(
        cls,
        ensemble: Ensemble,
        examples: Examples,
        task: Task,
        config: TrainingConfig,
        seed: int,
        device: torch.device,
    ) -> "_TrainingLoop":
        """Set up optimizers and schedules for the first step."""
        members = range(len(ensemble.networks))
        n_records = min(len(examples.training_rows(member)) for member in members)
        config = replace(config, batch_size=effective_batch_size(n_records, config))
        optimizers = [make_optimizer(network, config) for network in ensemble.networks]
        n_steps = steps_per_epoch(n_records, config) * config.epochs
        state = TrainingState(
            ensemble,
            optimizers,
            schedules=[make_schedule(optimizer, config, n_steps) for optimizer in optimizers],
            generators=[torch.Generator(device) for _ in members],
            totals=torch.zeros(1 + len(task.measures), dtype=torch.float64, device=device),
        )
        truth = out_of_fold_targets(examples, len(members))
        return cls(state, examples, task, truth, config, seed, device)

    @property
    def members(self) -> range:
        """Return the numbers of the members."""
        return range(len(self.state.ensemble.networks))

    def train_epoch(self, checkpoint: Checkpoint | None, sync_every: int) -> None:
        """Take the remaining steps of the epoch under way, saving when a checkpoint is due.

        The members are independent of each other, and torch releases Python's lock while it
        computes, so they train in threads. They wait for each other every few steps, so that a
        saved state has all members at the same step. Folds differ in size by a record or two:
        the epoch ends with the shortest one.
        """
        state = self.state
        if not state.steps:
            state.begin_epoch(self.seed)
        lengths = self.examples.corpus.lengths
        batches = (self._batches(member, lengths) for member in self.members)
        steps = islice(zip(*batches, strict=False), state.steps, None)
        threads = min(len(self.members), usable_cpus())
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            while batches_of_steps := list(islice(steps, sync_every)):
                for sums in self._take_steps(pool, batches_of_steps):
                    state.totals += sums
                    state.steps += 1
                if checkpoint is not None and checkpoint.should_save():
                    self._save(checkpoint)

    def _batches(self, member: int, lengths: Tensor) -> Iterator[Tensor]:
        """Yield the rows of each training batch of a member, shuffled anew in each epoch."""
        config, records = self.config, self.examples.training_rows(member)
        order_seed = derive_seed(self.seed, self.state.number, member, ORDER_STREAM)
        order = torch.Generator().manual_seed(order_seed)
        own = torch.from_numpy(take(lengths.numpy(), records.numpy()))
        for rows in shuffled_batches(own, config.batch_size, order, drop_last=config.drop_last):
            yield records[rows]

    def _take_steps(
        self, pool: ThreadPoolExecutor, batches_of_steps: Sequence[tuple[Tensor, ...]]
    ) -> Iterator[Tensor]:
        """Take steps of all members; yield the sums (1 + M,) of each step over the members.

        A step waits for the step before of the same member, and for no other member: no processor
        is idle while there are more members than processors.
        """
        previous: list[Future[Tensor] | None] = [None for _ in self.members]
        steps: list[list[Future[Tensor]]] = []
        for batches in batches_of_steps:
            tasks = zip(self.members, batches, previous, strict=True)
            steps.append([pool.submit(self._take_step, *task) for task in tasks])
            previous = list(steps[-1])
        for futures in steps:
            yield torch.stack([future.result() for future in futures]).sum(0)

    def _take_step(self, member: int, rows: Tensor, previous: Future[Tensor] | None) -> Tensor:
        """Take one optimizer step after the previous one of the member.

        Returns the sum of weights and of the weighted measures (1 + M,).
        """
        if previous is not None:
            previous.result()
        state, examples = self.state, self.examples
        network, optimizer = state.ensemble.networks[member], state.optimizers[member]
        batch = examples.corpus.batch(rows).to(self.device)
        targets = examples.targets[rows].to(self.device)
        weights = examples.weights[rows].to(self.device)
        subword_vectors = state.ensemble.subword_vectors(batch)
        outputs = network(batch, subword_vectors, state.generators[member])  # (B, O)
        losses = self.task.losses(outputs, targets)
        optimizer.zero_grad(set_to_none=True)
        (losses * weights).mean().backward()
        clip_gradients(network.parameters(), self.config)
        optimizer.step()
        state.schedules[member].step()
        with torch.no_grad():
            measures = self.task.measure(outputs, targets)
            sums = [(values * weights).sum() for values in measures]
            return torch.stack([weights.sum(), *sums])

    def end_epoch(self) -> Epoch:
        """Validate the networks on the out-of-fold records, and add the epoch to the state."""
        state = self.state
        weight, *sums = state.totals.tolist()
        train = {name: s / weight for name, s in zip(self.task.measures, sums, strict=True)}
        predictors = [state.ensemble.member_log_probs(member) for member in self.members]
        outputs = out_of_fold_outputs(predictors, self.examples, self.device)
        validation = self.task.validate(outputs, self.truth)
        if not (math.isfinite(train["loss"]) and math.isfinite(validation["loss"])):
            raise self._diverged()
        epoch = Epoch(
            number=state.number,
            learning_rate=float(state.optimizers[0].param_groups[0]["lr"]),
            train=train,
            validation=validation,
            best=validation["loss"] < state.best_loss,
            seconds=time.perf_counter() - state.started,
        )
        state.end_epoch(epoch, keep_best=self.config.restore_best)
        if self.config.bayesian_regularisation:
            for member, optimizer in enumerate(state.optimizers):
                n_records = len(self.examples.training_rows(member))
                reestimate_weight_decay(optimizer, n_records, self.config.batch_size)
        return epoch

    def _save(self, checkpoint: Checkpoint) -> None:
        """Save the state, unless the training has diverged; then stop if it was asked to."""
        if not self.state.all_finite():
            raise self._diverged()
        self.state.save(checkpoint)
        if checkpoint.stopping:
            raise KeyboardInterrupt

    def _diverged(self) -> InputError:
        return InputError(
            f"the loss is not finite in epoch {self.state.number}; lower --learning-rate or set "
            "--max-grad-norm"
        )
