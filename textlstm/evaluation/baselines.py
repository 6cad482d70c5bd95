"""The simpler models every run is measured against, trained on the same records."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from textlstm.models.linear import without_convergence_warnings
from textlstm.text.tokenizing import split_fields

INVERSE_REGULARISATION = 10.0
"""C of the logistic regression: the best of 0.1, 1, 10, 100 on causes of death in our trials."""

MOST_ITERATIONS = 2000


def majority() -> Any:
    """Return a classifier that gives every record the classes' shares of the training records."""
    return DummyClassifier(strategy="prior")


def tfidf_logreg(texts: Sequence[str], records: NDArray[np.int64] | None = None) -> Pipeline:
    """Return TF-IDF of words and word pairs, a block per field, with logistic regression.

    Parameters
    ----------
    texts
        Preprocessed training texts; they tell how many fields there are, and which have words.
    records
        How many records each of them stands for; by default, one.

    Notes
    -----
    A block per field lets the linear model know in which line of the certificate a word stands,
    as the network does; with the fields joined it would not be a fair opponent.
    """
    table = _field_table(texts)
    blocks = [
        (f"field_{number}", WordPairs(records), number)
        for number in range(table.shape[1])
        if any(table[:, number])
    ]
    return make_pipeline(
        FunctionTransformer(_field_table),
        ColumnTransformer(blocks),
        LogisticRegression(C=INVERSE_REGULARISATION, max_iter=MOST_ITERATIONS),
    )


class WordPairs(TfidfVectorizer):  # type: ignore[misc]
    """TF-IDF of the words and word pairs of distinct texts.

    Parameters
    ----------
    records
        (B,) how many records each of the texts it is fitted to stands for; by default, one.
    """

    def __init__(self, records: NDArray[np.int64] | None = None) -> None:
        self.records = records
        # Texts are tokenized already, by the same function as the network's.
        super().__init__(
            tokenizer=str.split,
            token_pattern=None,
            lowercase=False,
            ngram_range=(1, 2),
            sublinear_tf=True,
        )

    def fit_transform(self, raw_documents: Sequence[str], y: Any = None) -> Any:
        """Return the features (B, F) of the texts that it is fitted to."""
        features = super().fit_transform(raw_documents)
        if self.records is None:
            return features
        found = self.records @ (features > 0)
        self.idf_ = np.log((1 + self.records.sum()) / (1 + found)) + 1
        return self.transform(raw_documents)


def fit_majority(texts: Sequence[str], labels: Sequence[str], records: NDArray[np.int64]) -> Any:
    """Return the classes' shares, fitted to texts and labels of so many records each."""
    return majority().fit(texts, labels, records)


def fit_tfidf_logreg(
    texts: Sequence[str], labels: Sequence[str], records: NDArray[np.int64]
) -> Pipeline:
    """Return the linear model, fitted to texts and labels of so many records each.

    But for the order of sums, it is the model fitted to the records one by one.
    """
    model = tfidf_logreg(texts, records)
    with without_convergence_warnings():
        return model.fit(texts, labels, logisticregression__sample_weight=records)


BASELINES: dict[str, Callable[[Sequence[str], Sequence[str], NDArray[np.int64]], Any]] = {
    "majority": fit_majority,
    "tfidf_logreg": fit_tfidf_logreg,
}
"""Each baseline's name, and how it is fitted to texts and labels of so many records each."""


def _field_table(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    """Return the fields (n, F) of preprocessed texts; an empty text has empty fields."""
    rows = [split_fields(text) for text in texts]
    n_fields = max(map(len, rows))
    return np.array([row + [""] * (n_fields - len(row)) for row in rows], dtype=object)
