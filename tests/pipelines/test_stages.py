"""All stages on invented records, as a user runs them."""

import contextlib
import csv
import importlib
import io
import json
import re
import shutil
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from shared import preprocessed_here

from pipelines import __main__ as every
from pipelines import (
    encode,
    explain,
    interrupts,
    predict,
    preprocess,
    progress,
    report,
    review,
    shell,
    train,
)  # fmt: skip
from pipelines import run as run_stage
from pipelines.inputs import TableFormat
from pipelines.runs import Run
from textlstm import TextLSTMClassifier
from textlstm.data import options
from textlstm.data.options import Limits
from textlstm.data.records import SPLITS
from textlstm.encoding.encoded import read_encoded
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.errors import InputError
from textlstm.inference.bundle import Bundle
from textlstm.inference.rules import DecisionRequest
from textlstm.reporting import explanation
from textlstm.storage.atomic import sha256
from textlstm.text import tokenizing
from textlstm.text.tokenizing import tokenize, word_document_counts
from textlstm.training.checkpoint import Checkpoint
from textlstm.uncertainty.out_of_fold import OutOfFold
from textlstm.uncertainty.risk_control import promise

ROOT = Path(__file__).parent.parent.parent
QUICK = (
    "--ensemble-size 1 --epochs 6 --embedding-size 16 --hidden-units 16 --batch-size 16 "
    "--min-steps 0 "
    "--learning-rate 0.02"
).split()


def flags(data, run):
    columns = "--text cause other --label category --id record_id --by other date"
    return f"--data {data} {columns} --run {run}".split()


class Counted(progress.Progress):
    """Keeps what each stage counted."""

    kept = []  # noqa: RUF012

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.named = []
        self.kept.append(self)

    def at(self, what):
        self.named.append(what)
        super().at(what)


@pytest.fixture(scope="module")
def home(tmp_path_factory, table):
    """A folder with the records as CSV and a finished run."""
    folder = tmp_path_factory.mktemp("home")
    table.to_csv(folder / "records.csv", index=False)
    with mock.patch.object(progress, "Progress", Counted):
        run_stage.main([*flags(folder / "records.csv", folder / "run"), *QUICK, "--device", "cpu"])
    return folder


def metrics(home):
    return json.loads((home / "run" / "metrics.json").read_text())


def status(main, arguments):
    """Exit status and message of a stage, as the shell sees them."""
    try:
        return shell.status(lambda _: main([str(argument) for argument in arguments]))
    except SystemExit as end:  # of the parser of flags
        return end.code


# ------------------------------------------------------------------------------ what is written


def test_a_run_holds_what_the_contract_names(home):
    run = home / "run"
    for name in (
        "config.json", "records/train.parquet", "encoded/vocab.json", "history.csv",
        "metrics.json", "predictions.csv", "report.html", "figures/word_cloud.png",
        "figures/training_progress.png", "figures/confusion.png", "figures/reliability.png",
        "figures/per_class.png", "figures/word_clouds_by_class.png",
        "figures/words_taken_away.png", "figures/robustness.png",
        "tables/confusion.csv",
        "tables/class_words.csv", "tables/label_suspects.csv", "tables/conflicting_labels.csv",
        "figures/workload.png", "figures/workload_by_class.png",
        "bundle/model.safetensors", "bundle/vocab.json", "bundle/labels.json",
        "bundle/config.json", "bundle/calibration.json", "bundle/README.md",
        "bundle/manifest.json",
    ):  # fmt: skip
        assert (run / name).stat().st_size > 0, name


def test_the_stages_count_all_of_their_steps_and_name_them_as_people_do(home):
    fitted = {step for one in Counted.kept for step in one.named if step.startswith("fitting ")}
    linear, shares = "fitting TF-IDF + logistic regression", "fitting class shares alone"
    assert {linear, shares} <= fitted and not any("_" in step for step in fitted)
    counted = {one.stage: one for one in Counted.kept if one.total}
    assert {"encode", "train", "report"} <= set(counted)
    assert counted["train"].done == counted["train"].total == 6
    for name in ("encode", "report"):  # the last step ends with the work
        assert counted[name].done + 1 == counted[name].total


def test_metrics_have_the_keys_of_the_contract(home):
    found = metrics(home)
    measures = {
        "accuracy", "macro_f1", "weighted_f1", "log_loss", "ece", "brier", "auroc", "auprc",
        "accuracy_unseen_text"
    }  # fmt: skip
    assert set(found) == {
        "model", "baselines", "difference", "differences", "learned", "all_records",
        "never_predicted", "per_class", "per_class_intervals", "confusion",
        "calibration", "decisions", "subgroups", "seen", "faithfulness", "deciding_words",
        "robustness", "hidden_units", "doubtful_labels", "data", "timing",
    }  # fmt: skip
    assert set(found["model"]) == measures
    assert set(found["baselines"]) == {"majority", "tfidf_logreg"}
    assert all(set(one) == measures for one in found["baselines"].values())
    assert set(found["difference"]) == {"accuracy", "macro_f1", "log_loss"}
    assert all(set(one) == {"estimate", "low", "high"} for one in found["difference"].values())
    assert set(found["per_class"]) == {"Circulatory", "External", "Respiratory"}
    assert set(found["per_class"]["External"]) == {"precision", "recall", "f1", "support"}
    assert set(found["data"]) == {
        "rows", "train", "validation", "holdout", "distinct_texts", "dropped", "truncated_share",
        "unknown_token_share", "length", "handled", "uncodable",
    }  # fmt: skip
    assert set(found["timing"]) == {"preprocess", "encode", "train", "report"}


