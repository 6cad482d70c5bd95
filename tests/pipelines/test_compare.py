"""Comparisons of recipes and of runs, as a user makes them."""

import shutil

import numpy as np
import pandas as pd
import pytest

from pipelines import compare, progress, shell, train
from pipelines import run as run_stage
from pipelines.runs import Run
from textlstm.inference.bundle import Bundle
from textlstm.recipe import load_recipe

SMALL = (
    "--ensemble-size 1 --epochs 3 --embedding-size 12 --hidden-units 12 --batch-size 16 "
    "--min-steps 0 --learning-rate 0.02"
).split()
COLUMNS = "--text cause other --label category --id record_id".split()
PLANTED = "zebrafish"


@pytest.fixture(scope="module")
def home(tmp_path_factory, table):
    """A folder with the records, and a comparison of two recipes on two seeds."""
    folder = tmp_path_factory.mktemp("compared")
    table = table.assign(cause=table["cause"] + f" {PLANTED}")
    table.to_csv(folder / "records.csv", index=False)
    compare.main(arguments(folder, "--recipes", "gru", "rnn", "--seeds", "2"))
    return folder


def arguments(home, *more, out="out"):
    flags = ["--data", home / "records.csv", *COLUMNS, *SMALL, "--device", "cpu"]
    return [str(flag) for flag in (*flags, "--out", home / out, *more)]


def refused(capsys, *given):
    """Give a command that is answered in one line with status 2; return the line."""
    capsys.readouterr()
    try:
        status = shell.status(lambda _: compare.main([str(argument) for argument in given]))
    except SystemExit as end:
        status = end.code
    (line,) = capsys.readouterr().err.splitlines()
    assert status == 2 and line.startswith("error: ")
    return line


def test_tables_hold_each_model_and_each_pair(home):
    models = pd.read_csv(home / "out/comparison.csv")
    assert sorted(models["model"]) == ["gru", "rnn"]
    assert (models["log_loss"].diff().dropna() >= 0).all()
    assert models["best_trade_off"].iloc[0]
    for score in ("accuracy", "macro_f1", "log_loss"):
        assert (models[f"{score}_low"] <= models[score]).all()
    pairs = pd.read_csv(home / "out/differences.csv").set_index("score")
    assert pairs.index.tolist() == ["accuracy", "macro_f1", "log_loss"]
    losses = models.set_index("model")["log_loss"]
    row = pairs.loc["log_loss"]
    expected = losses[row["first"]] - losses[row["second"]]
    assert row["difference"] == pytest.approx(expected, abs=2e-6)
    assert row["low"] < row["difference"] < row["high"]


def test_scores_are_those_of_the_runs_on_their_holdouts(home):
    losses = []
    for seed in (0, 1):
        run = Run(home / "out/runs" / f"gru-{seed}")
        bundle = Bundle.load(run.bundle)
        holdout = pd.read_parquet(run.records / "holdout.parquet")
        probabilities = bundle.predict_proba(holdout["text"].tolist())
        truth = pd.Index(bundle.labels).get_indexer(holdout["label"])
        losses.append(-np.log(probabilities[np.arange(len(truth)), truth]).mean())
    models = pd.read_csv(home / "out/comparison.csv", index_col="model")
    assert models.loc["gru", "log_loss"] == pytest.approx(np.mean(losses), abs=1e-5)


def test_the_page_and_the_tables_hold_no_text_of_records(home):
    page = (home / "out/comparison.html").read_text()
    assert "Which model for category from cause, other?" in page
    assert "A bidirectional GRU." in page and "<script" not in page
    for path in (home / "out").iterdir():
        assert path.is_dir() or PLANTED.encode() not in path.read_bytes().lower()


def test_the_same_command_trains_nothing_again(home, capsys, monkeypatch):
    before = (home / "out/differences.csv").read_bytes()
    monkeypatch.setattr(train, "train", lambda *_: pytest.fail("trained again"))
    compare.main(arguments(home, "--recipes", "gru", "rnn", "--seeds", "2"))
    said = capsys.readouterr()
    assert (home / "out/differences.csv").read_bytes() == before
    assert said.out.strip().endswith("comparison.html")
    lines = said.err.splitlines()
    assert all(line.startswith("compare: ") for line in lines) and "(4 of 4)" in lines[3]


def test_an_interrupted_comparison_is_resumed(home, monkeypatch):
    trained, whole = [], train.train

    def interrupted(run, device):
        trained.append(run.folder.name)
        if len(trained) == 2:
            raise KeyboardInterrupt
        whole(run, device)

    monkeypatch.setattr(train, "train", interrupted)
    given = arguments(home, "--recipes", "gru", "rnn", "--seeds", "1", out="again")
    with pytest.raises(KeyboardInterrupt):
        compare.main(given)
    assert not (home / "again/comparison.html").exists()
    compare.main(given)
    assert trained == ["gru-0", "rnn-0", "rnn-0"]
    again, first = (Bundle.load(home / name / "runs/gru-0/bundle") for name in ("again", "out"))
    assert (again.predict_proba(["asthma"]) == first.predict_proba(["asthma"])).all()


def test_one_bar_counts_all_trainings(home, monkeypatch):
    made = []

    class Kept(progress.Progress):
        def __init__(self, *given, **options):
            super().__init__(*given, **options)
            made.append(self)

    monkeypatch.setattr(progress, "Progress", Kept)
    shutil.rmtree(home / "out/runs/rnn-1")
    compare.main(arguments(home, "--recipes", "gru", "rnn", "--seeds", "2"))
    assert [(one.stage, one.done) for one in made if one.total] == [("compare", 4)]


