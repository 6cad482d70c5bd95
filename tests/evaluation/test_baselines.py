import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from textlstm.evaluation.baselines import (
    BASELINES,
    INVERSE_REGULARISATION,
    fit_tfidf_logreg,
    majority,
    tfidf_logreg,
)

TEXTS = ["acute mi", "stroke", "acute stroke", "copd", "asthma", "copd asthma"]
LABELS = ["C", "C", "C", "R", "R", "X"]


def test_majority_gives_the_class_shares():
    fitted = majority().fit(TEXTS, LABELS)
    assert fitted.predict_proba(["anything"])[0].tolist() == pytest.approx([3 / 6, 2 / 6, 1 / 6])


def test_one_field_is_plain_tfidf_and_logistic_regression():
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=2000)
    expected = model.fit(vectorizer.fit_transform(TEXTS), LABELS)
    fitted = tfidf_logreg(TEXTS).fit(TEXTS, LABELS)
    new = ["acute copd", "asthma stroke"]
    np.testing.assert_allclose(
        fitted.predict_proba(new), expected.predict_proba(vectorizer.transform(new)), atol=1e-6
    )


def test_a_block_per_field_knows_in_which_field_a_word_stands():
    texts = ["fall <sep> stroke", "stroke <sep> fall"] * 10
    fitted = tfidf_logreg(texts).fit(texts, ["External", "Circulatory"] * 10)
    assert fitted.predict(texts[:2]).tolist() == ["External", "Circulatory"]


def test_a_field_may_always_be_empty():
    texts = ["fall <sep>", "stroke <sep>"] * 5
    fitted = tfidf_logreg(texts).fit(texts, ["E", "C"] * 5)
    assert fitted.predict(["fall <sep> stroke", ""]).shape == (2,)


def test_every_baseline_sorts_its_classes():
    for fit in BASELINES.values():
        assert fit(TEXTS, LABELS, np.ones(6)).classes_.tolist() == ["C", "R", "X"]


def test_texts_of_several_records_are_fitted_like_the_records():
    records = np.array([3, 1, 2, 5, 1, 4])
    texts, labels = np.repeat(TEXTS, records).tolist(), np.repeat(LABELS, records).tolist()
    one_by_one = {"majority": majority(), "tfidf_logreg": tfidf_logreg(texts)}
    for name, fit in BASELINES.items():
        expected = one_by_one[name].fit(texts, labels).predict_proba(TEXTS)
        probabilities = fit(TEXTS, LABELS, records).predict_proba(TEXTS)
        np.testing.assert_allclose(probabilities, expected, atol=1e-9)


@pytest.mark.filterwarnings("error")
def test_a_baseline_that_needs_more_iterations_is_no_reason_for_a_warning():
    fitted = fit_tfidf_logreg(TEXTS, LABELS, np.ones(len(TEXTS), dtype=int), max_iterations=1)
    assert fitted.predict_proba(TEXTS).shape == (len(TEXTS), 3)
