"""Metrics as they may be published: small counts are suppressed."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.evaluation.metrics import LINEAR, MODEL, reliability
from textlstm.evaluation.results import Evaluation
from textlstm.evaluation.subgroups import GroupMeasures, shown_groups
from textlstm.uncertainty.calibration import undo_temperature
from textlstm.uncertainty.intervals import proportion


def _without_coverage(sets: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be shown of sets that hold every label.

    They hold the true one as often as the model knows the class, which would tell how many records
    are of other classes.
    """
    nothing = asdict(proportion(np.zeros(0, dtype=np.bool_)))
    per_class = dict.fromkeys(sets["per_class"], nothing)
    return {**sets, "covered": nothing, "covered_unseen_text": nothing, "per_class": per_class}


def public_metrics(evaluation: Evaluation) -> dict[str, Any]:
    """Return the metrics as they may leave the house: None for what small counts could be seen by.

    Where few records were left out for some reason, the number of rows would tell how many.
    """
    metrics, hidden = evaluation.to_dict(), evaluation.suppressed
    per_class, intervals = {}, {}
    for number, (label, row) in enumerate(metrics["per_class"].items()):
        gone = {"support"} if hidden.supports[number] else set()
        gone |= {"precision", "recall", "f1"} if hidden.rates[number] else set()
        per_class[label] = {name: None if name in gone else row[name] for name in row}
        bounds = metrics["per_class_intervals"][label]
        intervals[label] = {name: None if name in gone else bounds[name] for name in bounds}
    small = [n for n in metrics["data"]["dropped"].values() if 0 < n < SMALLEST_SHOWN]
    rows = None if small else metrics["data"]["rows"]
    uncodable = metrics["data"]["uncodable"]
    if 0 < uncodable["records"] < SMALLEST_SHOWN:
        uncodable = uncodable | {"share": None}
    # How a model decides on a class may be known, unless so few records are of it that the measures
    # of it may not.
    whole = {label for label, row in per_class.items() if None not in row.values()}
    decisions = dict(metrics["decisions"])
    for name in ("promises", "sets"):
        decisions[name] = [
            one | {"per_class": {k: row for k, row in one["per_class"].items() if k in whole}}
            for one in decisions[name]
        ]
    decisions["sets"] = [
        _without_coverage(one) if one["every_label"] else one for one in decisions["sets"]
    ]
    counts = evaluation.confusion.astype(object)
    counts[evaluation.suppressed.cells] = None
    curves = decisions["workload_per_class"]
    decisions["workload_per_class"] = {
        k: curve for k, curve in curves.items() if k in whole and len(curve["share"]) > 1
    }
    return metrics | {
        "per_class": per_class,
        "per_class_intervals": intervals,
        "confusion": {"labels": list(evaluation.labels), "counts": counts.tolist()},
        "decisions": decisions,
        "subgroups": {name: _shown(groups) for name, groups in evaluation.subgroups.items()},
        "seen": _shown(evaluation.seen),
        "data": metrics["data"] | {"rows": rows, "uncodable": uncodable},
    }


def _shown(groups: Mapping[str, GroupMeasures]) -> dict[str, Any]:
    """Return the measures of the subgroups that may be shown."""
    return {name: asdict(group) for name, group in shown_groups(groups).items()}


def reliabilities(evaluation: Evaluation) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return the bins of each model, and of textlstm as it was before its calibration."""
    model, temperature = evaluation.models["model"], evaluation.calibration.temperature
    models = {
        MODEL: model,
        LINEAR: evaluation.models["tfidf_logreg"],
        f"{MODEL}, not calibrated": model.replace(
            undo_temperature(model.probabilities, temperature)
        ),
    }
    return {name: reliability(each, evaluation.truth) for name, each in models.items()}
