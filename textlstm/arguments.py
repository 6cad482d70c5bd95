"""Arguments of the estimator: texts, labels and weights as scikit-learn passes them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.validation import _check_sample_weight

from textlstm.data.cells import as_records, as_text
from textlstm.data.distinct import Distinct
from textlstm.encoding.abbreviation_table import checked_abbreviations
from textlstm.errors import InputError, did_you_mean, quoted
from textlstm.recipe import Recipe, as_fields
from textlstm.text.tokenizing import preprocess

OWN_PARAMETERS = ("recipe", "random_state", "device", "abbreviations")
"""The estimator's parameters beside the recipe's fields."""


@contextmanager
def in_parameters() -> Iterator[None]:
    """Have errors speak of parameters, where the stages speak of flags."""
    try:
        yield
    except InputError as error:
        raise InputError(as_fields(str(error))) from error


def require_fields(names: Iterable[str]) -> None:
    """Raise an :class:`InputError` if the estimator has no such parameter."""
    for name in names:
        if name not in Recipe.names():
            known = [*OWN_PARAMETERS, *Recipe.names()]
            raise InputError(
                f"TextLSTMClassifier has no parameter {quoted(name)}{did_you_mean(name, known)}"
            )


def given_fields(abbreviations: Any) -> dict[str, str]:
    """Return abbreviations and their meanings, preprocessed."""
    try:
        pairs = [(as_text(short), as_text(meaning)) for short, meaning in abbreviations.items()]
    except AttributeError as error:
        raise InputError("abbreviations map words to what they stand for") from error
    return checked_abbreviations(pairs, "abbreviations")


def text_fields(
    texts: Any, labels: Any, sample_weight: Any
) -> tuple[pd.DataFrame, NDArray[Any], int]:
    """Return the records that teach something, by row number, the classes (C,), and the fields F.

    Records have a text, of which each distinct one is kept once, a class number and a weight.
    """
    labels = column_or_1d(np.asarray(labels))
    records = Distinct.of(as_records(texts))
    if not records:
        raise InputError("there are no texts to learn from")
    if len(records) != len(labels):
        raise InputError(f"{len(records)} texts and {len(labels)} labels do not match")
    weights = _weights(sample_weight, labels)
    if pd.isna(labels).any():
        raise InputError("a label is missing")
    classes, codes = np.unique(labels, return_inverse=True)
    text = pd.Categorical(preprocess(records.values)).take(records.inverse)
    frame = pd.DataFrame({"text": text, "label": codes, "weight": weights})
    frame = frame[(frame["text"] != "") & (frame["weight"] > 0)]
    taught, codes = np.unique(frame["label"], return_inverse=True)
    return frame.assign(label=codes), classes[taught], len(records.values[0])


def _weights(sample_weight: Any, labels: NDArray[Any]) -> NDArray[np.float64]:
    """Return the weights (n,) as shares of the largest one, of which no sum is too large.

    What is lost in single precision beside the largest one weighs nothing.
    """
    kind = "f" if sample_weight is None else np.asarray(sample_weight).dtype.kind
    if kind in "OUS":
        try:
            sample_weight = np.asarray(sample_weight).astype(np.float64)
        except (TypeError, ValueError, OverflowError):  # whose message would show the cell
            raise InputError("sample_weight must be numbers") from None
    elif kind not in "biuf":
        raise InputError("sample_weight must be numbers, and none complex or a date")
    if np.ndim(sample_weight) == 1 and len(sample_weight) != len(labels):
        raise InputError(f"{len(labels)} records and {len(sample_weight)} weights do not match")
    try:
        weights = _check_sample_weight(sample_weight, labels, dtype=np.float64)
    except ValueError as error:
        raise InputError(f"sample_weight is refused: {error}") from None
    if (weights < 0).any() or not weights.any():
        raise InputError("sample_weight must be at least 0, and not 0 throughout")
    shares: NDArray[np.float64] = weights / weights.max()
    return np.where(shares < np.finfo(np.float32).tiny, 0.0, shares)