def test_metrics_agree_with_the_predictions_and_the_difference(home):
    found = metrics(home)
    rows = pd.read_csv(home / "run" / "predictions.csv")
    assert list(rows) == [
        "record_id", "true_label", "predicted_label", "probability", "second_label", "decision"
    ]  # fmt: skip
    hits = rows["true_label"] == rows["predicted_label"]
    assert found["model"]["accuracy"] == pytest.approx(hits.mean())
    counts = pd.crosstab(rows["true_label"], rows["predicted_label"])
    labels = found["confusion"]["labels"]
    counts = counts.reindex(index=labels, columns=labels, fill_value=0)
    assert found["confusion"]["counts"] == counts.to_numpy().tolist()
    table = pd.read_csv(home / "run" / "tables" / "confusion.csv")
    assert list(table) == ["true", "predicted", "records"]
    assert table["records"].sum() == 36 and table["records"].min() > 0
    assert found["data"]["holdout"] == len(rows) == 36
    assert (rows["predicted_label"] != rows["second_label"]).all()
    for name, difference in found["difference"].items():
        expected = found["model"][name] - found["baselines"]["tfidf_logreg"][name]
        assert difference["estimate"] == pytest.approx(expected)


def test_what_was_promised_is_measured(home):
    found = metrics(home)["decisions"]
    assert set(found) == {
        "held_out", "held_out_effective", "promises", "workload", "workload_per_class", "sets"
    }  # fmt: skip
    # One network that left out nine records can promise nothing.
    assert found["held_out"] == found["held_out_effective"] == 9
    for one in found["promises"]:
        assert one["threshold"] is None and one["coded"]["share"] == 0.0
        assert "cannot be promised" in one["sentence"]
    assert found["workload"]["error"][-1] == pytest.approx(1 - metrics(home)["model"]["accuracy"])
    for one in found["sets"]:
        n = sum(row["records"] for row in one["per_class"].values())
        covered = sum(row["share"] * row["records"] for row in one["per_class"].values())
        assert n == 36 and one["covered"]["share"] == pytest.approx(covered / n)


def test_groups_are_measured_and_those_that_may_be_shown_are(home):
    found = metrics(home)["subgroups"]
    holdout = pd.read_csv(home / "run" / "predictions.csv", dtype=str)
    table = pd.read_csv(home / "records.csv", dtype=str).set_index("record_id")
    other = table["other"].fillna("(missing)")[holdout["record_id"]]
    assert {name: row["records"] for name, row in found["other"].items()} == dict(
        other.value_counts()
    )
    correct = holdout["true_label"] == holdout["predicted_label"]
    for name, row in found["other"].items():
        assert row["accuracy"]["share"] == correct[(other == name).to_numpy()].mean()
    assert list(found["date"]) == ["2022"] and found["date"]["2022"]["records"] == len(holdout)
    seen = metrics(home)["seen"]
    assert sum(row["records"] for row in seen.values()) == len(holdout)
    page = (home / "run" / "report.html").read_text()
    assert (
        'colspan="6">other</th>' in page
        and f'<td>2022</td><td data-head="records">{len(holdout)}</td>' in page
    )


def test_the_parts_are_those_of_the_table(home, table):
    parts = {
        name: pq.read_table(home / "run" / "records" / f"{name}.parquet").to_pandas()
        for name in ("train", "validation", "holdout")
    }
    ids = [one for part in parts.values() for one in part["record_id"]]
    assert sorted(ids) == sorted(table["record_id"])
    assert [len(part) for part in parts.values()] == [75, 9, 36]
    words = word_document_counts(parts["train"]["text"], min_records=5)
    vocabulary = json.loads((home / "run" / "encoded" / "vocab.json").read_text())["words"]
    assert {word for word in vocabulary if not word.startswith("<")} == set(words)
    encoded, labels = read_encoded(home / "run" / "encoded" / "holdout.arrow")
    assert len(encoded) == len(labels) == 36


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_table_in_parts_gives_the_records_of_the_whole(home, tmp_path, table, size):
    table.to_parquet(tmp_path / "records.parquet")
    with mock.patch.object(options, "LIMITS", Limits(chunk_rows=size)):
        preprocess.main(flags(tmp_path / "records.parquet", tmp_path / "run"))
    for name in ("train.parquet", "validation.parquet", "holdout.parquet", "summary.json"):
        parts, whole = (run / "records" / name for run in (tmp_path / "run", home / "run"))
        assert sha256(parts) == sha256(whole), name


def test_each_distinct_text_is_tokenized_and_encoded_once(tmp_path, table):
    table.to_parquet(tmp_path / "records.parquet")
    run, tokenized, encoded = tmp_path / "run", [], []
    encode_texts = Vocabulary.encode

    def encode_noted(self, texts, values=None):
        encoded.append(texts.values)
        return encode_texts(self, texts, values)

    def tokenize_noted(field):
        tokenized.append(field)
        return tokenize(field)

    with (
        mock.patch.object(options, "LIMITS", Limits(chunk_rows=7)),
        mock.patch.object(tokenizing, "tokenize", tokenize_noted),
        mock.patch.object(Vocabulary, "encode", encode_noted),
    ):
        preprocess.main(flags(tmp_path / "records.parquet", run))
        encode.main(["--run", str(run)])
    assert sorted(tokenized) == sorted({*table["cause"], *table["other"]})
    parts = (pd.read_parquet(run / "records" / f"{name}.parquet") for name in SPLITS)
    assert encoded == [*(list(dict.fromkeys(part["text"])) for part in parts), []]  # none is rare


