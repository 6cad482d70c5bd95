"""The results of an evaluation, as dataclasses; `Evaluation.to_dict` gives `metrics.json`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from textlstm.array_types import Counts, Labels
from textlstm.disclosure import Suppressed, suppress
from textlstm.evaluation.bootstrap import Differences
from textlstm.evaluation.data_facts import DataFacts
from textlstm.evaluation.decisions import Decisions
from textlstm.evaluation.levels import LevelMeasures
from textlstm.evaluation.metrics import ClassIntervals, ClassMeasures, Measures
from textlstm.evaluation.subgroups import GroupMeasures
from textlstm.metrics_file import CalibrationJson, MetricsJson, SectionsJson, as_json
from textlstm.uncertainty.intervals import Proportion
from textlstm.uncertainty.predictions import Predictions

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True)
class Calibration:
    """The temperature of a model, and its measures before and after calibration."""

    temperature: float
    before: Measures
    after: Measures

    def to_dict(self) -> CalibrationJson:
        """Return what ``metrics.json`` holds."""
        before, after = (
            {"log_loss": measures.log_loss, "ece": measures.ece}
            for measures in (self.before, self.after)
        )
        return {"temperature": self.temperature, "before": before, "after": after}


@dataclass(frozen=True)
class Evaluation:
    """All measures of a model and its baselines on the holdout, or of the model on other records.

    Models are named as in ``metrics.json``: ``model``, and the baselines. All but ``decisions``,
    ``all_records`` and the groups is measured on the n records of classes that the model knows.

    Attributes
    ----------
    labels
        (C,) names of the classes.
    truth
        (n,) true class numbers.
    models
        Predictions of each model.
    measures
        Measures of each model.
    differences
        Differences of the model and each baseline; without baselines there are none.
    learned
        Whether the model is better than the class shares.
    all_records
        Accuracy on all records, where those of unknown classes count as errors.
    confusion
        (C, C) confusion matrix of the model, rows true.
    per_class, per_class_intervals
        Measures of each class, and their confidence intervals.
    calibration
        The effect of the temperature.
    decisions
        What became of promises and prediction sets.
    subgroups
        Measures of the groups of each column, by the name of the column.
    seen
        Measures of the groups by the number of training records with the same text; empty where
        the training records are not at hand.
    data
        Facts about the records.
    predictions
        The table of the n records that ``predictions.csv`` holds.
    levels
        Measures of each level of a code book, the top first; empty without one.
    """

    labels: tuple[str, ...]
    truth: Labels
    models: dict[str, Predictions]
    measures: dict[str, Measures]
    differences: dict[str, Differences]
    learned: bool
    all_records: Proportion
    confusion: Counts
    per_class: dict[str, ClassMeasures]
    per_class_intervals: dict[str, ClassIntervals]
    calibration: Calibration
    decisions: Decisions
    subgroups: dict[str, dict[str, GroupMeasures]]
    seen: dict[str, GroupMeasures]
    data: DataFacts
    predictions: pd.DataFrame
    levels: Mapping[str, LevelMeasures] = field(default_factory=dict)

    @property
    def never_predicted(self) -> list[str]:
        """Return the classes that the holdout has and the model never predicts."""
        true, predicted = self.confusion.sum(axis=1), self.confusion.sum(axis=0)
        return [self.labels[number] for number in np.flatnonzero((true > 0) & (predicted == 0))]

    @cached_property
    def suppressed(self) -> Suppressed:
        """Return what of the confusion matrix and the measures by class may not be shown."""
        return suppress(self.confusion)

    def to_dict(self) -> MetricsJson:
        """Return what ``metrics.json`` holds, except the timing."""
        measures, differences = _dicts(self.measures), _dicts(self.differences)
        linear: SectionsJson = {"difference": differences["tfidf_logreg"]} if differences else {}
        levels: SectionsJson = {"levels": _dicts(self.levels)} if self.levels else {}
        return {
            "model": measures.pop("model"),
            "baselines": measures,
            **linear,
            **levels,
            "differences": differences,
            "learned": self.learned,
            "all_records": {"accuracy": as_json(self.all_records)},
            "never_predicted": self.never_predicted,
            "per_class": _dicts(self.per_class),
            "per_class_intervals": _dicts(self.per_class_intervals),
            "confusion": {"labels": list(self.labels), "counts": self.confusion.tolist()},
            "calibration": self.calibration.to_dict(),
            "decisions": self.decisions.to_dict(),
            "subgroups": {name: _dicts(groups) for name, groups in self.subgroups.items()},
            "seen": _dicts(self.seen),
            "data": as_json(self.data),
        }


def _dicts(results: "Mapping[str, DataclassInstance]") -> Any:
    """Return named dataclasses as dictionaries."""
    return {name: as_json(result) for name, result in results.items()}
