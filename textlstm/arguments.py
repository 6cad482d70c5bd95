"""Arguments of the estimator: what scikit-learn passes, validated and made training inputs."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.validation import _check_sample_weight

from textlstm.array_types import Floats
from textlstm.config import DataConfig
from textlstm.data.cells import as_records, as_text
from textlstm.data.distinct import Distinct
from textlstm.data.inputs import covariate_names, normalised_column, record_values
from textlstm.data.labels import require_short
from textlstm.data.splits import split_off
from textlstm.encoding.abbreviation_table import checked_abbreviations
from textlstm.encoding.covariates import Covariates
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.errors import InputError, did_you_mean, quoted
from textlstm.recipe import Recipe, as_fields
from textlstm.tasks import SingleLabel
from textlstm.text.tokenizing import preprocess
from textlstm.training.folds import as_examples
from textlstm.training.inputs import TrainingInputs

OWN_PARAMETERS = ("recipe", "random_state", "device", "abbreviations", "numbers", "categories")
"""Names of the estimator's parameters that are not settings of the recipe."""


@dataclass(frozen=True)
class TrainingArguments:
    """Validated arguments of ``fit``.

    Attributes
    ----------
    records
        A row for each record that has a word and a weight: ``text`` (preprocessed, categorical),
        ``label`` (class number), ``weight`` and the covariates; the index is the row number among
        all records.
    classes
        (C,) the labels of these records, sorted.
    n_fields
        Number of text fields of a record.
    """

    records: pd.DataFrame
    classes: NDArray[Any]
    n_fields: int


@contextmanager
def in_parameters() -> Iterator[None]:
    """Rewrite flags in error messages as parameters: ``--learning-rate`` as ``learning_rate``."""
    try:
        yield
    except InputError as error:
        raise InputError(as_fields(str(error))) from error


def require_fields(names: Iterable[str]) -> None:
    """Raise an :class:`InputError` if a name is not a setting of the recipe."""
    for name in names:
        if name not in Recipe.names():
            meant = did_you_mean(name, [*OWN_PARAMETERS, *Recipe.names()])
            raise InputError(f"TextLSTMClassifier has no parameter {quoted(name)}{meant}")


def validate_abbreviations(abbreviations: Any) -> dict[str, str]:
    """Preprocess the abbreviations and their meanings.

    Raises
    ------
    InputError
        If they are not a mapping, or one cannot be an abbreviation.
    """
    try:
        pairs = [(as_text(short), as_text(meaning)) for short, meaning in abbreviations.items()]
    except AttributeError as error:
        raise InputError("abbreviations map words to what they stand for") from error
    return checked_abbreviations(pairs, "abbreviations")


