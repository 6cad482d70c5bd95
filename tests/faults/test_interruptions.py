"""Interruptions: kills and signals in training and prediction, and how both resume."""

import codecs
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
import torch
from commands import (
    EPOCHS,
    GOOD,
    ROOT,
    Faults,
    carried_out,
    contents,
    csv_of,
)
from sklearn.exceptions import NotFittedError
from steps import killed_at_every_step

from pipelines import (
    encode,
    explain,
    interrupts,
    predict,
    review,
    train,
)  # fmt: skip
from pipelines.runs import Run, versions
from textlstm import TextLSTMClassifier
from textlstm.data.options import Limits
from textlstm.storage import swap
from textlstm.storage.atomic import sha256
from textlstm.storage.resumable import Shards
from textlstm.training.checkpoint import Checkpoint
from textlstm.training.inputs import open_checkpoint

fault = Faults()


def started(run):
    """Start the training stage in a process of its own."""
    command = [sys.executable, "-m", "pipelines.train", "--run", run, "--device", "cpu"]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def at_a_step(process, epoch):
    """Wait until an epoch ends, and then for a random moment within the next."""
    while f"epoch {epoch} of" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(random.uniform(0, 0.03))


def saved(run):
    paths = Run(run)
    settings = paths.config(), "cpu", versions()
    return open_checkpoint(paths.checkpoint, paths.encoded, *settings).resumed_from


def comes_to_the_same_end(run, whole):
    for name in ("model.safetensors", "calibration.json", "config.json"):
        assert sha256(run / "bundle" / name) == sha256(whole / "after" / "bundle" / name), name
    history = [pd.read_csv(at / "history.csv") for at in (run, whole / "after")]
    assert history[0].drop(columns="seconds").equals(history[1].drop(columns="seconds"))
    assert not (run / "checkpoint").exists()


@fault(35, "a loss that is not finite")
def _(desk):
    run = desk.folder / "old"
    shutil.copytree(desk.shared("whole") / "after", run)
    before = sha256(run / "bundle" / "model.safetensors")
    steps = itertools.count()

    def diverge(parameters, _):
        if next(steps) == 50:
            for parameter in parameters:
                parameter.grad = torch.full_like(parameter, torch.nan)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textlstm.training.loop.clip_gradients", diverge)
        outcome = carried_out(train.main, "--run", run, "--device", "cpu")
    assert outcome.status == 2 and "--learning-rate" in outcome.told.splitlines()[-1]
    assert sha256(run / "bundle" / "model.safetensors") == before
    weights = {
        name: one for name, one in saved(run).tensors.items() if name.startswith("trainable")
    }
    assert weights and all(one.isfinite().all() for one in weights.values())


@fault(36, "predicting before training")
def _(desk):
    with pytest.raises(NotFittedError):
        TextLSTMClassifier().predict(["asthma"])
    outcome = desk.code(desk.file("cause\nasthma\n"), run=desk.shared("whole") / "before")
    desk.refused(outcome, "pipelines.train")


@fault(37, "kill -9 within an epoch")
def _(desk):
    whole, run = desk.shared("whole"), desk.folder / "killed"
    shutil.copytree(whole / "before", run)
    for epoch in sorted(random.sample(range(1, EPOCHS - 5), desk.option("kills"))):
        process = started(run)
        at_a_step(process, epoch)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert saved(run) is not None and not (run / "bundle").exists()
    process = started(run)
    _, lines = process.communicate()
    assert process.returncode == 0 and "train: going on" in lines
    comes_to_the_same_end(run, whole)


@fault(38, "kill -9 within a save")
def _(desk):
    saving = "import sys, itertools, torch; from pathlib import Path\n"
    saving += "from textlstm.training.checkpoint import Checkpoint\n"
    saving += "checkpoint = Checkpoint(Path(sys.argv[1]), 'same')\n"
    saving += "for n in itertools.count():\n"
    saving += "    checkpoint.save({'t': torch.full((10_000_000,), float(n))}, {'n': n})\n"
    process = subprocess.Popen([sys.executable, "-c", saving, desk.folder], cwd=ROOT)
    path = desk.folder / "state.safetensors"
    temporary = desk.folder / f".state.unfinished-{process.pid}.safetensors"
    while not (path.exists() and temporary.exists() and temporary.stat().st_size):
        assert process.poll() is None
    process.kill()
    process.wait()
    assert temporary.exists(), "the kill came after the save"
    tensors, numbers = Checkpoint(desk.folder, "same").resumed_from
    assert (tensors["t"] == numbers["n"]).all()


