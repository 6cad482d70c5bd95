"""The methods of the estimator give what the commands write: one model, the same records."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.exceptions import NotFittedError

from pipelines import evaluate, explain, predict
from pipelines import run as run_stage
from textlstm import InputError, TextLSTMClassifier
from textlstm.data.records import read_splits
from textlstm.storage.output_tables import write_table

FLAGS = (
    "--text cause other --label category --number age --category sex --by sex --ensemble-size 1 "
    "--epochs 6 --embedding-size 8 --hidden-units 8 --batch-size 16 --min-steps 0 --seed 3 "
    "--learning-rate 0.03 --device cpu"
).split()
FIELDS = ["cause", "other", "age", "sex"]


def with_covariates(table):
    """The records of a table with an age and a sex, some of which are missing or no number."""
    ages = [str(20 + number % 70) for number in range(len(table))]
    sexes = ["F" if number % 2 else "M" for number in range(len(table))]
    table = table.assign(age=ages, sex=sexes)
    table.loc[3:5, ["age", "sex"]] = ["999", ""]
    return table


@pytest.fixture(scope="module")
def home(tmp_path_factory, table):
    """A folder with a run, and new records: unknown words, an empty text, labels of all kinds."""
    folder = tmp_path_factory.mktemp("as_commands")
    # Four copies, so that an error can be promised.
    known = with_covariates(pd.concat([table] * 4, ignore_index=True))
    new = with_covariates(table.sample(frac=0.5, random_state=1, ignore_index=True))
    new.loc[:3, "cause"] = ["xyzzy", "", "old stroke\u200b of  the brain", "COPD and fall"]
    new.loc[:1, "other"] = ""
    new.loc[6:9, "category"] = ["  Circulatory ", "", "unheard of", "External"]
    for name, records in (("known", known), ("new", new)):
        records.to_csv(folder / f"{name}.csv", index=False)
    run_stage.main(["--data", f"{folder}/known.csv", "--run", f"{folder}/run", *FLAGS])
    return folder


@pytest.fixture(scope="module")
def new(home):
    """The new records, with an index that is no row number."""
    return read(home / "new.csv").set_index("record_id")


@pytest.fixture(scope="module")
def model(home):
    loaded = TextLSTMClassifier.load(home / "run" / "bundle", device="cpu")
    return loaded.set_params(random_state=3)


def read(path):
    """A table as text; only empty cells are missing, as empty texts."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def stage(command, home, data, out, *flags):
    """Run a command on a table; return the file that it wrote."""
    command.main(["--run", f"{home}/run", "--data", str(data), "--out", str(out), *flags])
    return out


def told(capfd):
    """What the command has logged, line by line."""
    return [line.partition(": ")[2] for line in capfd.readouterr().err.splitlines()]


def saved(frame, path):
    """A DataFrame as it is read back from a CSV file of the kind that commands write."""
    write_table(pa.Table.from_pandas(frame, preserve_index=False), path)
    return read(path)


@pytest.mark.parametrize("columns", [FIELDS, ["cause", "other", "sex"], ["cause", "other"]])
@pytest.mark.parametrize("max_error", [0.05, 0.3, None])
def test_decide_gives_what_predict_writes(home, new, model, columns, max_error, tmp_path, capfd):
    new[columns].to_csv(tmp_path / "in.csv", index=False)
    flags = [] if max_error is None else ["--max-error", str(max_error)]
    out = stage(predict, home, tmp_path / "in.csv", tmp_path / "out.csv", *flags)
    lines = told(capfd)
    decided = model.decide(new[columns], max_error=max_error)
    assert decided.index.equals(new.index)
    expected = read(out).drop(columns=columns)
    pd.testing.assert_frame_equal(saved(decided, tmp_path / "decided.csv"), expected)
    assert [line.replace(f": {out}", "") for line in lines] == decided.attrs["messages"]


def test_some_records_are_accepted_and_others_not(new, model):
    assert set(model.decide(new[FIELDS], max_error=0.3)["decision"]) == {"accept", "review"}
    assert len(model.decide(new[FIELDS]).columns) == 4


