"""Baselines: simpler models, trained on the same records, that every run is compared with."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from textlstm.array_types import Counts
from textlstm.models.linear_fit import without_convergence_warnings
from textlstm.text.tokenizing import split_fields

INVERSE_REGULARISATION = 10.0
"""C of the logistic regression, the inverse of its regularisation strength: the best of 0.1, 1, 10
and 100 on causes of death in our trials."""

LOGREG_ITERATIONS = 2000
"""Iterations of the solver of the logistic regression, at most."""


def majority() -> Any:
    """Return a classifier that predicts the class shares of the training records for every text."""
    return DummyClassifier(strategy="prior")


def tfidf_logreg(
    texts: Sequence[str],
    records: Counts | None = None,
    max_iterations: int = LOGREG_ITERATIONS,
) -> Pipeline:
    """Return TF-IDF of words and word pairs, a block per field, with logistic regression.

    Parameters
    ----------
    texts
        Preprocessed training texts (B,), from which the number of fields follows, and which fields
        have words.
    records
        (B,) number of records with each text; by default, one.
    max_iterations
        Iterations of the solver, at most.

    Notes
    -----
    A block per field lets the linear model know in which line of the certificate a word stands, as
    the network does. With the fields joined, the comparison would not be fair.
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
        LogisticRegression(C=INVERSE_REGULARISATION, max_iter=max_iterations),
    )


class WordPairs(TfidfVectorizer):  # type: ignore[misc]
    """TF-IDF of the words and word pairs of distinct texts.

    Parameters
    ----------
    records
        (B,) number of records with each of the texts it is fitted to; by default, one.
    """

    def __init__(self, records: Counts | None = None) -> None:
        self.records = records
        # Texts are tokenized already, by the same function as for the network.
        super().__init__(
            tokenizer=str.split,
            token_pattern=None,
            lowercase=False,
            ngram_range=(1, 2),
            sublinear_tf=True,
        )

    def fit_transform(self, raw_documents: Sequence[str], y: Any = None) -> Any:
        """Fit to distinct texts (B,), and return their features (B, F)."""
        features = super().fit_transform(raw_documents)
        if self.records is None:
            return features
        document_frequencies = self.records @ (features > 0)
        self.idf_ = np.log((1 + self.records.sum()) / (1 + document_frequencies)) + 1
        return self.transform(raw_documents)


def fit_majority(texts: Sequence[str], labels: Sequence[str], records: Counts) -> Any:
    """Fit the class shares to texts and labels (B,), given the number of records of each (B,)."""
    return majority().fit(texts, labels, records)


def fit_tfidf_logreg(
    texts: Sequence[str],
    labels: Sequence[str],
    records: Counts,
    max_iterations: int = LOGREG_ITERATIONS,
) -> Pipeline:
    """Fit the linear model to texts and labels (B,), given the number of records of each (B,).

    Apart from the order of sums, it is the model fitted to the records one by one.
    """
    model = tfidf_logreg(texts, records, max_iterations)
    with without_convergence_warnings():
        return model.fit(texts, labels, logisticregression__sample_weight=records)


BASELINES: dict[str, Callable[[Sequence[str], Sequence[str], Counts], Any]] = {
    "majority": fit_majority,
    "tfidf_logreg": fit_tfidf_logreg,
}
"""The function that fits each baseline, by the name of the baseline in metrics.json."""


def _field_table(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    """Split preprocessed texts (B,) into a table of fields (B, F), empty where a text has none."""
    rows = [split_fields(text) for text in texts]
    n_fields = max(map(len, rows))
    return np.array([row + [""] * (n_fields - len(row)) for row in rows], dtype=object)