def test_the_settings_are_kept_flags_before_recipe_before_defaults(home, tmp_path):
    config = json.loads((home / "run" / "config.json").read_text())
    assert config["seed"] == 0 and config["data"]["text"] == ["cause", "other"]
    assert config["device"] == "cpu" and config["versions"]["torch"]
    assert config["recipe"]["training"]["epochs"] == 6
    recipe = tmp_path / "mine.toml"
    recipe.write_text("[training]\nepochs = 7\nbatch_size = 9\n")
    arguments = [
        *flags(home / "records.csv", tmp_path / "run"),
        "--recipe",
        recipe,
        "--batch-size",
        5,
    ]
    preprocess.main([str(argument) for argument in arguments])
    training = json.loads((tmp_path / "run" / "config.json").read_text())["recipe"]["training"]
    assert (training["epochs"], training["batch_size"]) == (7, 5)


def test_two_runs_give_the_same_bytes(home, tmp_path):
    run_stage.main([*flags(home / "records.csv", tmp_path / "run"), *QUICK, "--device", "cpu"])
    for name in ("bundle/model.safetensors", "bundle/calibration.json", "predictions.csv",
                 "figures/word_cloud.png"):  # fmt: skip
        assert sha256(tmp_path / "run" / name) == sha256(home / "run" / name), name


def test_no_text_of_a_record_is_in_what_may_be_shown(home):
    texts = {"congestive heart failure", "respiratory failure due to copd", "drug overdose"}
    for path in (home / "run").rglob("*"):
        if path.is_file() and path.parent.name not in ("records", "encoded"):
            content = path.read_bytes().lower()
            assert not any(text.encode() in content for text in texts), path


def test_each_picture_has_its_numbers(home):
    figures = home / "run" / "figures"
    pictures, tables = ({one.stem for one in figures.glob(f"*.{kind}")} for kind in ("png", "csv"))
    assert pictures and pictures | {"groups"} == tables
    holdout = metrics(home)["data"]["holdout"]
    found = pd.read_csv(figures / "groups.csv").groupby("column")["records"].sum()
    assert found["date"] == holdout >= found["other"]


def test_the_report_is_one_file_that_loads_nothing(home):
    page = (home / "run" / "report.html").read_text()
    clouds = page.count('alt="Word cloud of class ')
    assert clouds and page.count("data:image/png;base64,") == 9 + clouds
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")
    assert "default-src 'none'" in page
    assert "Accuracy: " in page


# ------------------------------------------------------------------------------ stages alone


def test_each_stage_runs_alone_and_changes_nothing(home, tmp_path):
    shutil.copytree(home / "run", tmp_path / "run")
    before = sha256(tmp_path / "run" / "predictions.csv")
    for stage, more in ((encode, []), (train, ["--device", "cpu"]), (report, [])):
        stage.main(["--run", str(tmp_path / "run"), *more])
    assert sha256(tmp_path / "run" / "predictions.csv") == before


def test_an_earlier_stage_leaves_nothing_stale(home, tmp_path):
    shutil.copytree(home / "run", tmp_path / "run")
    encode.main(["--run", str(tmp_path / "run")])
    assert not (tmp_path / "run" / "bundle").exists()
    assert not (tmp_path / "run" / "report.html").exists()


@pytest.mark.parametrize(
    ("stage", "missing", "names"),
    [
        (encode, "records", "preprocess"),
        (train, "encoded", "encode"),
        (report, "history.csv", "train"),
        (encode, "config.json", "preprocess"),
    ],
)
def test_a_stage_says_what_is_missing(home, tmp_path, capsys, stage, missing, names):
    shutil.copytree(home / "run", tmp_path / "run")
    path = tmp_path / "run" / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert status(stage.main, ["--run", tmp_path / "run"]) == 2
    error = capsys.readouterr().err
    assert f"pipelines.{names}" in error and "Traceback" not in error