def test_another_table_in_the_same_folder_is_refused(home, capsys, tmp_path):
    rows = pd.read_csv(home / "records.csv", dtype=str, keep_default_na=False)
    rows[:90].to_csv(tmp_path / "records.csv", index=False)
    shutil.copytree(home / "out", tmp_path / "out")
    line = refused(capsys, *arguments(tmp_path, "--recipes", "gru", "rnn", "--seeds", "2"))
    assert "with another --data" in line and "--overwrite" in line


def test_runs_made_before_are_compared_on_their_common_holdout(home, capsys):
    runs = [home / "out/runs" / name for name in ("gru-0", "rnn-0")]
    capsys.readouterr()
    compare.main([*map(str, ["--runs", *runs, "--out", home / "of_runs"])])
    models = pd.read_csv(home / "of_runs/comparison.csv")
    assert sorted(models["model"]) == ["gru-0", "rnn-0"]
    assert "the same 36 holdout records" in (home / "of_runs/comparison.html").read_text()
    other_seed = [home / "out/runs/gru-0", home / "out/runs/gru-1"]
    compare.main([*map(str, ["--runs", *other_seed, "--out", home / "of_seeds"])])
    assert "gru, seed 1, from cause, other" in (home / "of_seeds/comparison.html").read_text()


def test_runs_of_other_records_are_refused(home, capsys, tmp_path):
    rows = pd.read_csv(home / "records.csv", dtype=str, keep_default_na=False)
    rows[:90].to_csv(tmp_path / "records.csv", index=False)
    flags = ["--data", tmp_path / "records.csv", *COLUMNS, *SMALL, "--run", tmp_path / "run"]
    run_stage.main([str(flag) for flag in flags])
    ours = home / "out/runs/gru-0"
    line = refused(capsys, "--runs", ours, tmp_path / "run", "--out", tmp_path / "out")
    assert "gru-0 and run are of different tables" in line
    line = refused(capsys, "--runs", ours, tmp_path / "none", "--out", tmp_path / "out")
    assert "there is no such run" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("--recipes gru gry", "no recipe 'gry'"),
        ("--recipes gru", "two recipes"),
        ("--recipes gru gru", "2 recipes 'gru'"),
        ("--recipes gru rnn --seeds 0", "--seeds must be 1 or more, not 0"),
        ("--recipes gru rnn --cell gro", "--cell"),
        ("--recipes gru rnn --text nothing", "nothing"),
        ("--recipes gru rnn --hidden-units 100000 --ensemble-size 900", "memory"),
        ("--recipes gru rnn --search 2", "--search is for one recipe"),
        ("--recipes gru --search 0", "1 or more trials"),
        ("--recipes gru --search 2 --seeds 3", "leave out --seeds"),
        ("--runs a b --search 3", "leave out --search"),
        ("--runs a", "two runs"),
        ("--runs a a", "each run once"),
        ("--runs a b --recipes gru", "leave out --recipes"),
        ("--runs a b --epochs 3", "leave out --epochs"),
    ],
)
def test_mistakes_are_answered_in_one_line(home, capsys, tmp_path, given, words):
    flags = given.split()
    table = [] if "--runs" in flags else ["--data", home / "records.csv"]
    columns = [] if table == [] or "--text" in flags else COLUMNS
    line = refused(capsys, *flags, *table, *columns, "--out", tmp_path / "out")
    assert words in line
    assert not (tmp_path / "out/comparison.html").exists()


def test_a_folder_of_other_files_is_refused(home, capsys, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    line = refused(capsys, *arguments(home, "--recipes", "gru", "rnn"), "--out", tmp_path)
    assert "holds other files" in line
    line = refused(capsys, *arguments(home), "--out", tmp_path / "mine.txt")
    assert "is a file" in line


def test_a_search_finds_a_recipe_and_compares_it(home, capsys):
    given = ("--recipes", "gru", "--search", "2")
    compare.main(arguments(home, *given, out="searched"))
    out = home / "searched"
    found = load_recipe(out / "searched.toml")
    assert found.network.cell == "gru" and found.training.epochs == 3
    models = pd.read_csv(out / "comparison.csv")
    assert sorted(models["model"]) == ["gru", "gru-searched"]
    assert len(pd.read_csv(out / "learning_curve.csv")) == 4
    page = (out / "comparison.html").read_text()
    assert "2 trials were trained" in page and PLANTED not in page
    assert PLANTED not in (out / "search.journal").read_text()
    said = [line for line in capsys.readouterr().err.splitlines() if "trial" in line]
    assert [line.partition(": log loss")[0] for line in said] == [
        "compare: trial 1 of 2", "compare: trial 2 of 2"
    ]  # fmt: skip


def test_a_file_with_the_name_of_a_shipped_recipe_is_not_described_as_that(home, tmp_path):
    (tmp_path / "gru.toml").write_text('base = "rnn"\n')
    given = arguments(home, "--recipes", str(tmp_path / "gru.toml"), "rnn", "--seeds", "1")
    compare.main([*given, "--out", str(tmp_path / "out")])
    page = (tmp_path / "out/comparison.html").read_text()
    assert "A bidirectional GRU." not in page and "A bidirectional simple RNN" in page
    assert (tmp_path / "out/runs/gru-0").is_dir()
