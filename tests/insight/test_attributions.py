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


def read_by(bundle, texts, share):
    """Log probabilities with so much of each word read."""
    corpus = Corpus(bundle.vocabulary.encode(texts), bundle.vocabulary)
    batch = corpus.batch_of_texts(corpus.places)
    far = torch.full(batch.ids.shape, share)
    with torch.no_grad():
        return interpolated_log_probs(bundle, batch)(far, torch.arange(len(texts))).numpy()


def test_all_read_is_the_model(bundle):
    found = np.exp(read_by(bundle, TEXTS, 1.0))
    np.testing.assert_allclose(found, bundle.predict_proba(TEXTS), atol=1e-6)


def test_nothing_read_is_a_text_of_unknown_words(bundle):
    """Unknown even by their spelling, where the linear branch hears its bias alone."""
    nothing = read_by(bundle, ["acute mi <sep> copd"], 0.0)
    np.testing.assert_allclose(nothing, read_by(bundle, ["⁑ ⁂ <sep> ※"], 1.0), atol=1e-6)
    assert bundle.network.linear_share > 0 and bundle.network.subword_embedding is not None


@pytest.mark.parametrize("recipe", ["default", "okut-table2"])
def test_attributions_add_up_to_what_reading_the_words_changes(bundle, recipe):
    if recipe != "default":
        bundle = (
            TextLSTMClassifier(recipe, epochs=2)
            .fit(["a b", "c d", "a d"] * 9, ["x", "y", "z"] * 9)
            .bundle_
        )
    texts = TEXTS if recipe == "default" else ["a b", "d a c", "", "e"]
    for number in range(len(bundle.labels)):
        gains = attributions(bundle, texts, [number] * len(texts), steps=128)
        change = read_by(bundle, texts, 1.0)[:, number] - read_by(bundle, texts, 0.0)[:, number]
        np.testing.assert_allclose([one.sum() for one in gains], change, atol=0.01)
        assert [len(one) for one in gains] == [len(text.split()) for text in texts]


def test_what_says_nothing_is_given_nothing(bundle):
    """Separators, words unknown by spelling, and what is not read have no part in the gain."""
    texts = ["mi <sep> copd", "⁑ mi", "mi " * bundle.vocabulary.length + "copd"]
    separated, unknown, long = attributions(bundle, texts, [0, 0, 0])
    assert separated[1] == 0 and separated[0] != 0
    assert unknown[0] == 0 and long[-1] == 0 and long[0] != 0


def test_a_linear_model_is_explained_by_its_weights(bundle):
    """With the linear branch alone, and two classes, a word's gain is in proportion to its vote."""
    share = bundle.network.linear_share.clone()
    bundle.network.linear_share.fill_(1.0)
    corpus = Corpus(bundle.vocabulary.encode(TEXTS[:1]), bundle.vocabulary)
    votes = bundle.network.linear.term_scores(corpus.batch_of_texts(corpus.places))[0]  # (T, C)
    gains = attributions(bundle, TEXTS[:1], [0], steps=32)[0]
    bundle.network.linear_share.copy_(share)
    margins = (votes[:, 0] - votes[:, 1]).numpy()
    np.testing.assert_allclose(gains / gains[0], margins / margins[0], atol=1e-4)


def test_a_text_is_explained_alone_as_among_others(bundle):
    classes = [0, 1, 0, 1, 0, 0]
    together = attributions(bundle, TEXTS, classes)
    for text, number, gains in zip(TEXTS, classes, together, strict=True):
        np.testing.assert_allclose(attributions(bundle, [text], [number])[0], gains, atol=1e-5)


def test_the_words_that_decide_speak_for_the_class(bundle):
    texts = ["mi of heart mi <sep> asthma", "asthma <sep> asthma", ""]
    first, second, empty = top_words(bundle, texts, [0, 1, 0], top=2)
    assert first[0][0] == "mi" and "asthma" not in dict(first) and len(first) == 2
    assert [word for word, _ in second] == ["asthma"] and empty == []
    gains = attributions(bundle, texts, [0, 1, 0])
    assert first[0][1] == pytest.approx(gains[0][0] + gains[0][3])


def test_the_table_has_a_row_a_token(bundle):
    long = "mi " * (bundle.vocabulary.length + 2)
    table = token_table(bundle, ["acute mi <sep>", "", long], member=1)
    assert table["row"].tolist() == [0] * 3 + [2] * (bundle.vocabulary.length + 2)
    assert table["token"][:3].tolist() == ["acute", "mi", "<sep>"]
    assert table["number"][:3].tolist() == [1, 2, 3]
    assert (table["predicted_label"][:3] == "heart").all()
    gates = table.filter(like="gate").iloc[:-2].to_numpy()
    assert gates.shape[1] == 4 and gates.min() > 0 and gates.max() < 1
    assert table.filter(like="gate").iloc[-2:].isna().all().all()


def test_the_second_label_is_explained_as_the_first(bundle):
    table = token_table(bundle, ["acute mi <sep>", "", "asthma <sep> copd"], member=None)
    assert not table.filter(like="gate").columns.size
    assert table["second_label"].tolist() == ["lung"] * 3 + ["heart"] * 3
    np.testing.assert_allclose(table["probability"] + table["second_probability"], 1, atol=1e-6)
    gains = attributions(bundle, ["acute mi <sep>"], [bundle.labels.index("lung")], steps=64)
    assert table["second_attribution"][:3].tolist() == pytest.approx(gains[0], abs=1e-6)
    assert token_table(bundle, [""], member=None).empty


def test_the_words_of_a_class_are_those_of_its_records(bundle):
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


def test_without_frequent_words_a_class_has_none(bundle):
    records = pd.DataFrame({"text": ["mi"] * 9, "label": ["heart"] * 9})
    assert class_words(bundle, records, min_records=10, seed=0).empty


def test_taking_away_the_deciding_words_changes_more_than_taking_any(bundle):
    texts = ["mi of heart of of <sep> of", "of asthma of <sep> acute", "copd of <sep>", "mi"] * 5
    found = deletion_test(bundle, texts, seed=0)
    assert found["records"] == 15  # a single word cannot be taken away
    assert len(found["highest"]) == len(found["random"]) == 4
    assert found["highest"][0] == found["random"][0]
    difference = found["difference"]
    expected = found["random"][1] - found["highest"][1]
    assert difference["estimate"] == pytest.approx(expected)
    assert 0 < difference["low"] < difference["estimate"] < difference["high"]
    assert found == deletion_test(bundle, texts, seed=0)


def test_faithfulness_needs_two_texts_of_two_words(bundle):
    assert deletion_test(bundle, ["mi", "", "copd <sep>", "acute mi"], seed=0) is None
