"""The model of a run on other labelled records, as a user measures it."""

import json
from unittest import mock

import pandas as pd
import pytest

from pipelines import evaluate, shell
from pipelines import run as run_stage
from textlstm.reporting import evaluated_report
from textlstm.storage import swap

QUICK = (
    "--ensemble-size 1 --epochs 6 --embedding-size 16 --hidden-units 16 --batch-size 16 "
    "--min-steps 0 --learning-rate 0.02 --device cpu"
).split()
FILES = {"metrics.json", "predictions.csv", "report.html"}


@pytest.fixture(scope="module")
def home(tmp_path_factory, table):
    """A folder with a finished run, and its holdout as a table of its own."""
    folder = tmp_path_factory.mktemp("evaluated")
    table.to_csv(folder / "records.csv", index=False)
    columns = "--text cause other --label category --id record_id --by other".split()
    run_stage.main(
        ["--data", str(folder / "records.csv"), "--run", str(folder / "run"), *columns, *QUICK]
    )
    ids = pd.read_parquet(folder / "run" / "records" / "holdout.parquet")["record_id"]
    table.set_index("record_id").loc[ids].reset_index().to_csv(folder / "own.csv", index=False)
    return folder


def evaluated(home, data, out, *more):
    """Evaluate the run on a table; return the exit status."""
    words = ["--run", home / "run", "--data", data, "--out", out, *more]
    try:
        return shell.status(lambda _: evaluate.main([str(word) for word in words]))
    except SystemExit as end:  # of the parser of flags
        return end.code


def read(folder):
    return json.loads((folder / "metrics.json").read_text())


def without_sentences(values):
    """Values without the sentences, which name the records."""
    if isinstance(values, dict):
        return {
            name: without_sentences(value)
            for name, value in values.items()
            if name not in ("kept", "outcome")
        }
    return list(map(without_sentences, values)) if isinstance(values, list) else values


def test_a_run_on_its_own_holdout_gives_the_very_same_measures(home, tmp_path, capfd):
    out = tmp_path / "new" / "own"
    assert evaluated(home, home / "own.csv", out) == 0
    told = capfd.readouterr()
    assert told.out == f"{out / 'report.html'}\n"
    assert "on the holdout of the run: as many, within chance" in told.err
    assert {path.name for path in out.iterdir()} == FILES
    assert (out / "predictions.csv").stat().st_mode & 0o777 == 0o600
    run, found = read(home / "run"), read(out)
    for name in ("model", "all_records", "per_class", "per_class_intervals", "confusion",
                 "calibration", "never_predicted", "decisions", "subgroups", "seen",
                 "learned"):  # fmt: skip
        assert without_sentences(run[name]) == without_sentences(found[name]), name
    assert found["data"]["holdout"] == run["data"]["holdout"] == found["data"]["rows"]
    assert found["data"]["train"] == run["data"]["train"]
    assert found["beside_holdout"]["difference"]["estimate"] == 0.0
    accuracy, ends = found["model"]["accuracy"], found["model_intervals"]["accuracy"]
    assert ends["low"] <= accuracy <= ends["high"]
    same = (out / "predictions.csv").read_text() == (home / "run" / "predictions.csv").read_text()
    assert same


def test_the_page_is_one_file_without_texts_or_small_counts(home, tmp_path):
    assert evaluated(home, home / "own.csv", tmp_path / "out") == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")
    assert "On the new records" in page and "On the holdout" not in page
    assert "on new records" in page and "holdout of the run" in page
    texts = {"congestive heart failure", "respiratory failure due to copd", "drug overdose"}
    for path in (tmp_path / "out").iterdir():
        content = path.read_text().lower()
        assert not any(text in content for text in texts), path
    missing = [name for name in ("confusion", "drift", "sets", "workload") if
               f'id="{name}"' not in page]  # fmt: skip
    assert not missing


def test_the_table_of_the_training_is_told(home, tmp_path, capfd):
    said = "the table that the run was trained on"
    assert evaluated(home, home / "own.csv", tmp_path / "own") == 0
    assert said not in capfd.readouterr().err
    assert evaluated(home, home / "records.csv", tmp_path / "same") == 0
    assert said in " ".join(capfd.readouterr().err.split())