# ------------------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            ["--text", "causes"],
            "no column 'causes'; did you mean 'cause'? It has 'record_id', 'date', 'cause'",
        ),
        (["--label", "manner"], "no column 'manner'"),
        (["--data", "nowhere.csv"], "nowhere.csv: no such file"),
        (["--recipe", "best"], "no recipe 'best'"),
        (["--holdout", "2"], "--holdout"),
        (["--batch-size", "0"], "--batch-size"),
        (["--learning-rate", "nan"], "--learning-rate"),
        (["--epochs", "many"], "--epochs"),
        (["--split", "temporal"], "--date"),
        (["--seed", "-1"], "--seed"),
        (["--seed", "5000000000"], "--seed"),
        (["--label", "cause"], "--label"),
        (["--id", "category"], "repeats an id in row"),
        (["--frobnicate"], "--frobnicate"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(home, tmp_path, capsys, changes, message):
    arguments = [*flags(home / "records.csv", tmp_path / "run"), *changes]
    assert status(run_stage.main, arguments) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_folder_of_other_files_is_left_alone(home, tmp_path, capsys):
    (tmp_path / "thesis.docx").write_text("precious")
    assert status(run_stage.main, flags(home / "records.csv", tmp_path)) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_a_folder_with_another_config_is_left_alone(home, tmp_path, capsys):
    (tmp_path / "config.json").write_text('{"mine": 1}')
    (tmp_path / "figures").mkdir()
    assert status(run_stage.main, flags(home / "records.csv", tmp_path)) == 2
    assert (tmp_path / "config.json").read_text() == '{"mine": 1}'
    assert (tmp_path / "figures").exists()


def test_two_processes_are_kept_apart_and_a_dead_one_keeps_nobody_out(home, tmp_path, capsys):
    shutil.copytree(home / "run", tmp_path / "run")
    holding = "import sys, time; from pipelines.runs import Run\nwith Run(sys.argv[1]).locked():\n"
    holding += "    print('held', flush=True); time.sleep(60)"
    other = subprocess.Popen(
        [sys.executable, "-c", holding, tmp_path / "run"], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert other.stdout is not None and other.stdout.readline() == b"held\n"
    assert status(encode.main, ["--run", tmp_path / "run"]) == 2
    assert "another process" in capsys.readouterr().err
    other.kill()
    other.wait()
    assert status(encode.main, ["--run", tmp_path / "run"]) == 0


def test_no_cell_of_the_predictions_is_a_formula(tmp_path, table):
    named = table.assign(category=table["category"].str.replace("External", "=External"))
    named.to_csv(tmp_path / "records.csv", index=False)
    run_stage.main([*flags(tmp_path / "records.csv", tmp_path / "run"), *QUICK])
    cells = pd.read_csv(tmp_path / "run" / "predictions.csv", dtype=str)
    assert "'=External" in set(cells["true_label"])
    assert not cells.map(lambda cell: str(cell).startswith("=")).to_numpy().any()


def test_a_training_that_fails_leaves_the_old_model(home, tmp_path, capsys):
    shutil.copytree(home / "run", tmp_path / "run")
    before = sha256(tmp_path / "run" / "bundle" / "model.safetensors")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    config["recipe"]["training"] |= {"learning_rate": 1e38, "schedule": "constant"}
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    assert status(train.main, ["--run", tmp_path / "run"]) == 2
    assert "--learning-rate" in capsys.readouterr().err
    assert sha256(tmp_path / "run" / "bundle" / "model.safetensors") == before
    assert (tmp_path / "run" / "report.html").exists()


def test_ctrl_c_and_a_full_disk_are_no_tracebacks(capsys):
    def interrupt(_):
        raise KeyboardInterrupt

    def fill(_):
        raise OSError(28, "No space left on device", "somewhere")

    assert status(interrupt, []) == 130
    assert status(fill, []) == 2
    assert "somewhere: No space left on device" in capsys.readouterr().err


def test_a_coding_that_is_interrupted_says_whether_anything_is_kept(home, tmp_path, capsys):
    def interrupted_at(place):
        stop = mock.Mock(side_effect=interrupts.Interrupted(signal.SIGINT))

        def main(_):
            run, data = Run(home / "run"), str(home / "records.csv")
            options = TableFormat(), DecisionRequest(), "cpu"
            predict.predict(run, data, tmp_path / "out.csv", *options, shard_rows=50)

        with mock.patch(place, stop):
            assert shell.status(main) == 130
        parts = len(list((tmp_path / ".out.csv.parts").glob("*.csv")))
        return parts, capsys.readouterr().err.splitlines()[-1]

    nothing, kept = (
        f"interrupted; {one}" for one in (interrupts.NOTHING_TO_RESUME, interrupts.RESUME_HINT)
    )
    assert interrupted_at("textlstm.inference.bundle.Bundle.load") == (0, nothing)
    assert interrupted_at("textlstm.inference.engines.local.predict_tables") == (0, nothing)
    assert interrupted_at("pipelines.predict.Source.require_unchanged") == (3, kept)


def printed(*command):
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def helped(main, *arguments):
    told = io.StringIO()
    with contextlib.redirect_stdout(told), pytest.raises(SystemExit):
        main([*arguments, "--help"])
    return told.getvalue()


@pytest.mark.parametrize("name", list(every.STAGES))
def test_help_of_each_stage_has_an_example_and_is_the_same_by_either_name(name, monkeypatch):
    stage = importlib.import_module(f"pipelines.{name}")
    told = helped(stage.main)
    assert "Reads:" in told and "--version" in told
    assert f"For example:\n    python -m pipelines.{name}" in told
    assert helped(every.main, name) == told
    if name == "review":
        for way in ("export", "import"):
            told = helped(stage.main, way)
            assert f"For example:\n    python -m pipelines.review {way} " in told
    monkeypatch.setattr(sys, "argv", ["/usr/bin/textlstm", name])
    by_console = helped(every.main, name)
    assert by_console.startswith(f"usage: textlstm {name} ") and "python -m" not in by_console


def test_the_flags_that_most_runs_need_come_first():
    told = helped(run_stage.main)
    places = [told.index(f"\n  {flag} ") for flag in (
        "--data", "--text", "--label", "--run", "--recipe", "--seed", "--device", "--split",
        "--max-length",
        "--ensemble-size", "--epochs")]  # fmt: skip
    assert places == sorted(places) and told.count("\nusage") + told[:200].count("[flags]") == 1


def test_the_stages_are_listed_and_the_version_told():
    status, told, _ = printed("-m", "pipelines")
    assert status == 0 and all(f"    {name} " in told for name in every.STAGES)
    assert printed("-m", "pipelines.run", "--version")[1] == f"textlstm {version('textlstm')}\n"


def test_outside_of_the_environment_it_is_told_how_to_install():
    for words in (["pipelines.run"], ["pipelines.encode", "--run", "x"]):
        status, told, error = printed("-S", "-m", *words)
        assert (status, told, error.count("\n")) == (2, "", 1)
        assert "is not installed" in error and "python -m pip install ." in error


# ------------------------------------------------------------------------------ predicting


def predicted(home, rows, out, *more):
    """Write rows, predict them, and return the output's path."""
    source = out.with_name("new.csv")
    rows.to_csv(source, index=False)
    arguments = ["--run", home / "run", "--data", source, "--out", out, "--device", "cpu", *more]
    predict.main([str(argument) for argument in arguments])
    return out


def predicted_here(*arguments):
    """Predict without the second process, whose start takes longer than all else."""
    with preprocessed_here():
        return predicted(*arguments)


def test_new_records_keep_their_columns_and_order(home, table, tmp_path):
    rows = table.drop(columns="category").iloc[::-1].assign(extra="0123")
    out = pd.read_csv(predicted(home, rows, tmp_path / "out.csv"), dtype=str, keep_default_na=False)
    assert list(out) == [*rows, "predicted_label", "probability", "second_label", "decision"]
    assert out[list(rows)].to_numpy().tolist() == rows.to_numpy().tolist()


def test_a_fresh_process_gives_the_probabilities_of_the_run(home, table, tmp_path):
    held = pd.read_csv(home / "run" / "predictions.csv").set_index("record_id")
    rows = table.set_index("record_id").loc[held.index].reset_index()
    coded = predicted(home, rows, tmp_path / "out.csv", "--max-error", "0.02")
    out = pd.read_csv(coded).set_index("record_id")
    for name in ("predicted_label", "probability", "second_label", "decision"):
        assert out[name].tolist() == held[name].tolist()
    # The library reads the same bundle and gives the same once more.
    library = TextLSTMClassifier.load(home / "run" / "bundle", device="cpu")
    probabilities = library.predict_proba(rows[["cause", "other"]]).max(axis=1)
    np.testing.assert_allclose(probabilities, held["probability"], atol=1e-6)


def test_what_cannot_be_read_goes_to_a_person(home, tmp_path):
    rows = pd.DataFrame({"cause": ["", "zzz qqq", "ASCVD", "."], "other": ["", "", "", " "]})
    out = pd.read_csv(predicted_here(home, rows, tmp_path / "out.csv"))
    assert out["decision"].tolist() == ["review", "review", "accept", "review"]
    out = pd.read_csv(predicted_here(home, rows, tmp_path / "all.csv", "--min-probability", "1"))
    assert set(out["decision"]) == {"review"}


def test_what_cannot_be_promised_is_for_review(home, table, tmp_path, capsys):
    rows = table.drop(columns="category")
    out = pd.read_csv(predicted_here(home, rows, tmp_path / "out.csv", "--max-error", "0.02"))
    assert set(out["decision"]) == {"review"}
    assert (
        "at most 2 % cannot be promised with 9 left-out training records" in capsys.readouterr().err
    )


def test_what_can_be_promised_is_accepted(home, table, tmp_path, capsys):
    rows = table.drop(columns="category")
    out = pd.read_csv(predicted_here(home, rows, tmp_path / "out.csv", "--max-error", "0.5"))
    assert "At most 50 % error is promised" in capsys.readouterr().err
    calibration = json.loads((home / "run" / "bundle" / "calibration.json").read_text())
    threshold = promise(OutOfFold.from_dict(calibration["held_out"]), 0.5).threshold
    accepted = out["decision"] == "accept"
    known = pd.read_csv(predicted_here(home, rows, tmp_path / "all.csv", "--min-probability", "0"))
    has_known_word = known["decision"] == "accept"
    assert (accepted == (has_known_word & (out["probability"] >= threshold))).all()
    assert accepted.any() and not accepted.all()


def test_prediction_sets(home, table, tmp_path, capsys):
    rows = table.drop(columns="category")
    out = pd.read_csv(predicted_here(home, rows, tmp_path / "out.csv", "--coverage", "0.5"))
    assert list(out)[-2:] == ["decision", "prediction_set"]
    sets = out["prediction_set"].map(json.loads)
    assert (sets.str[0] == out["predicted_label"]).all()
    assert "too few" not in capsys.readouterr().err
    # Nine held-out records are too few to leave out any label at such a coverage.
    out = pd.read_csv(predicted_here(home, rows, tmp_path / "out.csv", "--coverage", "0.95"))
    assert set(out["prediction_set"].map(json.loads).str.len()) == {3}
    assert "too few for sets" in capsys.readouterr().err


def test_other_records_than_those_of_the_training_are_told(home, table, tmp_path, capsys):
    predicted_here(home, table.drop(columns="category"), tmp_path / "same.csv")
    assert "warning" not in capsys.readouterr().err
    rows = pd.DataFrame({"cause": ["Sturz auf der Treppe"] * 2000, "other": [""] * 2000})
    predicted_here(home, rows, tmp_path / "other.csv")
    told = capsys.readouterr().err
    assert "not like those of the training" in told and "100.0 % of the words are unknown" in told
    assert "Treppe" not in told


def test_parquet_out_and_no_rows(home, tmp_path):
    rows = pd.DataFrame({"cause": [], "other": []})
    table = pq.read_table(predicted_here(home, rows, tmp_path / "out.parquet"))
    assert table.num_rows == 0
    assert table.column_names[2:] == ["predicted_label", "probability", "second_label", "decision"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--text", "cause"], "the model reads 2"),
        (["--text", "cause", "others"], "no column 'others'"),
        (["--min-probability", "2"], "--min-probability"),
        (["--max-error", "2"], "for 2 % write 0.02 or 2%"),
        (["--max-error", "0"], "--max-error"),
        (["--coverage", "1"], "--coverage"),
        (["--max-error", "0.1", "--min-probability", "0.5"], "not allowed with"),
        (["--out", "out.doc"], "out.doc"),
        (["--data", "nowhere.csv"], "no such file"),
        (["--run", "nowhere"], "no such run"),
        (["--device", "meta"], "--device"),
    ],
)
def test_mistakes_in_predicting(home, tmp_path, capsys, more, message):
    arguments = ["--run", home / "run", "--data", home / "records.csv",
                 "--out", tmp_path / "out.csv", *more]  # fmt: skip
    assert status(predict.main, arguments) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert not (tmp_path / "out.csv").exists()


def test_the_input_is_not_overwritten(home, capsys):
    path, before = home / "records.csv", (home / "records.csv").read_bytes()
    assert status(predict.main, ["--run", home / "run", "--data", path, "--out", path]) == 2
    assert "--out" in capsys.readouterr().err and path.read_bytes() == before


def test_an_unfinished_training_of_others_is_replaced_with_a_line(home, tmp_path, capsys):
    shutil.copytree(home / "run", tmp_path / "run")
    Checkpoint(tmp_path / "run" / "checkpoint", "others").save({}, {})
    train.main(["--run", str(tmp_path / "run"), "--device", "cpu"])
    assert "held an unfinished training of other records or settings" in capsys.readouterr().err
    train.main(["--run", str(tmp_path / "run"), "--device", "cpu"])
    assert "unfinished" not in capsys.readouterr().err


def test_the_folder_of_a_run_is_no_bundle_and_names_it(home):
    with pytest.raises(InputError, match=r"did you mean .*/run/bundle\?"):
        TextLSTMClassifier.load(home / "run")


# ------------------------------------------------------------------------------ explaining


def explained(home, out, *more):
    arguments = ["--run", home / "run", "--data", home / "records.csv", "--out", out, *more]
    explain.main([str(argument) for argument in arguments])
    return out


def test_named_records_are_explained_word_by_word(home, tmp_path, table):
    names = ["r007", "r001"]
    out = explained(home, tmp_path / "why.csv", "--id", "record_id", "--records", *names)
    rows = pd.read_csv(out, keep_default_na=False)
    assert rows["record"].drop_duplicates().tolist() == names
    coded = predicted_here(home, table, tmp_path / "coded.csv")
    coded = pd.read_csv(coded, keep_default_na=False).set_index("record_id")
    for name, mine in rows.groupby("record"):
        cause = coded["cause"][name].lower().replace(",", "")
        words = [*cause.split(), "(next field)", *coded["other"][name].lower().split()]
        assert mine["token"].tolist() == words
        assert (mine["attribution"].round(6) == mine["attribution"]).all()
        assert (mine["predicted_label"] == coded["predicted_label"][name]).all()
        assert mine["probability"].iloc[0] == pytest.approx(coded["probability"][name], abs=1e-6)


def test_the_first_records_are_explained_where_none_are_named(home, tmp_path):
    rows = pq.read_table(explained(home, tmp_path / "why.parquet")).to_pandas()
    assert rows["record"].drop_duplicates().tolist() == [str(n) for n in range(1, 21)]


def test_explanations_as_a_page(home, tmp_path):
    page = explained(home, tmp_path / "why.html", "--records", "3", "1").read_text()
    assert page.index("<h2>Record 3: ") < page.index("<h2>Record 1: ")
    assert page.count("Predicted label: ") == page.count("Second label: ") == 2
    rows = pd.read_csv(home / "records.csv", keep_default_na=False)
    written = [re.sub("</?mark[^>]*>", "", one) for one in re.findall(r"</span> (.*?)</p>", page)]
    assert written[:1] == [rows["cause"][2]] and rows["cause"][0] in written
    assert page.count("<mark ") > 4
    assert "data:image" not in page and "forget gate" not in page
    drawing = mock.patch.object(explanation, "activation_map", wraps=explanation.activation_map)
    with drawing as drawn:
        gates = explained(home, tmp_path / "gates.html", "--records", "3", "1", "--gates")
    gates, words = gates.read_text(), {word for call in drawn.mock_calls for word in call.args[0]}
    assert "(next field)" in words and "<sep>" not in words
    assert gates.count("data:image/png;base64,") == 2 and "forget gate" in gates
    assert "words that add little are not marked" in page
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")


def test_a_record_without_words_is_explained_by_nothing(home, tmp_path):
    data = tmp_path / "empty.csv"
    pd.DataFrame({"cause": [""], "other": ["-"]}).to_csv(data, index=False)
    page = explained(home, tmp_path / "why.html", "--data", data).read_text()
    assert "This record has no word." in page
    assert len(pd.read_csv(explained(home, tmp_path / "why.csv", "--data", data))) == 0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--records", "121"], "--records 121: no row has this number (the first below the header"),
        (["--id", "category", "--records", "Ext"], "no record is called so in column 'category'"),
        (["--id", "category", "--records", "External"], "40 records are called so in column"),
        (["--member", "2"], "add --gates"),
        (["--member", "2", "--gates"], "--member 2: the model has 1 network;"),
        (["--text", "cause"], "the model reads 2"),
        (["--out", "out.doc"], "out.doc"),
    ],
)
def test_mistakes_in_explaining(home, tmp_path, capsys, more, message):
    arguments = ["--run", home / "run", "--data", home / "records.csv",
                 "--out", tmp_path / "why.csv", *more]  # fmt: skip
    assert status(explain.main, arguments) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert not (tmp_path / "why.csv").exists()


