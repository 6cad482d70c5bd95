"""The training loop: learning, determinism, early stopping, weights."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from textlstm.encoding.vocabulary import Vocabulary
from textlstm.errors import InputError
from textlstm.models.logits import predict_logits
from textlstm.recipe import Recipe, load_recipe
from textlstm.tasks import SingleLabel
from textlstm.training.folds import as_examples
from textlstm.training.loop import fit
from textlstm.training.state import initial_ensemble
from textlstm.uncertainty.calibration import apply_temperature, calibrated_loss, fit_temperature

CPU = torch.device("cpu")
TEXTS = ["acute mi", "mi", "stroke", "acute stroke", "copd", "asthma", "fall", "gunshot wound"]
LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2])
QUICK = Recipe().with_fields(learning_rate=0.02, batch_size=4, epochs=40)
TASK = SingleLabel(("a", "b", "c"))


def trained(
    recipe,
    texts=TEXTS,
    labels=LABELS,
    weights=None,
    validation=(TEXTS, LABELS),
    seed=0,
    task=TASK,
):
    """Train on texts; return the ensemble, the corpus of the texts and the epochs.

    By default the validation records are equal to the training records.
    """
    vocabulary = Vocabulary.fit(texts, recipe.encoding)
    encoded = vocabulary.encode([*texts, *validation[0]])
    in_validation = np.arange(len(encoded)) >= len(texts)
    weights = None if weights is None else np.concatenate([weights, np.ones(len(validation[0]))])
    targets = np.concatenate([labels, validation[1]])
    examples = as_examples(encoded, targets, vocabulary, in_validation, weights)
    ensemble = initial_ensemble(recipe, vocabulary, examples.corpus, 3, seed)
    epochs = list(fit(ensemble, examples, task, recipe.training, seed, CPU))
    return ensemble, examples.corpus.select(torch.arange(len(texts))), epochs


@pytest.mark.parametrize("name", ["default", "okut-table2"])
def test_each_recipe_can_memorize_eight_records(name):
    recipe = load_recipe(name).with_fields(epochs=60, batch_size=4, learning_rate=0.01, patience=0)
    network, corpus, epochs = trained(recipe)
    assert predict_logits(network, corpus, CPU).argmax(1).tolist() == LABELS.tolist()
    assert epochs[-1].train_loss < epochs[0].train_loss
    assert epochs[0].train["accuracy"] < epochs[-1].train["accuracy"]
    assert epochs[-1].validation["accuracy"] == 1.0


def test_a_seed_determines_the_weights_and_torchs_global_generator_is_not_used():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    recipe = QUICK.with_fields(epochs=3, dropout=0.3, ensemble_size=3)
    first, second, other = (trained(recipe, seed=seed)[0].state_dict() for seed in (1, 1, 2))
    assert torch.rand(1) == expected
    assert all(first[name].equal(second[name]) for name in first)
    assert not first["members.0.output.weight"].equal(other["members.0.output.weight"])
    assert not first["members.0.output.weight"].equal(first["members.1.output.weight"])


def test_the_best_epoch_is_restored_if_the_recipe_says_so():
    # Validation labels that contradict training: the loss rises as the network learns.
    wrong = (TEXTS, (LABELS + 1) % 3)
    for restore in (True, False):
        recipe = QUICK.with_fields(restore_best=restore, epochs=15)
        network, corpus, epochs = trained(recipe, validation=wrong)
        logits = predict_logits(network, corpus, CPU).numpy()
        loss = calibrated_loss(logits, wrong[1], fit_temperature(logits, wrong[1]))
        losses = [epoch.validation_loss for epoch in epochs]
        assert loss == pytest.approx(min(losses) if restore else losses[-1])
        assert losses[-1] > min(losses)
        assert [epoch.number for epoch in epochs if epoch.best][-1] == 1 + int(np.argmin(losses))


def test_early_stopping_waits_as_many_epochs_as_the_patience():
    wrong = (TEXTS, (LABELS + 1) % 3)
    _, _, epochs = trained(QUICK.with_fields(patience=2), validation=wrong)
    assert [epoch.best for epoch in epochs[-2:]] == [False, False]
    assert len(epochs) < 40


def test_an_infinite_loss_is_an_error_that_names_the_flags():
    with pytest.raises(InputError, match="--learning-rate"):
        trained(QUICK.with_fields(learning_rate=1e38, max_grad_norm=0.0))


def test_a_weight_of_three_counts_like_three_records():
    # One text with two labels: its probability must become the share of the weights.
    labels, weights = np.array([0, 0, 1, 1]), np.array([3.0, 3.0, 1.0, 1.0])
    validation = (["a"] * 4, np.array([0, 0, 0, 1]))
    network, corpus, _ = trained(QUICK, ["a"] * 4, labels, weights, validation)
    probabilities = apply_temperature(predict_logits(network, corpus, CPU).numpy(), 1.0)
    assert probabilities[0, 0] == pytest.approx(0.75, abs=0.05)


def test_a_member_does_not_depend_on_the_others():
    recipe = QUICK.with_fields(epochs=2, dropout=0.3, restore_best=False)
    alone, beside = (trained(recipe.with_fields(ensemble_size=n))[0].networks[0] for n in (1, 2))
    assert alone.output.weight.equal(beside.output.weight)


class BrierScore:
    """Another task: the quadratic loss of probabilities, and no other measure."""

    measures = ("loss",)

    def losses(self, outputs, targets):
        hot = functional.one_hot(targets.long(), 3)
        return ((outputs.softmax(dim=1) - hot) ** 2).sum(dim=1)

    def measure(self, outputs, targets):
        return [self.losses(outputs, targets)]

    def validate(self, outputs, truth):
        losses = self.losses(torch.from_numpy(outputs)[truth.rows], torch.from_numpy(truth.targets))
        return {"loss": float(losses.mean())}


def test_the_loop_trains_another_task():
    network, corpus, epochs = trained(QUICK, task=BrierScore())
    assert predict_logits(network, corpus, CPU).argmax(1).tolist() == LABELS.tolist()
    assert epochs[-1].validation["loss"] < 0.1 < epochs[0].train_loss <= 2
    assert epochs[0].to_dict().keys() == {
        "number", "learning_rate", "train_loss", "validation_loss", "best", "seconds"
    }  # fmt: skip
