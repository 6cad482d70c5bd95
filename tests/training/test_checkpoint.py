"""Training that is interrupted goes on as if it had not been; with real signals in tests/faults."""

from pathlib import Path

import numpy as np
import pytest
import torch

from textlstm.encoding.vocabulary import Vocabulary
from textlstm.errors import InputError
from textlstm.recipe import Recipe
from textlstm.storage.atomic import sha256
from textlstm.training import loop
from textlstm.training.checkpoint import Checkpoint
from textlstm.training.folds import as_examples, assign_folds
from textlstm.training.loop import fit, initial_ensemble

ROOT = Path(__file__).parent.parent.parent
CPU = torch.device("cpu")
RECIPE = Recipe().with_fields(
    ensemble_size=2, epochs=4, batch_size=8, embedding_size=8, hidden_units=8,
    dropout=0.3, word_dropout=0.1,
    learning_rate=0.02, schedule="one_cycle", max_ngrams=50, embedding_init="lsa",
)  # fmt: skip
STEPS = 4 * 4


# ------------------------------------------------------------------------------ the library


@pytest.fixture(autouse=True)
def steps_one_by_one(monkeypatch):
    monkeypatch.setattr(loop, "SYNC_EVERY", 1)


class Interrupting(Checkpoint):
    """Asks for an end when the members have met so many times."""

    def after(self, steps):
        self.left = steps
        return self

    def should_save(self):
        self.left -= 1
        if self.left == 0:
            self.stop()
        return super().should_save()


def training(checkpoint=None, recipe=RECIPE, weights=None):
    """The networks and epochs of 32 records, 8 of them for validation."""
    texts = [f"w{number % 7} x{number % 3}" for number in range(40)]
    encoding = Vocabulary.fit(texts, recipe.encoding)
    examples = as_examples(
        encoding.encode(texts), np.arange(40) % 3, encoding, np.arange(40) >= 32, weights
    )
    examples = assign_folds(examples, recipe.network.ensemble_size, seed=1)
    ensemble = initial_ensemble(recipe, encoding, examples.corpus, 3, seed=1)
    epochs = list(fit(ensemble, examples, recipe.training, 1, CPU, checkpoint))
    return ensemble.state_dict(), [(epoch.number, epoch.train_loss) for epoch in epochs]


def same(one, other):
    return all(one[name].equal(other[name]) for name in other)


@pytest.mark.parametrize(
    "more", [{}, {"restore_best": False}, {"patience": 1, "schedule": "constant"}]
)
@pytest.mark.parametrize("step", [1, 3, 4, 5, STEPS - 1, STEPS])
def test_a_training_stopped_at_a_step_goes_on_bit_for_bit(tmp_path, step, more):
    recipe = RECIPE.with_fields(**more)
    weights, epochs = training(recipe=recipe)
    if step <= 4 * len(epochs):
        with pytest.raises(KeyboardInterrupt):
            training(Interrupting(tmp_path / "c", "same").after(step), recipe)
    resumed = Checkpoint(tmp_path / "c", "same")
    assert resumed.start is not None or step > 4 * len(epochs)
    found = training(resumed, recipe)
    assert same(found[0], weights) and found[1] == epochs
    again = Checkpoint(tmp_path / "c", "same")
    assert same(training(again, recipe)[0], weights), "its end is saved too"


@pytest.mark.parametrize("together", [2, 3, 100])
def test_how_often_members_meet_changes_nothing(tmp_path, monkeypatch, together):
    weights, epochs = training()
    monkeypatch.setattr(loop, "SYNC_EVERY", together)
    with pytest.raises(KeyboardInterrupt):
        training(Interrupting(tmp_path, "same").after(3))
    found = training(Checkpoint(tmp_path, "same"))
    assert same(found[0], weights) and found[1] == epochs


def test_what_was_saved_for_other_inputs_does_not_count(tmp_path):
    training(Checkpoint(tmp_path, "these"))
    assert Checkpoint(tmp_path, "these").start is not None
    assert Checkpoint(tmp_path, "others").start is None


@pytest.mark.parametrize("place", [0.0, 0.01, 0.3, 0.7, 0.999])
def test_a_damaged_checkpoint_does_not_count(tmp_path, place):
    training(Checkpoint(tmp_path, "same"))
    path = tmp_path / "state.safetensors"
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 4
    path.write_bytes(content)
    assert Checkpoint(tmp_path, "same").start is None
    path.write_bytes(content[: int(place * len(content))])
    assert Checkpoint(tmp_path, "same").start is None
    assert same(training(Checkpoint(tmp_path, "same"))[0], training()[0])


def test_a_loss_that_stops_being_finite_leaves_a_good_checkpoint(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        training(Interrupting(tmp_path, "same").after(6))
    before = sha256(tmp_path / "state.safetensors")
    checkpoint = Interrupting(tmp_path, "same").after(2)
    checkpoint.start.tensors["learned/members.0.output.bias"][0] = torch.nan
    with pytest.raises(InputError, match="--learning-rate"):
        training(checkpoint)
    assert sha256(tmp_path / "state.safetensors") == before


def test_the_time_of_a_training_counts_all_of_its_parts(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("textlstm.training.checkpoint.time.perf_counter", lambda: now[0])
    before = []
    for seconds in (5.0, 7.0, 11.0):
        one = Checkpoint(tmp_path, "inputs")
        before.append(one.before)
        now[0] += seconds
        one.save({"t": torch.zeros(1)}, {"steps": 1})
        now[0] += 1000.0  # lost, as after a kill; or between two processes
    assert before == [0.0, 5.0, 12.0]
    assert Checkpoint(tmp_path, "of other records").before == 0.0
