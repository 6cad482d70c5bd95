"""Bad disks and folders: full, read-only, shared, linked, readable by others."""

import contextlib
import itertools
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from commands import GOOD, Faults, carried_out, contents, csv_of

from pipelines import (
    encode,
    explain,
    predict,
    preprocess,
    report,
    review,
    train,
)  # fmt: skip
from pipelines import run as run_stage
from pipelines.runs import Run
from textlstm.storage.resumable import resumable_shards

fault = Faults()


@contextlib.contextmanager
def small_disk(folder, size="4m", kind="rw"):
    """Mount a small file system, if this process may."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},{kind}", "none", folder]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


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


@fault(43, "two runs, one folder")
def _(desk):
    run = desk.shared("whole") / "after"
    before = contents(run)
    with Run(run).locked():
        desk.refused(carried_out(encode.main, "--run", run), "another process")
    assert contents(run) == before


@fault(98, "what is no plain file, as a table and as an output")
def _(desk):
    run, data = desk.shared("dirty") / "run", desk.file("cause\nasthma\n")
    pipe, made_up, lost = (desk.folder / f"{name}.csv" for name in ("pipe", "made up", "lost"))
    os.mkfifo(pipe)
    made_up.symlink_to("/proc/self/status")  # its size is 0, but it has content
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


def refused_among_what_is_read(desk):
    """Check that no output is written over the files of a table, or into their folder."""
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


@fault(83, "two processes that make one output")
def _(desk):
    data = desk.file("cause\nasthma\n")
    with resumable_shards(desk.out, {"of": "another process"}):
        desk.refused(desk.code(data), "out.csv", "another process")
        assert (desk.folder / ".out.csv.parts" / "job.json").exists()
    assert desk.code(data).status == 0


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


@pytest.mark.parametrize("number", fault.cases())
def test_fault(number, desk):
    fault.check(number, desk)
