"""The model and its baselines, measured on the holdout."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from textlstm.data.distinct import distinct
from textlstm.data.groups import PREFIX
from textlstm.disclosure import Suppressed, suppress
from textlstm.evaluation.baselines import BASELINES
from textlstm.evaluation.decisions import class_intervals, measured_decisions
from textlstm.evaluation.metrics import log_losses, paired_bootstrap, per_class, scores
from textlstm.evaluation.outcomes import RIVALS, learned
from textlstm.evaluation.subgroups import Outcome, seen_names
from textlstm.inference.bundle import Bundle
from textlstm.inference.scoring import rounded, score
from textlstm.uncertainty.calibration import undo_temperature
from textlstm.uncertainty.intervals import cluster_sizes, proportion
from textlstm.uncertainty.risk_control import main_promise, promise


@dataclass(frozen=True)
class Evaluation:
    """The holdout, measured.

    Attributes
    ----------
    metrics
        As ``metrics.json``, but for the timing.
    predictions
        As ``predictions.csv``.
    labels
        The class names.
    truth
        (n,) true class numbers.
    places
        (n,) which of the distinct texts each record has.
    probabilities
        (B, C) of the distinct texts, by name of the model: ``model`` and the baselines.
    """

    metrics: dict[str, Any]
    predictions: pd.DataFrame
    labels: tuple[str, ...]
    truth: NDArray[np.int64]
    places: NDArray[np.intp]
    probabilities: dict[str, NDArray[np.float64]]

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """Return the confusion matrix of textlstm (C, C), rows true."""
        best = self.probabilities["model"].argmax(axis=1)[self.places]
        return _confusion(self.truth, best, self.labels)

    @cached_property
    def withheld(self) -> Suppressed:
        """Return what of it may not be shown."""
        return suppress(self.confusion)


def evaluate(
    bundle: Bundle,
    parts: Mapping[str, pd.DataFrame],
    summary: Mapping[str, Any],
    seed: int,
    rare: pd.DataFrame | None = None,
    on_step: Callable[[str], object] = str,
) -> Evaluation:
    """Measure a bundle, and the baselines trained on the same records, on the holdout.

    Accuracy and the other measures are of the records whose class the model knows; decisions and
    what is said of all records count the others as errors.

    Parameters
    ----------
    parts
        ``train``, ``validation`` and ``holdout``: record_id, text, label, and groups in columns
        whose names start with :data:`.PREFIX`. Baselines need no validation part
        and are trained on both others.
    summary
        What ``preprocess`` wrote of the table.
    rare
        The holdout's records of dropped classes, with the columns of the parts.
    on_step
        Is told the name of each step before it begins.
    """
    on_step("reading the records")
    known = parts["holdout"]["label"].isin(bundle.labels)
    holdout = parts["holdout"][known]
    unknown = [parts["holdout"][~known], *([] if rare is None else [rare])]
    judged = pd.concat([holdout, *(part for part in unknown if len(part))])
    training = pd.concat([parts["train"], parts["validation"]])
    training = training[training["label"].isin(bundle.labels)]
    # Most records of a registry repeat others: each distinct text is scored once.
    texts, all_places = distinct(judged["text"])
    names = list(bundle.labels)
    all_truth = pd.Index(names).get_indexer(pd.Index(judged["label"]))
    times = training["text"].value_counts().reindex(texts, fill_value=0).to_numpy()[all_places]
    places, truth = all_places[: len(holdout)], all_truth[: len(holdout)]
    unseen = times[: len(holdout)] == 0

    on_step("coding the holdout")
    outcome = score(bundle, texts)
    probabilities = {"model": outcome.probabilities}
    pairs = training.groupby(["text", "label"], observed=True, sort=False).size().reset_index()
    for name, fit in BASELINES.items():
        on_step(f"fitting {RIVALS[name]}")
        fitted = fit(pairs["text"].tolist(), pairs["label"].tolist(), pairs[0].to_numpy())
        # Labels are sorted in the bundle as in scikit-learn, and the training part has them all.
        probabilities[name] = fitted.predict_proba(texts)

    on_step("measuring")
    measured = {name: scores(truth, one, unseen, places) for name, one in probabilities.items()}
    uncooled = undo_temperature(outcome.probabilities, bundle.temperature)
    before = scores(truth, uncooled, unseen, places)
    best = outcome.ranked(0)[places]
    confusion = _confusion(truth, best, names)
    # Where no text of the holdout is a training one, what is new are texts, not records.
    cluster_size = cluster_sizes(all_places) if unseen.all() else None
    decisions = measured_decisions(
        bundle.out_of_fold, outcome, all_truth, times == 0, names, cluster_size, all_places
    )
    threshold = promise(bundle.out_of_fold, main_promise(decisions)["max_error"]).threshold
    correct = (outcome.ranked(0)[all_places] == all_truth) & (all_truth >= 0)
    correct &= bundle.codable[all_truth]
    became = Outcome(
        correct,
        log_losses(np.maximum(all_truth, 0), outcome.probabilities, all_places),
        outcome.accepted(threshold)[all_places],
        all_truth >= 0,
    )
    differences = {
        name: paired_bootstrap(
            truth, probabilities["model"], probabilities[name], seed, places=places
        )
        for name in BASELINES
    }
    most_frequent = probabilities["majority"].argmax(axis=1)[places]
    metrics = {
        "model": measured["model"],
        "baselines": {name: measured[name] for name in BASELINES},
        "difference": differences["tfidf_logreg"],
        "differences": differences,
        # Left-out records of the training tell it as well as those of the holdout.
        "learned": 0 < bundle.out_of_fold.gain < math.inf
        or learned(differences["majority"]["log_loss"], best == truth, most_frequent == truth),
        "all_records": {"accuracy": proportion(correct)},
        "never_predicted": [
            name
            for name, true, given in zip(
                names, confusion.sum(axis=1), confusion.sum(axis=0), strict=True
            )
            if true and not given
        ],
        "per_class": per_class(truth, best, names),
        "per_class_intervals": class_intervals(confusion, names),
        "confusion": {"labels": names, "counts": confusion.tolist()},
        "calibration": {
            "temperature": bundle.temperature,
            "before": {name: before[name] for name in ("log_loss", "ece")},
            "after": {name: measured["model"][name] for name in ("log_loss", "ece")},
        },
        "decisions": decisions,
        "subgroups": {
            name.removeprefix(PREFIX): became.by(judged[name], seed)
            for name in holdout.columns.astype(str)
            if name.startswith(PREFIX)
        },
        "seen": became.by(seen_names(times), seed),
        "data": _data_facts(bundle, parts, summary, n_unknown_label=int((~known).sum())),
    }
    predictions = pd.DataFrame(
        {
            "record_id": holdout["record_id"],
            "true_label": holdout["label"],
            "predicted_label": pd.Categorical(names).take(best),
            "probability": rounded(outcome.probabilities.max(axis=1))[places],
            "second_label": pd.Categorical(names).take(outcome.ranked(1)[places]),
            "decision": pd.Categorical(outcome.decisions(threshold)).take(places),
        }
    )
    return Evaluation(metrics, predictions, bundle.labels, truth, places, probabilities)


def _confusion(
    truth: NDArray[np.int64], predicted: NDArray[np.int64], names: Sequence[str]
) -> NDArray[np.int64]:
    matrix: NDArray[np.int64] = confusion_matrix(truth, predicted, labels=np.arange(len(names)))
    return matrix


def _data_facts(
    bundle: Bundle, parts: Mapping[str, pd.DataFrame], summary: Mapping[str, Any],
    n_unknown_label: int,
) -> dict[str, Any]:  # fmt: skip
    length = bundle.vocabulary.length
    texts, places = distinct(pd.concat([part["text"] for part in parts.values()]))
    read = [bundle.vocabulary.written_out(text) for text in texts]
    cut = np.array([len(text.split()) > length for text in read], dtype=bool)[places]
    changed = np.array([a != b for a, b in zip(texts, read, strict=True)], dtype=bool)[places]
    out_of_fold, places = distinct(parts["holdout"]["text"])
    times = np.bincount(places)
    words, unknown = (int(times @ one) for one in bundle.vocabulary.count_words(out_of_fold))
    uncodable = summary["uncodable"]
    if not uncodable["records"]:  # no class is dropped, yet the holdout may have some of its own
        share = n_unknown_label / len(parts["holdout"])
        uncodable = {"records": n_unknown_label, "share": share}
    return {
        "rows": summary["rows"],
        **{name: len(part) for name, part in parts.items()},
        "holdout": len(parts["holdout"]) - n_unknown_label,
        "distinct_texts": summary["distinct_texts"],
        "dropped": {**summary["dropped"], "label_not_in_training": n_unknown_label},
        "truncated_share": float(cut.mean()),
        "unknown_token_share": unknown / max(words, 1),
        "length": length,
        "handled": {**summary["handled"], "abbreviations_written_out": int(changed.sum())},
        "uncodable": uncodable,
    }