# ------------------------------------------------------------------------------ review


@pytest.fixture(scope="module")
def exported(home, table, tmp_path_factory):
    """A folder with a scored file in which everything is for review, and its queue."""
    folder = tmp_path_factory.mktemp("exported")
    # One record in three is written otherwise, and one has no text.
    rows = table.assign(
        cause=table["cause"].str.upper().where(table.index % 3 == 0, table["cause"])
    )
    rows.loc[0, ["cause", "other"]] = ""
    scored = predicted_here(home, rows, folder / "scored.csv", "--min-probability", "1")
    arguments = ["--run", home / "run", "--scored", scored, "--out", folder / "queue.csv"]
    review.main(["export", *map(str, arguments)])
    return folder


@pytest.fixture
def queue(exported, tmp_path):
    """The queue as a spreadsheet has it; the test's folder has it and the scored file."""
    for name in ("scored.csv", "queue.csv"):
        shutil.copy(exported / name, tmp_path)
    return pd.read_csv(tmp_path / "queue.csv", dtype=str, keep_default_na=False)


def imported(home, filled, out):
    review.main(["import", *map(str, ["--run", home / "run", "--filled", filled, "--out", out])])
    return pd.read_csv(out, dtype=str, keep_default_na=False)


def test_from_a_scored_file_to_a_queue_and_back(home, table, queue, tmp_path, capsys):
    assert queue["item"].is_unique and queue["records"].astype(int).sum() == len(table) - 1
    assert not (queue["cause"].str.lower() + queue["other"]).duplicated().any()
    wrong = queue["records"].astype(int) * (1 - queue["probability_1"].astype(float))
    assert wrong.is_monotonic_decreasing
    assert queue["deciding_words"].str.len().gt(0).any()
    truth = dict(zip(table["cause"].str.lower(), table["category"], strict=True))
    filled = queue.assign(code=[truth[cause.lower()] for cause in queue["cause"]])
    filled.loc[0, "code"] = ""
    filled.to_csv(tmp_path / "filled.csv", index=False, encoding="utf-8-sig")
    capsys.readouterr()
    new = imported(home, tmp_path / "filled.csv", tmp_path / "new.csv")
    told = capsys.readouterr().err
    n, first = len(filled) - 1, (filled["code"] == filled["label_1"])[1:]
    assert f"{n} of {n + 1} texts have a code" in told
    assert f"the label it gave in {100 * first.mean():.1f} % of {n} texts" in told
    assert "one of the labels it offered in 100.0 %" in told and "95 % interval" in told
    pd.testing.assert_frame_equal(new[: len(table)], table)
    assert len(new) == 2 * len(table) - 1 - int(queue.loc[0, "records"])
    assert new["record_id"].is_unique and new["record_id"].iloc[-1].startswith("review-")
    run_stage.main([*flags(tmp_path / "new.csv", tmp_path / "next"), *QUICK])
    found = json.loads((tmp_path / "next" / "metrics.json").read_text())
    assert found["data"]["rows"] == len(new)


