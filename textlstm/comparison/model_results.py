"""The result of a trained model on its holdout, and the records that several results share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from textlstm.array_types import Flags, Integers
from textlstm.errors import InputError, counted
from textlstm.evaluation.metrics import Measures
from textlstm.uncertainty.predictions import Predictions


@dataclass(frozen=True)
class ModelResult:
    """A trained model on the n records of its holdout.

    Attributes
    ----------
    record_ids
        (n,) ids of the records.
    classes
        (C,) names of the classes.
    truth
        (n,) true class numbers.
    texts
        (n,) numbers of the records' texts.
    unseen
        (n,) whether the text is absent from the training records.
    predictions
        Of the n records.
    n_training
        Number of training records, validation records included.
    n_parameters
        Number of parameters of the networks.
    train_seconds
        Time of the training.
    rows_per_second
        Rows of distinct texts coded in a second.
    """

    record_ids: NDArray[np.str_]
    classes: tuple[str, ...]
    truth: Integers
    texts: Integers
    unseen: Flags
    predictions: Predictions
    n_training: int
    n_parameters: int
    train_seconds: float
    rows_per_second: float

    @cached_property
    def measures(self) -> Measures:
        """Return the measures of the model on these records."""
        return Measures.of(self.predictions, self.truth, self.unseen)

    @property
    def overlap(self) -> float:
        """Return the holdout records for each training record."""
        return len(self.truth) / self.n_training

    def select(self, record_ids: NDArray[np.str_]) -> Self:
        """Return the result on some of the records, in the order of their ids."""
        rows = pd.Index(self.record_ids).get_indexer(pd.Index(record_ids))
        return replace(
            self,
            record_ids=record_ids,
            truth=self.truth[rows],
            texts=self.texts[rows],
            unseen=self.unseen[rows],
            predictions=self.predictions.take(rows),
        )


def on_common_records(results: Sequence[ModelResult]) -> list[ModelResult]:
    """Restrict results to the records that are in every holdout.

    No model was trained on these records, so that all of them are measured fairly.

    Raises
    ------
    InputError
        If the models learned other classes, no record is in every holdout, or a record has another
        label for another model.
    """
    first, *others = results
    common = set(first.record_ids)
    for other in others:
        if other.classes != first.classes:
            differ = sorted(set(first.classes) ^ set(other.classes))
            raise InputError(
                "the models learned other classes, so that they cannot be compared: "
                f"{counted(len(differ), 'class is', 'classes are')} not known to all of them"
            )
        common &= set(other.record_ids)
    if not common:
        raise InputError(
            "no record is in the holdout of every model; compare models of the same split and seed"
        )
    ids = first.record_ids[np.isin(first.record_ids, sorted(common))]
    selected = [result.select(ids) for result in results]
    if any((result.truth != selected[0].truth).any() for result in selected):
        raise InputError("the same records have other labels for another model")
    return selected