@pytest.mark.parametrize("columns", [FIELDS, ["cause", "other"]])
@pytest.mark.parametrize("coverage", [0.5, 0.95, 0.9999])
def test_prediction_sets_are_those_of_predict(home, new, model, columns, coverage, tmp_path):
    new[columns].to_csv(tmp_path / "in.csv", index=False)
    out = stage(predict, home, tmp_path / "in.csv", tmp_path / "out.csv", "--coverage",
                str(coverage))  # fmt: skip
    sets = model.prediction_sets(new[columns], coverage)
    assert sets.index.equals(new.index)
    assert sets.tolist() == [json.loads(cell) for cell in read(out)["prediction_set"]]
    full = "every set holds every label" in " ".join(sets.attrs["messages"])
    assert full == (coverage == 0.9999)


@pytest.mark.parametrize("gates", [(), ("--gates", "--member", "1")])
def test_explain_gives_the_rows_of_the_command(home, new, model, gates, tmp_path):
    new.iloc[:20].to_csv(tmp_path / "in.csv", index=False)
    out = stage(explain, home, tmp_path / "in.csv", tmp_path / "out.csv", *gates)
    rows = model.explain(new[FIELDS].iloc[:20], member=1 if gates else None)
    pd.testing.assert_frame_equal(saved(rows, tmp_path / "rows.csv"), read(out))
    assert {"age", "(next field)", "copd"} <= set(rows["token"])


@pytest.mark.parametrize("at_hand", [True, False], ids=["training", "no training"])
@pytest.mark.parametrize("max_error", [None, 0.3])
def test_evaluate_gives_the_measures_and_predictions_of_the_command(
    home, new, model, at_hand, max_error, tmp_path
):
    run = home / "run"
    for name in ("records", "metrics.json"):
        hidden = name == "metrics.json" or not at_hand
        if hidden:
            (run / name).rename(home / name)
    flags = [] if max_error is None else ["--max-error", str(max_error)]
    try:
        out = stage(evaluate, home, home / "new.csv", tmp_path / "out", *flags)
    finally:
        for name in ("records", "metrics.json"):
            if (home / name).exists():
                (home / name).rename(run / name)
    training = None
    if at_hand:
        splits = read_splits(run / "records")
        ids = pd.concat([splits["train"], splits["validation"]])["record_id"].astype(int)
        known = read(home / "known.csv").loc[ids - 1]
        training = known[FIELDS], known["category"]
    measured = model.evaluate(
        new[FIELDS], new["category"], max_error=max_error, groups=new[["sex"]], training=training
    )
    expected = json.loads((out / "metrics.json").read_text())
    assert json.loads(json.dumps(measured.to_dict())) == expected
    assert (expected["model"]["accuracy_unseen_text"] is not None) == at_hand
    assert expected["drift"]["warnings"] is not None and expected["subgroups"]["sex"]
    found = saved(measured.predictions, tmp_path / "found.csv")
    pd.testing.assert_frame_equal(found, read(out / "predictions.csv"))


def test_numbers_are_labels_in_their_own_type(table):
    names, numbers = np.unique(table["category"], return_inverse=True)
    small = {"ensemble_size": 1, "epochs": 4, "embedding_size": 8, "hidden_units": 8,
             "batch_size": 16, "min_steps": 0, "learning_rate": 0.03}  # fmt: skip
    model = TextLSTMClassifier(**small).fit(table["cause"], numbers)
    decided = model.decide(table["cause"], max_error=None)
    assert decided["predicted_label"].tolist() == model.predict(table["cause"]).tolist()
    assert decided["second_label"].dtype == decided["predicted_label"].dtype == numbers.dtype
    assert all(set(one) <= set(range(len(names))) for one in model.prediction_sets(table["cause"]))
    assert set(model.explain(table["cause"][:4])["predicted_label"]) <= set(range(len(names)))
    floats = numbers.astype(float)
    floats[0] = np.nan
    facts = model.evaluate(table["cause"], floats).to_dict()["data"]
    assert facts["dropped"]["empty_label"] == 1 and facts["holdout"] == len(table) - 1


