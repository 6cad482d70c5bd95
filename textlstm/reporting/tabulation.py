"""The numbers behind the figures, as tables that may be shown wherever the figures may be."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from textlstm.disclosure import suppress_counts

COARSE = 10
"""Numbers of records with a word are rounded down to tens.

Beside the exact number over all classes, that of all classes but one would tell that of the last.
"""

MEASURES = ("precision", "recall", "f1")


def confusion(
    matrix: NDArray[np.int64], labels: Sequence[str], hidden: NDArray[np.bool_]
) -> pd.DataFrame:
    """Return the cells of a confusion matrix (C, C), rows true, that are not hidden, one a row."""
    true, predicted = np.nonzero(~hidden)
    names = np.array(labels, dtype=object)
    return pd.DataFrame(
        {"true": names[true], "predicted": names[predicted], "records": matrix[true, predicted]}
    )


def reliability(models: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> pd.DataFrame:
    """Return the bins of each model, without those whose number of records may not be known.

    Parameters
    ----------
    models
        For each what :func:`.reliability` gave.
    """
    tables = []
    for name, bins in models.items():
        table = pd.DataFrame(bins).astype({"records": np.int64})
        table.insert(0, "model", name)
        tables.append(table[~suppress_counts(table["records"].to_numpy())])
    return pd.concat(tables)


def per_class(
    measures: Mapping[str, Mapping[str, float | None]],
    intervals: Mapping[str, Mapping[str, Mapping[str, float] | None]],
) -> pd.DataFrame:
    """Return precision, recall, F1 and support of each class, with intervals."""
    rows = []
    for label, row in measures.items():
        cells: dict[str, Any] = {"label": label, "support": row["support"]}
        for name in MEASURES:
            bounds = intervals[label][name]
            cells[name] = row[name]
            cells |= {f"{name}_{end}": bounds and bounds[end] for end in ("low", "high")}
        rows.append(cells)
    return _typed(pd.DataFrame(rows), "label").astype({"support": "Int64"})


def workload_curves(curves: Mapping[str, Mapping[str, Sequence[float]]]) -> pd.DataFrame:
    """Return the points of the workload curve of each predicted class, one a row."""
    names = ("share", "error", "low", "high")
    rows = [
        (label, *point)
        for label, points in curves.items()
        for point in zip(*(points[name] for name in names), strict=True)
    ]
    return pd.DataFrame(rows, columns=["predicted", *names])


def workload_by_class(promise: Mapping[str, Any]) -> pd.DataFrame:
    """Return of each predicted class what is coded automatically, and its error."""
    rows = [
        {"predicted": label, "records": row["coded"]["records"]}
        | {f"{what}_{key}": row[what][key] for what in ("coded", "error") for key in
           ("share", "low", "high")}
        for label, row in promise["per_class"].items()
    ]  # fmt: skip
    return _typed(pd.DataFrame(rows), "predicted")


def groups(columns: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> pd.DataFrame:
    """Return the measures of each group of each column.

    Parameters
    ----------
    columns
        For each what :func:`.shown_groups` gave.
    """
    rows = []
    for column, found in columns.items():
        for group, row in found.items():
            cells: dict[str, Any] = {"column": column, "group": group, "records": row["records"]}
            for what in ("accuracy", "log_loss", "coded", "error"):
                value = "estimate" if what == "log_loss" else "share"
                cells[what] = row[what][value]
                cells |= {f"{what}_{end}": row[what][end] for end in ("low", "high")}
            rows.append(cells)
    return _typed(pd.DataFrame(rows), "column", "group")


def words(by_class: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    """Return the words of each class, or of ``""`` for all, with the records they stand in.

    >>> words({"": {"fall": 57}, "External": {"fall": 49}}).to_dict("list")
    {'label': ['', 'External'], 'word': ['fall', 'fall'], 'records_at_least': [50, 40]}
    """
    rows = [
        (label, word, n // COARSE * COARSE)
        for label, found in by_class.items()
        for word, n in found.items()
    ]
    return pd.DataFrame(rows, columns=["label", "word", "records_at_least"])


def robustness(changes: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """Return the accuracy before and after each change of the texts."""
    return pd.DataFrame.from_dict(dict(changes), orient="index").rename_axis("change").reset_index()


def _typed(table: pd.DataFrame, *names: str) -> pd.DataFrame:
    """Return a table whose columns are numbers, but for some of names; None is no number."""
    return table.astype({name: float for name in table if name not in (*names, "records")})
