"""Random texts, tables and settings, a few of each; ``make fuzz`` tries more, and remembers."""

import csv

import fuzz
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared import preprocessed_here

from pipelines import encode, predict, preprocess, train
from textlstm import TextLSTMClassifier
from textlstm.errors import InputError
from textlstm.models.choices import CELLS, POOLINGS
from textlstm.recipe import Recipe

FINDS = [(path.parent.name, path) for path in sorted(fuzz.FINDS.glob("*/*"))]
SEEDS = [(name, seed) for name, seeds in fuzz.SEEDS.items() for seed in seeds]
SMALL = {"ensemble_size": 1, "epochs": 1, "embedding_size": 4, "hidden_units": 4, "max_ngrams": 64}
GOOD = ["asthma attack", "fall", "stroke", "copd"] * 4
FEW = settings(max_examples=15, deadline=None, derandomize=True)

TEXTS = st.text(st.characters(), max_size=60)  # lone surrogates among them
TABLE_CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@pytest.mark.parametrize(("name", "content"), SEEDS)
def test_what_fuzzing_starts_from(name, content):
    fuzz.TARGETS[name](content)


@pytest.mark.parametrize(
    ("name", "path"), FINDS, ids=[f"{name}-{path.name}" for name, path in FINDS]
)
def test_what_fuzzing_found_before(name, path):
    fuzz.TARGETS[name](path.read_bytes())


@FEW
@given(st.lists(TEXTS, min_size=1, max_size=12), st.data())
def test_any_text_trains_and_scores(texts, data):
    labels = data.draw(st.lists(st.sampled_from("ab"), min_size=len(texts), max_size=len(texts)))
    classifier = TextLSTMClassifier(**SMALL, device="cpu").fit(
        GOOD + texts, list("abab") * 4 + labels
    )
    together = classifier.predict_proba(texts)
    assert together.shape == (len(texts), 2)
    np.testing.assert_allclose(together.sum(axis=1), 1.0)
    alone = np.concatenate([classifier.predict_proba([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    backwards = classifier.predict_proba(texts[::-1])[::-1]
    np.testing.assert_allclose(together, backwards, atol=1e-5)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    rows = pd.DataFrame({"text": GOOD * 4, "label": list("abab") * 16})
    rows.to_csv(folder / "records.csv", index=False)
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in SMALL.items()]
    for stage, *arguments in (
        (preprocess, "--data", str(folder / "records.csv"), "--text", "text", "--label", "label",
         *flags),
        (encode,), (train,),
    ):  # fmt: skip
        stage.main(["--run", str(folder / "run"), *arguments])
    return folder / "run"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.binary(min_size=8, max_size=16))
def test_any_odd_value_of_a_bundle_is_refused_or_does_no_harm(content):
    fuzz.signed(content)


@FEW
@given(st.data())
def test_any_table_keeps_its_cells_and_their_order(run, data):
    other_names = TABLE_CELLS.filter(lambda name: "\x00" not in name and name)
    names = data.draw(st.lists(other_names, unique=True, max_size=3))
    names = ["text", *(name for name in names if name != "text")]
    rows = data.draw(st.lists(st.tuples(*[TABLE_CELLS] * len(names)), max_size=8))
    source, out = run.parent / "new.csv", run.parent / "out.parquet"
    with source.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, quoting=csv.QUOTE_ALL)
        writer.writerows([names, *rows])
    with preprocessed_here():
        predict.main([
            "--run", str(run), "--data", str(source), "--out", str(out), "--device", "cpu"
        ])  # fmt: skip
    coded = pd.read_parquet(out)
    assert coded[names].to_numpy().tolist() == [list(row) for row in rows]


SETTINGS = {
    "max_length": st.integers(-1, 12), "padding": st.sampled_from(["left", "right", "up"]),
    "min_count": st.integers(0, 30), "max_ngrams": st.integers(0, 40), "initials": st.booleans(),
    "covariate_dropout": st.floats(-0.1, 1.0),
    "ensemble_size": st.integers(0, 3), "embedding_size": st.integers(0, 9),
    "hidden_units": st.integers(0, 9),
    "cell": st.sampled_from(sorted(CELLS)), "bidirectional": st.booleans(),
    "pooling": st.sampled_from(sorted(POOLINGS)),
    "qrnn_window": st.integers(0, 4), "recurrence_depth": st.integers(0, 3),
    "bayesian_regularisation": st.booleans(),
    "input_init": st.sampled_from(["he", "glorot", "orthogonal", "narrow-normal"]),
    "recurrent_init": st.sampled_from(["he", "glorot", "orthogonal", "none"]),
    "dense_layers": st.lists(st.integers(0, 5), max_size=2),
    "dense_connection": st.sampled_from(["none", "highway", "residual"]),
    "length_percentile": st.floats(0, 101), "truncation": st.sampled_from(["left", "right"]),
    "lower_layers": st.lists(st.integers(0, 5), max_size=2), "layer_dropout": st.floats(0, 0.9),
    "layer_connection": st.sampled_from(["none", "residual", "highway"]),
    "convolution_width": st.integers(-1, 4),
    "embedding_init": st.sampled_from(["narrow-normal", "lsa"]),
    "word_dropout": st.floats(-0.1, 0.95),
    "rare_word_dropout": st.floats(0, 1e9), "embedding_dropout": st.floats(0, 0.95),
    "dropout": st.floats(0, 0.95), "linear_c": st.floats(0, 10), "epochs": st.integers(0, 2),
    "batch_size": st.integers(0, 40), "min_steps": st.integers(0, 9), "drop_last": st.booleans(),
    "optimizer": st.sampled_from(["adam", "adamw"]), "learning_rate": st.floats(0, 1),
    "schedule": st.sampled_from(["constant", "one_cycle", "piecewise"]),
    "drop_period": st.integers(0, 3), "drop_factor": st.floats(-0.1, 1),
    "weight_decay": st.floats(0, 1),
    "logit_adjustment": st.floats(0, 1),
    "max_grad_norm": st.floats(0, 10), "clip_scope": st.sampled_from(["global", "parameter"]),
    "label_smoothing": st.floats(0, 0.5), "class_weight": st.sampled_from(["none", "balanced"]),
    "patience": st.integers(0, 2), "restore_best": st.booleans(),
}  # fmt: skip
ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))


def test_every_setting_is_tried():
    assert set(SETTINGS) == set(Recipe.names())


@FEW
@given(st.fixed_dictionaries({}, optional=SETTINGS))
def test_settings_train_or_are_refused(values):
    small = {
        "ensemble_size": 1,
        "epochs": 1,
        "embedding_size": 4,
        "hidden_units": 4,
        "min_count": 1,
    }
    classifier = TextLSTMClassifier(**{**small, **values}, device="cpu")
    try:
        classifier.fit(GOOD, list("abab") * 4)
    except InputError:
        return
    probabilities = classifier.predict_proba(["stroke", "", "x"])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)


@settings(deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from(Recipe.names()), ANYTHING, max_size=5))
def test_values_of_any_kind_make_a_recipe_or_are_refused(values):
    try:
        recipe = Recipe().with_fields(**values)
    except InputError:
        return
    assert Recipe.from_dict(recipe.to_dict()) == recipe
