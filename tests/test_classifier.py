import re
import subprocess
import sys
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from textlstm import InputError, Recipe, TextLSTMClassifier
from textlstm.recipe import load_recipe

QUICK = {
    "ensemble_size": 1, "epochs": 6, "embedding_size": 16, "hidden_units": 16, "batch_size": 16,
    "min_steps": 0,
    "learning_rate": 0.02, "linear_c": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def texts(table):
    return table["cause"].tolist()


@pytest.fixture(scope="module")
def labels(table):
    return table["category"].tolist()


def quick(**fields):
    return TextLSTMClassifier(**{**QUICK, **fields})


@pytest.fixture(scope="module")
def fitted(texts, labels):
    return quick().fit(texts, labels)


def test_it_learns_and_predicts_probabilities_in_the_order_of_its_classes(fitted, texts, labels):
    assert fitted.classes_.tolist() == ["Circulatory", "External", "Respiratory"]
    probabilities = fitted.predict_proba(texts)
    assert probabilities.shape == (len(texts), 3)
    assert (fitted.classes_[probabilities.argmax(axis=1)] == fitted.predict(texts)).all()
    assert fitted.score(texts, labels) > 0.9
    assert len(fitted.history_) == 6


def test_it_can_be_cloned_and_repr_shows_its_parameters():
    classifier = quick(random_state=3)
    assert clone(classifier).get_params() == classifier.get_params()
    assert clone(classifier).set_params(epochs=5, random_state=4).get_params()["epochs"] == 5
    assert "epochs=6" in repr(classifier)
    assert is_classifier(classifier)
    with pytest.raises(InputError, match="epoch"):
        classifier.set_params(epoch=5)
    with pytest.raises(InputError, match="no parameter 'epoch'; did you mean 'epochs'"):
        TextLSTMClassifier(epoch=5)
    assert classifier.get_params() == quick(random_state=3).get_params()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"recipe": "nosuch"}, "no recipe 'nosuch'"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"learning_rate": "fast"}, "learning_rate takes a value of type float, not 'fast'"),
        ({"clip_scope": "globl"}, "clip_scope is 'globl'; did you mean 'global'"),
        ({"device": "gpu"}, "device gpu: this machine has no such device"),
        (
            {"learning_rate": 1e38, "schedule": "constant"},
            "lower learning_rate or set max_grad_norm",
        ),
    ],
)
def test_errors_name_parameters_instead_of_flags(parameters, message, texts, labels):
    classifier = clone(quick(**parameters))
    with pytest.raises(InputError, match=message) as error:
        classifier.fit(texts, labels)
    assert "--" not in str(error.value)


def test_it_works_in_cross_validation_search_and_pipeline(texts, labels):
    assert cross_val_score(quick(), texts, labels, cv=2).min() > 0.8
    search = GridSearchCV(quick(), {"hidden_units": [8, 16], "epochs": [1, 6]}, cv=2)
    search.fit(texts, labels)
    assert search.best_params_["epochs"] == 6
    assert set(search.best_estimator_.get_params()) >= {"hidden_units", "epochs"}
    shout = FunctionTransformer(lambda values: [value.upper() for value in values])
    assert make_pipeline(shout, quick()).fit(texts, labels).score(texts, labels) > 0.9


def test_a_recipe_is_a_name_a_file_or_an_object(tmp_path, texts, labels):
    (tmp_path / "mine.toml").write_text("[training]\nepochs = 1\n[network]\nhidden_units = 4\n")
    for recipe in (tmp_path / "mine.toml", Recipe().with_fields(epochs=1)):
        assert len(TextLSTMClassifier(recipe).fit(texts, labels).history_) == 1


