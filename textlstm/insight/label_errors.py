"""Label errors: labels that a model doubts (confident learning), and labels that conflict."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from textlstm.inference.scoring import rounded
from textlstm.uncertainty.predictions import Predictions

TIE = 1e-6
"""Difference of probabilities up to which they count as equal."""


def label_suspects(
    record_ids: Sequence[str] | pd.Series,
    truth: NDArray[np.int64],
    predictions: Predictions | NDArray[np.float64],
    labels: Sequence[str],
) -> pd.DataFrame:
    """Find the records whose label is probably wrong, the most doubtful first.

    This is confident learning (Northcutt, Jiang and Chuang 2021). The confident joint estimates how
    many labels of class i belong to class j; that many records, those with the lowest probability
    of their label, are reported.

    Parameters
    ----------
    record_ids
        (n,)
    truth
        (n,) class numbers as labelled.
    predictions
        Predictions of the n records, or their probabilities (n, C), by a model that was not trained
        on them.
    labels
        Class names.

    Returns
    -------
    pandas.DataFrame
        ``record_id``, ``given_label`` and its ``probability``, ``likelier_label`` and
        ``likelier_probability``.
    """
    if not isinstance(predictions, Predictions):
        predictions = Predictions.of(predictions)
    suspects = np.flatnonzero(_label_issues(truth, predictions))
    suspects = suspects[np.argsort(predictions.take(suspects).of_label(truth[suspects]))]
    predictions, truth = predictions.take(suspects), truth[suspects]
    return pd.DataFrame(
        {
            "record_id": pd.Series(record_ids, dtype=str).take(suspects).tolist(),
            "given_label": [labels[number] for number in truth.tolist()],
            "probability": rounded(predictions.of_label(truth)),
            "likelier_label": [labels[number] for number in predictions.predicted.tolist()],
            "likelier_probability": rounded(predictions.confidence),
        }
    )


def _label_issues(truth: NDArray[np.int64], predictions: Predictions) -> NDArray[np.bool_]:
    """Flag the labels that are probably wrong (n,).

    The result is that of ``cleanlab.filter.find_label_issues``, which would need the probabilities
    of every record (n, C).
    """
    flags = np.zeros(len(truth), dtype=bool)
    counts = np.bincount(truth, minlength=predictions.n_classes)
    if (counts > 0).sum() < 2:
        return flags
    joint = _confident_joint(truth, predictions)
    for labelled in np.flatnonzero(counts > 1):  # one record is too few for an estimate
        records = np.flatnonzero(truth == labelled)
        of_class = predictions.take(records)
        for other in np.flatnonzero(joint[labelled]):
            if other != labelled:
                margins = (
                    predictions.probabilities[:, other] - predictions.probabilities[:, labelled]
                )
                most_doubtful = np.argsort(-margins[of_class.rows])[: joint[labelled, other]]
                flags[records[most_doubtful]] = True
    flags &= predictions.confidence > predictions.of_label(truth) + TIE
    return flags


def _confident_joint(truth: NDArray[np.int64], predictions: Predictions) -> NDArray[np.int64]:
    """Estimate how many records labelled as class i belong to class j (C, C).

    A record counts as one of class j if the probability of j is at least the mean probability of j
    among the records labelled j.
    """
    # Imported late: only reports need it.
    from cleanlab.count import calibrate_confident_joint

    n_classes = predictions.n_classes
    own = predictions.of_label(truth)
    thresholds = np.full(n_classes, np.inf)
    for number in np.unique(truth):
        thresholds[number] = max(own[truth == number].mean(), 2 * TIE)
    confident = predictions.probabilities >= thresholds - TIE  # (B, C)
    n_confident = confident.sum(axis=1)
    likeliest = predictions.probabilities.argmax(axis=1)
    classes = np.where(n_confident > 1, likeliest, confident.argmax(axis=1))[predictions.rows]
    counted = (n_confident > 0)[predictions.rows]
    pairs = np.bincount(classes[counted] * n_classes + truth[counted], minlength=n_classes**2)
    counts = pairs.reshape(n_classes, n_classes).T
    np.fill_diagonal(counts, counts.diagonal().clip(min=1))
    joint: NDArray[np.int64] = calibrate_confident_joint(counts, truth)
    return joint


def conflicting_labels(records: pd.DataFrame) -> pd.DataFrame:
    """Find the records whose text has another label elsewhere.

    Parameters
    ----------
    records
        record_id, text, label.

    Returns
    -------
    pandas.DataFrame
        ``text`` (a number of the text, by the order of the records), ``record_id`` and ``label``,
        sorted by text.

    >>> conflicting_labels(pd.DataFrame({"record_id": ["1", "2", "3", "4"],
    ...     "text": ["mi", "fall", "mi", "mi"], "label": ["a", "c", "b", "a"]}))
       text record_id label
    0     1         1     a
    1     1         3     b
    2     1         4     a
    """
    n_labels = records[["text", "label"]].drop_duplicates()["text"].value_counts()
    conflicting = records[records["text"].isin(n_labels.index[n_labels > 1])]
    numbers = pd.factorize(conflicting["text"])[0] + 1
    columns = conflicting[["record_id", "label"]]
    return columns.assign(text=numbers).sort_values("text", kind="stable", ignore_index=True)[
        ["text", "record_id", "label"]
    ]
