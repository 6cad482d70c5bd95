"""Ranking measures: how well the probability of a class ranks its records before all others.

Each class is measured against the rest, and the measures are averaged over the classes that have
records and are not all records (macro). Of two classes, both are measured.

Shapes: n records, B distinct texts, C classes, S distinct probabilities of a class.
"""

from collections.abc import Iterator

import numpy as np

from textlstm.array_types import Counts, Floats, Integers
from textlstm.uncertainty.predictions import Predictions


def auroc(predictions: Predictions, labels: Integers) -> float | None:
    """Return the macro area under the ROC curve (Hanley and McNeil 1982).

    It is the probability that a record of the class is given a higher probability than a record of
    another class, where ties count half: 0.5 by chance, 1 at best.

    Parameters
    ----------
    labels
        (n,) true class numbers.

    Returns
    -------
    float
        None if no class has records beside those of other classes.

    >>> predictions = Predictions.of(np.array([[0.9, 0.1], [0.6, 0.4], [0.7, 0.3]]))
    >>> auroc(predictions, np.array([0, 0, 1]))
    0.5
    """
    return _macro(_area_under_roc(*counts) for counts in _counts_by_class(predictions, labels))


def auprc(predictions: Predictions, labels: Integers) -> float | None:
    """Return the macro area under the precision-recall curve, as the average precision.

    Precisions are not interpolated, which would be too optimistic (Davis and Goadrich 2006). By
    chance, the area of a class is its share of the records. Parameters and the result are those of
    :func:`auroc`.
    """
    return _macro(_average_precision(*counts) for counts in _counts_by_class(predictions, labels))


def _macro(areas: Iterator[float]) -> float | None:
    measured = list(areas)
    return float(np.mean(measured)) if measured else None


def _counts_by_class(predictions: Predictions, labels: Integers) -> Iterator[tuple[Counts, Counts]]:
    """Yield for each measured class the records of the class and of others, at each probability.

    Both are (S,), the highest probability first. Records of one text share their probabilities, so
    texts are sorted and not records.
    """
    n_texts, n_classes = predictions.probabilities.shape
    cells = np.bincount(predictions.rows * n_classes + labels, minlength=n_texts * n_classes)
    table = cells.reshape(n_texts, n_classes)  # records of each text and class
    totals = table.sum(axis=1)
    for number in np.flatnonzero((table.sum(axis=0) > 0) & (table.sum(axis=0) < len(labels))):
        values, places = np.unique(-predictions.probabilities[:, number], return_inverse=True)
        of_class = np.bincount(places, table[:, number], len(values)).astype(np.int64)
        yield of_class, np.bincount(places, totals, len(values)).astype(np.int64) - of_class


def _area_under_roc(of_class: Counts, others: Counts) -> float:
    """Return the share of pairs, one record of the class and one other, that are ranked rightly."""
    higher = np.cumsum(of_class) - of_class / 2  # records of the class before each other record
    return float(higher @ others / (of_class.sum() * others.sum()))


def _average_precision(of_class: Counts, others: Counts) -> float:
    """Return the mean precision at the thresholds, weighted by the recall that each adds."""
    found = np.cumsum(of_class)
    chosen = found + np.cumsum(others)
    precisions: Floats = np.divide(found, chosen, where=chosen > 0, out=np.ones(len(found)))
    return float(precisions @ of_class / of_class.sum())