def require_number(name: str, value: Any) -> float:
    """Return the value of a parameter; raise an :class:`InputError` if it is no number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(f"{name} must be a number, not {type(value).__name__}")
    return float(value)


def deduplicate_texts(texts: Any) -> Distinct[tuple[str, ...]]:
    """Deduplicate the records: each is the tuple of its text fields."""
    return Distinct[tuple[str, ...]].of(as_records(texts))


def split_covariates(texts: Any, columns: Sequence[str]) -> tuple[Any, dict[str, Distinct[str]]]:
    """Divide a DataFrame into its text fields and its covariates.

    Parameters
    ----------
    texts
        As ``fit`` takes them.
    columns
        Names of the covariates with their prefixes; one that is not there is missing throughout.

    Returns
    -------
    texts, covariates
        The text fields, and the cells of each covariate by the name in ``columns``.

    Raises
    ------
    InputError
        If there are covariates, and the texts are no DataFrame.
    """
    if not columns:
        return texts, {}
    if not isinstance(texts, pd.DataFrame):
        raise InputError("numbers and categories are columns of a DataFrame, beside the texts")
    names = {column: column.partition(":")[2] for column in columns}
    missing = Distinct([""], np.zeros(len(texts), np.int64))
    covariates = {
        column: Distinct[str].of(map(as_text, texts[name].tolist()))
        if name in texts.columns
        else missing
        for column, name in names.items()
    }
    return texts.drop(columns=list(names.values()), errors="ignore"), covariates


def validate_training(
    texts: Any, labels: Any, sample_weight: Any, columns: Sequence[str] = ()
) -> TrainingArguments:
    """Validate the arguments of ``fit``, and select the records that can be trained on.

    ``columns`` are those of the covariates, as in :func:`split_covariates`.

    Raises
    ------
    InputError
        If there are no texts, the lengths differ, a label is missing, or the weights are invalid.
    """
    labels = column_or_1d(np.asarray(labels))
    texts, covariates = split_covariates(texts, columns)
    distinct = deduplicate_texts(texts)
    if not len(distinct):
        raise InputError("there are no texts to learn from")
    require_a_label_each(len(distinct), labels)
    weights = _validate_weights(sample_weight, labels)
    if pd.isna(labels).any():
        raise InputError("a label is missing")
    classes, numbers = np.unique(labels, return_inverse=True)
    text = pd.Categorical(preprocess(distinct.values)).take(distinct.inverse)
    frame = pd.DataFrame({"text": text, "label": numbers, "weight": weights})
    for name, cells in covariates.items():
        read = normalised_column(name, cells)
        frame[name] = pd.Categorical(read.values).take(read.inverse)
    frame = frame[(frame["text"] != "") & (frame["weight"] > 0)]
    trained, numbers = np.unique(frame["label"], return_inverse=True)
    n_fields = len(distinct.values[0])
    return TrainingArguments(frame.assign(label=numbers), classes[trained], n_fields)


def require_a_label_each(n_texts: int, labels: NDArray[Any]) -> None:
    """Raise an :class:`InputError` unless each text has a label."""
    if n_texts != len(labels):
        raise InputError(f"{n_texts} texts and {len(labels)} labels do not match")


def _validate_weights(sample_weight: Any, labels: NDArray[Any]) -> Floats:
    """Return the weights (n,) as shares of the largest one, so that no sum overflows.

    A share that underflows in single precision becomes 0.
    """
    kind = "f" if sample_weight is None else np.asarray(sample_weight).dtype.kind
    if kind in "OUS":
        try:
            sample_weight = np.asarray(sample_weight).astype(np.float64)
        except (TypeError, ValueError, OverflowError):  # its message would quote the cell
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
    shares: Floats = weights / weights.max()
    return np.where(shares < np.finfo(np.float32).tiny, 0.0, shares)


def training_inputs(
    arguments: TrainingArguments, recipe: Recipe, abbreviations: dict[str, str], seed: int
) -> tuple[TrainingInputs, int]:
    """Draw the validation part, fit the vocabulary and encode the records.

    Returns the inputs and the number of records in the validation part.

    Raises
    ------
    InputError
        If there are fewer than two classes, or too few records.
    """
    records = arguments.records
    labels = tuple(as_text(label) for label in arguments.classes.tolist())
    require_short(labels)
    if len(labels) < 2:
        raise InputError("texts with words of at least two classes are needed")
    train, validation = split_off(records, DataConfig().validation, "stratified", seed)
    train_texts, texts = (Distinct[str].of(part["text"]) for part in (train, records))
    columns = covariate_names(records.columns)
    covariates = Covariates.fit(columns, record_values(train), recipe.encoding.min_count)
    vocabulary = Vocabulary.fit(
        train_texts.values, recipe.encoding, train_texts.counts, abbreviations, covariates
    )
    examples = as_examples(
        vocabulary.encode(texts, record_values(records)),
        records["label"].to_numpy(),
        vocabulary,
        records.index.isin(validation.index),
        records["weight"].to_numpy(),
    )
    return TrainingInputs(vocabulary, SingleLabel(labels), examples), len(validation)
