import itertools
from collections import Counter

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from textlstm.encoding.corpus import Corpus
from textlstm.encoding.rare_words import hashed_ngrams
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.models.linear import LinearBranch, average_branches
from textlstm.models.linear_fit import fit_linear
from textlstm.models.logits import predict_logits
from textlstm.recipe_sections import EncodingConfig

TEXTS = [
    "acute mi <sep> htn",
    "mi <sep>",
    "acute stroke <sep> htn",
    "copd <sep> tb",
    "asthma <sep>",
]
LABELS = [0, 0, 0, 2, 2]
WHOLE = {"max_ngrams": 500, "max_length": 8, "min_count": 1}
CPU = torch.device("cpu")


def fitted(texts=TEXTS, labels=LABELS, weights=None, n_classes=3, strength=3.0, **config):
    encoding = Vocabulary.fit(texts, EncodingConfig(**WHOLE | config))
    weights = torch.ones(len(labels)) if weights is None else torch.tensor(weights)
    corpus = Corpus(encoding.encode(texts), encoding)
    parts = [torch.arange(len(labels))]
    branch = fit_linear(corpus, torch.tensor(labels), weights, n_classes, strength, parts)[0]
    return encoding, branch


def logits(encoding, branch, texts):
    return predict_logits(branch, Corpus(encoding.encode(texts), encoding), CPU).numpy()


def terms(text, field, kind):
    """The words of a field, or their n-grams."""
    words = text.split("<sep>")[field].split()
    return words if kind == "word" else [ngram for word in words for ngram in hashed_ngrams(word)]


def features(training, texts):
    """The features by their definition, term after term."""
    rows = [{} for _ in texts]
    for field, kind in itertools.product((0, 1), ("word", "n-gram")):
        records = Counter(term for line in training for term in set(terms(line, field, kind)))
        for row, text in zip(rows, texts, strict=True):
            known = [term for term in terms(text, field, kind) if term in records]
            idf = [np.log((1 + len(training)) / (1 + records[term])) + 1 for term in known]
            for term, value in zip(known, idf, strict=True):
                key = (field, kind, term)
                row[key] = row.get(key, 0.0) + value / np.linalg.norm(idf)
    return rows


@pytest.mark.parametrize("at_a_time", [1, 2])
def test_how_many_texts_are_made_at_a_time_changes_nothing(monkeypatch, at_a_time):
    _, whole = fitted()
    monkeypatch.setattr("textlstm.storage.arrays.BLOCK_ROWS", at_a_time)
    _, branch = fitted()
    for name, table in whole.state_dict().items():
        assert torch.equal(branch.state_dict()[name], table), name


def test_it_is_logistic_regression_on_its_features():
    new = ["acute acute copd <sep> tb htn", "unheard <sep> of", "strokes <sep> mi"]
    rows = features(TEXTS, [*TEXTS, *new])
    columns = sorted({key for row in rows for key in row}, key=str)
    table = np.array([[row.get(key, 0.0) for key in columns] for row in rows])
    model = LogisticRegression(C=3.0, tol=1e-3, max_iter=300).fit(table[:5], LABELS)
    found = logits(*fitted(), [*TEXTS, *new])
    np.testing.assert_allclose(found[:, 2] - found[:, 0], model.decision_function(table), atol=1e-3)


def test_a_rare_word_votes_as_if_it_were_in_the_vocabulary():
    texts = [*TEXTS, "unheard <sep> of"]
    whole, hashed = fitted(max_ngrams=0), fitted(max_ngrams=0, min_count=5)
    assert not hashed[0].known_words
    np.testing.assert_allclose(logits(*hashed, texts), logits(*whole, texts), atol=1e-3)


def test_a_record_repeated_is_a_record_of_that_weight():
    repeated = fitted([*TEXTS, TEXTS[0]], [*LABELS, 2], max_ngrams=0)[1]
    columns = fitted([*TEXTS, TEXTS[0]], [*LABELS, 2], [1.0] * 6, max_ngrams=0)[1]
    assert repeated.words.equal(columns.words)
    light = fitted([*TEXTS, TEXTS[0]], [*LABELS, 2], [1.0] * 5 + [1e-6], max_ngrams=0)
    heavy = fitted([*TEXTS, TEXTS[0]], [*LABELS, 2], [1.0] * 5 + [9.0], max_ngrams=0)
    first, second = (logits(*one, TEXTS[:1])[0] for one in (light, heavy))
    assert first[0] > first[2] and second[2] > second[0]


def test_a_class_without_records_is_the_least_likely_and_one_class_is_no_contest():
    found = logits(*fitted(), ["unheard <sep> of"])[0]
    assert found[1] == found.min()
    assert not logits(*fitted(labels=[1] * 5), TEXTS).any()


def test_the_place_of_a_word_counts():
    texts, labels = ["a <sep> b", "b <sep> a"] * 3, [0, 1] * 3
    found = logits(*fitted(texts, labels, n_classes=2), texts[:2])
    assert found.argmax(axis=1).tolist() == [0, 1]


@pytest.mark.parametrize("padding", ["left", "right"])
def test_padding_and_neighbours_do_not_count(padding):
    encoding, branch = fitted(padding=padding)
    alone = [logits(encoding, branch, [text])[0] for text in TEXTS]
    np.testing.assert_allclose(logits(encoding, branch, TEXTS), alone, atol=1e-6)


def test_without_subwords_and_without_words_it_stays_finite():
    encoding, branch = fitted(max_ngrams=0)
    assert np.isfinite(logits(encoding, branch, ["", "unheard of", *TEXTS])).all()


def test_its_tables_are_part_of_the_weights():
    branch = LinearBranch(2, 5, 7, 3, separator=2)
    shapes = {name: tuple(tensor.shape) for name, tensor in branch.state_dict().items()}
    assert shapes == {"words": (2, 5, 4), "subwords": (2, 7, 4), "bias": (3,)}


def test_the_mean_branch_has_the_mean_votes():
    encoding, first = fitted()
    second = fitted(labels=[2, 0, 1, 2, 0])[1]
    found = logits(encoding, average_branches([first, second]), TEXTS)
    parts = [logits(encoding, branch, TEXTS) for branch in (first, second)]
    np.testing.assert_allclose(found, np.mean(parts, axis=0), atol=1e-5)


def test_each_part_has_a_branch_of_its_own():
    encoding = Vocabulary.fit(TEXTS, EncodingConfig(max_length=8, min_count=1))
    corpus = Corpus(encoding.encode(TEXTS), encoding)
    parts = [torch.tensor([0, 1, 3]), torch.tensor([2, 3, 4])]
    first, second = fit_linear(corpus, torch.tensor(LABELS), torch.ones(5), 3, 3.0, parts)
    stroke, asthma = encoding.index["stroke"], encoding.index["asthma"]
    assert not first.words[0, stroke, :-1].any() and second.words[0, stroke, :-1].any()
    assert not first.words[0, asthma, :-1].any() and second.words[0, asthma, :-1].any()


@pytest.mark.filterwarnings("error")
def test_many_classes_of_a_text_each_are_no_reason_for_a_warning():
    texts = [f"w{number} x" for number in range(60)]
    _, branch = fitted(texts, list(range(60)), n_classes=60)
    assert branch.bias.isfinite().all()
