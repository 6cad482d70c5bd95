import numpy as np
import pandas as pd
import pytest
import torch

from textlstm import TextLSTMClassifier
from textlstm.encoding.corpus import Corpus
from textlstm.insight.attributions import attributions, interpolated_log_probs
from textlstm.insight.class_words import class_words, top_words
from textlstm.insight.deletion import deletion_test
from textlstm.insight.token_table import token_table

TEXTS = ["acute mi <sep> copd", "copd", "unheard of mi", "", "mi <sep>", "copd"]


@pytest.fixture(scope="module")
def bundle():
    return TextLSTMClassifier(epochs=4, embedding_size=8, hidden_units=6, ensemble_size=2).fit(
        [["acute mi", ""], ["mi of heart", "copd"], ["copd", ""], ["asthma", "acute"]] * 10,
        ["heart", "heart", "lung", "lung"] * 10,
    ).bundle_  # fmt: skip


def log_probs_at(bundle, texts, alpha):
    """Log probabilities (n, C) with each word interpolated to alpha."""
    corpus = Corpus(bundle.vocabulary.encode(texts), bundle.vocabulary)
    batch = corpus.batch_of_texts(corpus.inverse)
    alphas = torch.full(batch.ids.shape, alpha)
    with torch.no_grad():
        return interpolated_log_probs(bundle, batch)(alphas, torch.arange(len(texts))).numpy()


def test_at_alpha_one_is_the_model(bundle):
    probabilities = np.exp(log_probs_at(bundle, TEXTS, 1.0))
    np.testing.assert_allclose(probabilities, bundle.predict_proba(TEXTS), atol=1e-6)


def test_at_alpha_zero_every_word_is_unknown(bundle):
    """Unknown even by its n-grams, so that the linear branch has its bias alone."""
    unknown = log_probs_at(bundle, ["acute mi <sep> copd"], 0.0)
    np.testing.assert_allclose(unknown, log_probs_at(bundle, ["⁑ ⁂ <sep> ※"], 1.0), atol=1e-6)
    assert bundle.network.linear_weight > 0 and bundle.network.subword_embedding is not None


@pytest.mark.parametrize("recipe", ["default", "okut-table2"])
def test_attributions_sum_to_the_change_from_alpha_zero_to_one(bundle, recipe):
    if recipe != "default":
        bundle = (
            TextLSTMClassifier(recipe, epochs=2)
            .fit(["a b", "c d", "a d"] * 9, ["x", "y", "z"] * 9)
            .bundle_
        )
    texts = TEXTS if recipe == "default" else ["a b", "d a c", "", "e"]
    for number in range(len(bundle.labels)):
        gains = attributions(bundle, texts, [number] * len(texts), points=128)
        change = (
            log_probs_at(bundle, texts, 1.0)[:, number]
            - log_probs_at(bundle, texts, 0.0)[:, number]
        )
        np.testing.assert_allclose([gain.sum() for gain in gains], change, atol=0.01)
        assert [len(gain) for gain in gains] == [len(text.split()) for text in texts]


def test_tokens_that_are_not_read_as_words_get_zero(bundle):
    """Separators, words without any known n-gram, and tokens behind the maximum length."""
    texts = ["mi <sep> copd", "⁑ mi", "mi " * bundle.vocabulary.length + "copd"]
    separated, unknown, long = attributions(bundle, texts, [0, 0, 0])
    assert separated[1] == 0 and separated[0] != 0
    assert unknown[0] == 0 and long[-1] == 0 and long[0] != 0


def test_a_linear_model_is_explained_by_its_weights(bundle):
    """With the linear branch alone and two classes, gains are proportional to term scores."""
    share = bundle.network.linear_weight.clone()
    bundle.network.linear_weight.fill_(1.0)
    corpus = Corpus(bundle.vocabulary.encode(TEXTS[:1]), bundle.vocabulary)
    scores = bundle.network.linear.term_scores(corpus.batch_of_texts(corpus.inverse))[0]  # (T, C)
    gains = attributions(bundle, TEXTS[:1], [0], points=32)[0]
    bundle.network.linear_weight.copy_(share)
    margins = (scores[:, 0] - scores[:, 1]).numpy()
    np.testing.assert_allclose(gains / gains[0], margins / margins[0], atol=1e-4)


