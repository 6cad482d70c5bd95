"""The simpler models every run is measured against, trained on the same records."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from textlstm.text import split_fields

INVERSE_REGULARISATION = 10.0
"""C of the logistic regression: the best of 0.1, 1, 10, 100 on causes of death in our trials."""


def majority() -> Any:
    """Return a classifier that gives every record the classes' shares of the training records."""
    return DummyClassifier(strategy="prior")


def tfidf_logreg(texts: Sequence[str]) -> Pipeline:
    """Return TF-IDF of words and word pairs, a block per field, with logistic regression.

    Parameters
    ----------
    texts
        Preprocessed training texts; they tell how many fields there are, and which have words.

    Notes
    -----
    A block per field lets the linear model know in which line of the certificate a word stands,
    as the network does; with the fields joined it would not be a fair opponent.
    """
    table = _field_table(texts)
    blocks = [
        (f"field_{number}", _word_pairs(), number)
        for number in range(table.shape[1])
        if any(table[:, number])
    ]
    return make_pipeline(
        FunctionTransformer(_field_table),
        ColumnTransformer(blocks),
        LogisticRegression(C=INVERSE_REGULARISATION, max_iter=2000),
    )


BASELINES: dict[str, Callable[[Sequence[str]], Any]] = {
    "majority": lambda texts: majority(),
    "tfidf_logreg": tfidf_logreg,
}
"""Each baseline's name and how to make it for the training texts."""


def _word_pairs() -> TfidfVectorizer:
    # Texts are tokenized already, by the same function as the network's.
    return TfidfVectorizer(
        tokenizer=str.split,
        token_pattern=None,
        lowercase=False,
        ngram_range=(1, 2),
        sublinear_tf=True,
    )


def _field_table(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    """Return the fields (n, F) of preprocessed texts; an empty text has empty fields."""
    rows = [split_fields(text) for text in texts]
    n_fields = max(map(len, rows))
    return np.array([row + [""] * (n_fields - len(row)) for row in rows], dtype=object)