def test_another_table_than_that_of_the_training_is_told(home, table, queue, tmp_path, capsys):
    queue.assign(code=queue["label_1"]).to_csv(tmp_path / "filled.csv", index=False)
    table.iloc[:-1].to_csv(tmp_path / "records.csv", index=False)
    back = ["--run", home / "run", "--filled", tmp_path / "filled.csv", "--out", tmp_path / "n.csv"]
    for more, warned in ([], False), (["--data", tmp_path / "records.csv"], True):
        capsys.readouterr()
        assert status(review.main, ["import", *back, *more]) == 0
        assert ("is not the table that the run was trained on" in capsys.readouterr().err) is warned


def test_a_queue_is_read_as_spreadsheets_save_it(home, queue, tmp_path, capsys):
    filled = queue.assign(code=queue["label_1"])
    filled.to_csv(tmp_path / "filled.csv", index=False)
    expected = imported(home, tmp_path / "filled.csv", tmp_path / "new.csv")
    filled["code"] = "\ufeff" + filled["code"] + "\u200b "
    filled.to_csv(tmp_path / "filled.csv", index=False, sep=";")
    assert imported(home, tmp_path / "filled.csv", tmp_path / "new.csv").equals(expected)
    assert "read as divided by semicolons" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("records", "message"),
    [("10000000000", "'records' is not a number"), ("99999999", "comes to 99,999,999")],
)
def test_a_queue_of_more_records_than_any_table_has_is_refused(
    home, queue, tmp_path, capsys, records, message
):
    filled = queue[:1].assign(code=queue["label_1"], records=records)
    filled.to_csv(tmp_path / "filled.csv", index=False)
    back = ["--run", home / "run", "--filled", tmp_path / "filled.csv", "--out", tmp_path / "n.csv"]
    assert status(review.main, ["import", *back]) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "n.csv").exists()


