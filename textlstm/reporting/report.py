"""The measure of a run: the model and its baselines on the holdout, in numbers and pictures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from textlstm.data.distinct import interned
from textlstm.data.records import texts_by_class
from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.evaluation.results import Evaluation
from textlstm.reporting import figures, tabulation
from textlstm.reporting.published import public_metrics, reliabilities
from textlstm.text.tokenizing import word_document_counts
from textlstm.uncertainty.risk_control import main_promise

MIN_CLOUD_RECORDS = SMALLEST_SHOWN
"""A word in fewer records is not shown: it might name a person."""


def _drawn_confusion(evaluation: Evaluation, per_class: Mapping[str, Any]) -> Figure:
    """Draw the confusion matrix, the most frequent class first; counts that are hidden are last."""
    supports = np.array([per_class[label]["support"] or 0 for label in evaluation.labels])
    order, withheld = np.argsort(-supports, kind="stable"), evaluation.suppressed
    sums = withheld.in_blank_cells(evaluation.confusion)
    return figures.confusion(
        evaluation.confusion[np.ix_(order, order)],
        [evaluation.labels[number] for number in order],
        withheld.cells[np.ix_(order, order)],
        [sums[number] for number in order],
    )


def draw(
    evaluation: Evaluation, history: pd.DataFrame, parts: Mapping[str, pd.DataFrame], seed: int
) -> dict[str, Figure]:
    """Draw the figures of the report, by file name without ending."""
    shown, train = public_metrics(evaluation), parts["train"]
    decisions = shown["decisions"]
    drawn = {
        "training_progress": figures.training_progress(history),
        "confusion": _drawn_confusion(evaluation, shown["per_class"]),
        "reliability": figures.reliability_diagram(reliabilities(evaluation)),
        "per_class": figures.class_bars(shown["per_class"], shown["per_class_intervals"]),
        "workload": figures.workload(decisions["workload"], decisions["promises"]),
        "workload_curves": figures.workload_curves(
            decisions["workload_per_class"], main_promise(decisions)
        ),
        "workload_by_class": figures.workload_by_class(main_promise(decisions)),
        "word_cloud": figures.word_cloud(_words(interned(train["text"])), seed),
        "word_clouds_by_class": figures.word_clouds(_class_words(train), seed),
    }
    return {name: figure for name, figure in drawn.items() if figure is not None}


def tabulate(
    evaluation: Evaluation, history: pd.DataFrame, parts: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Return the numbers behind the figures, by their names, and of groups of records.

    As much is left out of them as of the figures.
    """
    shown, train = public_metrics(evaluation), parts["train"]
    decisions = shown["decisions"]
    tables = {
        "training_progress": history,
        "confusion": tabulation.confusion(
            evaluation.confusion, evaluation.labels, evaluation.suppressed.cells
        ),
        "reliability": tabulation.reliability(reliabilities(evaluation)),
        "per_class": tabulation.per_class(shown["per_class"], shown["per_class_intervals"]),
        "workload": pd.DataFrame(decisions["workload"]),
        "workload_curves": tabulation.workload_curves(decisions["workload_per_class"]),
        "workload_by_class": tabulation.workload_by_class(main_promise(decisions)),
        "groups": tabulation.groups({"times trained on": shown["seen"]} | shown["subgroups"]),
        "word_cloud": tabulation.words({"": _words(interned(train["text"]))}),
        "word_clouds_by_class": tabulation.words(_class_words(train)),
    }
    return {name: table for name, table in tables.items() if len(table)}


def _class_words(train: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return the records of each word in each class, the most frequent class first."""
    return {label: _words(texts) for label, texts in texts_by_class(train).items()}


def _words(texts: Sequence[str]) -> dict[str, int]:
    """Return the records of each word that may be shown."""
    return word_document_counts(texts, MIN_CLOUD_RECORDS)


def full_tables(evaluation: Evaluation) -> dict[str, pd.DataFrame]:
    """Return the tables of every count, by file name without ending; they stay in the house."""
    counts = evaluation.confusion
    return {"confusion": tabulation.confusion(counts, evaluation.labels, counts == 0)}
