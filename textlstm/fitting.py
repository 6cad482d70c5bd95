"""Fitting: from a recipe and encoded records to a bundle.

The networks are trained by the training loop, the linear branch by logistic regression; both are
calibrated together on out-of-fold predictions.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from textlstm.config import RARE_LABEL
from textlstm.data.splits import METHODS
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.inference.bundle import Bundle
from textlstm.inference.bundle_files import MEAN_PROBABILITY, TEXT_FIELDS, UNCODABLE, UNKNOWN_WORDS
from textlstm.models.ensemble import Ensemble
from textlstm.models.linear import LinearBranch, average_branches
from textlstm.models.memory import require_memory
from textlstm.recipe import Recipe
from textlstm.storage.parallel import run_in_background
from textlstm.summaries import TrainingSummary
from textlstm.tasks import OutOfFoldTargets, SingleLabel
from textlstm.training.checkpoint import Checkpoint
from textlstm.training.class_weights import balance_classes, logit_adjustment, shares_and_weights
from textlstm.training.folds import Examples, assign_folds
from textlstm.training.inputs import TrainingInputs
from textlstm.training.linear_branches import fit_branches
from textlstm.training.loop import fit
from textlstm.training.out_of_fold import (
    CalibratedMembers,
    MemberModels,
    OutOfFoldPredictions,
    out_of_fold_outputs,
    out_of_fold_targets,
)
from textlstm.training.rare_classes import RareClasses
from textlstm.training.state import Epoch, initial_ensemble
from textlstm.training.threads import single_threaded
from textlstm.uncertainty.out_of_fold import OutOfFold


@single_threaded()
def train_bundle(
    recipe: Recipe,
    inputs: TrainingInputs,
    *,
    seed: int,
    device: torch.device,
    on_epoch: Callable[[Epoch], None],
    on_step: Callable[[str], object] = str,
    summary: TrainingSummary | None = None,
    checkpoint: Checkpoint | None = None,
) -> Bundle:
    """Train the recipe's networks and linear branch, and calibrate them.

    No record is held out from all members, so mixing weight and temperature are fitted on
    out-of-fold predictions. So are promises, which count the records of rare classes too.

    Parameters
    ----------
    on_epoch, on_step
        Called with each epoch, and with the name of each other step before it begins.
    summary
        Entries of the bundle's summary, beside those that are computed here.
    checkpoint
        Saves the training of the networks; an interrupted training is resumed from it.
    """
    vocabulary = inputs.vocabulary
    task = replace(inputs.task, label_smoothing=recipe.training.label_smoothing)
    on_step("dividing the records into folds")
    recipe.training.require_consistent()
    recipe.network.require_length(vocabulary.length)
    require_memory(recipe.network)
    examples = assign_folds(inputs.examples, recipe.network.ensemble_size, seed)
    weighted = examples
    if recipe.training.class_weight == "balanced":
        weighted = balance_classes(examples, task.n_targets)
    fitting = _Fitting(recipe, vocabulary, task, examples, weighted, seed, device, on_step)
    ensemble, branches = fitting.train(on_epoch, checkpoint)
    calibrated = fitting.calibrate(ensemble, branches)
    out_of_fold = fitting.evaluate(calibrated, inputs.rare)
    text_alone = None
    if vocabulary.covariates.names:
        on_step("predicting the validation folds by their texts alone")
        text_alone = fitting.evaluate_texts_alone(calibrated, inputs.rare)
    computed = fitting.summarize(calibrated, out_of_fold)
    given: TrainingSummary = summary or {}
    whole: TrainingSummary = {TEXT_FIELDS: vocabulary.n_fields, **given, **computed}
    temperature = calibrated.temperature
    records = fitting.all_records(calibrated, inputs.rare)
    back_off = records.along_levels(task, examples.split, out_of_fold, seed)
    return Bundle(recipe, vocabulary, task, ensemble, temperature, out_of_fold, whole, text_alone,
                  back_off)  # fmt: skip


@dataclass(frozen=True)
class _Fitting:
    """The steps of a fit, and what they share.

    Attributes
    ----------
    examples
        The records, in folds.
    weighted
        The same with class weights, as in training.
    """

    recipe: Recipe
    vocabulary: Vocabulary
    task: SingleLabel
    examples: Examples
    weighted: Examples
    seed: int
    device: torch.device
    on_step: Callable[[str], object]

    @property
    def n_members(self) -> int:
        """Return the number of networks."""
        return self.recipe.network.ensemble_size

    @property
    def n_classes(self) -> int:
        """Return C."""
        return len(self.task.labels)

    def train(
        self, on_epoch: Callable[[Epoch], None], checkpoint: Checkpoint | None
    ) -> tuple[Ensemble, Future[list[LinearBranch]]]:
        """Train the networks, while a thread fits the linear branches."""
        recipe, examples, seed = self.recipe, self.weighted, self.seed
        self.on_step("computing word vectors")
        ensemble = initial_ensemble(recipe, self.vocabulary, examples.corpus, self.n_classes, seed)
        # The steps of the networks are small, and leave processors idle at times.
        work = partial(fit_branches, recipe.network, examples, self.n_classes, seed)
        with run_in_background(work, partial(torch.set_num_threads, 1)) as branches:
            self.on_step("training")
            config, task = recipe.training, self.task
            for epoch in fit(ensemble, examples, task, config, seed, self.device, checkpoint):
                on_epoch(epoch)
        return ensemble, branches

    def calibrate(
        self, ensemble: Ensemble, branches: Future[list[LinearBranch]]
    ) -> CalibratedMembers:
        """Fit mixing weight and temperature on out-of-fold predictions, and adjust the logits."""
        self.on_step("predicting the validation folds")
        truth = out_of_fold_targets(self.examples, self.n_members)
        networks = [ensemble.member_log_probs(member) for member in range(self.n_members)]
        models = MemberModels(self.task, networks, self.device)
        logits = out_of_fold_outputs(networks, self.examples, self.device)
        if self.recipe.network.linear_c:
            self.on_step("fitting the linear branch")
            models, logits = self._mix_linear(ensemble, models, branches.result(), logits, truth)
        self.on_step("calibrating")
        adjustment = logit_adjustment(
            self.weighted.targets,
            self.weighted.weights,
            self.task.n_targets,
            self.recipe.training.logit_adjustment,
        )[: self.n_classes]
        ensemble.logit_adjustment.copy_(adjustment)
        ensemble.to(self.device)
        logits = logits + adjustment.numpy()
        temperature = self.task.fit_temperature(logits, truth)
        predictions = self.task.predict(logits, temperature, truth.rows)
        records = OutOfFoldPredictions.of(self.examples, self.n_members, truth, predictions)
        return CalibratedMembers(models, adjustment.numpy(), temperature, records)

    def _mix_linear(
        self,
        ensemble: Ensemble,
        models: MemberModels,
        branches: list[LinearBranch],
        logits: NDArray[np.float32],
        truth: OutOfFoldTargets,
    ) -> tuple[MemberModels, NDArray[np.float32]]:
        """Add the mean linear branch to the ensemble, with the weight that fits best.

        Returns the members' models and out-of-fold logits (B, C), both with their linear branches.
        """
        linear = out_of_fold_outputs(branches, self.examples, torch.device("cpu"))
        weight = self.task.fit_linear_weight(logits, linear, truth)
        ensemble.linear = average_branches(branches)
        ensemble.linear_weight.fill_(weight)
        single = float(ensemble.linear_weight)  # in single precision, as predictions use it
        models = replace(models, branches=branches, linear_weight=single)
        return models, self.task.mix(logits, linear, weight)

    def evaluate_texts_alone(
        self, calibrated: CalibratedMembers, rare: RareClasses | None
    ) -> OutOfFold:
        """Evaluate the out-of-fold predictions as they are where all covariates are missing."""
        bare = replace(self, examples=self.examples.without_covariates())
        truth = out_of_fold_targets(bare.examples, self.n_members)
        logits = calibrated.models.out_of_fold_logits(bare.examples) + calibrated.adjustment
        predictions = self.task.predict(logits, calibrated.temperature, truth.rows)
        records = OutOfFoldPredictions.of(bare.examples, self.n_members, truth, predictions)
        without = replace(calibrated, records=records)
        return bare.evaluate(without, rare and rare.without_covariates())

    def evaluate(self, calibrated: CalibratedMembers, rare: RareClasses | None) -> OutOfFold:
        """Evaluate the out-of-fold predictions, those of rare classes included.

        The gain is that of the weights of training: balanced classes have class shares of their
        own.
        """
        records = self.all_records(calibrated, rare).within(self.n_classes)
        shares, class_weights = shares_and_weights(
            self.weighted, self.examples, self.task.n_targets
        )
        grouped = METHODS[self.examples.split].keeps_texts_together
        return OutOfFold.of(
            records.predictions,
            records.labels,
            self.seed,
            texts=records.text_ids if grouped else None,
            has_known_word=records.has_known_word,
            codable=np.array([label != RARE_LABEL for label in self.task.labels]),
            shares=shares,
            weights=records.weights * class_weights[records.labels],
            uncodable=0.0 if rare is None else round(rare.share, 6),
        )

    def all_records(
        self, calibrated: CalibratedMembers, rare: RareClasses | None
    ) -> OutOfFoldPredictions:
        """Return the out-of-fold predictions, those of records of rare classes included."""
        if rare is None:
            return calibrated.records
        return rare.added_to(calibrated, self.examples, self.vocabulary, self.n_members, self.seed)

    def summarize(self, calibrated: CalibratedMembers, out_of_fold: OutOfFold) -> TrainingSummary:
        """Compute the statistics that new records are compared with."""
        validation = self.examples.corpus.select(self.examples.validation_rows(0))
        confidence = float(calibrated.records.predictions.confidence.mean())
        return {
            UNKNOWN_WORDS: round(validation.unknown_share(), 6),
            MEAN_PROBABILITY: round(confidence, 6),
            # Where no class is dropped, out-of-fold records that are the only ones of their class
            # estimate how many new records have classes that no training record has.
            UNCODABLE: out_of_fold.uncodable or round(out_of_fold.unknown_share, 6),
        }
