"""Bad input and faults, each with the right behaviour: a row a case, on the real commands.

E is an error: one line that names the file, row or column, status 2, nothing half-written, nothing
of a record's text. H is handled: counted, and told in the run's lines and ``metrics.json``. At the
end of the tests the table says how many cases were tried, and how many behaved.
"""

import codecs
import contextlib
import csv
import gzip
import io
import itertools
import json
import os
import pickle
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import browser
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.exceptions import NotFittedError
from steps import killed_at_every_step
from terminal import Terminal

from pipelines import (
    encode,
    explain,
    predict,
    preprocess,
    progress,
    report,
    review,
    shell,
    train,
)  # fmt: skip
from pipelines import run as run_stage
from pipelines.flags import number as flag_number
from pipelines.runs import Run
from textlstm import TextLSTMClassifier
from textlstm.data import allowance
from textlstm.data.cells import column
from textlstm.data.readers import iter_tables, read_table
from textlstm.errors import InputError
from textlstm.models import memory
from textlstm.storage import swap
from textlstm.storage.atomic import sha256
from textlstm.storage.resumable import Shards, resumable_shards
from textlstm.text.tokenizing import preprocess as clean
from textlstm.training.checkpoint import Checkpoint

ROOT = Path(__file__).parent.parent
SECRET = "zebedee"
"""Stands in the records; no error may show it."""

QUICK = (
    "--ensemble-size 1 --epochs 2 --embedding-size 8 --hidden-units 8 --batch-size 16 "
    "--min-steps 0 --linear-c 0 "
    "--embedding-init narrow-normal --device cpu"
).split()
EPOCHS = 60
LONG = (
    f"--ensemble-size 2 --epochs {EPOCHS} --embedding-size 8 --hidden-units 8 --batch-size 8 "
    "--min-steps 0 "
    "--linear-c 0 --patience 0 --restore-best"
).split()
GOOD = [("asthma", "Respiratory"), ("stroke", "Circulatory"), (f"{SECRET} fall", "External")] * 20

FAULTS = {}


def fault(number, name):
    """Enter a row of the table."""

    def enter(check):
        assert number not in FAULTS
        FAULTS[number] = (name, check)
        return check

    return enter


def csv_of(rows, header="cause,category"):
    return "\n".join([header, *(",".join(row) for row in rows)]) + "\n"


@dataclass
class Outcome:
    """What a command came to: exit status, and what it told on standard error."""

    status: int
    told: str


def carried_out(main, *arguments):
    told = io.StringIO()
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
        try:
            status = shell.status(lambda _: main([str(argument) for argument in arguments]))
        except SystemExit as end:  # of the parser of flags
            status = end.code
    return Outcome(status, told.getvalue())


class Desk:
    """A folder to work in, and the runs that several cases share."""

    def __init__(self, folder, request):
        self.folder, self._request = folder, request
        self.run, self.out = folder / "run", folder / "out.csv"

    def shared(self, name):
        return self._request.getfixturevalue(name)

    def option(self, name):
        return self._request.config.getoption(name)

    def file(self, content, name="records.csv"):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def learn(self, data, *flags, stage=preprocess):
        return carried_out(
            stage.main, "--data", data, "--text", "cause", "--label", "category",
            "--run", self.run, *(QUICK if stage is run_stage else QUICK[:-2]), *flags,
        )  # fmt: skip

    def code(self, data, *flags, run=None, out=None):
        run = run or self.shared("dirty") / "run"
        return carried_out(
            predict.main, "--run", run, "--data", data, "--out", out or self.out,
            "--device", "cpu", *flags,
        )  # fmt: skip

    def coded(self, data, *flags):
        """Rows of the output, after checking that there are as many as there should be."""
        outcome = self.code(data, *flags)
        assert outcome.status == 0, outcome.told
        return pd.read_csv(self.out, dtype=str, keep_default_na=False)

    def refused(self, outcome, *words):
        """Check an error of either command."""
        assert outcome.status == 2, outcome
        assert outcome.told.count("error") == 1, outcome.told
        assert outcome.told.splitlines()[-1].startswith("error: "), outcome.told
        assert all(word in outcome.told for word in words), outcome.told
        assert SECRET not in outcome.told and "Traceback" not in outcome.told
        assert not self.run.exists() and not self.out.exists()
        assert not list(self.folder.glob(".*[0-9]*"))

    def refused_in_both(self, data, *words):
        self.refused(self.learn(data), *words)
        self.refused(self.code(data), *words)

    def texts(self):
        """Cleaned texts by the order of the table."""
        parts = [pd.read_parquet(path) for path in (self.run / "records").glob("*.parquet")]
        return pd.concat(parts).assign(n=lambda rows: rows["record_id"].astype(int)).sort_values(
            "n", ignore_index=True
        )["text"].tolist()  # fmt: skip


@pytest.fixture
def desk(tmp_path, request):
    return Desk(tmp_path, request)


@pytest.fixture(scope="module")
def dirty(tmp_path_factory):
    """A run over records with everything that is to be handled in a text or a label."""
    folder = tmp_path_factory.mktemp("dirty")
    early, late = "2020-01-01", "2022-01-01"
    odd = [
        ("asthma\0attack", "Respiratory"), ("NA", "Respiratory"), ("None", "Respiratory"),
        ("null", "Respiratory"), (None, "Respiratory"), (42, "Respiratory"), (4.5, "Respiratory"),
        (True, "Respiratory"), ("\ud800 asthma", "Respiratory"), ("cafe\u0301", "External"),
        ("caf\u00e9", "External"), ("\U0001f469\u200d\u2695 asthma", "Respiratory"),
        ("ast\u200bhma \u202eevil", "Respiratory"), ("I46.9,E11.9", "Circulatory"),
        ("\u00a0", "External"), ("\ufeff", "External"), ("...", "External"),
        ("stroke " * 200_000, "Circulatory"), ("x" * 1_000_000, "External"),
        ("(" * 50_000 + "a!" * 20_000, "External"), ("fall", " External\u00a0"),
        ("fall", ""), ("stroke", "External"), ("rare thing", "Alone"),
    ]  # fmt: skip
    rows = [(text, label, early) for text, label in [*odd, *GOOD]]
    rows += [(text, label, late) for text, label in GOOD[:30]]
    rows += [("something new", "Unheard of", late)] * 3
    rows += [("seldom seen", "Seldom", "2019-01-01")] * 5 + [("seldom seen", "Seldom", late)] * 4
    path = folder / "records.jsonl"
    path.write_text("".join(
        json.dumps({"cause": text, "category": label, "date": date}) + "\n"
        for text, label, date in rows
    ))  # fmt: skip
    outcome = carried_out(
        run_stage.main, "--data", path, "--text", "cause", "--label", "category", "--run",
        folder / "run", *QUICK, "--split", "temporal", "--date", "date", "--rare", "keep",
        "--class-weight", "balanced",
    )  # fmt: skip
    assert outcome.status == 0, outcome.told
    (folder / "told.txt").write_text(outcome.told)
    return folder


def facts(desk):
    return json.loads((desk.shared("dirty") / "run" / "metrics.json").read_text())["data"]


def told(desk):
    return (desk.shared("dirty") / "told.txt").read_text()


def dirty_texts(desk):
    desk.run = desk.shared("dirty") / "run"
    return set(desk.texts())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of many epochs before its training, and the same one after it."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "records.csv").write_text(csv_of(GOOD * 2))
    arguments = ["--data", folder / "records.csv", "--text", "cause", "--label", "category"]
    before, after = folder / "before", folder / "after"
    assert carried_out(preprocess.main, *arguments, "--run", before, *LONG).status == 0
    assert carried_out(encode.main, "--run", before).status == 0
    shutil.copytree(before, after)
    assert carried_out(train.main, "--run", after, "--device", "cpu").status == 0
    return folder


# ------------------------------------------------------------------------------ tables


@fault(1, "missing text column")
def _(desk):
    data = desk.file(csv_of(GOOD, "reason,category"))
    desk.refused_in_both(data, "records.csv", "no column 'cause'", "it has 'reason', 'category'")


@fault(2, "duplicate column names")
def _(desk):
    data = desk.file(csv_of([(*row, "") for row in GOOD], "cause,category,cause"))
    desk.refused_in_both(data, "records.csv", "'cause'", "twice")


@fault(3, "empty file or header only")
def _(desk):
    desk.refused(desk.learn(desk.file("")), "records.csv", "empty")
    desk.refused(desk.learn(desk.file("cause,category\n")), "records.csv", "no rows")
    assert list(desk.coded(desk.file(""))) == [
        "cause", "predicted_label", "probability", "second_label", "decision"
    ]  # fmt: skip
    assert len(pd.read_csv(desk.out)) == 0
    assert list(desk.coded(desk.file("cause,id\n"))) == [
        "cause", "id", "predicted_label", "probability", "second_label", "decision"
    ]  # fmt: skip
    assert len(pd.read_csv(desk.out)) == 0


@fault(4, "Latin-1 byte in UTF-8")
def _(desk):
    data = desk.file(b"cause,category\n" + "M\u00e9ni\u00e8re,A\n".encode("latin-1"))
    desk.refused_in_both(data, "records.csv", "byte 16", "--charset latin-1")
    assert desk.coded(data, "--charset", "latin-1")["cause"].tolist() == ["M\u00e9ni\u00e8re"]


@fault(5, "UTF-8 byte order mark")
def _(desk):
    data = desk.file(b"\xef\xbb\xbf" + csv_of(GOOD).encode())
    assert next(iter(desk.coded(data))) == "cause"
    assert desk.learn(data).status == 0 and desk.texts()[0] == "asthma"


@fault(6, "UTF-16 file")
def _(desk):
    data = desk.file(csv_of(GOOD).encode("utf-16"))
    desk.refused_in_both(data, "records.csv", "--charset utf-16")
    assert len(desk.coded(data, "--charset", "utf-16")) == len(GOOD)


@fault(7, "embedded NUL")
def _(desk):
    assert facts(desk)["handled"]["control_characters"] == 1
    assert "1 cell has control characters" in told(desk)
    assert "asthma attack" in dirty_texts(desk)


@fault(8, "unclosed quote")
def _(desk):
    data = desk.file(f'cause,category\nasthma,A\n"{SECRET},B\nfall,C\n')
    desk.refused_in_both(data, "records.csv", "row 3")


@fault(9, "too many fields")
def _(desk):
    data = desk.file(f"cause,category\nasthma,A\n{SECRET},B,C\n")
    desk.refused_in_both(data, "records.csv", "row 3", "3 fields", "header has 2")


@fault(10, "quoted newline")
def _(desk):
    rows = desk.coded(desk.file('cause,category\n"asthma\nattack",A\nfall,B\n'))
    assert rows["cause"].tolist() == ["asthma\nattack", "fall"]


