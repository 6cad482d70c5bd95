"""Labels to look at again: those a model doubts, and those that contradict each other."""

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from textlstm.scoring import rounded


def label_suspects(
    record_ids: Sequence[str],
    truth: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    labels: Sequence[str],
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
        (n, C) of a model that was not trained on these records.
    labels
        The class names.

    Returns
    -------
    pandas.DataFrame
        ``record_id``, ``given_label`` and its ``probability``, ``likelier_label`` and
        ``likelier_probability``.
    """
    # Imported late: only reports need it.
    from cleanlab.filter import find_label_issues

    rows = np.empty(0, dtype=np.int64)
    if len(np.unique(truth)) > 1:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "May not flag", UserWarning)  # of rare classes
            rows = find_label_issues(
                truth, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1
            )
    likelier = probabilities[rows].argmax(axis=1)
    return pd.DataFrame(
        {
            "record_id": [record_ids[row] for row in rows.tolist()],
            "given_label": [labels[number] for number in truth[rows].tolist()],
            "probability": rounded(probabilities[rows, truth[rows]]),
            "likelier_label": [labels[number] for number in likelier.tolist()],
            "likelier_probability": rounded(probabilities[rows, likelier]),
        }
    )


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
    found = records[records.groupby("text")["label"].transform("nunique") > 1]
    numbers = pd.factorize(found["text"])[0] + 1
    columns = found[["record_id", "label"]]
    return columns.assign(text=numbers).sort_values("text", kind="stable", ignore_index=True)[
        ["text", "record_id", "label"]
    ]
