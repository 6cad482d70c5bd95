"""Peers of scikit-learn: TF-IDF with a linear model, a multi-layer perceptron, or boosted trees."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer

from benchmarks.comparison import Fields, Fit, Predict


def joined(texts: Fields) -> list[str]:
    """Join the fields of each record to one text, for peers that know no fields."""
    return [" ".join(fields) for fields in texts]


def of_estimator(make: Callable[[int, int], Any]) -> Fit:
    """Return the function that fits a scikit-learn classifier.

    ``make`` builds it, given the number of fields and the seed.
    """

    def fit(texts: Fields, labels: NDArray[Any], seed: int) -> Predict:
        predict: Predict = make(len(texts[0]), seed).fit(texts, labels).predict_proba
        return predict

    return fit


def tfidf(*, characters: bool, blocks: bool) -> Fit:
    """Return TF-IDF + logistic regression: word 1-2-grams, sublinear, C = 10.

    With ``characters`` it has character 2-5-grams within words as well; with ``blocks`` a feature
    block per field instead of the joined fields.
    """

    def features() -> Any:
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
        return make_union(words, letters) if characters else words

    def make(n_fields: int, _: int) -> Any:
        model = LogisticRegression(C=10.0, max_iter=2000)
        if not blocks:
            return make_pipeline(FunctionTransformer(joined), features(), model)
        table = FunctionTransformer(lambda texts: np.array(texts, dtype=object))
        columns = ColumnTransformer([(str(n), features(), n) for n in range(n_fields)])
        return make_pipeline(table, columns, model)

    return of_estimator(make)


def word_features() -> Any:
    """Return TF-IDF of the words and 2-grams of the joined fields."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    return make_pipeline(FunctionTransformer(joined), words)


def mlp(_: int, seed: int) -> Any:
    """Return a perceptron with 100 hidden units: Adam, at most 30 epochs, early stopping.

    A tenth of the training records decides when to stop.
    """
    network = MLPClassifier((100,), max_iter=30, early_stopping=True, random_state=seed)
    return make_pipeline(word_features(), network)


DIMENSIONS = 100
"""Latent dimensions, at most."""


class LatentFeatures(TruncatedSVD):  # type: ignore[misc]  # scikit-learn has no types
    """A singular value decomposition of :data:`DIMENSIONS`, or of as many as there are."""

    def fit_transform(self, features: Any, target: Any = None) -> Any:
        """Fit, and return the dense features (n, dimensions)."""
        self.set_params(n_components=min(DIMENSIONS, features.shape[1] - 1))
        return super().fit_transform(features, target)


def boosted_trees(_: int, seed: int) -> Any:
    """Return gradient-boosted trees on 100 latent dimensions: at most 200 rounds, early stopping.

    Trees need dense features: those of a truncated singular value decomposition. At scikit-learn's
    own learning rate, without a penalty, boosting diverges where many classes are rare.
    """
    trees = HistGradientBoostingClassifier(
        learning_rate=0.05, l2_regularization=10.0, max_iter=200, early_stopping=True,
        random_state=seed,
    )  # fmt: skip
    return make_pipeline(word_features(), LatentFeatures(random_state=seed), trees)