@fault(41, "SIGINT and SIGTERM, once and twice")
def _(desk):
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        run = desk.folder / f"run{status}"
        shutil.copytree(desk.shared("whole") / "before", run)
        process = started(run)
        at_a_step(process, random.randrange(1, EPOCHS - 5))
        process.send_signal(number)
        if number == signal.SIGTERM:
            process.send_signal(number)  # a second signal, which may find the process gone
        _, lines = process.communicate()
        assert process.returncode == status and "Traceback" not in lines
        assert saved(run) is not None and not list((run / "checkpoint").glob(".*"))
        assert number == signal.SIGTERM or lines.splitlines()[-1].startswith("interrupted; ")
    for stage in ("preprocess", "encode", "report"):
        run = desk.folder / stage
        shutil.copytree(desk.shared("dirty") / "run", run)
        before = contents(run)
        command = [sys.executable, "-m", f"pipelines.{stage}", "--run", run]
        if stage == "preprocess":
            command += ["--data", desk.file(csv_of(GOOD)), "--text", "cause"]
            command += ["--label", "category"]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        while not (desk.folder / f".{stage}.lock").exists():
            time.sleep(0.001)
        time.sleep(random.uniform(0, 0.05))  # encode is done after some 0.2 s
        process.terminate()
        _, lines = process.communicate()
        assert process.returncode == 143 and lines.splitlines()[-1].startswith("interrupted; ")
        assert contents(run) == before
    # Work that does not end: the first signal waits for it, the second does not.
    stubborn = "import time; from pipelines import interrupts\n"
    stubborn += "with interrupts.interruptible(lambda: True):\n    print('ready', flush=True)\n"
    stubborn += "    for _ in range(600): time.sleep(0.1)"
    process = subprocess.Popen([sys.executable, "-c", stubborn], cwd=ROOT, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    assert process.stderr.readline() == f"{interrupts.STOPPING}\n"
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130


CODING = """
import sys
from textlstm.data import options
options.LIMITS = options.Limits(chunk_bytes=5000)
from pipelines.predict import main
main(sys.argv[1:])
"""
"""A program that predicts in smaller shards than usual."""


def coding(desk, name):
    data = desk.folder / "records.csv"
    if not data.exists():
        texts = ["fall", "asthma", "", "stroke", "qwertz"] * 600
        desk.file("n,cause\n" + "".join(f"{n},{text}\n" for n, text in enumerate(texts)))
    return ["--run", desk.shared("dirty") / "run", "--data", data, "--out", desk.folder / name,
            "--device", "cpu"]  # fmt: skip


def coded_whole(desk, name):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textlstm.data.options.LIMITS", Limits(chunk_bytes=5000))
        assert carried_out(predict.main, *coding(desk, name)).status == 0


def coded_half_way(desk, name):
    command, parts = coding(desk, name), desk.folder / f".{name}.parts"
    process = subprocess.Popen([sys.executable, "-c", CODING, *command], cwd=ROOT)
    while len(list(parts.glob("*.csv"))) < 3:
        assert process.poll() is None
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert not (desk.folder / name).exists()
    return parts


@fault(42, "a coding process killed, as for lack of memory")
def _(desk):
    coded_half_way(desk, "out.csv")
    coded_whole(desk, "out.csv")
    assert desk.out.read_bytes().count(codecs.BOM_UTF8) == 1
    rows = pd.read_csv(desk.out, keep_default_na=False)
    assert rows["n"].tolist() == list(range(3000))


@fault(58, "a rank of a distributed training that fails")
def _(desk):
    pytest.skip("does not apply: no training is distributed over processes")


@fault(59, "a part coded again")
def _(desk):
    coded_whole(desk, "whole.csv")
    parts = coded_half_way(desk, "out.csv")
    sorted(parts.glob("*.csv"))[1].unlink()
    coded_whole(desk, "out.csv")
    assert desk.out.read_bytes() == (desk.folder / "whole.csv").read_bytes()
    coded_whole(desk, "out.csv")
    assert desk.out.read_bytes() == (desk.folder / "whole.csv").read_bytes()
    assert not parts.exists()


@fault(61, "stale or corrupt cache")
def _(desk):
    whole, run = desk.shared("whole"), desk.folder / "again"
    shutil.copytree(whole / "before", run)
    Checkpoint(run / "checkpoint", "of other records").save({"t": torch.zeros(3)}, {})
    assert carried_out(train.main, "--run", run, "--device", "cpu").status == 0
    comes_to_the_same_end(run, whole)


def stopped_after(desk, parts, *command):
    """Predict in small shards, and interrupt the command after ``parts`` shards."""
    written = itertools.count()
    write = Shards.write

    def writing(self, *arguments):
        if next(written) == parts:
            raise KeyboardInterrupt
        write(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textlstm.data.options.LIMITS", Limits(chunk_bytes=1000))
        patch.setattr(Shards, "write", writing)
        return carried_out(
            predict.main, "--run", desk.shared("dirty") / "run", "--device", "cpu", *command
        )


@fault(79, "tables that change between two commands, and while one reads them")
def _(desk):
    def version(name):
        return "n,cause\n" + f"{name},asthma\n" * 500

    places = [desk.folder / name for name in ("here", "there")]
    for place, name in zip(places, ("old", "new"), strict=True):
        place.mkdir()
        (place / "records.csv").write_text(version(name))
    data, command = places[0] / "records.csv", ("--data", "records.csv", "--out", desk.out)

    def same_size_and_time():
        before = data.stat()
        data.write_text(version("new"))
        os.utime(data, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.MonkeyPatch.context() as patch:

        def another_file():
            (places[0] / "folder" / "more.csv").write_text(version("new"))
            (places[0] / "folder" / "records.csv").write_text("n,cause\n")

        (places[0] / "folder").mkdir()
        for change in (same_size_and_time, lambda: patch.chdir(places[1]), another_file):
            patch.chdir(places[0])
            data.write_text(version("old"))
            shutil.copy(data, places[0] / "folder")
            if change == another_file:
                command = ("--data", "folder", "--out", desk.out)
            assert stopped_after(desk, 2, *command).status == 130
            change()
            assert stopped_after(desk, None, *command).status == 0
            assert set(pd.read_csv(desk.out)["n"]) == {"new"}
        # Work on an unchanged table resumes; a table that changes meanwhile is refused.
        command = ("--data", "records.csv", "--out", desk.out)
        assert stopped_after(desk, 2, *command).status == 130
        assert stopped_after(desk, 3, *command).status == 130
        assert len(list(desk.folder.glob(".out.csv.parts/0*.csv"))) == 5
        desk.out.unlink()
        looks = itertools.count()
        patch.setattr(
            "textlstm.storage.atomic.file_stats", lambda _: [("", next(looks), 0)]
        )  # each time it is looked at
        patch.setattr("textlstm.storage.atomic.sha256", lambda _: "")
        desk.refused(stopped_after(desk, None, *command), "records.csv", "changed while")
        table = desk.file(csv_of(GOOD), "table.csv")
        scored = desk.file("cause,decision,predicted_label,label_1,item,records,code\n", "s.csv")
        run = "--run", desk.shared("dirty") / "run", "--out", desk.out
        for outcome in (
            desk.learn(table),
            carried_out(explain.main, *run, "--data", table),
            carried_out(review.main, "export", *run, "--scored", scored),
            carried_out(review.main, "import", *run, "--filled", scored, "--data", table),
        ):
            desk.refused(outcome, ".csv", "changed while")


def same_after_any_kill(desk, out, command):
    """Kill a command of review at every step, and check that repeating it gives the same output."""
    assert carried_out(review.main, *command).status == 0
    made = out.read_bytes()
    out.unlink()
    for _ in killed_at_every_step(desk.folder, lambda: carried_out(review.main, *command)):
        assert not out.exists() or out.read_bytes() == made
        again = carried_out(review.main, *command)
        assert again.status == 0, again.told
        assert out.read_bytes() == made and not list(desk.folder.glob(".*unfinished*"))
        out.unlink()


@fault(82, "kill -9 in any step of a swap or of review; old files that cannot be moved")
def _(desk):
    run, data = desk.folder / "a run", desk.file("cause\n" + "asthma fall\nstroke\n" * 5)
    shutil.copytree(desk.shared("dirty") / "run", run)
    assert desk.code(data, "--min-probability", "1").status == 0
    queue, filled, back = (desk.folder / f"{name}.csv" for name in ("queue", "filled", "back"))
    with pytest.MonkeyPatch.context() as patch:  # these take long
        patch.setattr(os, "fsync", lambda _: None)
        patch.setattr(
            "textlstm.review.exporting.top_words",
            lambda _, texts, *__, **___: [[]] * len(texts),
        )
        export = ["export", "--run", run, "--scored", desk.out, "--out", queue]
        same_after_any_kill(desk, queue, export)
        assert carried_out(review.main, *export).status == 0
        asked = pd.read_csv(queue, dtype=str, encoding="utf-8-sig", keep_default_na=False)
        asked.assign(code="External").to_csv(filled, index=False)
        same_after_any_kill(desk, back, ["import", "--run", run, "--filled", filled, "--out", back])
    old = contents(run / "encoded")
    coding = killed_at_every_step(desk.folder, lambda: carried_out(encode.main, "--run", run), 7)
    for _ in coding:
        assert contents(run / "encoded") == old
        assert carried_out(encode.main, "--run", run).status == 0
        assert contents(run / "encoded") == old
    before = contents(run)
    with pytest.MonkeyPatch.context() as patch:  # as if a file were immutable
        patch.setattr(swap, "_put", lambda new, _: (new / "no").rename("no"))
        outcome = carried_out(encode.main, "--run", run)
    desk.out.unlink()
    desk.refused(outcome, "encoded")
    assert contents(run) == before


@pytest.mark.parametrize("number", fault.cases())
def test_fault(number, desk):
    fault.check(number, desk)
