"""A run with a code book, from table to coded table; and commands that do not read such a run."""

import csv
import json
import shutil

import pytest

from pipelines import compare, evaluate, explain, predict, review, run
from textlstm.errors import InputError

BOOK = """code,parent,description
Heart,,
Infarction,Heart,
Failure,Heart,
Lungs,,
Copd,Lungs,
Asthma,Lungs,
Never,Lungs,
"""
TEXTS = {"acute infarction": "Infarction", "heart failure": "Failure", "copd severe": "Copd",
         "asthma attack": "Asthma", "heart disease": "Heart", "unheard": "Outside"}  # fmt: skip
SMALL = ("--epochs", "4", "--ensemble-size", "1", "--hidden-units", "8", "--embedding-size", "8",
         "--linear-c", "0")  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    (folder / "book.csv").write_text(BOOK)
    rows = [row for text, code in TEXTS.items()
            for row in [f"{text},{code}"] * (4 if code == "Outside" else 60)]  # fmt: skip
    (folder / "table.csv").write_text("\n".join(["cause,code", *rows]))
    paths = {name: str(folder / name) for name in ("table.csv", "book.csv", "run")}
    run.main(["--data", paths["table.csv"], "--text", "cause", "--label", "code", "--codes",
              paths["book.csv"], "--run", paths["run"], *SMALL])  # fmt: skip
    shutil.copytree(folder / "run", folder / "other")
    return folder


def test_each_level_is_measured(home):
    metrics = json.loads((home / "run" / "metrics.json").read_text())
    assert set(metrics["levels"]) == {"1", "2"}
    assert metrics["levels"]["1"]["accuracy"] >= metrics["levels"]["2"]["accuracy"] > 0.5
    assert metrics["data"]["dropped"]["outside_book"] == 4
    assert list(metrics["per_class"]) == ["Infarction", "Failure", "Copd", "Asthma", "Never"]


def test_predict_tells_the_level(home):
    out = home / "coded.csv"
    predict.main(["--run", str(home / "run"), "--data", str(home / "table.csv"), "--out", str(out),
                  "--max-error", "0.2"])  # fmt: skip
    rows = list(csv.DictReader(out.open(encoding="utf-8-sig")))
    levels = {"Heart": "1", "Lungs": "1"}
    assert all(row["predicted_level"] == levels.get(row["predicted_label"], "2") for row in rows)
    accepted = [row for row in rows if row["decision"] == "accept"]
    assert len(accepted) > 200


@pytest.mark.parametrize(
    ("stage", "flags"),
    [(evaluate, ["--run", "RUN", "--data", "TABLE", "--out", "OUT"]),
     (explain, ["--run", "RUN", "--data", "TABLE", "--out", "OUT"]),
     (compare, ["--runs", "RUN", "OTHER", "--out", "OUT"]),
     (review, ["export", "--run", "RUN", "--scored", "TABLE", "--out", "QUEUE"]),
     (review, ["import", "--run", "RUN", "--filled", "TABLE", "--out", "QUEUE"])],
)  # fmt: skip
def test_a_stage_that_does_not_read_such_a_run_says_so(home, stage, flags):
    names = {
        "RUN": home / "run",
        "OTHER": home / "other",
        "TABLE": home / "table.csv",
        "OUT": home / "out",
        "QUEUE": home / "queue.csv",
    }
    with pytest.raises(InputError, match="does not read runs with --codes"):
        stage.main([str(home / names[flag]) if flag in names else flag for flag in flags])


def test_prediction_sets_are_refused(home):
    with pytest.raises(InputError, match="no prediction sets where there is a code book"):
        predict.main(["--run", str(home / "run"), "--data", str(home / "table.csv"), "--out",
                      str(home / "sets.csv"), "--coverage", "0.9"])  # fmt: skip