def test_a_saved_classifier_predicts_the_same_in_a_new_process(fitted, texts, tmp_path):
    fitted.save(tmp_path / "bundle")
    np.save(tmp_path / "expected.npy", fitted.predict_proba(texts))
    pd.DataFrame({"text": texts}).to_csv(tmp_path / "texts.csv", index=False)
    script = (
        "import numpy as np, pandas as pd; from textlstm import TextLSTMClassifier;"
        "c = TextLSTMClassifier.load('bundle'); p = c.predict_proba(pd.read_csv('texts.csv').text);"
        "assert (p == np.load('expected.npy')).all(); print(*c.classes_)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == fitted.classes_.tolist(), done.stderr


def test_a_loaded_classifier_has_the_parameters_that_differ_from_the_default_recipe(
    fitted, tmp_path
):
    fitted.save(tmp_path / "bundle")
    loaded = TextLSTMClassifier.load(tmp_path / "bundle")
    assert load_recipe(loaded.recipe).with_fields(**loaded.fields) == fitted.bundle_.recipe
    assert repr(loaded) == repr(fitted)
    card = (tmp_path / "bundle" / "README.md").read_text()
    assert re.search(r"^- share of unknown words: \d+\.\d %$", card, re.MULTILINE)


@pytest.mark.parametrize(
    "kind", [list, np.array, pd.Series, lambda v: np.array(v, dtype=object).reshape(-1, 1)]
)
def test_any_container_of_texts_gives_the_same_probabilities(fitted, texts, kind):
    assert (fitted.predict_proba(kind(texts)) == fitted.predict_proba(texts)).all()


def test_the_field_of_a_word_matters():
    """The same two words, swapped between the lines of the certificate, change the label."""
    frame = pd.DataFrame({"one": ["stroke", "fall"] * 40, "two": ["fall", "stroke"] * 40})
    labels = ["Circulatory", "External"] * 40
    assert quick(epochs=8).fit(frame, labels).score(frame, labels) == 1.0


@pytest.mark.parametrize("kind", [int, bool, str])
def test_predicted_labels_have_the_type_of_the_training_labels(texts, labels, kind):
    numbers = [kind(label == "External") for label in labels]
    predicted = quick().fit(texts, numbers).predict(texts[:5])
    assert predicted.dtype == np.asarray(numbers).dtype


def test_empty_texts_and_unknown_words_have_probabilities_too(fitted):
    probabilities = fitted.predict_proba(["", None, "qqq", "\u200b"])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert fitted.predict_proba([]).shape == (0, 3)


def test_records_of_weight_zero_are_not_trained_on(texts, labels):
    flipped = ["External" if label == "Circulatory" else "Circulatory" for label in labels]
    weights = np.r_[np.ones(len(texts)), np.zeros(len(texts))]
    classifier = quick().fit(texts * 2, labels + flipped, sample_weight=weights)
    assert classifier.score(texts, labels) > 0.9


def test_calibration_uses_the_weights():
    """One text, three quarters of one label, weighted to even: the probabilities are even."""
    labels = ["H"] * 90 + ["C"] * 30
    weights = [1.0] * 90 + [3.0] * 30
    classifier = quick(epochs=20).fit(["a"] * 120, labels, sample_weight=weights)
    assert classifier.predict_proba(["a"])[0] == pytest.approx([0.5, 0.5], abs=0.08)


def test_a_class_whose_records_have_no_word_or_no_weight_is_dropped():
    texts, labels = ["a", "b", "", "c"] * 10, ["x", "y", "z", "w"] * 10
    weights = [1.0, 1.0, 1.0, 0.0] * 10
    assert quick().fit(texts, labels, sample_weight=weights).classes_.tolist() == ["x", "y"]


def test_prediction_needs_the_number_of_fields_of_the_training(tmp_path):
    frame = pd.DataFrame({"one": ["stroke", "fall"] * 20, "two": ["", "x"] * 20})
    quick().fit(frame, [0, 1] * 20).save(tmp_path)
    with pytest.raises(InputError, match="1 field"):
        TextLSTMClassifier.load(tmp_path).predict(frame["one"])


@pytest.mark.parametrize("state", [None, np.random.RandomState(0), np.int64(3)])
def test_random_state_is_none_a_generator_or_a_number(texts, labels, state):
    assert quick(epochs=1, random_state=state).fit(texts, labels).predict(texts).shape == (120,)


def test_its_tags_say_that_it_takes_strings():
    tags = quick().__sklearn_tags__().input_tags
    assert tags.string and tags.one_d_array


def test_an_unfitted_classifier_raises_not_fitted():
    for method in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError):
            getattr(TextLSTMClassifier(), method)(["a"])
    with pytest.raises(NotFittedError):
        TextLSTMClassifier().save("nowhere")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], []), "no texts"),
        ((["a"] * 20, ["x"] * 20), "two classes"),
        ((["a"] * 20, ["x"] * 19), "do not match"),
        ((["a"] * 20, ["x", "y"] * 10, [1.0] * 19), "do not match"),
        ((["a"] * 20, ["x", "y"] * 10, [-1.0] * 20), "sample_weight"),
        ((["a"] * 20, ["x", "y"] * 10, [float("nan")] * 20), "sample_weight"),
        ((["", " "] * 10, ["x", "y"] * 10), "two classes"),
        ((["a"] * 20, ["x", None] * 10), "label is missing"),
    ],
)
def test_invalid_training_arguments_are_errors(arguments, message):
    with pytest.raises(InputError, match=message):
        quick().fit(*arguments)


