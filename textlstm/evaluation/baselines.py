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
from textlstm.data.inputs import Input
from textlstm.encoding.covariates import Covariates
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
        have words; or :func:`baseline_rows` of texts and covariates.
    records
        (B,) number of records with each text; by default, one.
    max_iterations
        Iterations of the solver, at most.

    Notes
    -----
    A block per field lets the linear model know in which line of the certificate a word stands, as
    the network does. With the fields joined, the comparison would not be fair.
    """
    table, n_features = _field_table(texts), _features(texts).shape[1]
    blocks: list[tuple[str, Any, Any]] = [
        (f"field_{number}", WordPairs(records), number)
        for number in range(table.shape[1] - n_features)
        if any(table[:, number])
    ]
    if n_features:
        as_floats = FunctionTransformer(np.ndarray.astype, kw_args={"dtype": np.float64})
        blocks.append(("covariates", as_floats, slice(-n_features, None)))
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


def baseline_rows(inputs: Sequence[Input], covariates: Covariates) -> Any:
    """Return what baselines read of B inputs: their texts, with covariates as rows (B, 1 + K)."""
    texts = [text for text, _ in inputs]
    if not covariates.names:
        return texts
    features = covariates.encode([values for _, values in inputs])
    return np.column_stack([np.array(texts, dtype=object), features.astype(object)])


def _features(rows: Any) -> Any:
    """Return the features (B, K) of rows; K is 0 for texts alone."""
    return rows[:, 1:] if isinstance(rows, np.ndarray) and rows.ndim == 2 else np.empty((0, 0))


def _field_table(rows: Any) -> np.ndarray[Any, Any]:
    """Split the texts of rows into fields (B, F + K), empty where a text has none."""
    features = _features(rows)
    texts = [split_fields(text) for text in (rows[:, 0] if features.shape[1] else rows)]
    n_fields = max(map(len, texts))
    table = np.array([text + [""] * (n_fields - len(text)) for text in texts], dtype=object)
    return np.hstack([table, features]) if features.shape[1] else table
