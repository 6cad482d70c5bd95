"""Labels to look at again: those a model doubts, and those that contradict each other."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from textlstm.inference.scoring import rounded

TIE = 1e-6
"""Probabilities no further apart are equal."""


def label_suspects(
    record_ids: Sequence[str] | pd.Series,
    truth: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    labels: Sequence[str],
    places: NDArray[np.integer[Any]] | None = None,
) -> pd.DataFrame:
    """Return the records whose label is probably wrong, the most doubtful first.

    Confident learning (Northcutt, Jiang and Chuang 2021): how many labels of each class are really
    of which other follows from the records that the model is as sure of as of the class in general;
    so many are named, those of the least probable labels.

    Parameters
    ----------
    record_ids
        (n,)
    truth
        (n,) class numbers as given.
    probabilities
        (B, C) of a model that was not trained on these records.
    labels
        The class names.
    places
        (n,) the row of the probabilities that each record has; by default, its own.

    Returns
    -------
    pandas.DataFrame
        ``record_id``, ``given_label`` and its ``probability``, ``likelier_label`` and
        ``likelier_probability``.
    """
    places = np.arange(len(truth)) if places is None else places
    rows = np.flatnonzero(_doubtful(truth, probabilities, places))
    rows = rows[np.argsort(probabilities[places[rows], truth[rows]])]
    texts = places[rows]
    likelier = probabilities[texts].argmax(axis=1)
    return pd.DataFrame(
        {
            "record_id": pd.Series(record_ids, dtype=str).take(rows).tolist(),
            "given_label": [labels[number] for number in truth[rows].tolist()],
            "probability": rounded(probabilities[texts, truth[rows]]),
            "likelier_label": [labels[number] for number in likelier.tolist()],
            "likelier_probability": rounded(probabilities[texts, likelier]),
        }
    )


def _doubtful(
    truth: NDArray[np.int64], probabilities: NDArray[np.float64], places: NDArray[np.integer[Any]]
) -> NDArray[np.bool_]:
    """Return which labels are probably wrong (n,); arguments as of :func:`label_suspects`.

    These are the ones that ``cleanlab.filter.find_label_issues`` names, which would take the
    probabilities of each record (n, C).
    """
    doubtful = np.zeros(len(truth), dtype=bool)
    counts = np.bincount(truth, minlength=probabilities.shape[1])
    if (counts > 0).sum() < 2:
        return doubtful
    joint = _confident_joint(truth, probabilities, places)
    for given in np.flatnonzero(counts > 1):  # of a single record nothing can be said
        rows = np.flatnonzero(truth == given)
        for other in np.flatnonzero(joint[given]):
            if other != given:
                ahead = (probabilities[:, other] - probabilities[:, given])[places[rows]]
                doubtful[rows[np.argsort(-ahead)[: joint[given, other]]]] = True
    doubtful &= probabilities.max(axis=1)[places] > probabilities[places, truth] + TIE
    return doubtful


def _confident_joint(
    truth: NDArray[np.int64], probabilities: NDArray[np.float64], places: NDArray[np.integer[Any]]
) -> NDArray[np.int64]:
    """Return how many records of each given class are really of which (C, C)."""
    # Imported late: only reports need it.
    from cleanlab.count import calibrate_confident_joint

    n_classes = probabilities.shape[1]
    given = probabilities[places, truth]
    usual = np.full(n_classes, np.inf)
    for number in np.unique(truth):
        usual[number] = max(given[truth == number].mean(), 2 * TIE)
    sure = probabilities >= usual - TIE  # (B, C)
    n_sure = sure.sum(axis=1)
    really = np.where(n_sure > 1, probabilities.argmax(axis=1), sure.argmax(axis=1))[places]
    known = (n_sure > 0)[places]
    pairs = np.bincount(really[known] * n_classes + truth[known], minlength=n_classes**2)
    counts = pairs.reshape(n_classes, n_classes).T
    np.fill_diagonal(counts, counts.diagonal().clip(min=1))
    joint: NDArray[np.int64] = calibrate_confident_joint(counts, truth)
    return joint


def conflicting_labels(records: pd.DataFrame) -> pd.DataFrame:
    """Return the records whose text carries another label elsewhere.

    Parameters
    ----------
    records
        record_id, text, label.

    Returns
    -------
    pandas.DataFrame
        ``text`` (a number for each such text, in the order of the records), ``record_id`` and
        ``label``, text by text.

    >>> conflicting_labels(pd.DataFrame({"record_id": ["1", "2", "3", "4"],
    ...     "text": ["mi", "fall", "mi", "mi"], "label": ["a", "c", "b", "a"]}))
       text record_id label
    0     1         1     a
    1     1         3     b
    2     1         4     a
    """
    labels = records[["text", "label"]].drop_duplicates()["text"].value_counts()
    found = records[records["text"].isin(labels.index[labels > 1])]
    numbers = pd.factorize(found["text"])[0] + 1
    columns = found[["record_id", "label"]]
    return columns.assign(text=numbers).sort_values("text", kind="stable", ignore_index=True)[
        ["text", "record_id", "label"]
    ]
