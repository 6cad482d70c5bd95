"""From encoded examples to a bundle: the networks, the linear branch, and their calibration."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from textlstm.batches import Corpus
from textlstm.bundle import MEAN_PROBABILITY, UNKNOWN_WORDS, Bundle
from textlstm.calibration import calibrated, fit_linear_share, fit_temperature, mixed
from textlstm.checkpoint import Checkpoint
from textlstm.config import Recipe
from textlstm.decisions import HeldOut
from textlstm.encoding import EncodedTexts, WordEncoding
from textlstm.linear import fit_linear, mean_branch
from textlstm.training import (
    Epoch,
    Examples,
    fit,
    held_out_logits,
    held_out_truth,
    new_ensemble,
    one_thread,
    weighted_by_class,
    with_parts,
)


@one_thread()
def train_bundle(
    recipe: Recipe,
    encoding: WordEncoding,
    labels: tuple[str, ...],
    examples: Examples,
    *,
    seed: int,
    device: torch.device,
    on_epoch: Callable[[Epoch], None],
    summary: dict[str, Any] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Bundle:
    """Train the recipe's networks and calibrate them; ``on_epoch`` is told each epoch.

    With a checkpoint, the training of the networks goes on where an earlier one ended.

    What is left out by one member and known to the others cannot judge them all together: share and
    temperature are those of members by themselves, on the part that each left out.
    """
    members = range(recipe.network.members)
    examples = with_parts(examples, len(members), seed)
    truth = held_out_truth(examples, len(members))
    if recipe.training.class_weight == "balanced":
        examples = weighted_by_class(examples, len(labels))
    network = new_ensemble(recipe, encoding, examples.corpus, len(labels), seed)
    for epoch in fit(network, examples, recipe.training, seed, device, checkpoint):
        on_epoch(epoch)
    answers = [network.answer(member) for member in members]
    logits = held_out_logits(answers, examples, device).numpy()
    if recipe.network.linear:
        parts = [examples.trained_on(member) for member in members]
        branches = fit_linear(
            examples.corpus, examples.labels, examples.weights, len(labels), recipe.network.linear,
            parts,
        )  # fmt: skip
        linear_logits = held_out_logits(branches, examples, torch.device("cpu")).numpy()
        share = fit_linear_share(logits, linear_logits, *truth)
        logits = mixed(logits, linear_logits, share).astype(np.float32)
        network.linear = mean_branch(branches)
        network.linear_share.fill_(share)
        network.to(device)
    temperature = fit_temperature(logits, *truth)
    probabilities = calibrated(logits, temperature)
    held_out = HeldOut.of(probabilities, truth[0], seed)
    summary = (summary or {}) | {
        UNKNOWN_WORDS: round(examples.corpus.select(examples.left_out(0)).unknown_share(), 6),
        MEAN_PROBABILITY: round(float(probabilities.max(axis=1).mean()), 6),
    }
    return Bundle(recipe, encoding, labels, network, temperature, held_out, summary)


def as_examples(
    texts: EncodedTexts,
    labels: NDArray[np.int64],
    encoding: WordEncoding,
    validation: NDArray[np.bool_],
    weights: NDArray[np.float64] | None = None,
) -> Examples:
    """Return encoded texts and class numbers as what the training loop takes.

    Weights are scaled to a mean of 1, which leaves the size of a training step as it is.
    """
    values = np.ones(len(labels)) if weights is None else weights / weights.mean()
    return Examples(
        Corpus(texts, encoding),
        torch.tensor(labels, dtype=torch.int64),
        torch.from_numpy(values.astype(np.float32)),
        torch.from_numpy(validation.astype(np.int64) - 1),
    )
