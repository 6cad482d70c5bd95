"""Records that a fitted estimator is given: checked, and made the inputs of its model."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from textlstm.arguments import deduplicate_texts, split_covariates
from textlstm.data.distinct import Distinct, combined
from textlstm.data.inputs import Input, joined_inputs, normalised_column
from textlstm.errors import InputError, counted, listed
from textlstm.inference.bundle import Bundle
from textlstm.text.tokenizing import preprocess

LABEL_COLUMNS = ("predicted_label", "second_label")
"""Columns of decisions and of explanations that hold labels."""


@dataclass(frozen=True)
class GivenRecords:
    """n records, as the arguments of an estimator hold them.

    Attributes
    ----------
    fields
        Their text fields as they were given.
    covariates
        Their numbers and categories as they were given, by the name of the column with its prefix.
    absent
        Names of the columns of covariates that they lack.
    index
        (n,) their index in pandas; row numbers from 0 where they have none.
    """

    fields: Distinct[tuple[str, ...]]
    covariates: dict[str, Distinct[str]]
    absent: list[str]
    index: "pd.Index[Any]"

    def __len__(self) -> int:
        return len(self.fields)

    @cached_property
    def inputs(self) -> Distinct[Input]:
        """Return what the predictions depend on."""
        read = [normalised_column(name, cells) for name, cells in self.covariates.items()]
        values = combined(read) if read else None
        return joined_inputs(self.fields.map(preprocess), values)


def text_columns(texts: Any, covariates: Sequence[str]) -> list[str] | None:
    """Return the names of the text fields of a DataFrame; None where they have no names.

    Parameters
    ----------
    covariates
        Names of the columns of covariates.
    """
    if not isinstance(texts, pd.DataFrame):
        return None
    names = [name for name in texts.columns if name not in covariates]
    return names if all(isinstance(name, str) for name in names) else None


class FittedEstimator:
    """What methods on new records need of a fitted estimator.

    Attributes are those of :class:`~textlstm.TextLSTMClassifier`.
    """

    device: str
    random_state: int | np.random.RandomState | None
    bundle_: Bundle
    classes_: NDArray[Any]
    n_fields_: int

    def _given(self, texts: Any, *, allow_none: bool = False) -> GivenRecords:
        """Check records as :meth:`~textlstm.TextLSTMClassifier.predict_proba` takes them.

        Parameters
        ----------
        allow_none
            Whether zero records are accepted.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before the estimator is fitted.
        InputError
            If the records have other text fields than those of the training, or there is none.
        """
        check_is_fitted(self, "bundle_")
        columns = self.bundle_.vocabulary.covariates.columns
        beside = [column.partition(":")[2] for column in columns]
        self._require_text_columns(text_columns(texts, beside))
        fields, covariates = split_covariates(texts, columns)
        absent = [name for name in beside if name not in getattr(texts, "columns", ())]
        records = deduplicate_texts(fields)
        if not len(records) and not allow_none:
            raise InputError("there are no texts")
        if len(records) and (n_fields := len(records.values[0])) != self.n_fields_:
            raise InputError(
                f"texts of {counted(n_fields, 'field')} are given; the model reads {self.n_fields_}"
            )
        index = texts.index if hasattr(texts, "iloc") else pd.RangeIndex(len(records))
        return GivenRecords(records, covariates, absent, index)

    def _require_text_columns(self, given: list[str] | None) -> None:
        """Raise an :class:`InputError` if text fields have other names than in the training."""
        names = getattr(self, "feature_names_in_", None)
        if given is None or names is None:
            return
        beside = [name.partition(":")[2] for name in self.bundle_.vocabulary.covariates.columns]
        trained = [name for name in names if name not in beside]
        if given != trained:
            raise InputError(
                f"the text fields are {listed(given)}; the model was fitted with {listed(trained)}"
            )

    def _as_classes(self, labels: "pd.Series[Any]") -> "pd.Series[Any]":
        """Return labels of the bundle, which are texts, as labels of the training."""
        return labels.map(dict(zip(self.bundle_.labels, self.classes_.tolist(), strict=True)))

    def _seed(self) -> int:
        """Return the seed of ``random_state``."""
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31))
