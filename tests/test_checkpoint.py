"""Training that is interrupted goes on as if it had not been: real processes, real signals."""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from pipelines import encode, preprocess, train
from pipelines.runs import Run
from textlstm.bundle import as_examples
from textlstm.checkpoint import Checkpoint
from textlstm.config import Recipe
from textlstm.encoding import WordEncoding
from textlstm.errors import InputError
from textlstm.files import sha256
from textlstm.training import fit, new_ensemble, with_parts

ROOT = Path(__file__).parent.parent
CPU = torch.device("cpu")
RECIPE = Recipe().with_fields(
    members=2, epochs=4, batch=8, embedding=8, hidden_units=8, dropout=0.3, word_dropout=0.1,
    learning_rate=0.02, schedule="one_cycle", subwords=50, start="lsa",
)  # fmt: skip
STEPS = 4 * 4
EPOCHS = 60
LONG = (
    f"--members 2 --epochs {EPOCHS} --embedding 8 --hidden-units 8 --batch 8 --min-steps 0 "
    "--linear 0 --patience 0 --restore-best"
).split()


# ------------------------------------------------------------------------------ the library


class Interrupting(Checkpoint):
    """Asks for an end after so many steps."""

    def after(self, steps):
        self.left = steps
        return self

    def due(self):
        self.left -= 1
        if self.left == 0:
            self.stop()
        return super().due()


def training(checkpoint=None, recipe=RECIPE, weights=None):
    """The networks and epochs of 32 records, 8 of them for validation."""
    texts = [f"w{number % 7} x{number % 3}" for number in range(40)]
    encoding = WordEncoding.fit(texts, recipe.encoding)
    examples = as_examples(
        encoding.encode(texts), np.arange(40) % 3, encoding, np.arange(40) >= 32, weights
    )
    examples = with_parts(examples, recipe.network.members, seed=1)
    ensemble = new_ensemble(recipe, encoding, examples.corpus, 3, seed=1)
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


# ------------------------------------------------------------------------------ real processes


@pytest.fixture(scope="module")
def whole(tmp_path_factory, table):
    """A run before its training, and the same one after it."""
    folder = tmp_path_factory.mktemp("whole")
    table.to_csv(folder / "records.csv", index=False)
    arguments = ["--data", str(folder / "records.csv"), "--text", "cause", "--label", "category"]
    preprocess.main([*arguments, "--run", str(folder / "before"), *LONG])
    encode.main(["--run", str(folder / "before")])
    shutil.copytree(folder / "before", folder / "after")
    train.main(["--run", str(folder / "after"), "--device", "cpu"])
    return folder


@pytest.fixture
def run(whole, tmp_path):
    shutil.copytree(whole / "before", tmp_path / "run")
    return tmp_path / "run"


def started(run):
    """The training stage in a process of its own."""
    command = [sys.executable, "-m", "pipelines.train", "--run", run, "--device", "cpu"]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def at_a_random_step(process, seed):
    """Wait for an epoch drawn at random, and for a moment within the next one."""
    chance = random.Random(seed)
    sign = f"epoch {chance.randint(1, EPOCHS - 5)} of"
    while sign not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(chance.uniform(0, 0.03))


def saved(run):
    return Checkpoint(run / "checkpoint", train._inputs(Run(run), Run(run).config(), "cpu")).start


def test_a_killed_training_goes_on_to_the_same_weights(run, whole, kill):
    process = started(run)
    at_a_random_step(process, seed=kill)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert saved(run) is not None and not (run / "bundle").exists()
    process = started(run)
    _, told = process.communicate()
    assert process.returncode == 0 and "train: going on" in told
    for name in ("model.safetensors", "calibration.json", "config.json"):
        assert sha256(run / "bundle" / name) == sha256(whole / "after" / "bundle" / name), name
    history = [pd.read_csv(at / "history.csv") for at in (run, whole / "after")]
    assert history[0].drop(columns="seconds").equals(history[1].drop(columns="seconds"))
    assert not (run / "checkpoint").exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_lets_the_step_end_and_saves(run, whole, number, status):
    process = started(run)
    at_a_random_step(process, seed=status)
    process.send_signal(number)
    if number == signal.SIGTERM:
        process.send_signal(number)  # a second one, whether or not it finds the process
    _, told = process.communicate()
    assert process.returncode == status and "Traceback" not in told
    assert saved(run) is not None and not list((run / "checkpoint").glob(".*"))
    assert number == signal.SIGTERM or told.splitlines()[-1].startswith("interrupted; ")


def test_a_second_signal_ends_a_process_that_does_not_end_by_itself():
    stubborn = "import time; from pipelines import shell\n"
    stubborn += "with shell.interruptible(lambda: True):\n    print('ready', flush=True)\n"
    stubborn += "    for _ in range(600): time.sleep(0.1)"
    process = subprocess.Popen(
        [sys.executable, "-c", stubborn], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130


@pytest.mark.parametrize("stage", ["preprocess", "encode", "report"])
def test_any_stage_ends_at_a_signal_and_leaves_no_half_file(whole, tmp_path, stage):
    shutil.copytree(whole / "after", tmp_path / "run")
    command = [sys.executable, "-m", f"pipelines.{stage}", "--run", tmp_path / "run"]
    if stage == "preprocess":
        command += ["--data", whole / "records.csv", "--text", "cause", "--label", "category"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / ".run.lock").exists():
        time.sleep(0.001)
    time.sleep(0.2)
    process.terminate()
    _, told = process.communicate()
    assert process.returncode == 143 and told.startswith("interrupted; ")
    assert not list((tmp_path / "run").rglob(".*"))


def test_a_kill_during_a_save_leaves_what_was_saved_before(tmp_path):
    saving = "import sys, itertools, torch; from pathlib import Path\n"
    saving += "from textlstm.checkpoint import Checkpoint\n"
    saving += "checkpoint = Checkpoint(Path(sys.argv[1]), 'same')\n"
    saving += "for n in itertools.count():\n"
    saving += "    checkpoint.save({'t': torch.full((10_000_000,), float(n))}, {'n': n})\n"
    process = subprocess.Popen([sys.executable, "-c", saving, tmp_path], cwd=ROOT)
    path, temporary = (tmp_path / name for name in (
        "state.safetensors", f".state.{process.pid}.safetensors"
    ))  # fmt: skip
    while not (path.exists() and temporary.exists() and temporary.stat().st_size):
        assert process.poll() is None
    process.kill()
    process.wait()
    assert temporary.exists(), "the kill came after the save"
    tensors, facts = Checkpoint(tmp_path, "same").start
    assert (tensors["t"] == facts["n"]).all()