@fault(11, "CRLF or lone CR")
def _(desk):
    for end in ("\r\n", "\r"):
        rows = desk.coded(desk.file(csv_of(GOOD).replace("\n", end)))
        assert rows["cause"].tolist() == [text for text, _ in GOOD]


@fault(12, "the texts NA, None, null")
def _(desk):
    rows = desk.coded(desk.file("cause,x\nNA,\nNone,null\nnull,NA\n"))
    assert rows[["cause", "x"]].to_numpy().tolist() == [
        ["NA", ""],
        ["None", "null"],
        ["null", "NA"],
    ]
    assert {"na", "none", "null"} <= dirty_texts(desk)


@fault(13, "missing text")
def _(desk):
    rows = desk.coded(desk.file("cause,x\n,1\nasthma,2\n"))
    assert rows["decision"][0] == "review" and rows["x"].tolist() == ["1", "2"]
    assert facts(desk)["dropped"]["empty_text"] == 4  # with the cases 20 and 21
    assert "4 records left out: empty text" in told(desk)


@fault(14, "numeric, mixed or binary text")
def _(desk):
    assert {"42", "4.5", "true"} <= dirty_texts(desk)
    data = desk.folder / "bytes.parquet"
    pq.write_table(pa.table({"cause": [SECRET.encode()], "category": ["A"]}), data)
    desk.run = desk.folder / "run"
    desk.refused_in_both(data, "bytes.parquet", "'cause'", "bytes")


# ------------------------------------------------------------------------------ texts


@fault(15, "lone surrogate")
def _(desk):
    assert facts(desk)["handled"]["replacement_characters"] == 1
    assert "1 cell has characters that were lost" in told(desk)


@fault(16, "NFC against NFD")
def _(desk):
    assert facts(desk)["handled"]["other_unicode_forms"] == 2  # the no-break space, too
    assert "caf\u00e9" in dirty_texts(desk) and "cafe\u0301" not in dirty_texts(desk)


@fault(17, "emoji sequence with zero-width joiners")
def _(desk):
    assert not any("\u200d" in text or "\U0001f469" in text for text in dirty_texts(desk))
    rows = desk.coded(desk.file("cause\n\U0001f469\u200d\u2695 asthma\nasthma\n"))
    assert rows["probability"][0] == rows["probability"][1]


@fault(18, "zero-width, bidirectional and control characters")
def _(desk):
    assert facts(desk)["handled"]["invisible_characters"] == 3  # with the cases 17 and 20
    assert "asthma evil" in dirty_texts(desk)


@fault(19, "I46.9,E11.9 is one token")
def _(desk):
    assert "i46.9,e11.9" in dirty_texts(desk)


@fault(20, "white space or byte order mark alone")
def _(desk):
    rows = desk.coded(desk.file("cause,x\n\u00a0,1\n\ufeff,2\n"))
    assert rows["decision"].tolist() == ["review", "review"]


@fault(21, "empty after cleaning")
def _(desk):
    assert desk.coded(desk.file("cause\n...\n-,-\n".replace("-,-", "--")))["decision"].tolist() == [
        "review", "review"
    ]  # fmt: skip


@fault(22, "all words unknown")
def _(desk):
    data = desk.file("cause\nqwertz uiop\n")
    assert desk.coded(data)["decision"].tolist() == ["review"]
    assert "100.0 % of the words unknown" in desk.code(data).told


@fault(23, "more than a million characters")
def _(desk):
    assert facts(desk)["handled"]["overlong_texts"] == 2  # with the case 24
    assert "2 cells are too long to be a text" in told(desk)
    assert len(desk.coded(desk.file("cause\n" + "stroke " * 200_000 + "\n"))) == 1


@fault(24, "a token of a million characters")
def _(desk):
    assert facts(desk)["handled"]["overlong_words"] == 2  # with the case 25
    assert max(len(word) for text in dirty_texts(desk) for word in text.split()) <= 100


@fault(25, "bait for backtracking")
def _(desk):
    bait = ["(" * 99_000, "a." * 49_000, "a@" * 49_000 + "!", "http://" * 14_000, "-" * 99_000]
    assert len(desk.coded(desk.file("cause\n" + "\n".join(bait) + "\n"))) == len(bait)


# ------------------------------------------------------------------------------ labels, splits


@fault(26, "one class only")
def _(desk):
    data = desk.file(csv_of([("asthma", "A")] * 30))
    desk.refused(desk.learn(data), "'category'", "1 class", "two are needed")


@fault(27, "a class with one example")
def _(desk):
    data = desk.file(csv_of([*GOOD, (SECRET, "Alone")]))
    desk.refused(desk.learn(data, "--rare", "keep"), "--rare merge", "'Alone'")
    assert desk.learn(desk.file(csv_of([*GOOD, ("a", "Alone"), ("b", "Two")])), "--rare", "merge"
                      ).status == 0  # fmt: skip


@fault(28, "too few rows to divide")
def _(desk):
    few = desk.file(csv_of(GOOD[:3]))
    for how in ("stratified", "grouped"):
        desk.refused(desk.learn(few, "--rare", "keep", "--split", how), "record")


@fault(29, "unseen label in the test part")
def _(desk):
    assert facts(desk)["dropped"]["label_not_in_training"] == 3
    rows = pd.read_csv(desk.shared("dirty") / "run" / "predictions.csv")
    assert "Unheard of" not in set(rows["true_label"]) and len(rows) == facts(desk)["holdout"]


@fault(30, "missing labels, and variants of white space")
def _(desk):
    data = desk.file(csv_of([(text, "") for text, _ in GOOD]))
    desk.refused(desk.learn(data), "'category'", "empty label")
    assert facts(desk)["dropped"]["empty_label"] == 1
    assert facts(desk)["handled"]["labels_normalised"] == 1
    assert "1 record left out: empty label" in told(desk)
    assert "1 label has other spaces" in told(desk)
    labels = json.loads((desk.shared("dirty") / "run" / "bundle" / "labels.json").read_text())
    assert labels.count("External") == 1 and not any("\u00a0" in label for label in labels)


@fault(31, "same text, conflicting labels")
def _(desk):
    assert facts(desk)["handled"]["texts_with_conflicting_labels"] == 1
    assert "1 text carries more than one label" in told(desk)


@fault(32, "same text in training and test")
def _(desk):
    number = facts(desk)["handled"]["holdout_texts_also_trained_on"]
    assert 30 <= number <= facts(desk)["holdout"]
    assert f"{number} records of the holdout have a text that is also trained on" in told(desk)
    rows = [(f"w{number % 30} {SECRET}", "AB"[number % 2]) for number in range(200)]
    assert desk.learn(desk.file(csv_of(rows)), "--split", "grouped").status == 0
    parts = [set(pd.read_parquet(desk.run / "records" / f"{name}.parquet")["text"])
             for name in ("train", "validation", "holdout")]  # fmt: skip
    assert not parts[2] & (parts[0] | parts[1])


@fault(33, "extreme imbalance")
def _(desk):
    metrics = json.loads((desk.shared("dirty") / "run" / "metrics.json").read_text())
    assert 0 <= metrics["model"]["macro_f1"] <= 1 and metrics["per_class"]["Alone"]["support"] == 0
    config = json.loads((desk.shared("dirty") / "run" / "config.json").read_text())
    assert config["recipe"]["training"]["class_weight"] == "balanced"


@fault(34, "impossible settings")
def _(desk):
    for flag, value in (("--batch-size", 0), ("--max-length", -1), ("--learning-rate", "nan")):
        desk.refused(desk.learn("nowhere.csv", flag, value), flag)


# ------------------------------------------------------------------------------ training


def started(run):
    """The training stage in a process of its own."""
    command = [sys.executable, "-m", "pipelines.train", "--run", run, "--device", "cpu"]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def at_a_step(process, epoch):
    """Wait for an epoch, and for a moment drawn at random within the next one."""
    while f"epoch {epoch} of" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(random.uniform(0, 0.03))


def saved(run):
    return Checkpoint(run / "checkpoint", train._inputs(Run(run), Run(run).config(), "cpu")).start


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
    weights = {name: one for name, one in saved(run).tensors.items() if name.startswith("learned")}
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
    tensors, numbers = Checkpoint(desk.folder, "same").start
    assert (tensors["t"] == numbers["n"]).all()


