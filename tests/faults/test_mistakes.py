"""Mistakes of the user, and computers and terminals that lack something."""

import contextlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from commands import (
    GOOD,
    QUICK,
    ROOT,
    SECRET,
    Faults,
    carried_out,
    csv_of,
)
from terminal import Terminal

from pipelines import (
    encode,
    explain,
    predict,
    preprocess,
    progress,
    report,
    review,
    train,
)  # fmt: skip
from pipelines import run as run_stage
from pipelines.flags import parse_number as flag_number
from textlstm import TextLSTMClassifier
from textlstm.errors import InputError
from textlstm.models import memory

fault = Faults()


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
        if error is np.linalg.LinAlgError:  # a defect is not taken for lack of memory
            with pytest.raises(error):
                carried_out(main)
        else:
            desk.refused(carried_out(main), "not enough memory")


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


EVIL = "\x1b]0;pwned\x07\x1b[31m\nrc=0: fake\r\u202e"
"""A name that would set a terminal's title, fake a line and reverse the rest."""


def visible_lines(told):
    """Return the lines of a command, and check that a terminal would obey no character."""
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
    with contextlib.chdir(odd):  # its name is written only into working files
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
    for stage, endings in [
        (predict, ".csv, .parquet or .xlsx"),
        (explain, ".csv, .parquet, .xlsx or .html"),
    ]:
        out = desk.folder / "w.pdf"
        told = carried_out(stage.main, "--run", run, "--data", data, "--out", out)
        desk.refused(told, f"must end in {endings}")
    given = [flag_number(word) for word in ("2%", " 2 %", "0.02", "2e-2")]
    assert given == [0.02] * 4


@pytest.mark.parametrize("number", fault.cases())
def test_fault(number, desk):
    fault.check(number, desk)
