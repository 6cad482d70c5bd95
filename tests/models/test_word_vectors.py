import numpy as np
import pytest

from textlstm.encoding.corpus import Corpus
from textlstm.encoding.terms import form_counts
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.models.word_vectors import MAX_IDS, latent_vectors
from textlstm.recipe_sections import EncodingConfig

HEART = ["acute infarction heart", "heart infarction", "heart failure", "acute heart failure"]
LUNGS = ["pneumonia lung", "lung asthma", "asthma pneumonia", "chronic lung asthma"]


def vectors(texts, dimensions=4, subwords=300, seed=0, max_ids=MAX_IDS, **config):
    whole = {"max_ngrams": subwords, "min_count": 1}
    encoding = Vocabulary.fit(texts, EncodingConfig(**whole | config))
    corpus = Corpus(encoding.encode(texts), encoding)
    words, parts = latent_vectors(corpus, dimensions, seed, max_ids)
    return encoding, words, parts


def cosine(one, other):
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_words_of_like_use_are_close():
    encoding, words, _ = vectors(HEART + LUNGS, dimensions=2)
    heart, infarction, lung = (words[encoding.index[w]] for w in ("heart", "infarction", "lung"))
    assert cosine(heart, infarction) > 0.8 > 0.2 > cosine(heart, lung)


def test_of_many_texts_some_are_drawn(monkeypatch):
    length = vectors(HEART + LUNGS, dimensions=2)[0].length
    counted = []

    def count_forms(corpus, texts):
        counted.append(len(texts))
        return form_counts(corpus, texts)

    monkeypatch.setattr("textlstm.models.word_vectors.form_counts", count_forms)
    encoding, words, _ = vectors(HEART + LUNGS, dimensions=2, max_ids=4 * length + 1)
    assert counted == [4] and words.shape == (len(encoding.words), 2) and np.isfinite(words).all()
    assert np.abs(words).max() > 0


def test_only_words_are_placed_and_repeats_do_not_count():
    texts = ["a b <sep> c", "b c <sep>", "c <sep> a"]
    encoding, words, parts = vectors(texts, dimensions=2)
    np.testing.assert_allclose(words[:2], 0.0, atol=1e-12)
    assert parts.shape == (len(encoding.subwords), 2)
    repeated, again, _ = vectors([*texts, texts[1]], dimensions=2)
    again = again[[repeated.index[word] for word in encoding.words]]
    # Singular vectors are known up to their sign: how words lie to each other is what counts.
    np.testing.assert_allclose(again @ again.T, words @ words.T, atol=1e-4)


def test_running_words_have_a_mean_square_of_one():
    encoding, words, _ = vectors(HEART + LUNGS, subwords=0)
    tokens = [encoding.index[word] for text in HEART + LUNGS for word in text.split()]
    assert float((words[tokens] ** 2).mean()) == pytest.approx(1.0, rel=1e-5)


def test_a_seed_gives_the_same_vectors():
    for one, other in zip(vectors(HEART + LUNGS)[1:], vectors(HEART + LUNGS)[1:], strict=True):
        assert (one == other).all()


@pytest.mark.parametrize("texts", [["a"], ["a", "b"], ["a b"] * 3])
def test_more_dimensions_than_texts_are_left_at_zero(texts):
    _, words, parts = vectors(texts, dimensions=8)
    assert np.isfinite(words).all() and np.isfinite(parts).all()
    assert words.shape[1] == parts.shape[1] == 8


def test_a_rare_word_is_placed_as_if_it_were_in_the_vocabulary():
    texts = HEART + LUNGS
    whole, words, _ = vectors(texts, subwords=0)
    hashed, others, _ = vectors(texts, subwords=0, min_count=3)
    assert "pneumonia" not in hashed.known_words and "lung" in hashed.known_words
    again = others[[hashed.id_of(word) for word in whole.known_words]]
    words = words[[whole.id_of(word) for word in whole.known_words]]
    np.testing.assert_allclose(again @ again.T, words @ words.T, atol=1e-4)


def test_rare_words_outside_the_vocabulary_lend_their_subwords():
    texts = [*HEART, "cardiomyopathy heart"]
    encoding, words, parts = vectors(texts, min_count=2)
    assert "cardiomyopathy" not in encoding.index
    assert parts.any() and words.any()