def test_a_queue_with_codes_is_not_overwritten(home, queue, tmp_path, capsys):
    again = ["--run", home / "run", "--scored", tmp_path / "scored.csv"]
    assert status(review.main, ["export", *again, "--out", tmp_path / "queue.csv"]) == 0, "the same"
    queue.assign(code="Respiratory").to_csv(tmp_path / "queue.csv", index=False)
    before = (tmp_path / "queue.csv").read_bytes()
    assert status(review.main, ["export", *again, "--out", tmp_path / "queue.csv"]) == 2
    assert "may hold codes" in capsys.readouterr().err
    with mock.patch(
        "textlstm.inference.bundle.Bundle.load", side_effect=AssertionError("too late")
    ):
        assert status(review.main, ["export", *again, "--out", tmp_path / "queue.csv"]) == 2
    capsys.readouterr()
    back = ["--run", home / "run", "--filled", tmp_path / "queue.csv"]
    assert status(review.main, ["import", *back, "--out", tmp_path / "queue.csv"]) == 2
    assert (tmp_path / "queue.csv").read_bytes() == before


def test_a_queue_that_is_given_twice_is_counted_once(home, queue, tmp_path, capsys):
    queue.assign(code=[*queue["label_1"][:1], *[""] * (len(queue) - 1)]).to_csv(
        tmp_path / "filled.csv", index=False
    )
    twice = ["--filled", tmp_path / "filled.csv", tmp_path / "filled.csv"]
    back = ["--run", home / "run", *twice, "--out", tmp_path / "next.csv"]
    assert status(review.main, ["import", *back]) == 0
    assert f"review: 1 of {len(queue)} texts has a code" in capsys.readouterr().err


