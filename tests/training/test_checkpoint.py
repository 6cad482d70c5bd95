"""Resuming an interrupted training; with real signals in tests/faults."""

from functools import cache

import numpy as np
import pytest
import torch

from textlstm.encoding.vocabulary import Vocabulary
from textlstm.errors import InputError
from textlstm.recipe import Recipe
from textlstm.storage.atomic import sha256
from textlstm.tasks import SingleLabel
from textlstm.training.checkpoint import Checkpoint
from textlstm.training.folds import as_examples, assign_folds
from textlstm.training.loop import fit
from textlstm.training.state import initial_ensemble

CPU = torch.device("cpu")
RECIPE = Recipe().with_fields(
    ensemble_size=2, epochs=4, batch_size=8, embedding_size=8, hidden_units=8,
    dropout=0.3, word_dropout=0.1,
    learning_rate=0.02, schedule="one_cycle", max_ngrams=50, embedding_init="lsa",
)  # fmt: skip
STEPS = 4 * 4
TASK = SingleLabel(("a", "b", "c"))


class Interrupting(Checkpoint):
    """Asks the training to stop when its members have waited for each other n times."""

    def after(self, n):
        self.remaining = n
        return self

    def should_save(self):
        self.remaining -= 1
        if self.remaining == 0:
            self.stop()
        return super().should_save()


def training(checkpoint=None, recipe=RECIPE, sync_every=1):
    """Train on 40 records, 8 of them for validation; return the weights, and the epochs' losses."""
    texts = [f"w{number % 7} x{number % 3}" for number in range(40)]
    vocabulary = Vocabulary.fit(texts, recipe.encoding)
    validation = np.arange(40) >= 32
    examples = as_examples(vocabulary.encode(texts), np.arange(40) % 3, vocabulary, validation)
    examples = assign_folds(examples, recipe.network.ensemble_size, seed=1)
    ensemble = initial_ensemble(recipe, vocabulary, examples.corpus, 3, seed=1)
    config = recipe.training
    epochs = fit(ensemble, examples, TASK, config, 1, CPU, checkpoint, sync_every=sync_every)
    losses = [(epoch.number, epoch.train_loss) for epoch in epochs]
    return ensemble.state_dict(), losses


@cache
def uninterrupted(**settings):
    """Train to the end at once; several tests compare with the same weights and losses."""
    return training(recipe=RECIPE.with_fields(**settings))


def same(weights, expected):
    return all(weights[name].equal(expected[name]) for name in expected)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"restore_best": False},
        {"patience": 1, "schedule": "constant"},
        {"schedule": "piecewise", "drop_period": 1, "drop_factor": 0.5},
        {"bayesian_regularisation": True, "optimizer": "adam", "schedule": "constant"},
    ],
)
@pytest.mark.parametrize("step", [1, 3, 4, 5, STEPS - 1, STEPS])
def test_a_training_stopped_at_any_step_is_resumed_bit_for_bit(tmp_path, step, settings):
    recipe = RECIPE.with_fields(**settings)
    weights, epochs = uninterrupted(**settings)
    if step <= 4 * len(epochs):
        with pytest.raises(KeyboardInterrupt):
            training(Interrupting(tmp_path / "c", "same").after(step), recipe)
    resumed = Checkpoint(tmp_path / "c", "same")
    assert resumed.resumed_from is not None or step > 4 * len(epochs)
    found = training(resumed, recipe)
    assert same(found[0], weights) and found[1] == epochs
    again = Checkpoint(tmp_path / "c", "same")
    assert same(training(again, recipe)[0], weights), "the end of the training is saved too"


@pytest.mark.parametrize("sync_every", [2, 3, 100])
def test_how_often_members_wait_for_each_other_changes_nothing(tmp_path, sync_every):
    weights, epochs = uninterrupted()
    with pytest.raises(KeyboardInterrupt):
        training(Interrupting(tmp_path, "same").after(3), sync_every=sync_every)
    found = training(Checkpoint(tmp_path, "same"), sync_every=sync_every)
    assert same(found[0], weights) and found[1] == epochs


def test_a_checkpoint_with_another_fingerprint_is_not_resumed(tmp_path):
    training(Checkpoint(tmp_path, "these"))
    assert Checkpoint(tmp_path, "these").resumed_from is not None
    other = Checkpoint(tmp_path, "others")
    assert other.resumed_from is None and other.mismatched


@pytest.fixture(scope="module")
def last_state(tmp_path_factory):
    """The bytes of the checkpoint at the end of a training."""
    folder = tmp_path_factory.mktemp("trained")
    training(Checkpoint(folder, "same"))
    return (folder / "state.safetensors").read_bytes()


@pytest.mark.parametrize("position", [0.0, 0.01, 0.3, 0.7, 0.999])
def test_a_damaged_checkpoint_is_not_resumed(tmp_path, last_state, position):
    path = tmp_path / "state.safetensors"
    path.write_bytes(last_state)
    assert Checkpoint(tmp_path, "same").resumed_from is not None
    content = bytearray(last_state)
    content[int(position * len(content))] ^= 4
    path.write_bytes(content)
    assert Checkpoint(tmp_path, "same").resumed_from is None
    path.write_bytes(content[: int(position * len(content))])
    assert Checkpoint(tmp_path, "same").resumed_from is None
    assert same(training(Checkpoint(tmp_path, "same"))[0], uninterrupted()[0])


def test_a_loss_that_is_not_finite_leaves_the_earlier_checkpoint(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        training(Interrupting(tmp_path, "same").after(6))
    before = sha256(tmp_path / "state.safetensors")
    checkpoint = Interrupting(tmp_path, "same").after(2)
    checkpoint.resumed_from.tensors["trainable/members.0.output.bias"][0] = torch.nan
    with pytest.raises(InputError, match="--learning-rate"):
        training(checkpoint)
    assert sha256(tmp_path / "state.safetensors") == before


def test_the_time_of_a_training_includes_that_of_interrupted_processes(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("textlstm.training.checkpoint.time.perf_counter", lambda: now[0])
    before = []
    for seconds in (5.0, 7.0, 11.0):
        checkpoint = Checkpoint(tmp_path, "same")
        before.append(checkpoint.seconds_before)
        now[0] += seconds
        checkpoint.save({"t": torch.zeros(1)}, {"steps": 1})
        now[0] += 1000.0  # lost, as after a kill; or between two processes
    assert before == [0.0, 5.0, 12.0]
    assert Checkpoint(tmp_path, "of other records").seconds_before == 0.0
