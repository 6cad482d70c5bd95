"""Age and sex beside the text, from a table to coded records, by the estimator and by commands."""

import csv
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.metrics import accuracy_score

from pipelines import explain, predict, run
from textlstm import TextLSTMClassifier
from textlstm.data.distinct import Distinct
from textlstm.data.inputs import Input, joined_inputs, table_values
from textlstm.errors import InputError
from textlstm.inference.bundle import Bundle
from textlstm.inference.drift import InputStatistics
from textlstm.inference.engines.chunks import InputChunk
from textlstm.inference.engines.local import predict_tables
from textlstm.inference.rules import DecisionRule
from textlstm.inference.score_table import score_table
from textlstm.insight.covariate_gains import covariate_gains
from textlstm.insight.record_selection import select_values
from textlstm.models.logits import resolve_device

SMALL = {
    "ensemble_size": 2, "epochs": 12, "embedding_size": 8, "hidden_units": 8, "batch_size": 32,
    "min_steps": 0, "learning_rate": 0.03, "linear_c": 10.0, "lower_layers": (),
}  # fmt: skip
FLAGS = (
    "--ensemble-size 1 --epochs 6 --embedding-size 8 --hidden-units 8 --batch-size 32 "
    "--min-steps 0 --learning-rate 0.03 --number age --category sex"
).split()


def table_of(n, seed=0):
    """Half of the texts tell the label; of the other half, sex and an age from 30 to 60 do."""
    draw = np.random.default_rng(seed)
    age, sex = draw.integers(0, 110, n), draw.choice(["F", "M"], n)
    plain = draw.random(n) < 0.5
    text = np.where(plain, draw.choice(["old stroke", "car crash"], n), "found dead at home")
    by_rest = np.where((sex == "M") & (age > 30) & (age < 60), "External", "Natural")
    label = np.where(text == "old stroke", "Natural", np.where(plain, "External", by_rest))
    cells = {"cause": text, "category": label, "age": age.astype(str), "sex": sex}
    table = pd.DataFrame(cells)
    table.loc[7, ["age", "sex"]] = ["999", "rare_value_of_one_person"]
    table.loc[9, "age"] = "98765"
    return table


@pytest.fixture(scope="module")
def fitted():
    table = table_of(600)
    model = TextLSTMClassifier(
        "default", random_state=0, numbers=["age"], categories=["sex"], **SMALL
    )
    return model.fit(table[["cause", "age", "sex"]], table["category"])


def test_it_predicts_what_the_text_alone_does_not_tell(fitted):
    new = table_of(400, seed=1)
    whole = accuracy_score(new["category"], fitted.predict(new[["cause", "age", "sex"]]))
    bare = accuracy_score(new["category"], fitted.predict(new[["cause"]]))
    assert whole > 0.95 and 0.8 < bare < 0.95


def test_missing_cells_and_missing_columns_are_one(fitted):
    new = table_of(50, seed=2)
    empty = new[["cause"]].assign(age="", sex=None)
    expected = fitted.predict_proba(new[["cause"]])
    np.testing.assert_array_equal(fitted.predict_proba(empty), expected)
    np.testing.assert_array_equal(fitted.predict_proba(new[["cause"]].assign(sex="")), expected)


def test_cells_that_no_record_had_are_read(fitted):
    odd = pd.DataFrame({"cause": "found dead at home", "age": ["-1", "999", "1e9", "old", "64,5"],
                        "sex": ["f", "F ", "unheard of", "", "M"]})  # fmt: skip
    probabilities = fitted.predict_proba(odd)
    assert np.isfinite(probabilities).all()
    np.testing.assert_array_equal(probabilities[0], probabilities[1])


def test_the_saved_bundle_predicts_the_same_and_says_nothing_of_a_few_records(fitted, tmp_path):
    new = table_of(30, seed=3)[["cause", "age", "sex"]]
    fitted.save(tmp_path / "bundle")
    loaded = TextLSTMClassifier.load(tmp_path / "bundle")
    np.testing.assert_array_equal(loaded.predict_proba(new), fitted.predict_proba(new))
    assert loaded.numbers == ("age",) and loaded.categories == ("sex",)
    texts = [path.read_text() for path in (tmp_path / "bundle").glob("[!m]*.*")]
    assert len(texts) == 5 and not any("rare_value" in text for text in texts)
    knots = json.loads((tmp_path / "bundle" / "vocab.json").read_text())["covariates"]["knots"]
    assert list(knots) == ["age"] and max(knots["age"]) <= 90
    calibration = json.loads((tmp_path / "bundle" / "calibration.json").read_text())
    assert calibration["text_alone"]["top"] != calibration["held_out"]["top"]


def test_scikit_learn_clones_it_and_texts_alone_are_refused(fitted):
    copied = clone(fitted)
    assert copied.numbers == ["age"] and copied.get_params()["categories"] == ["sex"]
    with pytest.raises(InputError, match="columns of a DataFrame"):
        copied.fit(["fall"], ["a"])
    for wrong in ("age", ["sex"], ["age", "age"]):
        with pytest.raises(InputError, match="numbers and categories"):
            clone(fitted).set_params(numbers=wrong).fit(table_of(9)[["cause"]], ["a"] * 9)


