"""From encoded examples to a bundle: the networks, the linear branch, and their calibration."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textlstm.config import RARE_LABEL
from textlstm.data.splits import METHODS
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.inference.bundle import Bundle
from textlstm.inference.bundle_files import MEAN_PROBABILITY, TEXT_FIELDS, UNCODABLE, UNKNOWN_WORDS
from textlstm.models.ensemble import Ensemble
from textlstm.models.linear import LinearBranch, average_branches
from textlstm.models.linear_fit import fit_linear
from textlstm.models.memory import require_memory
from textlstm.recipe import Recipe
from textlstm.recipe_sections import NetworkConfig
from textlstm.storage.parallel import run_in_background
from textlstm.training.checkpoint import Checkpoint
from textlstm.training.folds import (
    Examples,
    OutOfFoldLabels,
    assign_folds,
    balance_classes,
    class_weight_sums,
    out_of_fold_labels,
    out_of_fold_logits,
)
from textlstm.training.loop import fit, initial_ensemble, single_threaded
from textlstm.training.rare_classes import Judged, RareClasses
from textlstm.training.state import Epoch
from textlstm.uncertainty.calibration import (
    apply_temperature,
    fit_linear_weight,
    fit_temperature,
    mix_log_probs,
)
from textlstm.uncertainty.out_of_fold import OutOfFold
from textlstm.uncertainty.predictions import Predictions

MOST_LINEAR = 1 << 19
"""So many records, drawn at random, teach the linear branch, which learns from all at once."""


@single_threaded()
def train_bundle(
    recipe: Recipe,
    vocabulary: Vocabulary,
    labels: tuple[str, ...],
    examples: Examples,
    *,
    seed: int,
    device: torch.device,
    on_epoch: Callable[[Epoch], None],
    on_step: Callable[[str], object] = str,
    summary: dict[str, Any] | None = None,
    checkpoint: Checkpoint | None = None,
    rare: RareClasses | None = None,
) -> Bundle:
    """Train the recipe's networks and calibrate them.

    ``on_epoch`` is told each epoch, and ``on_step`` what is done before and after them.

    With a checkpoint, the training of the networks goes on where an earlier one ended.

    What is left out by one member and known to the others cannot judge them all together: share and
    temperature are those of members by themselves, on the part that each left out. So are promises,
    for which records of rare classes are judged too, though nothing is learned of them.
    """
    n_members = recipe.network.ensemble_size
    on_step("dividing the records")
    require_memory(recipe.network)
    examples = assign_folds(examples, n_members, seed)
    truth = out_of_fold_labels(examples, n_members)
    given = examples
    if recipe.training.class_weight == "balanced":
        examples = balance_classes(examples, len(labels))
    on_step("placing the words")
    network = initial_ensemble(recipe, vocabulary, examples.corpus, len(labels), seed)
    # The steps of the networks are small, and leave processors idle by turns.
    work = partial(_branches, recipe.network, examples, len(labels), seed)
    with run_in_background(work, partial(torch.set_num_threads, 1)) as branches:
        on_step("training")
        for epoch in fit(network, examples, recipe.training, seed, device, checkpoint):
            on_epoch(epoch)
    on_step("judging what was left out")
    answers = [network.member_log_probs(member) for member in range(n_members)]
    logits = out_of_fold_logits(answers, examples, device).numpy()
    linear = []
    if recipe.network.linear_c:
        on_step("fitting the linear branch")
        linear = branches.result()
        logits = _join_linear(network, linear, examples, logits, truth)
    on_step("calibrating")
    n_classes = len(labels)
    adjustment = logit_adjustment(
        examples.labels, examples.weights, n_classes, recipe.training.logit_adjustment
    )
    network.logit_adjustment.copy_(adjustment)
    network.to(device)
    logits = network.head.combine([logits], None, 0.0, adjustment.numpy())
    temperature = fit_temperature(logits, *truth)
    judged = Judged.of(examples, n_members, truth, apply_temperature(logits, temperature))
    mean_probability = float(judged.probabilities.max(axis=1)[judged.places].mean())
    if rare is not None:
        rows = rare.judged_by(examples, n_members, seed)
        share = float(network.linear_weight)
        said, has_known_word = rare.logits(
            rows, answers, linear, share, n_classes, vocabulary, device
        )
        judged = judged.with_rare(
            rare, rows, apply_temperature(said + adjustment.numpy(), temperature), has_known_word
        )
    out_of_fold = _held_out(
        judged, given, examples, labels, seed, 0.0 if rare is None else round(rare.share, 6)
    )
    summary = (
        {TEXT_FIELDS: vocabulary.n_fields}
        | (summary or {})
        | {
            UNKNOWN_WORDS: round(
                examples.corpus.select(examples.validation_rows(0)).unknown_share(), 6
            ),
            MEAN_PROBABILITY: round(mean_probability, 6),
            # Where no class is dropped, left-out records that are the only ones of their class show
            # how many new records are of classes that no record has.
            UNCODABLE: out_of_fold.uncodable or round(out_of_fold.unknown_share, 6),
        }
    )
    return Bundle(recipe, vocabulary, labels, network, temperature, out_of_fold, summary)


def _held_out(
    judged: Judged,
    given: Examples,
    weighted: Examples,
    labels: Sequence[str],
    seed: int,
    uncodable: float,
) -> OutOfFold:
    """Return what promises are read off, of records as given and as weighted for the training.

    Whether anything was learned is seen by the weights of the training: those of balanced classes
    make class shares of their own.
    """
    sums, counts = (
        class_weight_sums(each.labels, each.weights, len(labels)).numpy()
        for each in (weighted, given)
    )
    per_record = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    return OutOfFold.of(
        Predictions(judged.probabilities, judged.places),
        judged.labels,
        seed,
        texts=judged.texts if METHODS[given.split].keeps_texts_together else None,
        has_known_word=judged.has_known_word,
        codable=np.array([label != RARE_LABEL for label in labels]),
        shares=(sums + 1) / (sums + 1).sum(),
        weights=judged.weights * per_record[judged.labels],
        uncodable=uncodable,
    )


def _branches(
    config: NetworkConfig, examples: Examples, n_classes: int, seed: int
) -> list[LinearBranch]:
    """Return a linear branch for each member, trained on the same records; none if not wanted."""
    if not config.linear_c:
        return []
    examples = examples.sample(MOST_LINEAR, seed)
    parts = [examples.training_rows(member) for member in range(config.ensemble_size)]
    records = examples.corpus, examples.labels, examples.weights
    return fit_linear(*records, n_classes, config.linear_c, parts)


def _join_linear(
    network: Ensemble,
    branches: Sequence[LinearBranch],
    examples: Examples,
    logits: NDArray[np.float32],
    truth: OutOfFoldLabels,
) -> NDArray[np.float32]:
    """Join the linear branches to the network, and return what all say of what was left out.

    ``logits`` is what the members alone say of it, ``truth`` what is known of it.
    """
    linear_logits = out_of_fold_logits(branches, examples, torch.device("cpu")).numpy()
    share = fit_linear_weight(logits, linear_logits, *truth)
    network.linear = average_branches(branches)
    network.linear_weight.fill_(share)
    mixed = network.head.combine([logits], linear_logits, share, mix=mix_log_probs)
    return mixed.astype(np.float32)


def logit_adjustment(labels: Tensor, weights: Tensor, n_classes: int, share: float) -> Tensor:
    """Return what is added to the logits (C,), so that rare classes are named more often.

    The most probable class is seldom a rare one: what is best for accuracy leaves macro-F1 lower
    than it could be. Menon et al. 2021, "Long-tail learning via logit adjustment": ``-share * log
    p``, p being the frequency of the class among the training records, of which every class is
    given one more.

    >>> labels, ones = torch.tensor([0, 0, 0]), torch.ones(3)
    >>> logit_adjustment(labels, ones, n_classes=2, share=0.5).exp() ** -2
    tensor([0.8000, 0.2000])
    """
    counts = class_weight_sums(labels, weights, n_classes) + 1
    return -share * (counts / counts.sum()).log()
