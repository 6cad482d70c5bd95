"""Runs whose report is tested: metrics in, what sections draw upon and the page out."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from textlstm.config import RunConfig
from textlstm.disclosure import Suppressed
from textlstm.reporting.page import Pictures, render
from textlstm.reporting.report import CHAPTERS, FIRST_SCREEN
from textlstm.reporting.sections.section import ReportInput
from textlstm.uncertainty.predictions import Predictions

MEASURES = dict.fromkeys(
    ("accuracy", "macro_f1", "weighted_f1", "log_loss", "ece", "brier", "auroc", "auprc"), 0.5
) | {"accuracy_unseen_text": None}  # fmt: skip
ALL, NONE = (
    {"share": share, "low": 0.0, "high": 1.0, "records": n} for share, n in ((0.75, 4), (None, 0))
)
DECISIONS = {
    "held_out": 30,
    "held_out_effective": 30.0,
    "promises": [
        {
            "max_error": 0.02, "promised_share": 0.8, "threshold": 0.9, "coded": ALL,
            "error": NONE, "sentence": "80 % can be coded automatically.", "kept": "It is kept.",
            "per_class": {},
        }
    ],
    "workload": {},
    "workload_per_class": {},
    "sets": [
        {
            "coverage": 0.9, "labels": 1.25, "single": ALL, "covered": ALL,
            "covered_unseen_text": NONE,
            "outcome": "90 % aimed at.", "every_label": "", "per_class": {"a": ALL},
        }
    ],
}  # fmt: skip
CHANCE = {"estimate": 0.0, "low": -0.1, "high": 0.1}
EQUAL = dict.fromkeys(("accuracy", "macro_f1", "log_loss"), CHANCE)
METRICS = {
    "model": MEASURES,
    "learned": True,
    "never_predicted": [],
    "differences": {
        "tfidf_logreg": EQUAL | {"log_loss": {"estimate": 0.1, "low": 0.05, "high": 0.15}},
        "majority": EQUAL,
    },
    "baselines": {"majority": MEASURES, "tfidf_logreg": MEASURES | {"log_loss": 0.4}},
    "per_class": {
        "a": {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 30},
        "b": {"precision": 0.75, "recall": 0.75, "f1": 0.75, "support": 4},
    },
    "per_class_intervals": {
        "a": {key: {"low": 0.875, "high": 1.0} for key in ("precision", "recall", "f1")},
        "b": {key: {"low": 0.25, "high": 1.0} for key in ("precision", "recall", "f1")},
    },
    "calibration": {
        "temperature": 1.25,
        "before": {"log_loss": 0.625, "ece": 0.25},
        "after": {"log_loss": 0.5, "ece": 0.5},
    },
    "decisions": DECISIONS,
    "subgroups": {},
    "seen": {},
    "faithfulness": None,
    "deciding_words": {"a": [("stroke", 1.25), ("acute", 0.5)], "b": [("copd", 2.5)]},
    "robustness": {},
    "hidden_units": {"sentence": "All are in use."},
    "doubtful_labels": {"suspects": 3, "conflicting_texts": 0, "conflicting_records": 2000},
    "data": {
        "rows": 1501, "train": 60, "validation": 8, "holdout": 30, "distinct_texts": 1500,
        "length": 4, "dropped": {"empty_text": 2, "rare_class": 0}, "truncated_share": 0.0,
        "unknown_token_share": 0.1, "uncodable": {"records": 0, "share": 0.0},
    },
    "all_records": {"accuracy": ALL},
}  # fmt: skip
"""Of class b there are too few records to show any of its measures."""

METRICS_OF_NEW_RECORDS = METRICS | {
    "data": METRICS["data"] | {"dropped": {"empty_text": 2, "label_not_in_training": 12}},
    "model_intervals": {"accuracy": {"low": 0.4, "high": 0.6}},
    "beside_holdout": {"accuracy": ALL, "holdout": None, "difference": None, "sentence": "Half."},
    "drift": {
        "unknown_words": 0.2, "unknown_words_in_training": 0.1, "mean_probability": 0.75,
        "mean_probability_in_training": 0.8, "abbreviated": 3, "warnings": ["20 % (10 % there)"],
    },
}  # fmt: skip

HISTORY = pd.DataFrame(
    {
        "number": [1, 2, 3],
        "train_loss": [2.0, 1.0, 0.5],
        "validation_loss": [1.8, 0.9, 1.1],
        "train_accuracy": [0.3, 0.6, 0.8],
        "validation_accuracy": [0.4, 0.7, 0.6],
    }
)


def source_of(metrics=METRICS, config=None, *, confusion=None, suppressed=None):
    """What sections draw upon, for a run with these metrics; classes under 10 are suppressed."""
    labels = tuple(metrics["per_class"])
    supports = np.array([row["support"] for row in metrics["per_class"].values()])
    small = supports < 10
    cells = np.diag(supports) if confusion is None else np.array(confusion)
    evaluation = SimpleNamespace(
        levels={},
        labels=labels,
        confusion=cells,
        suppressed=suppressed or Suppressed(small, small, (cells < 10) | small[:, None]),
        truth=np.zeros(30, dtype=int),
        models=dict.fromkeys(
            ("model", "tfidf_logreg"),
            Predictions(np.array([[0.9, 0.1]]), np.zeros(30, dtype=int)),
        ),
        seen=metrics["seen"],
        subgroups=metrics["subgroups"],
    )
    train = pd.DataFrame({"text": [], "label": []})
    return ReportInput(config or RunConfig(), evaluation, {"train": train}, HISTORY, metrics)


def page_of(metrics=METRICS, config=None, *, pictures=(), made="", confusion=None):
    """The page of a run with these metrics, and with these pictures by name."""
    source = source_of(metrics, config, confusion=confusion)
    chapters = (section for chapter in CHAPTERS for section in chapter.sections)
    shown = {section.name: section.public(source) for section in (*FIRST_SCREEN, *chapters)}
    if not isinstance(pictures, Pictures):
        pictures = Pictures(dict(pictures))
    return render(source.config, FIRST_SCREEN, CHAPTERS, shown, pictures, {"train": 1.0}, made)