@contextlib.contextmanager
def small_disk(folder, size="4m", kind="rw"):
    """A file system of its own, if this process may mount one."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},{kind}", "none", folder]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def contents(folder):
    return {path: sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()}


@fault(39, "no space left on the disk")
def _(desk):
    with small_disk(desk.folder / "disk") as disk:
        run = disk / "run"
        shutil.copytree(desk.shared("dirty") / "run", run)
        with (disk / "filler").open("wb", 0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(b"-" * 4096)
        before = contents(run)
        for stage in (encode, train, report):
            outcome = carried_out(stage.main, "--run", run)
            desk.refused(outcome, str(run), "No space left")
            assert contents(run) == before
        data = desk.file("cause\n" + "asthma\n" * 20_000)
        desk.refused(desk.code(data, out=disk / "out.csv"), "out.csv", "No space left")
        assert not (disk / "out.csv").exists() and not list(disk.glob(".out*"))
        assert contents(run) == before


@fault(40, "a folder that cannot be written to")
def _(desk):
    with small_disk(desk.folder / "disk") as disk:
        shutil.copytree(desk.shared("whole") / "before", disk / "run")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        before = contents(disk / "run")
        outcome = carried_out(train.main, "--run", disk / "run")
        desk.refused(outcome, str(disk), "cannot be written to")
        desk.run = disk / "new"
        desk.refused(desk.learn(desk.file(csv_of(GOOD)), stage=run_stage), str(disk), "ead-only")
        assert "epoch" not in outcome.told and contents(disk / "run") == before


@fault(41, "SIGINT and SIGTERM, once and twice")
def _(desk):
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        run = desk.folder / f"run{status}"
        shutil.copytree(desk.shared("whole") / "before", run)
        process = started(run)
        at_a_step(process, random.randrange(1, EPOCHS - 5))
        process.send_signal(number)
        if number == signal.SIGTERM:
            process.send_signal(number)  # a second one, whether or not it finds the process
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
        time.sleep(0.2)
        process.terminate()
        _, lines = process.communicate()
        assert process.returncode == 143 and lines.splitlines()[-1].startswith("interrupted; ")
        assert contents(run) == before
    # A step that would not end: the first signal waits for it, the second does not.
    stubborn = "import time; from pipelines import shell\n"
    stubborn += "with shell.interruptible(lambda: True):\n    print('ready', flush=True)\n"
    stubborn += "    for _ in range(600): time.sleep(0.1)"
    process = subprocess.Popen([sys.executable, "-c", stubborn], cwd=ROOT, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    assert process.stderr.readline() == f"{shell.STOPPING}\n"
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130


CODING = """
import sys, textlstm.data.delimited
textlstm.data.charset.CHUNK_BYTES = 5000
from pipelines.predict import main
main(sys.argv[1:])
"""
"""Codes in smaller parts than usual."""


def coding(desk, name):
    data = desk.folder / "records.csv"
    if not data.exists():
        texts = ["fall", "asthma", "", "stroke", "qwertz"] * 600
        desk.file("n,cause\n" + "".join(f"{n},{text}\n" for n, text in enumerate(texts)))
    return ["--run", desk.shared("dirty") / "run", "--data", data, "--out", desk.folder / name,
            "--device", "cpu"]  # fmt: skip


def coded_whole(desk, name):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textlstm.data.charset.CHUNK_BYTES", 5000)
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


@fault(43, "two runs, one folder")
def _(desk):
    run = desk.shared("whole") / "after"
    before = contents(run)
    with Run(run).locked():
        desk.refused(carried_out(encode.main, "--run", run), "another process")
    assert contents(run) == before


# ------------------------------------------------------------------------------ bundles


def tampered(desk, change, *words, resign=True):
    """Change a bundle as somebody would who can write manifests; predict must refuse it."""
    run = desk.folder / f"tampered{len(list(desk.folder.iterdir()))}"
    shutil.copytree(desk.shared("dirty") / "run", run)
    bundle = run / "bundle"
    change(bundle)
    if resign:
        manifest = json.loads((bundle / "manifest.json").read_text())
        manifest["sha256"] = {name: sha256(bundle / name) for name in manifest["sha256"]}
        (bundle / "manifest.json").write_text(json.dumps(manifest))
    desk.refused(desk.code(desk.file("cause\nasthma\n"), run=run), *words)


def rewrite(name, change):
    def rewritten(bundle):
        value = json.loads((bundle / name).read_text())
        change(value)
        (bundle / name).write_text(json.dumps(value))

    return rewritten


@fault(44, "truncated or bit-flipped weights")
def _(desk):
    def flipped(bundle):
        content = bytearray((bundle / "model.safetensors").read_bytes())
        content[-5] ^= 1
        (bundle / "model.safetensors").write_bytes(content)

    def truncated(bundle):
        content = (bundle / "model.safetensors").read_bytes()
        (bundle / "model.safetensors").write_bytes(content[:-100])

    for change in (flipped, truncated):
        tampered(desk, change, "model.safetensors", "damaged", resign=False)
    tampered(desk, truncated, "do not fit together")


@fault(45, "vocabulary and model of different sizes")
def _(desk):
    change = rewrite("vocab.json", lambda vocabulary: vocabulary["words"].append("more"))
    tampered(desk, change, "do not fit together")


@fault(46, "newer format, or another tokenizer")
def _(desk):
    newer = rewrite("manifest.json", lambda manifest: manifest.update(format=99))
    tampered(desk, newer, "format 99 is newer", resign=False)
    other = rewrite("manifest.json", lambda manifest: manifest["libraries"].update(spacy="2.0.0"))
    tampered(desk, other, "spaCy 2.0.0", resign=False)


@fault(47, "pickle under the name of safetensors")
def _(desk):
    sprung = desk.folder / "sprung"

    class Trap:
        def __reduce__(self):
            return (open, (str(sprung), "w"))

    def disguised(bundle):
        (bundle / "model.safetensors").write_bytes(pickle.dumps(Trap()))

    tampered(desk, disguised, "do not fit together")
    assert not sprung.exists()


@fault(48, "a header that claims a terabyte")
def _(desk):
    def claiming(bundle):
        tensor = {"dtype": "F32", "shape": [1 << 38], "data_offsets": [0, 1 << 40]}
        header = json.dumps({"linear_share": tensor}).encode()
        content = len(header).to_bytes(8, "little") + header
        (bundle / "model.safetensors").write_bytes(content)

    tampered(desk, claiming, "do not fit together")
    wide = rewrite("config.json", lambda config: config["recipe"]["network"].update(
        hidden_units=100_000, embedding_size=100_000, ensemble_size=1000
    ))  # fmt: skip
    tampered(desk, wide, "do not fit together")


@fault(49, "paths that lead out of the bundle")
def _(desk):
    for name in ("../config.json", "/etc/passwd"):
        change = rewrite("manifest.json", lambda manifest, name=name: manifest["sha256"].update(
            {name: "0" * 64}
        ))  # fmt: skip
        tampered(desk, change, "manifest.json", "other files", resign=False)

    def linked(bundle):
        (bundle / "vocab.json").rename(bundle.parent / "vocab.json")
        (bundle / "vocab.json").symlink_to(bundle.parent / "vocab.json")

    tampered(desk, linked, "vocab.json", resign=False)


# ------------------------------------------------------------------------------ sources


@fault(50, "compressed bombs")
def _(desk):
    content = csv_of(GOOD).encode()
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("records.csv", content)
    for name in ("records.csv", "records.jsonl"):
        for packed in (gzip.compress(content), zipped.getvalue()):
            desk.refused_in_both(desk.file(packed, name), name, "compressed", "unpack")
    desk.refused_in_both(desk.file(gzip.compress(content), "records.csv.gz"), "unknown format")
    cells = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(1_000_000, dtype=np.int32)), pa.array(["x" * 10_000])
    )
    bomb = desk.folder / "bomb.parquet"
    pq.write_table(pa.table({"cause": cells, "category": cells}), bomb)
    desk.refused_in_both(bomb, "bomb.parquet", "1000 times its size")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A run over texts, labels and a file name that mean harm; a name stands there once."""
    folder = tmp_path_factory.mktemp("hostile")
    labels = ["=1+1", "@sum", "<script>alert(1)</script>"]
    rows = [(f"<img src=x onerror=alert({n})> w{n % 3}", labels[n % 3]) for n in range(120)]
    path = folder / "<b>&records.csv"
    path.write_text(csv_of([*rows, (f"seen by {SECRET}", labels[0])]))
    outcome = carried_out(
        run_stage.main, "--data", path, "--text", "cause", "--label", "category", "--run",
        folder / "run", *QUICK,
    )  # fmt: skip
    assert outcome.status == 0, outcome.told
    return folder


@fault(98, "what is no plain file, as a table and as an output")
def _(desk):
    run, data = desk.shared("dirty") / "run", desk.file("cause\nasthma\n")
    pipe, made_up, lost = (desk.folder / f"{name}.csv" for name in ("pipe", "made up", "lost"))
    os.mkfifo(pipe)
    made_up.symlink_to("/proc/self/status")  # of size 0, and yet with a content
    lost.symlink_to("gone.csv")
    for source in (pipe, made_up, lost, Path(os.devnull)):
        desk.refused_in_both(source, str(source), "no plain file")
    for name, words in [("pipe.csv", "a pipe"), ("records.csv/x/o.csv", "is no folder")]:
        out = desk.folder / name
        for stage, *flags in (
            (predict, "--data", data),
            (explain, "--data", data),
            (review, "export", "--scored", data),
            (review, "import", "--filled", data),
        ):
            desk.refused(carried_out(stage.main, *flags, "--run", run, "--out", out), name, words)


@fault(51, "cells a spreadsheet takes for formulas")
def _(desk):
    run = desk.shared("hostile") / "run"
    cells = pd.read_csv(run / "predictions.csv", dtype=str)
    assert {"'=1+1", "'@sum"} <= set(cells["true_label"])
    assert not cells.map(lambda cell: str(cell)[0] in "=+-@\t\r").to_numpy().any()
    data, out = desk.file("cause\nw0\n=w1\n"), desk.folder / "out.parquet"
    assert desk.code(data, run=run, out=out).status == 0
    coded = pq.read_table(out).to_pydict()
    assert coded["cause"] == ["w0", "=w1"]
    assert set(coded["predicted_label"]) <= {"=1+1", "@sum", "<script>alert(1)</script>"}


@fault(52, "markup in texts, labels and file names")
def _(desk):
    page = (desk.shared("hostile") / "run" / "report.html").read_text()
    assert "<script" not in page and "<img src=x" not in page and "<b>&records" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@fault(53, "addresses in the place of files")
def _(desk):
    for address in ("http://127.0.0.1/x.csv", "http://169.254.169.254/", "file:/etc/passwd"):
        desk.refused_in_both(address, address, "not a file")


@fault(54, "download of another hash or size")
def _(desk):
    pytest.skip("does not apply: nothing is downloaded")


@fault(55, "counts of less than ten")
def _(desk):
    page = (desk.shared("dirty") / "run" / "report.html").read_text()
    measures, support = (
        r"(?:<td[^>]*>[^<]*</td>){3}",
        r'<td data-head="holdout records">([^<]*)</td>',
    )
    shown = dict(re.findall(rf"<tr[^>]*><td>([^<]*)</td>{measures}{support}</tr>", page))
    metrics = json.loads((desk.shared("dirty") / "run" / "metrics.json").read_text())
    assert shown and set(shown) < set(metrics["per_class"]) and "Alone" not in shown
    assert all(int(support) >= 10 for support in shown.values() if support.isdigit())
    hidden = [row["support"] for label, row in metrics["per_class"].items()
              if not shown.get(label, "").isdigit()]  # fmt: skip
    assert 4 in hidden and sum(hidden) >= 10, "alone, it would be what is missing"


@fault(56, "a rare name in vocabulary or cloud")
def _(desk):
    run = desk.shared("hostile") / "run"
    for path in sorted(run.rglob("*")):
        if path.is_file() and path.relative_to(run).parts[0] not in ("records", "encoded"):
            assert SECRET.encode() not in path.read_bytes().lower(), path


@fault(57, "a word cloud without words or font")
def _(desk):
    rows = [(f"w{number}", "AB"[number % 2]) for number in range(60)]
    assert desk.learn(desk.file(csv_of(rows)), stage=run_stage).status == 0
    assert not (desk.run / "figures" / "word_cloud.png").exists()
    assert (desk.run / "report.html").stat().st_size
    other = desk.folder / "other"
    shutil.copytree(desk.shared("dirty") / "run", other)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wordcloud.wordcloud.FONT_PATH", str(desk.folder / "no font.ttf"))
        assert carried_out(report.main, "--run", other).status == 0
    assert not (other / "figures" / "word_cloud.png").exists()
    assert (other / "report.html").stat().st_size


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


