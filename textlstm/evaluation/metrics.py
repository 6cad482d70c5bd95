"""Measures of predictions: accuracy, F1, log loss, Brier score, expected calibration error."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support

from textlstm.array_types import Counts, Flags, Floats, Integers
from textlstm.evaluation.ranking import auprc, auroc
from textlstm.uncertainty.intervals import Interval, interval
from textlstm.uncertainty.predictions import Predictions

ECE_BINS = 15
"""Bins of equal width for the expected calibration error (Guo et al. 2017)."""

SMALLEST_PROBABILITY = 1e-15
"""Probability below which the log loss is that of this number: zero would make it infinite."""

MODEL, LINEAR, SHARES = "textlstm", "TF-IDF + logistic regression", "class shares alone"
"""Names of the models compared in every run; the last predicts the class shares of the training
records for every record, whatever its text."""


@dataclass(frozen=True)
class Measures:
    """Measures of a model's predictions.

    Attributes
    ----------
    accuracy, macro_f1, weighted_f1
        From 0 to 1.
    log_loss
        In nats.
    ece
        Expected calibration error, from 0 to 1.
    brier
        Brier score, from 0 to 2.
    auroc, auprc
        Areas under the ROC and the precision-recall curve, each class against the rest, averaged
        over classes; None if all records are of one class.
    accuracy_unseen_text
        Accuracy on records whose text no training record has; None if there are none.
    """

    accuracy: float
    macro_f1: float
    weighted_f1: float
    log_loss: float
    ece: float
    brier: float
    auroc: float | None
    auprc: float | None
    accuracy_unseen_text: float | None

    @classmethod
    def of(cls, predictions: Predictions, labels: Integers, unseen: Flags) -> Self:
        """Measure the predictions of n records.

        Parameters
        ----------
        labels
            (n,) true class numbers.
        unseen
            (n,) whether the text is absent from the training records.
        """
        predicted = predictions.predicted
        return cls(
            accuracy=float(accuracy_score(labels, predicted)),
            macro_f1=_f1(labels, predicted, "macro"),
            weighted_f1=_f1(labels, predicted, "weighted"),
            log_loss=float(log_losses(predictions, labels).mean()),
            ece=expected_calibration_error(predictions, labels),
            brier=brier_score(predictions, labels),
            auroc=auroc(predictions, labels),
            auprc=auprc(predictions, labels),
            accuracy_unseen_text=(
                float(accuracy_score(labels[unseen], predicted[unseen])) if unseen.any() else None
            ),
        )


def _f1(labels: Integers, predicted: Integers, average: str) -> float:
    return float(f1_score(labels, predicted, average=average, zero_division=0.0))


def log_losses(predictions: Predictions, labels: Integers) -> Floats:
    """Return the log loss of each record, in nats (n,), given true class numbers (n,)."""
    losses: Floats = -np.log(np.clip(predictions.of_label(labels), SMALLEST_PROBABILITY, None))
    return losses


def brier_score(predictions: Predictions, labels: Integers) -> float:
    """Return the Brier score: mean squared distance to the truth, summed over classes (Brier 1950).

    It lies between 0 and 2. ``labels`` are true class numbers (n,).
    """
    # Records with the same text and the same label have the same distance: it is computed once.
    pairs, inverse = np.unique(
        predictions.rows * predictions.n_classes + labels, return_inverse=True
    )
    rows, classes = np.divmod(pairs, predictions.n_classes)
    return float(
        squared_distances(Predictions(predictions.probabilities, rows), classes)[inverse].mean()
    )


def squared_distances(predictions: Predictions, labels: Integers) -> Floats:
    """Return the squared distance of each record's probabilities to its true class (n,)."""
    truth = np.eye(predictions.n_classes)[labels]
    distances: Floats = ((predictions.probabilities[predictions.rows] - truth) ** 2).sum(axis=1)
    return distances


def bin_numbers(confidence: Floats, bins: int = ECE_BINS) -> Integers:
    """Return the bin of each confidence (n,); bins have equal widths and are closed on the right.

    >>> bin_numbers(np.array([0.0, 0.2, 0.21, 1.0]), bins=5).tolist()
    [0, 0, 1, 4]
    """
    numbers: Integers = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return numbers


def reliability_bins(
    predictions: Predictions, labels: Integers, bins: int = ECE_BINS
) -> dict[str, Floats]:
    """Return the bins of a reliability diagram: mean confidence, accuracy and number of records.

    Bins divide the confidence into equal widths and are closed on the right; empty ones are left
    out. ``labels`` are true class numbers (n,).
    """
    confidence, hits = predictions.confidence, predictions.correct(labels)
    numbers = bin_numbers(confidence, bins)
    counts = np.bincount(numbers, minlength=bins)
    filled = counts > 0
    return {
        "confidence": np.bincount(numbers, confidence, bins)[filled] / counts[filled],
        "accuracy": np.bincount(numbers, hits, bins)[filled] / counts[filled],
        "records": counts[filled].astype(np.float64),
    }


def expected_calibration_error(predictions: Predictions, labels: Integers) -> float:
    """Return the mean distance of confidence and accuracy over bins, weighted by their records.

    Naeini et al. 2015, for the most probable class; :data:`ECE_BINS` bins of equal width.
    """
    bins = reliability_bins(predictions, labels)
    gaps = np.abs(bins["confidence"] - bins["accuracy"])
    return float(np.average(gaps, weights=bins["records"]))


@dataclass(frozen=True)
class ClassMeasures:
    """Precision, recall, F1 and support (the number of records) of a class."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class ClassIntervals:
    """The 95 % confidence intervals of precision, recall and F1 of a class."""

    precision: Interval
    recall: Interval
    f1: Interval


def measures_by_class(
    labels: Integers, predicted: Integers, names: Sequence[str]
) -> dict[str, ClassMeasures]:
    """Measure each class.

    Parameters
    ----------
    labels, predicted
        (n,) true and predicted class numbers.
    names
        (C,) names of the classes.
    """
    columns = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(len(names)), zero_division=0.0
    )
    return {
        name: ClassMeasures(float(precision), float(recall), float(f1), int(support))
        for name, precision, recall, f1, support in zip(names, *columns, strict=True)
    }


def intervals_by_class(confusion: Counts, names: Sequence[str]) -> dict[str, ClassIntervals]:
    """Return the confidence intervals of each class, given the confusion matrix (C, C), rows true.

    All three measures are shares of records, which have exact intervals: F1 is 2 q / (1 + q), where
    q is the share of hits among the records that are of the class or predicted as it.
    """
    hits, true, predicted = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    either = np.array(interval(hits, true + predicted - hits))
    bounds = interval(hits, predicted), interval(hits, true), 2 * either / (1 + either)
    return {
        name: ClassIntervals(*(_interval_of(number, *ends) for ends in bounds))
        for number, name in enumerate(names)
    }


def _interval_of(number: int, low: Any, high: Any) -> Interval:
    return Interval(float(low[number]), float(high[number]))