def test_the_ways_of_review_explain_themselves(capsys):
    for way, source, other in (
        ("export", "--scored", "--filled"),
        ("import", "--filled", "--scored"),
    ):
        assert status(review.main, [way, "--version"]) == 0
        assert version("textlstm") in capsys.readouterr().out
        assert status(review.main, [way, "--help"]) == 0
        told = capsys.readouterr().out
        assert f"character set of {source}, such" in " ".join(told.split()) and other not in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("export --scored records.csv --out q.csv", "no column 'decision'"),
        ("export --scored odd.csv --out q.csv", "table that predict wrote"),
        ("export --scored other.csv --out q.csv", "'predicted_label' has labels that this run"),
        ("import --filled filled.csv --out back.csv --text other cause", "another --run or --text"),
        ("export --scored scored.csv --out q.xlsx", ".csv"),
        ("export --scored scored.csv --out q.csv --text cause", "reads 2"),
        ("export --scored scored.csv --out q.csv --text cause code", "'code'"),
        ("import --filled queue.csv --out back.csv", "no row of"),
        ("import --filled nowhere.csv --out back.csv", "no such file"),
        ("import --filled queue.csv --out back.doc", "back.doc"),
        ("import --filled queue.csv --out back.csv --data no.csv", "no.csv"),
    ],
)
def test_mistakes_in_reviewing(
    home, queue, tmp_path, capsys, monkeypatch, table, arguments, message
):
    monkeypatch.chdir(tmp_path)
    table.to_csv("records.csv", index=False)
    table.assign(decision="maybe").to_csv("odd.csv", index=False)
    table.assign(decision="review", predicted_label="Other").to_csv("other.csv", index=False)
    queue.assign(code="External").to_csv("filled.csv", index=False)
    way, *more = arguments.split()
    assert status(review.main, [way, "--run", home / "run", *more]) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert not (tmp_path / "q.csv").exists() and not (tmp_path / "back.csv").exists()


# ------------------------------------------------------------------------------ splits, classes


def test_a_class_only_the_holdout_has_is_counted_and_not_measured(home, tmp_path, table):
    late = table.assign(category=table["category"].mask(table["date"] >= "2022-12-10", "New"))
    late.to_csv(tmp_path / "late.csv", index=False)
    run_stage.main([*flags(tmp_path / "late.csv", tmp_path / "run"), *QUICK, "--split", "temporal",
                    "--date", "date", "--rare", "keep"])  # fmt: skip
    found = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert found["data"]["dropped"]["label_not_in_training"] == (late["category"] == "New").sum()
    assert "New" not in found["per_class"]
    assert found["data"]["holdout"] == len(pd.read_csv(tmp_path / "run" / "predictions.csv"))
    assert found["decisions"]["held_out"] == found["data"]["validation"]
    assert (
        "training records, the latest of them; each was predicted by"
        in (tmp_path / "run" / "report.html").read_text()
    )


def test_the_grouped_split_tests_on_unseen_texts_only(home, tmp_path):
    data = tmp_path / "grouped.csv"
    rows = pd.read_csv(home / "records.csv", keep_default_na=False)
    rows["cause"] += [f" word{number % 30}" for number in range(len(rows))]
    rows.to_csv(data, index=False, quoting=csv.QUOTE_ALL)
    # Cut to two words, texts of both sides of a split are one to the network.
    cut = ["--max-length", "2", "--split", "grouped"]
    run_stage.main([*flags(data, tmp_path / "run"), *QUICK, *cut])
    found = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert found["model"]["accuracy_unseen_text"] == found["model"]["accuracy"]
    out_of_fold = Bundle.load(tmp_path / "run" / "bundle").out_of_fold
    assert found["decisions"]["held_out_effective"] == out_of_fold.effective < len(out_of_fold.top)
    sentence = "Records with the same text were held out together"
    assert sentence in (tmp_path / "run" / "report.html").read_text()
    assert sentence not in (home / "run" / "report.html").read_text()


def test_the_chapters_recipe_runs_through(home, tmp_path):
    arguments = [*flags(home / "records.csv", tmp_path / "run"), "--recipe", "okut-table2"]
    run_stage.main([*arguments, "--epochs", "2", "--device", "cpu"])
    history = pd.read_csv(tmp_path / "run" / "history.csv")
    assert len(history) == 2
    vocabulary = json.loads((tmp_path / "run" / "encoded" / "vocab.json").read_text())
    assert (vocabulary["length"], vocabulary["padding"]) == (10, "left")


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        (encode, "records/train.parquet"),
        (encode, "records/rare.parquet"),
        (encode, "records/summary.json"),
        (train, "encoded/vocab.json"),
        (train, "encoded/labels.json"),
        (train, "encoded/train.arrow"),
        (train, "encoded/rare.json"),
        (report, "records/holdout.parquet"),
        (report, "records/summary.json"),
        (report, "history.csv"),
    ],
)
def test_a_damaged_file_of_a_run_is_told_in_one_line(home, tmp_path, capsys, stage, name):
    shutil.copytree(home / "run", tmp_path / "run")
    (tmp_path / "run" / name).write_text("{}")
    assert status(stage.main, ["--run", tmp_path / "run"]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: ") and "damaged; run the stage that writes it again" in line
