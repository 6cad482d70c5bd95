"""The folder of a run after a kill, with a link in it, or with a file that cannot be removed."""

import os
import shutil
from pathlib import Path

import pytest
from steps import Killed, killed_at_every_step, watched

from pipelines.run_paths import STAGES, require_outside_runs
from pipelines.runs import Run
from pipelines.staging import SWAP_FILE
from textlstm.config import RunConfig
from textlstm.errors import InputError
from textlstm.storage import swap

FOLDERS = ("records", "encoded", "bundle", "figures", "tables")


def write(run, stage, content):
    """Write the outputs of a stage; the bundle stands for folders of several files."""
    for path in run.outputs[stage]:
        if path.name == "config.json":
            run.configure(RunConfig(recipe_name=content))
            continue
        names = ("a", "b") if path.name == "bundle" else ("a",)
        files = [path / name for name in names] if path.name in FOLDERS else [path]
        for file in files:
            file.parent.mkdir(exist_ok=True)
            file.write_text(content)


def run_stage(run, stage, content="new"):
    with run.locked(), run.staged_outputs(stage) as new:
        write(new, stage, content)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A finished run with old outputs."""
    monkeypatch.setattr(os, "fsync", lambda _: None)  # needed after a power failure only; slow
    finished = Run(tmp_path / "run")
    for stage in STAGES:
        run_stage(finished, stage, "old")
    return finished


def contents(run):
    """Files of a run that a reader sees, by the name of each output."""
    files = {}
    for path in sorted(run.folder.rglob("*")):
        name = path.relative_to(run.folder).parts[0]
        if path.is_file() and not name.startswith("."):
            files.setdefault(name, []).append((path.name, path.read_bytes()))
    return files


def restore(folder, copy):
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)


@pytest.fixture(params=["in one step", "by renaming twice"])
def exchange(request, monkeypatch):
    if request.param == "by renaming twice":
        monkeypatch.setattr(swap, "_renameat2", lambda: None)
    elif swap._renameat2() is None:
        pytest.skip("this system cannot exchange paths")
    return request.param


@pytest.mark.parametrize(
    ("stage", "exchange"),
    [*((stage, "in one step") for stage in STAGES), ("train", "by renaming twice")],
    indirect=["exchange"],
)
def test_a_kill_at_any_step_leaves_the_old_files_or_the_new_ones(run, tmp_path, stage, exchange):
    copy = tmp_path / "copy"
    shutil.copytree(run.folder, copy)
    old = contents(run)
    run_stage(run, stage)
    new = contents(run)
    assert set(old) - set(new) == {
        path.name for later in STAGES[STAGES.index(stage) + 1 :] for path in run.outputs[later]
    }
    ends = set()
    restore(run.folder, copy)
    for _ in killed_at_every_step(tmp_path, lambda: run_stage(run, stage)):
        for name, files in contents(run).items():
            assert files in (old[name], new.get(name)), name
        if exchange == "in one step":
            assert set(new) <= set(contents(run)), "an output was missing for a moment"
        run.config()  # as every command reads it first
        seen = contents(run)
        assert seen in (old, new)
        ends.add(seen == new)
        run_stage(run, stage)
        assert contents(run) == new
        assert not [path for path in run.folder.iterdir() if path.name.startswith(".")]
        restore(run.folder, copy)
    assert ends == {False, True}
    assert contents(run) == new
    assert {path.name for path in tmp_path.iterdir()} == {"copy", "run"}


def test_a_file_in_the_place_of_a_run_is_refused(tmp_path):
    (tmp_path / "deaths.csv").touch()
    for path, named in (("deaths.csv", "this is"), ("deaths.csv/runs/a", "deaths.csv is")):
        run = Run(tmp_path / path)
        for refused in (run.locked().__enter__, run.require_own_folder, run.config):
            with pytest.raises(InputError, match=f"--run .*: .*{named} a file; give the folder of"):
                refused()
    assert [path.name for path in tmp_path.iterdir()] == ["deaths.csv"]


def test_a_kill_while_a_swap_is_finished_loses_nothing(run, tmp_path):
    run_stage(run, "encode")
    new = contents(run)
    with watched(tmp_path) as steps:
        run_stage(run, "encode")
    for last in range(steps.taken):  # until the first kill that leaves a swap to finish
        with pytest.raises(Killed), watched(tmp_path, last):
            run_stage(run, "encode")
        if (run.folder / ".unfinished" / SWAP_FILE).exists():
            break
    for last in range(1, 30):
        try:
            with watched(tmp_path, last):
                run.config()
        except Killed:
            assert contents(run) == new
    with run.locked():  # as every stage does
        assert contents(run) == new and not (run.folder / ".unfinished").exists()


def test_if_an_old_file_cannot_be_renamed_all_old_files_stay(run, monkeypatch, exchange):
    old = contents(run)
    rename, exchanged = Path.rename, swap._exchanged

    def refuse(old, new):
        if "figures" in {Path(old).name, Path(new).name} and Path(old).parent == run.folder:
            raise PermissionError(1, "Operation not permitted", str(old))

    def renaming(source, target):
        refuse(source, target)
        return rename(source, target)

    def exchanging(first, second):
        refuse(second, first)
        return exchanged(first, second)

    monkeypatch.setattr(Path, "rename", renaming)
    monkeypatch.setattr(swap, "_exchanged", exchanging)
    for stage in STAGES:
        with pytest.raises(PermissionError):
            run_stage(run, stage)
        assert contents(run) == old and not (run.folder / ".unfinished").exists()


def test_if_an_old_file_cannot_be_removed_the_new_files_are_in_place(run, monkeypatch):
    def refuse(path):
        raise PermissionError(1, "Operation not permitted", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", refuse)
        with pytest.raises(InputError, match=r"\.unfinished: .*whole.*Operation not permitted"):
            run_stage(run, "train")
        seen = contents(run)
        assert seen["bundle"] == [("a", b"new"), ("b", b"new")] and "metrics.json" not in seen
        with pytest.raises(PermissionError):
            run_stage(run, "train", "newer")
        assert contents(run) == seen
    run_stage(run, "train", "newer")
    assert contents(run)["history.csv"] == [("history.csv", b"newer")]


@pytest.mark.parametrize("kind", ["link", "link to nothing", "file", "files of others"])
def test_a_working_folder_that_is_not_ours_is_refused_and_left(run, tmp_path, kind):
    old, elsewhere, working = contents(run), tmp_path / "elsewhere", run.folder / ".unfinished"
    elsewhere.mkdir()
    (elsewhere / "bundle").write_text("precious")
    if kind == "file":
        working.write_text("precious")
    elif kind == "files of others":
        working.mkdir()
        (working / "thesis.txt").write_text("precious")
    else:
        working.symlink_to(elsewhere if kind == "link" else tmp_path / "nowhere")
    for stage in STAGES:
        with pytest.raises(InputError, match=r"\.unfinished: textlstm works there.*move it away"):
            run_stage(run, stage)
    assert (elsewhere / "bundle").read_text() == "precious"
    assert contents(run) == old and working.exists() == (kind != "link to nothing")


@pytest.mark.parametrize("kind", ["link", "file", "folder"])
def test_a_lock_that_is_not_ours_is_refused_and_left(run, tmp_path, kind):
    lock, other = tmp_path / ".run.lock", tmp_path / "precious"
    other.write_text("precious")
    {"link": lambda: lock.symlink_to(other), "file": lambda: lock.write_text("precious"),
     "folder": lock.mkdir}[kind]()  # fmt: skip
    with pytest.raises(InputError, match=r"\.run\.lock: this is no lock.*move it away"):
        run_stage(run, "encode")
    assert other.read_text() == "precious" and lock.exists()


def test_a_foreign_swap_file_moves_nothing_out_of_the_run(run, tmp_path):
    (tmp_path / "precious").write_text("precious")
    working = run.folder / ".unfinished"
    for content in (
        '{"stage": "train", "numbers": {"../precious": 1, "../../precious": 2}}',
        '{"stage": "../..", "numbers": {}}',
        '{"stage": "train", "numbers": 7}',
        "[]",
        "{",
    ):
        working.mkdir(exist_ok=True)
        (working / SWAP_FILE).write_text(content)
        run.config()
        assert (tmp_path / "precious").read_text() == "precious" and not working.exists()
    assert "records" in contents(run)


def test_private_files_are_for_their_owner_only(run):
    for private in run.private:
        for path in [private, *private.rglob("*")] if private.exists() else []:
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize(
    "name", ["records/x.csv", "encoded/a/b.csv", "bundle/o.csv", "checkpoint/o.csv", "tables/o.csv",
             "Figures/o.csv", ".unfinished/o.csv", "metrics.json", "config.json", "timing.json",
             "predictions.csv", "../run/records/o.csv", "records"]
)  # fmt: skip
def test_no_output_goes_where_a_run_writes(run, name):
    with pytest.raises(InputError, match="--out: the stages of the run"):
        require_outside_runs(run.folder / name, "--out")


def test_outputs_may_be_written_into_a_run_and_into_other_folders(run, tmp_path):
    (run.folder / "link").symlink_to(run.records)
    with pytest.raises(InputError):
        require_outside_runs(run.folder / "link" / "o.csv", "--out")
    require_outside_runs(run.folder / "coded.csv", "--out")
    (tmp_path / "config.json").write_text("{}")
    require_outside_runs(tmp_path / "records" / "o.csv", "--out")


def test_a_run_is_not_started_within_another(run):
    with pytest.raises(InputError, match=r"--run .*the stages of the run"):
        run_stage(Run(run.records / "mine"), "preprocess")