def test_balanced_class_weights_raise_the_probability_of_a_rare_class(texts, labels):
    rare = max(set(labels), key=labels.count)
    rows = [row for row, label in enumerate(labels) if label != rare]
    rows += [row for row, label in enumerate(labels) if label == rare][:2]
    sample, names = [texts[row] for row in rows], [labels[row] for row in rows]
    means = []
    for class_weight in ("none", "balanced"):
        classifier = quick(class_weight=class_weight, linear_c=1.0).fit(sample, names)
        column = classifier.classes_.tolist().index(rare)
        means.append(float(classifier.predict_proba(sample)[:, column].mean()))
    assert means[1] > means[0]


def test_logit_adjustment_predicts_rare_classes_more_often():
    texts = ["doubtful"] * 50 + ["plain"] * 150
    names = ["rare"] * 20 + ["common"] * 180
    found = [
        quick(logit_adjustment=share).fit(texts, names).predict(["doubtful", "plain"]).tolist()
        for share in (0.0, 1.0)
    ]
    assert found == [["common", "common"], ["rare", "common"]]


def test_the_linear_branch_is_part_of_the_bundle(texts, labels, tmp_path):
    classifier = quick(linear_c=3.0, max_ngrams=500).fit(texts, labels)
    assert 0.0 < float(classifier.bundle_.network.linear_weight) <= 1.0
    classifier.save(tmp_path)
    again = TextLSTMClassifier.load(tmp_path)
    assert (again.predict_proba(texts) == classifier.predict_proba(texts)).all()


@pytest.mark.parametrize("n", [4, 8, 30])
def test_a_few_records_are_enough_to_fit(n):
    texts = [f"w{number} x" for number in range(n)]
    classifier = TextLSTMClassifier(epochs=1).fit(texts, ["a", "b"] * (n // 2))
    assert classifier.predict_proba(texts).shape == (n, 2)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([np.inf] * 20, "infinity"),
        ([None] * 20, "NaN"),
        (["secret"] * 20, "must be numbers"),
        (np.ones((20, 1)), "1D"),
        ([1.0] * 5, "do not match"),
        ([1j] * 20, "complex"),
        ([-1.0] + [1.0] * 19, "at least 0"),
        ([0] * 20, "non-zero|0 throughout"),
    ],
)
def test_weights_that_scikit_learn_rejects_are_errors(weight, message):
    with pytest.raises((InputError, TypeError), match=message) as refused:
        quick().fit(["a", "b"] * 10, ["x", "y"] * 10, sample_weight=weight)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("weight", [None, 3, [1e308] * 40, [1e-320] * 40, [True] * 40, ["2"] * 40])
def test_equal_weights_of_any_size_equal_no_weights(weight):
    texts, labels = ["a", "b", "c", "d"] * 10, ["x", "y", "x", "y"] * 10
    plain, weighted = (quick(epochs=1).fit(texts, labels, w) for w in (None, weight))
    assert (weighted.predict_proba(texts) == plain.predict_proba(texts)).all()


def test_classes_whose_weights_underflow_beside_the_others_are_dropped():
    texts, labels = ["a", "b", "c", "d"] * 10, ["x", "y", "z", "z"] * 10
    weights = [1e308, 1e308, 1e-300, 1e-300] * 10
    assert quick(epochs=1).fit(texts, labels, weights).classes_.tolist() == ["x", "y"]


def test_a_refit_that_fails_leaves_the_estimator_unchanged(texts, labels):
    classifier = quick(epochs=1).fit(texts, labels)
    before = classifier.predict_proba(texts[:6]), classifier.history_
    pairs = [(text, "more") for text in texts]
    for again in ((pairs, ["a"] * len(pairs)), (texts, labels, [np.inf] * len(texts)), ([], [])):
        with pytest.raises(ValueError):
            classifier.fit(*again)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("textlstm.classifier.train_bundle", mock.Mock(side_effect=KeyboardInterrupt))
        classifier.fit(pairs, labels)
    assert (classifier.predict_proba(texts[:6]) == before[0]).all()
    assert classifier.history_ is before[1] and classifier.n_fields_ == 1