@fault(60, "row order after work on distinct texts")
def _(desk):
    texts = ["fall", "", "asthma", "fall", "stroke", "asthma", "qwertz", "fall"]
    data = desk.file("cause,x\n" + "".join(f"{text},{n}\n" for n, text in enumerate(texts)))
    rows = desk.coded(data)
    assert rows["x"].tolist() == [str(number) for number in range(len(texts))]
    assert rows["cause"].tolist() == texts
    assert (rows.groupby("cause")["probability"].nunique() == 1).all()
    alone = desk.coded(desk.file("cause\nstroke\n"))
    assert alone["probability"][0] == rows["probability"][4]


@fault(61, "stale or corrupt cache")
def _(desk):
    whole, run = desk.shared("whole"), desk.folder / "again"
    shutil.copytree(whole / "before", run)
    Checkpoint(run / "checkpoint", "of other records").save({"t": torch.zeros(3)}, {})
    assert carried_out(train.main, "--run", run, "--device", "cpu").status == 0
    comes_to_the_same_end(run, whole)


@fault(62, "CPU and GPU disagree")
def _(desk):
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    data = desk.shared("dirty") / "records.jsonl"
    columns = [desk.coded(data), desk.coded(data, "--device", "cuda")]
    agree = columns[0]["predicted_label"] == columns[1]["predicted_label"]
    assert agree.mean() > 0.99


# ---------------------------------------------------------------------- promises and verdicts


def told_share(told, words):
    """The share in percent that stands before some words of what a command told."""
    return float(re.search(rf"([\d.]+) % {words}", told)[1])


@pytest.fixture(scope="session")
def rare(tmp_path_factory):
    """A run on records of which an eighth is of rare classes, and new records of the same kind."""
    folder, chance = tmp_path_factory.mktemp("rare"), random.Random(0)
    words = {"Respiratory": "asthma copd pneumonia", "External": "fall drowning burn"}

    def row():
        label = chance.choice(list(words))
        text = " ".join(chance.choices(words[label].split(), k=2))
        return text, label if chance.random() < 7 / 8 else f"{SECRET}{chance.randrange(90)}"

    for name, n in (("records", 800), ("new", 2000)):
        (folder / f"{name}.csv").write_text(csv_of([row() for _ in range(n)]))
    for how in ("drop", "merge"):
        outcome = carried_out(
            run_stage.main, "--data", folder / "records.csv", "--text", "cause", "--label",
            "category", "--run", folder / how, "--rare", how, "--validation", "0.4", *QUICK,
        )  # fmt: skip
        assert outcome.status == 0, outcome.told
        (folder / f"{how}.txt").write_text(outcome.told)
    return folder


@fault(63, "records of classes that are dropped or merged")
def _(desk):
    folder = desk.shared("rare")
    for how in ("drop", "merge"):
        # Told by preprocess, report and predict, in the card, and on the first screen.
        told = (folder / f"{how}.txt").read_text()
        share = told_share(told, "of the records have a label that the model cannot give")
        assert 8 < share < 17
        card = (folder / how / "bundle" / "README.md").read_text()
        assert f"share of records whose class the model cannot give: {share:.1f} %" in card
        first = (folder / how / "report.html").read_text().partition("<section")[0]
        assert f"{share}\u00a0% of the records" in first
        found = json.loads((folder / how / "metrics.json").read_text())
        assert found["all_records"]["accuracy"]["share"] < 0.93
        # An error of less than the share of rare classes is not promised; one of more is kept.
        for error, some in ((0.05, False), (0.35, True)):
            out = desk.folder / f"{how}{error}.csv"
            flags = ("--max-error", error, "--coverage", "0.95")
            outcome = desk.code(folder / "new.csv", *flags, run=folder / how, out=out)
            assert f"{share:.1f} % of the records have a label" in outcome.told
            assert "No set can hold the true label in 95 % of records" in outcome.told
            rows = pd.read_csv(out, dtype=str, keep_default_na=False)
            coded = rows[rows["decision"] == "accept"]
            assert bool(len(coded)) == some
            assert (coded["category"] != coded["predicted_label"]).mean() <= error or not some


@fault(64, "the class of merged ones, taken for a code")
def _(desk):
    folder = desk.shared("rare")
    told = (folder / "merge.txt").read_text()
    assert "merged into the class '(rare classes)', which is never coded" in told
    flags = ("--min-probability", "0")
    desk.code(folder / "new.csv", *flags, run=folder / "merge")
    rows = pd.read_csv(desk.out)
    accepted = rows[rows["decision"] == "accept"]
    assert len(accepted) and "(rare classes)" not in set(accepted["predicted_label"])


@fault(65, "labels that no text tells")
def _(desk):
    chance = random.Random(1)
    rows = [(text, chance.choice("abbb")) for text, _ in GOOD * 5]
    outcome = desk.learn(desk.file(csv_of(rows)), stage=run_stage)
    assert "Nothing was learned: on the holdout textlstm is no better than" in outcome.told
    assert "textlstm beats" not in outcome.told and "textlstm is better" not in outcome.told
    assert "error is promised among" not in outcome.told
    assert "1 of 2 classes of the holdout is never predicted" in outcome.told
    flags = ("--max-error", "0.3")  # fewer errors than that are made by always saying b
    coded = desk.code(desk.folder / "records.csv", *flags, run=desk.run)
    assert "No error is promised: on " in coded.told
    assert set(pd.read_csv(desk.out)["decision"]) == {"review"}


@fault(66, "a finished run in the place of another")
def _(desk):
    run, records = desk.folder / "again", desk.shared("rare") / "records.csv"
    shutil.copytree(desk.shared("rare") / "drop", run)
    rest = ("--text", "cause", "--label", "category", "--run", run, "--validation", "0.4",
            *QUICK[:-2])  # fmt: skip
    before = (run / "report.html").read_bytes()
    other = carried_out(
        preprocess.main, "--data", records, *rest, "--seed", "1", "--holdout", "0.2"
    )
    assert other.status == 2 and "finished, with another --seed, --holdout; give" in other.told
    same = ("--data", desk.file(records.read_text() + "fall,External\n"), *rest)
    assert "finished, with another --data; give" in carried_out(preprocess.main, *same).told
    assert (run / "report.html").read_bytes() == before
    moved = desk.file(records.read_bytes(), "moved.csv")
    again = carried_out(preprocess.main, "--data", moved, *rest)
    assert again.status == 0 and "model and the report that were here are removed" in again.told
    shutil.rmtree(run)
    shutil.copytree(desk.shared("rare") / "drop", run)
    assert carried_out(preprocess.main, *same, "--overwrite").status == 0
    assert not (run / "report.html").exists()
    days = (f"{text},{label},2021-01-0{n % 9 + 1}" for n, (text, label) in enumerate(GOOD))
    told = desk.learn(desk.file("\n".join(["cause,category,Date of death", *days]))).told
    assert "column 'Date of death' says when records were made; --split temporal" in told
    assert '--split temporal --date "Date of death" holds out the latest' in told


# ---------------------------------------------------------------------- tables from strangers


ALIKE = [
    ("fall", "Fa\u200bll"), ("fall", "\ufeffFall"), ("fall", "Fall\u00ad"), ("slip", "fall"),
    ("slip", "fall"),
]  # fmt: skip
"""Texts and labels: all but the last two show the label Fall."""


def unreadable(path, *words, **how):
    """Check that a table is refused in one line, as by every command that reads it."""
    with pytest.raises(InputError) as caught:
        for table in iter_tables(str(path), **how):
            for name in table.column_names:
                column(table, name, str(path))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def handled(desk):
    return json.loads((desk.run / "records" / "summary.json").read_text())["handled"]


def learned_anew(desk, rows):
    """What preprocess told of these records, in a new run."""
    shutil.rmtree(desk.run, ignore_errors=True)
    outcome = desk.learn(desk.file(csv_of(rows)))
    assert outcome.status == 0, outcome.told
    return outcome.told


def labels_of(desk):
    parts = (desk.run / "records").glob("*.parquet")
    return set(pd.concat([pd.read_parquet(path) for path in parts])["label"])


@fault(67, "labels that look alike")
def _(desk):
    rows = [("fall", "Fall")] * 20 + ALIKE + [("asthma", "Respiratory"), ("x", "\u200b")] * 20
    outcome = desk.learn(desk.file(csv_of(rows)), "--min-class-records", "2")
    assert outcome.status == 0
    assert labels_of(desk) == {"Fall", "fall", "Respiratory"}
    assert handled(desk)["labels_normalised"] == 3 + 20
    assert (
        handled(desk)["labels_alike"] == 25 and "20 records left out: empty label" in outcome.told
    )
    assert (
        "in upper and lower case only; each is a class of its own: 'Fall', 'fall'" in outcome.told
    )


@fault(68, "a class named as missing cells are")
def _(desk):
    marks = ["NA", "nan", "NULL", "None", ".", "n/a"]
    outcome = desk.learn(desk.file(csv_of([*GOOD, *(("x", mark) for mark in marks * 10)])))
    assert outcome.status == 0 and set(marks) < labels_of(desk)
    assert handled(desk)["labels_like_missing"] == 60
    assert "60 records have a label that often stands for a missing one" in outcome.told
    assert all(f"'{mark}'" in outcome.told for mark in marks)


@fault(69, "a label column of lists")
def _(desk):
    both, few = ("x", "Respiratory; External"), ("x", "Circulatory|External")
    for rows, number, sign in [
        ([both] * 12, 12, ";"),
        ([few] * 11, 11, "|"),
        ([("x", f"I{n};J{n}") for n in range(9)], 9, ";"),  # pieces of no label, but many of them
        ([("x", '"Respiratory, External"')] * 10, 10, ","),
    ]:
        told = learned_anew(desk, GOOD + rows)
        assert handled(desk)["labels_like_lists"] == number and re.search(
            rf"contains? '\{sign}'", told
        )
    plain = [("x", '"Injury, other"')] * 10 + [("x", "Fall; jump")] * 10
    assert "looks like a list" not in learned_anew(desk, GOOD + plain)
    assert "labels_like_lists" not in handled(desk)


@fault(70, "dates now and today")
def _(desk):
    for word in ("now", "today", "Now", " today", "NaT"):
        rows = [(*row, "2020-01-01") for row in GOOD] + [("fall", "External", word)]
        data = desk.file(csv_of(rows, "cause,category,died"))
        temporal = ("--split", "temporal", "--date", "died")
        desk.refused(desk.learn(data, *temporal), "the 'died' of 1 usable record", "2021-12-31")


def forbidden(*_):
    raise AssertionError("a connection was made")