def test_a_batch_does_not_change_the_attributions_of_a_text(bundle):
    classes = [0, 1, 0, 1, 0, 0]
    of_batch = attributions(bundle, TEXTS, classes)
    for text, number, gains in zip(TEXTS, classes, of_batch, strict=True):
        np.testing.assert_allclose(attributions(bundle, [text], [number])[0], gains, atol=1e-5)


def test_top_words_speak_for_the_class(bundle):
    texts = ["mi of heart mi <sep> asthma", "asthma <sep> asthma", ""]
    first, second, empty = top_words(bundle, texts, [0, 1, 0], top=2)
    assert first[0][0] == "mi" and "asthma" not in dict(first) and len(first) == 2
    assert [word for word, _ in second] == ["asthma"] and empty == []
    gains = attributions(bundle, texts, [0, 1, 0])
    assert first[0][1] == pytest.approx(gains[0][0] + gains[0][3])


def test_the_token_table_has_a_row_for_each_token(bundle):
    long = "mi " * (bundle.vocabulary.length + 2)
    table = token_table(bundle, ["acute mi <sep>", "", long], member=1)
    assert table["row"].tolist() == [0] * 3 + [2] * (bundle.vocabulary.length + 2)
    assert table["token"][:3].tolist() == ["acute", "mi", "<sep>"]
    assert table["number"][:3].tolist() == [1, 2, 3]
    assert (table["predicted_label"][:3] == "heart").all()
    gates = table.filter(like="gate").iloc[:-2].to_numpy()
    assert gates.shape[1] == 4 and gates.min() > 0 and gates.max() < 1
    assert table.filter(like="gate").iloc[-2:].isna().all().all()


def test_the_second_label_is_explained_like_the_first(bundle):
    table = token_table(bundle, ["acute mi <sep>", "", "asthma <sep> copd"], member=None)
    assert not table.filter(like="gate").columns.size
    assert table["second_label"].tolist() == ["lung"] * 3 + ["heart"] * 3
    np.testing.assert_allclose(table["probability"] + table["second_probability"], 1, atol=1e-6)
    gains = attributions(bundle, ["acute mi <sep>"], [bundle.labels.index("lung")], points=64)
    assert table["second_attribution"][:3].tolist() == pytest.approx(gains[0], abs=1e-6)
    assert token_table(bundle, [""], member=None).empty


def test_class_words_count_the_records_of_their_class(bundle):
    records = pd.DataFrame(
        {
            "text": ["mi of heart mi"] * 12 + ["copd <sep> asthma"] * 9 + ["copd <sep>"] * 4,
            "label": ["heart"] * 12 + ["lung"] * 13,
        }
    )
    table = class_words(bundle, records, min_records=10, seed=0)
    assert list(table) == ["label", "word", "records", "attribution"]
    counts = {(row.label, row.word): row.records for row in table.itertuples()}
    assert counts == {("heart", "mi"): 12, ("heart", "of"): 12, ("heart", "heart"): 12,
                      ("lung", "copd"): 13}  # fmt: skip
    assert table["label"].tolist() == ["lung"] + ["heart"] * 3  # the most frequent class first
    assert table["attribution"][1:].is_monotonic_decreasing
    gains = attributions(bundle, ["mi of heart mi"], [0])[0]
    of_mi = table.set_index(["label", "word"])["attribution"]["heart", "mi"]
    assert of_mi == pytest.approx(gains[0] + gains[3])


def test_a_class_without_frequent_words_has_no_class_words(bundle):
    records = pd.DataFrame({"text": ["mi"] * 9, "label": ["heart"] * 9})
    assert class_words(bundle, records, min_records=10, seed=0).empty


def test_deleting_the_deciding_words_changes_more_than_deleting_random_ones(bundle):
    texts = ["mi of heart of of <sep> of", "of asthma of <sep> acute", "copd of <sep>", "mi"] * 5
    measured = deletion_test(bundle, texts, seed=0)
    assert measured["records"] == 15  # the only word of a text is never deleted
    assert len(measured["highest"]) == len(measured["random"]) == 4
    assert measured["highest"][0] == measured["random"][0]
    difference = measured["difference"]
    expected = measured["random"][1] - measured["highest"][1]
    assert difference["estimate"] == pytest.approx(expected)
    assert 0 < difference["low"] < difference["estimate"] < difference["high"]
    assert measured == deletion_test(bundle, texts, seed=0)


def test_the_deletion_test_needs_two_texts_of_two_words(bundle):
    assert deletion_test(bundle, ["mi", "", "copd <sep>", "acute mi"], seed=0) is None