def test_unknown_labels_other_columns_and_one_promised_error(home, tmp_path, table, capfd):
    other = table.assign(category=table["category"].replace("External", "Outside"))
    other = other.rename(columns={"category": "kind", "cause": "text"}).drop(columns="record_id")
    other.to_csv(tmp_path / "other.csv", index=False)
    flags = "--text text other --label kind --max-error 30%".split()
    assert evaluated(home, tmp_path / "other.csv", tmp_path / "out", *flags) == 0
    told = capfd.readouterr().err
    assert "without the columns 'record_id' of the training table" in told
    assert "40 records have a label that the model cannot give, an error in promises" in told
    found = read(tmp_path / "out")
    assert found["data"]["uncodable"] == {"records": 40, "share": pytest.approx(1 / 3)}
    (promised,) = found["decisions"]["promises"]
    assert promised["max_error"] == 0.3 and promised["coded"]["records"] == 120
    predictions = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert predictions["record_id"].tolist() == list(range(1, 121))
    accepted = predictions[predictions["decision"] == "accept"]
    wrong = (accepted["true_label"] != accepted["predicted_label"]).mean()
    assert promised["error"]["share"] == pytest.approx(wrong) and wrong > 0.2


def test_without_records_and_report_of_the_run_less_is_said(home, tmp_path):
    with (
        mock.patch("pipelines.labelled_inputs.training_records", return_value={}),
        mock.patch("pipelines.labelled_inputs.holdout_measures", return_value=None),
    ):
        assert evaluated(home, home / "own.csv", tmp_path / "out") == 0
    found, page = read(tmp_path / "out"), (tmp_path / "out" / "report.html").read_text()
    assert found["seen"] == {} and found["model"]["accuracy_unseen_text"] is None
    assert found["beside_holdout"]["holdout"] is None and "holdout of the run</th>" not in page
    assert found["model"]["accuracy"] == read(home / "run")["model"]["accuracy"]


def test_an_old_evaluation_is_replaced_and_an_interrupted_one_leaves_it(home, tmp_path):
    out = tmp_path / "out"
    assert evaluated(home, home / "own.csv", out) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    for place in ((evaluated_report, "Report"), (swap, "write_all")):
        with mock.patch.object(*place, side_effect=KeyboardInterrupt):
            assert evaluated(home, home / "records.csv", out) == 130
            assert evaluated(home, home / "records.csv", tmp_path / "new") == 130
        assert {path.name: path.read_bytes() for path in out.iterdir()} == before
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert evaluated(home, home / "records.csv", out) == 0
    assert {path.name for path in out.iterdir()} == FILES
    assert read(out)["data"]["rows"] == 120


@pytest.mark.parametrize(
    ("rows", "flags", "message"),
    [
        (lambda t: t.drop(columns="category"), "", "no column 'category'"),
        (lambda t: t.drop(columns="other"), "", "no column 'other'"),
        (lambda t: t, "--label kind", "no column 'kind'"),
        (lambda t: t, "--text cause", "--text names 1 column; the model reads 2"),
        (lambda t: t, "--label cause", "--text and --label must name different columns"),
        (lambda t: t, "--max-error 2", "--max-error must lie between 0 and 1"),
        (lambda t: t[:0], "", "the table has no rows"),
        (lambda t: t.assign(category="odd"), "", "none has a label that the model knows"),
        (lambda t: t.assign(category=""), "", "of 0 records with label and text, none"),
        (lambda t: t.assign(record_id="r1"), "", "'record_id' repeats an id in row 3"),
    ],
)
def test_a_bad_table_or_flag_gives_one_line(home, tmp_path, table, capfd, rows, flags, message):
    rows(table).to_csv(tmp_path / "bad.csv", index=False)
    assert evaluated(home, tmp_path / "bad.csv", tmp_path / "out", *flags.split()) == 2
    (line,) = [one for one in capfd.readouterr().err.splitlines() if one.startswith("error: ")]
    assert message in line and not (tmp_path / "out").exists()


def test_a_bad_folder_gives_one_line(home, tmp_path, capfd):
    def refused(out, message, run=home):
        assert evaluated(run, home / "own.csv", out) == 2
        lines = capfd.readouterr().err.splitlines()
        assert len(lines) == 1 and message in lines[0], lines

    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes.txt").write_text("precious")
    refused(tmp_path / "notes", "this folder holds other files; give a new one")
    refused(tmp_path / "notes" / "notes.txt", "is a file; give a folder")
    refused(home / "run", "this folder holds other files")
    refused(home / "run" / "bundle" / "new", "the stages of the run")
    (tmp_path / "run").mkdir()
    refused(tmp_path / "out", "this folder is not a run's", tmp_path)
    (tmp_path / "run" / "config.json").write_bytes((home / "run" / "config.json").read_bytes())
    refused(tmp_path / "out", "bundle is missing; run `python -m pipelines.train", tmp_path)
    assert not (tmp_path / "out").exists()