@fault(71, "a dataset folder that leads elsewhere")
def _(desk):
    folder, secret = desk.folder / "dataset", desk.file(csv_of([(SECRET, "a")]), "secret.csv")
    folder.mkdir()
    (folder / "x.csv").write_text(csv_of(GOOD))
    for target in (
        "http://127.0.0.1:1/x.csv",
        "ftp://127.0.0.1/x.csv",
        str(secret),
        "../secret.csv",
    ):
        configs = f"configs:\n- config_name: default\n  data_files: '{target}'\n"
        (folder / "README.md").write_text(f"---\n{configs}---\n")
        (folder / ".huggingface.yaml").write_text(configs)
        (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": target}]}))
        (folder / "dataset_info.json").write_text(json.dumps({"download_checksums": {target: {}}}))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("socket.socket.connect", forbidden)
            patch.setitem(sys.modules, "datasets", None)  # cannot be imported: it would follow them
            table = read_table(str(folder))
        assert column(table, "cause", "") == [text for text, _ in GOOD]
    (folder / "y.csv").symlink_to(secret)
    desk.refused_in_both(folder, "y.csv", "a link")
    (folder / "y.csv").unlink()
    (folder / "y.csv.gz").write_bytes(gzip.compress(csv_of(GOOD).encode()))
    unreadable(folder, "y.csv.gz", "compressed")
    (folder / "y.csv.gz").unlink()
    (folder / "y.jsonl").write_text('{"cause": "x", "category": "a"}\n')
    unreadable(folder, "several kinds")
    (folder / "y.jsonl").rename(folder / "y.csv")
    desk.refused_in_both(folder, "y.csv", "other columns than in", "x.csv")


def changed(content, at, value):
    """A file with one byte changed."""
    return content[:at] + bytes([value]) + content[at + 1 :]


@fault(72, "damaged Arrow and Parquet files")
def _(desk):
    texts = pa.table({"cause": [f"asthma {n}" for n in range(40)], "category": ["a", "b"] * 20})
    arrow, parquet = desk.folder / "x.arrow", desk.folder / "x.parquet"
    with pa.ipc.new_stream(arrow, texts.schema) as writer:
        writer.write_table(texts)
    pq.write_table(texts, parquet, compression="none", store_schema=False)
    for path in (arrow, parquet):
        whole = path.read_bytes()
        assert len(read_table(str(path))) == 40
        for at in range(0, len(whole), 3):  # must neither crash nor raise anything else
            path.write_bytes(changed(whole, at, (whole[at] + 128) % 256))
            with contextlib.suppress(InputError):
                table = read_table(str(path))
                assert all(column(table, name, "") is not None for name in table.column_names)
        path.write_bytes(whole[: len(whole) // 2])
        unreadable(path, path.name, "not a readable")
    # An offset in the middle that points far beyond the file.
    with pa.ipc.new_stream(arrow, texts.schema) as writer:
        writer.write_table(texts)
    offsets = struct.pack("<3i", 0, 8, 16)
    at = arrow.read_bytes().index(offsets) + 80
    arrow.write_bytes(
        arrow.read_bytes()[:at] + struct.pack("<i", 2**30) + arrow.read_bytes()[at + 4 :]
    )
    desk.refused_in_both(arrow, "x.arrow", "column 'cause' is damaged")
    no_text = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(struct.pack("<2i", 0, 1)), pa.py_buffer(b"\xff")]
    )
    days = pa.array([2**30], pa.int32()).cast(pa.date32())
    mars = pa.array([1], pa.timestamp("us", tz="Mars/Phobos"))
    for cells, words in ((no_text, "not UTF-8"), (days, "out of range"), (mars, "time zone")):
        pq.write_table(pa.table({"cause": cells, "category": cells}), parquet)
        unreadable(parquet, "x.parquet", "column 'cause'", words)
    with pa.ipc.new_file(
        arrow, texts.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")
    ) as w:
        w.write_table(texts)
    unreadable(arrow, "x.arrow", "compressed")


@fault(73, "a mistyped name of a table, and the hub")
def _(desk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("socket.socket.connect", forbidden)
        patch.setattr("socket.getaddrinfo", forbidden)
        for name in ("recrods.csv", "owner/name", "squad", "nosuch"):
            desk.refused_in_both(name, name, "no such file or folder", "hub:owner/name")
        for name in ("hub:", "hub:../x", "hub:a/b/c", "hub:https://x"):
            desk.refused_in_both(name, name, "hub:owner/name")
    with socket.socket() as silent, pytest.MonkeyPatch.context() as patch:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        patch.setattr("textlstm.data.dataset.HUB_SECONDS", 0.2)
        patch.setattr(
            "huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}"
        )
        started = time.monotonic()
        desk.refused_in_both("hub:owner/name", "hub:owner/name", "cannot be had from the hub")
        assert time.monotonic() - started < 15


@fault(74, "files whose few bytes are many rows or cells")
def _(desk):
    path, n = desk.folder / "x.parquet", allowance.MAX_ROWS + 1
    nothing, folder = pa.nulls(n), desk.folder / "dataset"
    pq.write_table(pa.table({"cause": nothing, "category": nothing}), path)
    desk.refused_in_both(path, "x.parquet", f"{n:,} rows", "so small a file")
    folder.mkdir()
    with pa.ipc.new_file(
        folder / "x.arrow", pa.schema({"cause": pa.null(), "category": pa.null()})
    ) as writer:
        writer.write_batch(pa.record_batch({"cause": nothing, "category": nothing}))
    desk.refused_in_both(folder, "x.arrow", f"{n:,} rows")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(allowance, "MAX_CELLS", 10_000)
        patch.setattr(allowance, "MAX_CELLS_PER_BYTE", 0)
        wide = pa.array(["x"] * 101).dictionary_encode()
        pq.write_table(pa.table({f"c{n}": wide for n in range(100)}), path)
        unreadable(path, "x.parquet", "10,100 cells")
        lists = pa.array([[None] * 10_001], pa.list_(pa.int8()))
        pq.write_table(pa.table({"cause": [{"a": lists[0]}], "category": [1]}), path)
        unreadable(path, "x.parquet", "column 'cause' is of a type that is not read")
        pq.write_table(pa.table({"cause": wide[:100], "category": wide[:100]}), path)
        assert len(read_table(str(path))) == 100
    refused_before_it_is_unpacked(desk)


def understated(path):
    """Have the end of a Parquet file say that each of its columns is one byte, unpacked."""
    content = path.read_bytes()
    group = pq.ParquetFile(path).metadata.row_group(0)
    sizes = {group.column(n).total_uncompressed_size for n in range(group.num_columns)}
    for size in sizes:
        said, written = 2 * size, b""
        while said:  # as Thrift writes an integer
            said, low = divmod(said, 128)
            written += bytes([low + 128 * bool(said)])
        one = b"\x82" + b"\x80" * (len(written) - 2) + b"\0"
        assert written in content
        content = content.replace(written, one)
    path.write_bytes(content)
    group = pq.ParquetFile(path).metadata.row_group(0)
    assert all(group.column(n).total_uncompressed_size == 1 for n in range(group.num_columns))


def refused_before_it_is_unpacked(desk):
    """Check that what is too large is seen by the headers of pages, types, and names of classes."""
    path, text = desk.folder / "x.parquet", "x" * 400_000
    names = {"info": {"features": {"category": {"_type": "ClassLabel", "names": [text]}}}}
    named = pa.table({"cause": ["x"] * 10, "category": pa.array([0] * 10, pa.int8())})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(allowance, "MAX_UNPACKED", 1 << 20)
        patch.setattr(allowance, "MAX_RATIO", 1)
        known = named.replace_schema_metadata({"huggingface": json.dumps(names)})
        pq.write_table(known[:1], path)
        assert read_table(str(path))["category"].to_pylist() == [text]
        pq.write_table(known, path)
        unreadable(path, "x.parquet", "unpacks to more than")
        with pa.ipc.new_file(path.with_suffix(".arrow"), known.schema) as writer:
            writer.write_table(known)
        unreadable(path.with_suffix(".arrow"), "x.arrow", "unpacks to more than")
        patch.setattr(pq.ParquetFile, "iter_batches", forbidden)
        for version in ("1.0", "2.0"):
            pq.write_table(
                pa.table({f"c{n}": [text] for n in range(3)}), path, compression="zstd",
                data_page_version=version,
            )  # fmt: skip
            unreadable(path, "x.parquet", "bytes, more than the 1,048,576 that are read of so")
            understated(path)
            unreadable(path, "x.parquet", "bytes, more than the 1,048,576 that are read of so")
        pq.write_table(pa.table({"cause": pa.array([b"x" * 4096] * 300, pa.binary(4096))}), path)
        unreadable(path, "x.parquet", "1,228,800 bytes, more than")


@fault(75, "columns and keys without number")
def _(desk):
    keys = "".join(f'{{"{n}": 1}}\n' for n in range(4_000))
    desk.refused_in_both(desk.file(keys, "x.jsonl"), "x.jsonl", "different keys", "larger than")
    keys = json.dumps(dict.fromkeys(map(str, range(60_000)), 1))
    desk.refused_in_both(desk.file(keys, "x.jsonl"), "x.jsonl", "16,384 columns")
    wide = ",".join(f"c{n}" for n in range(60_000)) + "\n"
    desk.refused_in_both(desk.file(wide + '"' * 3), "60,000 columns", "16,384")
    fewer = ",".join(f"c{n}" for n in range(5_000)) + "\n"
    for content in (fewer, "1\n"):
        outcome = desk.learn(desk.file(fewer + content))
        desk.refused(outcome)
        assert len(outcome.told) < 500
    assert outcome.told.count("'c") <= 22 or "fields" in outcome.told


@fault(76, "odd JSON")
def _(desk):
    row = '{"cause": "x", "category": "a"'
    for odd, words in [
        (row + ', "cause": "y"}', "a key twice"),
        (row + ', "more": {"a": 1, "a": 2}}', "a key twice"),
        (row + ', "more": ' + "[" * 100_000 + "]" * 100_000 + "}", "deeply"),
        (row + ', "more": 1' + "0" * 5000 + "}", "not JSON"),
        (row + ', "\\ud800": 1, "\\udfff": 2}', "stands there twice"),
        (f"[{row}}}]", "not a JSON object"),
    ]:
        data = desk.file(f"{row}}}\n{odd}\n", "x.jsonl")
        unreadable(data, "x.jsonl", words)
    desk.refused_in_both(data, "x.jsonl", words)
    for depth in range(900, 1000, 3):  # how deep is too deep hangs on what calls the reader
        data = desk.file(row + ', "more": ' + "[" * depth + "]" * depth + "}", "x.jsonl")
        with contextlib.suppress(InputError):
            assert len(read_table(str(data))) == 1
    data = desk.file(row + ', "\\ud800": "y", "list": ["\\u00e9\\ud800"]}\n', "x.jsonl")
    out = desk.coded(data)
    assert out["\ufffd"].tolist() == ["y"] and out["list"].tolist() == ['["\u00e9\ufffd"]']


@fault(77, "character encodings")
def _(desk):
    for name in ("utf-32", "utf-16", "U16", "utf-32-be"):
        written = csv_of([*GOOD, ("caf\u00e9", "External")]).encode(name)
        data = desk.file(written if "be" not in name else codecs.BOM_UTF32_BE + written)
        assert column(read_table(str(data), name), "cause", "")[-1] == "caf\u00e9"
        right = "UTF-32" if "32" in name else "UTF-16"
        unreadable(data, f"this is {right}; give --charset {right.lower()}")
    desk.refused(desk.code(data, "--charset", "utf-16"), "this is UTF-32")
    desk.refused_in_both(data, "this is UTF-32; give --charset utf-32")
    unreadable(desk.file(csv_of(GOOD)), "byte 0 is not utf-16", encoding="utf-16")
    data = desk.file(csv_of(GOOD))
    none = "undefined idna punycode unicode_escape raw_unicode_escape charmap rot13 base64 hex zlib"
    for name in (*none.split(), "klingon", "a\0b", "\ud800"):
        unreadable(data, "--charset", charset=name)
        unreadable(desk.file("{}", "x.jsonl"), "--charset", charset=name)
    desk.refused(desk.learn(data, "--charset", "undefined"), "no encoding of text files")
    desk.refused(desk.code(data, "--charset", "undefined"), "no encoding of text files")


@fault(78, "cells divided by other signs than commas")
def _(desk):
    rows = [("fall, at home", "External"), ('say "x; y"', "Respiratory")] * 20
    wanted = [text for text, _ in rows]
    for sign, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")):
        told = io.StringIO()
        writer = csv.writer(told, delimiter=sign)
        writer.writerows([("cause", "category"), *rows])
        outcome = desk.code(data := desk.file(told.getvalue()))
        assert outcome.status == 0 and f"records.csv: read as divided by {name}" in outcome.told
        # Whatever divides what is read, commas divide what is written.
        assert pd.read_csv(desk.out)["cause"].tolist() == wanted
        assert column(read_table(str(data), delimiter=sign, tell=forbidden), "cause", "") == wanted
    assert "read as" not in desk.code(data, "--delimiter", "pipe").told
    outcome = desk.learn(data)
    assert outcome.status == 0 and f"preprocess: {data}: read as divided by" in outcome.told
    shutil.rmtree(desk.run)
    desk.out.unlink()
    one = desk.file("cause; other\nfall\na; b; c\n\n")  # a column whose name has a semicolon
    assert column(read_table(str(one)), "cause; other", "") == ["fall", "a; b; c", ""]
    both = desk.file("cause;x|category\na;b|c\n")
    desk.refused_in_both(both, "semicolons and vertical bars", "--delimiter")
    for given in (";;", "a", '"', "\u00a6", "\n", " "):
        unreadable(both, "--delimiter", delimiter=given)
    spelled = desk.file(csv_of(GOOD).replace(",", "~"))
    assert desk.learn(spelled, "--delimiter", "~").status == 0
    shutil.rmtree(desk.run)
    desk.refused_in_both(desk.file("sep=;\ncause;category\nfall;External\n"), "remove that line")


# ------------------------------------------------------------ bundles, folders, interruptions


@fault(80, "a bundle of nonsense under a manifest that fits")
def _(desk):
    def retyped(dtype):
        def rewritten(bundle):
            weights = load_file(bundle / "model.safetensors")
            save_file(
                {name: one.to(dtype) for name, one in weights.items()}, bundle / "model.safetensors"
            )

        return rewritten

    def overflowing(bundle):
        weights = load_file(bundle / "model.safetensors")
        weights["members.0.output.weight"] = weights["members.0.output.weight"] * 3e38
        save_file(weights, bundle / "model.safetensors")

    nonsense = [retyped(one) for one in (torch.bfloat16, torch.float64, torch.complex64)]
    nonsense += [
        overflowing,
        rewrite("vocab.json", lambda vocabulary: vocabulary["words"].__setitem__(4, "\ud800")),
        rewrite("vocab.json", lambda vocabulary: vocabulary.update(length=100_000)),
        rewrite("labels.json", lambda labels: labels.__setitem__(0, "\ud800")),
        rewrite("calibration.json", lambda calibration: calibration.update(temperature=5e-324)),
        rewrite("config.json", lambda config: config["summary"].pop("text fields")),
        rewrite("config.json", lambda config: config["summary"].update({"text fields": 2})),
        rewrite("labels.json", lambda labels: labels.__setitem__(0, "x" * 10_000_000)),
        rewrite("vocab.json", lambda vocabulary: vocabulary["words"].__setitem__(4, "x" * 1001)),
    ]
    nonsense += [
        rewrite(
            "vocab.json",
            lambda vocabulary, count=count: vocabulary["abbreviations"].update(
                phrases={"asthma stroke": count}
            ),
        )
        for count in (-10, 10**400)
    ]
    nonsense += [
        rewrite(
            "calibration.json",
            lambda calibration, wrong=wrong: calibration["held_out"].update(wrong),
        )
        for wrong in ({"gain": True}, {"top": [], "true": [], "correct": []})
    ]
    with pytest.MonkeyPatch.context() as patch:
        # In this process, which has spaCy already.
        patch.setattr(
            "textlstm.text.worker.preprocessing_process", lambda: contextlib.nullcontext(clean)
        )
        for change in nonsense:
            tampered(desk, change, "do not fit together")
        for number in (-5, "1", True):
            change = rewrite("manifest.json", lambda manifest, number=number: manifest.update(
                format=number
            ))  # fmt: skip
            tampered(desk, change, "not a bundle's manifest", resign=False)
    run = desk.folder / "of another run"
    shutil.copytree(desk.shared("dirty") / "run", run)
    shutil.rmtree(run / "bundle")
    shutil.copytree(desk.shared("accents") / "run" / "bundle", run / "bundle")
    before = contents(run)
    desk.refused(
        carried_out(report.main, "--run", run), "bundle", "of other classes", "train stage"
    )
    assert contents(run) == before


@fault(86, "not enough memory")
def _(desk):
    data = desk.file(csv_of(GOOD))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "available", lambda: 8_000_000_000)
        huge = ["--hidden-units", "100000"]
        outcome = desk.learn(data, *huge, stage=run_stage)
        desk.refused(outcome, "--hidden-units 100000", "GB of memory")
        with pytest.raises(InputError, match=r"hidden_units.* GB of memory"):
            TextLSTMClassifier(hidden_units=100_000).fit(["a", "b"] * 20, ["x", "y"] * 20)
        patch.setattr(memory, "_limit", lambda: 2_560_000_000)  # OpenBLAS aborts
        desk.refused(desk.learn(data), "ulimit -v")
    said = "[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: you"
    for error in (
        MemoryError(), RuntimeError(said), np.linalg.LinAlgError, pa.ArrowMemoryError("realloc"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        RuntimeError("can't start new thread"), OSError(12, "Cannot allocate memory"),
    ):  # fmt: skip
        main = mock.Mock(side_effect=error)
        if error is np.linalg.LinAlgError:  # a defect stays one
            with pytest.raises(error):
                carried_out(main)
        else:
            desk.refused(carried_out(main), "not enough memory")


def stopped_after(desk, parts, *command):
    """Code in small parts until so many are written; the rest of the process is cut off."""
    written = itertools.count()
    write = Shards.write

    def writing(self, *arguments):
        if next(written) == parts:
            raise KeyboardInterrupt
        write(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textlstm.data.charset.CHUNK_BYTES", 1000)
        # In this process, which has spaCy already.
        patch.setattr(
            "textlstm.text.worker.preprocessing_process", lambda: contextlib.nullcontext(clean)
        )
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
        # What has not changed is gone on with, and what changes meanwhile is not taken.
        command = ("--data", "records.csv", "--out", desk.out)
        assert stopped_after(desk, 2, *command).status == 130
        assert stopped_after(desk, 3, *command).status == 130
        assert len(list(desk.folder.glob(".out.csv.parts/0*.csv"))) == 5
        desk.out.unlink()
        looks = itertools.count()
        patch.setattr(
            "textlstm.storage.atomic.existing", lambda _: [("", next(looks), 0)]
        )  # at each look
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


def refused_among_what_is_read(desk):
    """Check that no output is written over, or into a folder of, the files of a table."""
    run, folder, outside = desk.shared("dirty") / "run", desk.folder / "read", desk.folder / "x.csv"
    (folder / "data").mkdir(parents=True)
    data = folder / "records.csv"
    data.write_text(csv_of(GOOD))
    outside.hardlink_to(data)
    before = contents(folder)
    read = ["--run", run, "--data", folder, "--out"]
    for out, told in (
        (data, "lies in"), (folder / "new.csv", "lies in"), (folder / "data/new.csv", "lies in"),
        (outside, "records.csv itself"),
    ):  # fmt: skip
        desk.refused(desk.code(folder, out=out), out.name, told)
        desk.refused(carried_out(explain.main, *read, out), out.name, told)
        for filled in ([outside, folder], [folder, outside]):
            back = ["import", *read[:3], filled[0], "--filled", filled[1], "--out", out]
            desk.refused(carried_out(review.main, *back), out.name)
        queue = ["export", "--run", run, "--scored", folder, "--out", out]
        desk.refused(carried_out(review.main, *queue), out.name, told)
    assert contents(folder) == before


@fault(81, "working folders that are links, outputs in the folders of a run")
def _(desk):
    run, data = desk.folder / "a run", desk.file("cause\nasthma\n")
    shutil.copytree(desk.shared("dirty") / "run", run)
    before, elsewhere = contents(run), desk.folder / "elsewhere"
    for name in ("records/out.csv", "bundle/out.csv", "tables/x/out.csv", "predictions.csv"):
        desk.refused(desk.code(data, run=run, out=run / name), name, "stages of the run")
        explained = carried_out(explain.main, "--run", run, "--data", data, "--out", run / name)
        desk.refused(explained, name, "stages of the run")
        queue = ["export", "--run", run, "--scored", data, "--out", run / name]
        desk.refused(carried_out(review.main, *queue), name, "stages of the run")
        back = ["import", "--run", run, "--filled", data, "--out", run / name]
        desk.refused(carried_out(review.main, *back), name, "stages of the run")
    for flag, name in [("--data", name) for name in ("predictions.csv", "records", ".")] + [
        ("--abbreviations", "predictions.csv")
    ]:
        given = {"--data": data, "--run": run, flag: run / name}
        again = carried_out(
            preprocess.main, *itertools.chain(*given.items()), "--text", "text", "--label", "label",
            "--overwrite",
        )  # fmt: skip
        desk.refused(again, flag, "stages of the run", "copy the table")
    elsewhere.mkdir()
    kept = {"records": "precious", "000000.csv": "precious", "state.safetensors": "precious"}
    for name, content in kept.items():
        (elsewhere / name).write_text(content)
    (desk.folder / ".out.csv.parts").symlink_to(elsewhere)
    desk.refused(desk.code(data), ".out.csv.parts", "a link")
    for name, stages in ((".unfinished", (encode, train, report)), ("checkpoint", (train,))):
        (run / name).symlink_to(elsewhere)
        for stage in stages:
            desk.refused(carried_out(stage.main, "--run", run), name, "a link")
        (run / name).unlink()
    assert {path.name: path.read_text() for path in elsewhere.iterdir()} == kept
    assert contents(run) == before
    refused_among_what_is_read(desk)


def same_after_any_kill(desk, out, command):
    """Kill a command of review in every step, and carry it out again; return what it makes."""
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
    with pytest.MonkeyPatch.context() as patch:  # what takes long
        patch.setattr(os, "fsync", lambda _: None)
        patch.setattr(
            "textlstm.insight.class_words.top_words",
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
    with pytest.MonkeyPatch.context() as patch:  # as where a file is immutable
        patch.setattr(swap, "_put", lambda new, _: (new / "no").rename("no"))
        outcome = carried_out(encode.main, "--run", run)
    desk.out.unlink()
    desk.refused(outcome, "encoded")
    assert contents(run) == before


@fault(83, "two processes that make one output")
def _(desk):
    data = desk.file("cause\nasthma\n")
    with resumable_shards(desk.out, {"of": "another process"}):
        desk.refused(desk.code(data), "out.csv", "another process")
        assert (desk.folder / ".out.csv.parts" / "job.json").exists()
    assert desk.code(data).status == 0


@fault(84, "a refit that is refused, and odd weights")
def _(desk):
    small = {
        "ensemble_size": 1,
        "epochs": 1,
        "embedding_size": 4,
        "hidden_units": 4,
        "device": "cpu",
    }
    texts, labels = ["asthma", "stroke"] * 10, ["a", "b"] * 10
    classifier = TextLSTMClassifier(**small).fit(texts, labels)
    before = classifier.predict_proba(texts)
    odd = (
        [SECRET] * 20,
        [None] * 20,
        [10**400] * 20,
        [1j] * 20,
        np.ones((20, 1)),
        [np.inf] * 20,
        [-1] * 20,
    )
    for weights in odd:
        with pytest.raises(ValueError) as refused:
            classifier.fit([(text, text) for text in texts], labels, sample_weight=weights)
        assert SECRET not in str(refused.value)
    for mapping in (dict.fromkeys(texts), set(texts), dict.fromkeys(texts).keys()):
        with pytest.raises(InputError, match="in an order"):
            classifier.predict_proba(mapping)
    for arrow in (pa.array(texts), pa.chunked_array([texts]), pa.table({"cause": texts})):
        assert (classifier.predict_proba(arrow) == before).all()
    with pytest.raises(InputError, match="None: this machine has no such device"):
        TextLSTMClassifier(**small | {"device": None}).fit(texts, labels)
    assert (classifier.predict_proba(texts) == before).all()
    classifier.fit(texts, labels, sample_weight=[1e308] * 20)
    assert (classifier.predict_proba(texts) == before).all()


@fault(85, "texts that others on the machine could read")
def _(desk):
    umask = os.umask(0)
    try:
        data = desk.file(csv_of(GOOD))
        assert desk.learn(data, stage=run_stage).status == 0
        assert desk.code(data, "--min-probability", "1", run=desk.run).status == 0
        queue, page = desk.folder / "queue.csv", desk.folder / "why.html"
        asked = ["export", "--run", desk.run, "--scored", desk.out, "--out", queue]
        assert carried_out(review.main, *asked).status == 0
        why = ["--run", desk.run, "--data", data, "--records", "1", "--out", page]
        assert carried_out(explain.main, *why).status == 0
    finally:
        os.umask(umask)
    for path in desk.run.rglob("*"):
        texts = path.relative_to(desk.run).parts[0] in (
            "records", "encoded", "checkpoint", "tables", "predictions.csv"
        )  # fmt: skip
        usual = 0o777 if path.is_dir() else 0o666
        mode = (0o700 if path.is_dir() else 0o600) if texts else usual
        assert path.stat().st_mode & 0o777 == mode, path
    assert {path.stat().st_mode & 0o777 for path in (desk.out, queue, page)} == {0o600}


# ------------------------------------------------------------------------------- the terminal


EVIL = "\x1b]0;pwned\x07\x1b[31m\nrc=0: fake\r\u202e"
"""A name that would set the title of a terminal, fake a line and turn the rest round."""


def visible_lines(told):
    """The lines that a command told, none of which a terminal would obey."""
    assert all(one.isprintable() for one in told.splitlines()), told
    assert not re.search("^rc=0", told, re.MULTILINE), told
    return told.splitlines()


@fault(87, "names of columns, labels and files with control characters")
def _(desk):
    column, data = EVIL + "cause", desk.folder / f"{EVIL}.csv"
    rows = [(text, f"{EVIL}{label}") for text, label in GOOD]
    pd.DataFrame(rows, columns=[column, EVIL]).assign(by=EVIL).to_csv(data, index=False)
    run, out, queue = (
        desk.folder / f"{EVIL}run",
        desk.folder / f"{EVIL}.out.csv",
        desk.file("", EVIL),
    )
    learn = ["--data", data, "--text", column, "--label", EVIL, "--run", run, "--by", "by", *QUICK]
    done = carried_out(run_stage.main, *learn)
    assert done.status == 0, done.told
    lines = visible_lines(done.told)
    done = carried_out(predict.main, "--run", run, "--data", data, "--out", out,
                       "--min-probability", "1", "--device", "cpu")  # fmt: skip
    assert any(r"\x1b]0;pwned\x07" in line for line in visible_lines(done.told)), lines
    mistakes = [
        (run_stage, [*learn, "--label", f"{EVIL}2"]),
        (run_stage, [*learn, "--recipe", EVIL]),
        (run_stage, [*learn, "--split", EVIL]),
        (run_stage, [*learn, f"--{EVIL}"]),
        (run_stage, ["--run", data]),
        (train, ["--run", f"{EVIL}2"]),
        (train, ["--run", run, "--device", EVIL]),
        (report, ["--run", queue]),
        (predict, ["--run", run, "--data", data, "--out", queue]),
        (predict, ["--run", run, "--data", out, "--out", out]),
        (explain, ["--run", run, "--data", data, "--out", queue]),
        (explain, ["--run", run, "--data", data, "--out", "a.csv", "--records", EVIL]),
        (review, ["export", "--run", run, "--scored", data, "--out", desk.folder / "q.csv"]),
        (review, ["import", "--run", run, "--filled", data, "--out", desk.folder / "t.csv"]),
    ]
    for stage, flags in mistakes:
        done = carried_out(stage.main, *flags)
        assert done.status == 2, (flags, done)
        assert visible_lines(done.told)[-1].startswith("error: "), done.told
        assert done.told.count("\\n") or done.told.count("\\x1b"), done.told
    why = desk.folder / "why.html"
    assert carried_out(explain.main, "--run", run, "--data", data, "--out", why).status == 0
    for page in (run / "report.html", why):
        assert not re.search("[^\n -~\xa0-\u2027\u2030-\u2065\u2070-\uffff]", page.read_text()), (
            page
        )


@fault(88, "arguments that are not UTF-8")
def _(desk):
    data, odd = desk.file(csv_of(GOOD)), str(desk.folder / "caf\udce9")
    learn = ["--data", data, "--text", "cause", "--label", "category"]
    for stage, arguments in [
        (run_stage, ["--data", f"{odd}.csv"]),
        (run_stage, [*learn, "--run", odd]),
        (preprocess, [*learn, "--run", desk.run, "--by", "caf\udce9"]),
        (predict, ["--run", odd, "--data", data, "--out", desk.out]),
        (predict, ["--run", desk.run, "--data", data, "--out", f"{odd}.csv"]),
        (review, ["export", "--run", desk.run, "--scored", data, "--out", f"{odd}.csv"]),
    ]:
        desk.refused(carried_out(stage.main, *arguments), "caf\\udce9", "is not UTF-8")
    assert sorted(desk.folder.iterdir()) == [data]
    Path(odd).mkdir()
    with contextlib.chdir(odd):  # whose name is written nowhere but in notes of the work
        assert desk.code(data.rename("new.csv"), out="coded.csv").status == 0
        assert len(pd.read_csv("coded.csv")) == len(GOOD)


@fault(89, "standard output or error that nobody reads")
def _(desk):
    run = desk.folder / "run"
    shutil.copytree(desk.shared("dirty") / "run", run)

    def called(stage, way):
        command = f"set -o pipefail; {sys.executable} -m pipelines.{stage} {way}"
        done = subprocess.run(
            ["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    for way in ("<&- >&- 2>&-", "2>&1 | true"):
        shutil.rmtree(run / "encoded")
        called(f"encode --run {run}", way)
        assert (run / "encoded" / "vocab.json").read_text().startswith("{")
    for way in ("| true", ">&-", "2>&1 > /dev/full"):
        called("run --help", way)


@fault(90, "a terminal of unknown width")
def _(desk):
    shutil.copytree(desk.shared("dirty") / "run", desk.run)
    for columns, kind in [(0, "xterm"), (80, "dumb")]:
        with pytest.MonkeyPatch.context() as patch:
            terminal = Terminal(columns, patch)
            patch.setenv("TERM", kind)
            patch.setattr(progress, "PATIENCE", 0.0)
            patch.setattr(progress, "TICK", 0.001)
            encode.main(["--run", str(desk.run)])
            shown = terminal.shown()
        assert any(re.match("encode: (reading|taking|encoding) ", line) for line in shown), shown
        assert not any("[" in line for line in shown)


@fault(91, "a device that this machine lacks")
def _(desk):
    data = desk.file(csv_of(GOOD))
    for name in ("cuda:99", "gpu"):
        desk.refused(desk.learn(data, "--device", name, stage=run_stage), name, "use auto")
        desk.refused(desk.code(data, "--device", name), name, "use auto")


@fault(92, "mistyped names of flags, runs, columns and recipes, and percentages")
def _(desk):
    data, run = desk.file(csv_of(GOOD)), desk.shared("dirty") / "run"
    desk.refused(desk.learn(data, "--epoch", "3"), "no flag '--epoch'", "did you mean '--epochs'")
    desk.refused(desk.learn(data, "--recipe", "defualt"), "did you mean 'default'")
    desk.refused(desk.learn(data, "--split", "groupd"), "grouped")
    desk.refused(desk.learn(data, "--holdout", "30"), "write 0.3 for 30 %")
    desk.refused(
        desk.learn(desk.file(csv_of(GOOD, "Cause ,category"), "odd.csv")),
        "no column 'cause'; did you mean 'Cause '?",
    )
    for run_flag, words in [("rnu", "no such run; did you mean 'run'"), ("", "not a run's")]:
        for stage in (encode, train, report, predict, explain):
            more = ["--data", data, "--out", desk.out] if stage in (predict, explain) else []
            told = carried_out(stage.main, "--run", run.parent / run_flag, *more)
            desk.refused(told, words)
            assert ("preprocess" in told.told) == (not run_flag)
    other = desk.folder / "other"
    other.mkdir()
    for content, words in [
        ('{"mine": 1}', "not those of a run"),
        ('{"data": {}, "recipe": [], "recipe_name": "", "seed": 0}', "not those of a run"),
        ('{"data": {"data": 5}, "recipe": {}}', "data takes a value of type str, not 5"),
        ("[1", "not JSON"),
    ]:
        (other / "config.json").write_text(content)
        desk.refused(carried_out(encode.main, "--run", other), words)
    desk.refused(desk.code(data, run=run / "bundle"), "those of a bundle")
    desk.refused(desk.code(data, "--coverage", "2,5"), "write 0.02, with a point")
    desk.refused(desk.code(data, "--coverage", "95"), "0.95")
    for stage, endings in [(predict, ".csv or .parquet"), (explain, ".csv, .parquet or .html")]:
        out = desk.folder / "w.pdf"
        told = carried_out(stage.main, "--run", run, "--data", data, "--out", out)
        desk.refused(told, f"must end in {endings}")
    given = [flag_number(word) for word in ("2%", " 2 %", "0.02", "2e-2")]
    assert given == [0.02] * 4


# -------------------------------------------------------------------------- words and outputs


ACCENTS = [
    ("asthma", "Respiratoire"),
    ("h\u00e9morragie", "C\u00e9r\u00e9brale"),
    ("fall", "Chute"),
]


@pytest.fixture(scope="module")
def accents(tmp_path_factory):
    """A run over records in Latin-1 with more columns than it is told of."""
    folder = tmp_path_factory.mktemp("accents")
    rows = [(f"h\u00f4pital {n % 5}", *row, str(n)) for n, row in enumerate(ACCENTS * 10)]
    table = csv_of(rows, "place,cause,category,\u00e2ge")
    (folder / "records.csv").write_bytes(table.encode("latin-1"))
    flags = "--data", folder / "records.csv", "--text", "cause", "--label", "category"
    given = (preprocess, (*flags, *QUICK[:-2], "--charset", "latin-1")), (encode, ()), (train, ())
    for stage, arguments in given:
        outcome = carried_out(stage.main, "--run", folder / "run", *arguments)
        assert outcome.status == 0, outcome.told
    return folder


@fault(93, "a coded file or a queue through a spreadsheet")
def _(desk):
    home, queue, back = desk.shared("accents"), desk.folder / "queue.csv", desk.folder / "next.csv"
    new = desk.file("cause\nH\u00c9MORRAGIE\nasthma fall\n".encode("latin-1"), "new.csv")
    outcome = desk.code(new, "--min-probability", "1", run=home / "run")
    assert outcome.status == 0, outcome.told
    # What a spreadsheet takes for UTF-8, and what it writes, with a mark or in an encoding of old.
    for saved in ("utf-8-sig", "latin-1"):
        text = desk.out.read_bytes().decode("utf-8-sig")
        assert "H\u00c9MORRAGIE" in text and "\ufeff" not in text
        assert desk.out.read_bytes().startswith(codecs.BOM_UTF8)
        scored = desk.file(text.replace("\n", "\r\n").encode(saved), "scored.csv")
        flags = "--run", home / "run"
        outcome = carried_out(review.main, "export", *flags, "--scored", scored, "--out", queue)
        assert outcome.status == 0, outcome.told
        assert queue.read_bytes().count(codecs.BOM_UTF8) == 1
        filled = pd.read_csv(queue, dtype=str, keep_default_na=False)
        assert sorted(filled["cause"]) == ["H\u00c9MORRAGIE", "asthma fall"]
        filled.assign(code="C\u00e9r\u00e9brale").to_csv(queue, index=False, encoding=saved)
        outcome = carried_out(review.main, "import", *flags, "--filled", queue, "--out", back)
        assert outcome.status == 0 and "warning" not in outcome.told, outcome.told
        queue.unlink()
        # The training table, with the columns that the run does not name, and its rows in order.
        assert back.read_bytes().count(codecs.BOM_UTF8) == 1
        rows = pd.read_csv(back, dtype=str, keep_default_na=False)
        trained = pd.read_csv(home / "records.csv", dtype=str, encoding="latin-1")
        pd.testing.assert_frame_equal(rows[:30], trained)
        assert sorted(rows["cause"][30:]) == ["H\u00c9MORRAGIE", "asthma fall"]
        assert set(rows["category"][30:]) == {"C\u00e9r\u00e9brale"}
        assert (rows[["place", "\u00e2ge"]][30:] == "").all(axis=None)
        assert desk.learn(back).status == 0
        assert "h\u00e9morragie" in desk.texts()
        shutil.rmtree(desk.run)
    assert desk.learn(back, "--charset", "latin-1").told.endswith("give --charset utf-8\n")


@fault(94, "new records in the character encoding of the training")
def _(desk):
    run, text = desk.shared("accents") / "run", "cause\nh\u00e9morragie\n"
    why = "--run", run, "--data", desk.folder / "new.csv", "--out", desk.out
    for content, *flags in (
        (text.encode("latin-1"),),
        (text.encode("utf-8-sig"),),
        (text.encode("utf-8"), "--charset", "utf-8"),
        (text.encode("utf-16"), "--charset", "utf-16"),
    ):
        new = desk.file(content, "new.csv")
        outcome = carried_out(explain.main, *why, *flags)
        assert outcome.status == 0, outcome.told
        assert pd.read_csv(desk.out)["token"].tolist() == ["h\u00e9morragie"]
        desk.out.unlink()
        if not flags:
            outcome = desk.code(new, run=run)
            assert outcome.status == 0, outcome.told
            assert b"h\xc3\xa9morragie" in desk.out.read_bytes()
            desk.out.unlink()
    # Read in Latin-1, which takes any byte, it would be nonsense, and nobody would notice.
    odd = desk.file(text, "new.csv")
    desk.refused(desk.code(odd, run=run), "new.csv", "UTF-8", "latin-1", "--charset")
    desk.refused(carried_out(explain.main, *why), "new.csv", "UTF-8", "latin-1", "--charset")
    desk.file("cause\nfall\n", "new.csv")  # the same in both
    assert carried_out(explain.main, *why).status == 0


@fault(96, "no word to show: stop words of other languages, and none at all")
def _(desk):
    rows = [("por la", "A"), ("und der", "B"), ("et de", "A"), ("con el", "B")] * 15
    outcome = desk.learn(desk.file(csv_of(rows)), stage=run_stage)
    assert outcome.status == 0, outcome.told
    assert not list((desk.run / "figures").glob("word_cloud*.png"))
    page = (desk.run / "report.html").read_text()
    assert "there is no cloud to show" in page and 'class="cloud"' not in page
    data = desk.file(csv_of([(" ... ", ""), ('"Por, LA; por"', "")]), "new.csv")
    why = desk.folder / "why.html"
    outcome = carried_out(explain.main, "--run", desk.run, "--data", data, "--out", why)
    assert outcome.status == 0, outcome.told
    text = re.sub("</?mark[^>]*>", "", why.read_text())
    assert "This record has no word." in text and text.count("Por, LA; por</p>") == 2


@fault(97, "a page that some cannot use")
def _(desk):
    if browser.NO_AXE:
        pytest.skip(browser.NO_AXE)
    run, why = desk.shared("hostile") / "run", desk.folder / "why.html"
    data = next(run.parent.glob("*.csv"))
    outcome = carried_out(explain.main, "--run", run, "--data", data, "--out", why, "--gates",
                          "--records", 1, 2)  # fmt: skip
    assert outcome.status == 0, outcome.told
    report_page = (run / "report.html").read_text()
    assert browser.violations(report_page, desk.folder, 400, browser.DARK) == []
    assert browser.violations(why.read_text(), desk.folder, 1200, browser.LIGHT) == []


@fault(95, "abbreviations that no training text has")
def _(desk):
    rows = [*GOOD, *[("gunshot wound of head", "External")] * 20, *[("GSW chest", "External")] * 2]
    data, short = desk.file(csv_of(rows)), desk.folder / "short.csv"
    short.write_text(f"abbreviation,meaning\nETOH,alcohol\nzz,\n{SECRET} x,fall\n")
    desk.refused(desk.learn(data, "--abbreviations", short), "short.csv", "rows 3, 4")
    short.write_text("abbreviation,means\nETOH,alcohol\n")
    desk.refused(desk.learn(data, "--abbreviations", short), "short.csv", "meaning")
    desk.refused(desk.learn(data, "--abbreviations", desk.folder / "no.csv"), "no.csv")
    short.write_text("abbreviation,meaning\nSyncope,stroke\n")
    assert desk.learn(data, "--abbreviations", short).status == 0
    short.unlink()  # what it said is kept
    outcome = carried_out(encode.main, "--run", desk.run)
    assert "2 records have abbreviations" in outcome.told
    assert carried_out(train.main, "--run", desk.run, "--device", "cpu").status == 0
    new = desk.file("cause\nGSW head\ngunshot wound head\nsyncope\nstroke\nxyz\n", "new.csv")
    outcome = desk.code(new, run=desk.run)
    assert outcome.status == 0 and "2 records have abbreviations" in outcome.told
    coded = pd.read_csv(desk.out)
    assert coded["probability"][0] == coded["probability"][1]
    assert coded["probability"][2] == coded["probability"][3]
    assert coded["decision"][4] == "review"
    flags = "--run", desk.run, "--data", new, "--records", "1", "2", "3"
    for out in ("why.csv", "why.html"):
        outcome = carried_out(explain.main, *flags, "--out", desk.folder / out)
        assert outcome.status == 0, outcome.told
    tokens = pd.read_csv(desk.folder / "why.csv", dtype=str, keep_default_na=False)
    assert tokens.set_index("token")["read_as"].loc[["gsw", "syncope", "gunshot"]].tolist() == [
        "gunshot wound", "stroke", ""
    ]  # fmt: skip
    assert "read as gunshot wound" in (desk.folder / "why.html").read_text()


# ------------------------------------------------------------------------------ the table


@pytest.mark.parametrize(
    "number", [pytest.param(n, id=f"{n} {FAULTS[n][0]}") for n in sorted(FAULTS)]
)
def test_fault(number, desk):
    FAULTS[number][1](desk)