def texts_of(table):
    return Distinct.of(table["cause"].to_pylist())


def test_engines_score_alike_however_the_table_is_divided(fitted):
    bundle, rule, cpu = fitted.bundle_, DecisionRule(0.9, 0.2), resolve_device("cpu")
    table = pa.Table.from_pandas(table_of(40, seed=4), preserve_index=False)
    whole = score_table(bundle, rule, table, ["cause"])
    for size in (1, 7):
        parts = [table.slice(start, size) for start in range(0, 40, size)]
        scored = [score_table(bundle, rule, part, ["cause"]) for part in parts]
        assert pa.concat_tables(scored).equals(whole)
        columns = bundle.vocabulary.covariates.columns
        chunks = [
            InputChunk(part, joined_inputs(texts_of(part), table_values(part, columns, "")))
            for part in parts
        ]
        results = list(predict_tables(enumerate(chunks), bundle, rule, cpu))
        assert pa.concat_tables([one.table for one in results]).equals(whole)
        assert sum((one.statistics for one in results), InputStatistics()).incomplete == 2


def test_what_covariates_add_is_the_difference_of_log_probabilities(fitted):
    one = Input("found dead at home", ("45", "m"))
    (gains,) = covariate_gains(fitted.bundle_, [one], [0])
    assert fitted.classes_[0] == "External" and (gains > 0.05).all()
    without_sex = fitted.bundle_.predict_proba([one, one._replace(values=("45", ""))])[:, 0]
    assert gains[1] == pytest.approx(np.log(without_sex[0] / without_sex[1]))
    (none,) = covariate_gains(fitted.bundle_, [Input("found dead at home")], [0])
    assert none.tolist() == [0.0, 0.0]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("covariates")
    table_of(300).to_csv(folder / "deaths.csv", index=False)
    run.main(["--data", f"{folder / 'deaths.csv'}", "--run", f"{folder / 'run'}", *FLAGS])
    return folder


def test_the_commands_read_them_and_measure_fair_baselines(home, capsys):
    metrics = json.loads((home / "run" / "metrics.json").read_text())
    assert metrics["baselines"]["tfidf_logreg"]["accuracy"] > 0.9
    assert metrics["model"]["accuracy"] > 0.85
    predict.main(["--run", f"{home / 'run'}", "--data", f"{home / 'deaths.csv'}",
                  "--out", f"{home / 'coded.csv'}"])  # fmt: skip
    assert "2 records lack a number or a category" in capsys.readouterr().err
    loaded = Bundle.load(home / "run" / "bundle")
    assert loaded.vocabulary.covariates.names == ("age", "sex")


def test_a_table_without_the_columns_is_coded_and_told(home, capsys):
    table_of(40, seed=5)[["cause"]].to_csv(home / "bare.csv", index=False)
    predict.main(["--run", f"{home / 'run'}", "--data", f"{home / 'bare.csv'}",
                  "--out", f"{home / 'bare_coded.csv'}", "--max-error", "0.2"])  # fmt: skip
    said = capsys.readouterr().err
    assert "lacks 'age', 'sex'" in said and "40 records lack a number" in said
    with (home / "bare_coded.csv").open(encoding="utf-8-sig") as file:
        assert len(list(csv.DictReader(file))) == 40


def test_an_explanation_gives_their_share(home):
    for name in ("why.csv", "why.html"):
        explain.main(["--run", f"{home / 'run'}", "--data", f"{home / 'deaths.csv'}",
                      "--out", f"{home / name}", "--records", "1", "2"])  # fmt: skip
    with (home / "why.csv").open(encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["token"] in ("age", "sex")]
    assert len(rows) == 4 and all(float(row["attribution"]) for row in rows)
    assert "Beside the text" in (home / "why.html").read_text()


def test_a_cell_that_is_missing_in_training_is_missing_in_an_explanation():
    table = pa.table({"cause": ["fall"], "age": ["NA"], "sex": ["f"]})
    columns = ("number:age", "category:sex")
    assert select_values(table, columns, "", missing=["NA", "f"]) == [("", "")]
    assert select_values(table, columns, "") == [("", "f")]
    assert select_values(table, (), "") == [()]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--number", "cause"], "--number and --category must name columns beside"),
        (["--number", "category"], "--number and --category must name columns beside"),
        (["--number", "age", "--category", "age"], "each once"),
        (["--number", "sex"], "--number sex: fewer than 5 training records have a number"),
        (["--category", "height"], "no column 'height'"),
    ],
)
def test_a_column_that_cannot_be_read_is_refused_in_one_line(home, tmp_path, flags, message):
    small = FLAGS[: FLAGS.index("--number")]
    with pytest.raises(InputError, match=message):
        run.main(
            ["--data", f"{home / 'deaths.csv'}", "--run", f"{tmp_path / 'run'}", *small, *flags]
        )