def test_labels_with_odd_spaces_are_known_as_they_were_trained(table):
    labels = table["category"].replace("External", "Ex  ternal")
    model = TextLSTMClassifier(ensemble_size=1, epochs=1, hidden_units=4, embedding_size=4)
    measured = model.fit(table["cause"], labels).evaluate(table["cause"], labels)
    assert measured.evaluation.data.uncodable["records"] == 0


METHODS = {
    "decide": lambda model, texts: model.decide(texts),
    "prediction_sets": lambda model, texts: model.prediction_sets(texts),
    "explain": lambda model, texts: model.explain(texts),
    "evaluate": lambda model, texts: model.evaluate(texts, ["External"] * len(texts)),
}


@pytest.mark.parametrize("method", METHODS)
def test_wrong_records_are_errors_of_one_line(method, new, model):
    wrong = [
        (new[FIELDS].iloc[:0], "there are no texts"),
        (["fall"], "numbers and categories are columns of a DataFrame, beside the texts"),
        (new[["age", "sex"]], "texts of 0 fields are given; the model reads 2"),
        (new[["cause", "age", "sex"]], "texts of 1 field are given; the model reads 2"),
        (new[[*FIELDS, "date"]], "texts of 3 fields are given; the model reads 2"),
    ]
    for texts, message in wrong:
        with pytest.raises(InputError) as error:
            METHODS[method](model, texts)
        assert str(error.value) == message
    with pytest.raises(NotFittedError):
        METHODS[method](TextLSTMClassifier(), new[FIELDS])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda m, x: m.decide(x, max_error=2),
            "max_error must lie between 0 and 1, .* 0.02",
        ),
        (lambda m, x: m.decide(x, max_error="2%"), "max_error must be a number, not str"),
        (lambda m, x: m.decide(x, max_error=float("nan")), "max_error must lie between 0 and 1"),
        (lambda m, x: m.prediction_sets(x, 0), "coverage must lie between 0 and 1"),
        (lambda m, x: m.prediction_sets(x, None), "coverage must be a number, not NoneType"),
        (lambda m, x: m.explain(x, member=2), "member 2: the model has 1 network"),
        (lambda m, x: m.explain(x, member="1"), "member must be a number"),
        (lambda m, x: m.evaluate(x, ["External"]), "60 texts and 1 labels do not match"),
        (lambda m, x: m.evaluate(x, ["odd"] * 60), "none has a label that the model knows"),
        (lambda m, x: m.evaluate(x, ["External"] * 60, max_error=1.5), "max_error must lie"),
        (lambda m, x: m.evaluate(x.drop(columns="age"), ["External"] * 60), "texts lack 'age'"),
        (lambda m, x: m.evaluate(x, [["External"], []] * 30), "the model has one label a record"),
        (lambda m, x: m.evaluate(x, ["External"] * 60, training=x), "training is a pair"),
        (lambda m, x: m.evaluate(x, ["External"] * 60, groups=["F"]), "columns of a DataFrame"),
        (lambda m, x: m.evaluate(x, ["External"] * 60, groups=x[:3]), "3 rows of groups"),
    ],
)
def test_wrong_parameters_are_errors_of_one_line(call, message, new, model):
    with pytest.raises(InputError, match=message) as error:
        call(model, new[FIELDS])
    assert "--" not in str(error.value) and "\n" not in str(error.value)


def test_text_fields_keep_the_names_of_the_training(table):
    small = TextLSTMClassifier(ensemble_size=1, epochs=1, hidden_units=4, embedding_size=4)
    texts = table[["cause", "other"]]
    model = small.fit(texts, table["category"])
    assert model.feature_names_in_.tolist() == ["cause", "other"]
    with pytest.raises(InputError, match="the text fields are 'other', 'cause'; the model was"):
        model.predict(texts[["other", "cause"]])
    assert len(model.decide(texts.to_numpy())) == len(model.decide(texts)) == len(table)
    assert not hasattr(small.fit(texts.to_numpy(), table["category"]), "feature_names_in_")
