"""The measure of a run: the model and its baselines on the holdout, in numbers and pictures."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from textlstm import figures, tabulation
from textlstm.baselines import BASELINES
from textlstm.bundle import Bundle
from textlstm.calibration import uncalibrated
from textlstm.decisions import (
    COVERAGES,
    PROMISED_ERRORS,
    Counts,
    HeldOut,
    every_label,
    interval,
    main_promise,
    promise,
    proportion,
    repeats,
    set_threshold,
    workload,
)
from textlstm.disclosure import SMALLEST_SHOWN, Withheld, withheld
from textlstm.metrics import (
    LINEAR,
    MODEL,
    log_losses,
    paired_bootstrap,
    per_class,
    reliability,
    scores,
)
from textlstm.records import as_list, distinct, texts_by_class
from textlstm.scoring import Scores, rounded, score
from textlstm.subgroups import PREFIX, Outcome, seen_names, shown_groups
from textlstm.text import word_records
from textlstm.verdict import RIVALS, coverage_outcome, learned, promise_outcome

MIN_CLOUD_RECORDS = SMALLEST_SHOWN
"""A word in fewer records is not shown: it might name a person."""


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
    def withheld(self) -> Withheld:
        """Return what of it may not be shown."""
        return withheld(self.confusion)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables of every count, by file name without ending, that stay in the house."""
        return {"confusion": tabulation.confusion(self.confusion, self.labels, self.confusion == 0)}


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
        whose names start with :data:`textlstm.subgroups.PREFIX`. Baselines need no validation part
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
    uncooled = uncalibrated(outcome.probabilities, bundle.temperature)
    before = scores(truth, uncooled, unseen, places)
    best = outcome.ranked(0)[places]
    confusion = _confusion(truth, best, names)
    # Where no text of the holdout is a training one, what is new are texts, not records.
    alike = repeats(all_places) if unseen.all() else None
    decisions = measured_decisions(
        bundle.held_out, outcome, all_truth, times == 0, names, alike, all_places
    )
    threshold = promise(bundle.held_out, main_promise(decisions)["max_error"]).threshold
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
        "learned": 0 < bundle.held_out.gain < math.inf
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


def class_intervals(
    confusion: NDArray[np.int64], names: Sequence[str]
) -> dict[str, dict[str, dict[str, float]]]:
    """Return the 95 % intervals of precision, recall and F1 of each class.

    All three are shares of records, which have exact intervals: F1 is 2 q / (1 + q) of the share q
    that hits have among the records that are of the class or taken for it.

    Parameters
    ----------
    confusion
        (C, C), rows true.
    """
    hits, true, given = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    either = np.array(interval(hits, true + given - hits))
    bounds = {
        "precision": interval(hits, given),
        "recall": interval(hits, true),
        "f1": 2 * either / (1 + either),
    }
    return {
        name: {
            measure: {"low": float(low[number]), "high": float(high[number])}
            for measure, (low, high) in bounds.items()
        }
        for number, name in enumerate(names)
    }


def measured_decisions(
    held_out: HeldOut,
    outcome: Scores,
    truth: NDArray[np.integer[Any]],
    unseen: NDArray[np.bool_],
    names: Sequence[str],
    alike: Counts | None = None,
    places: NDArray[np.integer[Any]] | None = None,
) -> dict[str, Any]:
    """Return what was promised, and what became of it on n other records.

    Records of classes that the model does not know are wrong where they are accepted, and no set
    holds their label. What is said of a class is said of records of the classes it learned.

    Parameters
    ----------
    held_out
        What promises are read off.
    outcome
        Of the other records' texts.
    truth, unseen
        (n,) their class numbers, -1 for a class that the model does not know, and whether their
        texts are absent from the training records.
    names
        (C,) of the classes.
    alike
        (n,) how many of the other records have the text of each, if texts are what is new.
    places
        (n,) the text of each record; by default, each has its own.
    """
    places = np.arange(len(truth)) if places is None else places
    alike = np.ones(len(truth), dtype=np.int64) if alike is None else alike
    predicted, known = outcome.ranked(0)[places], truth >= 0
    codable = outcome.codable
    can_be_given = known if codable is None else known & codable[truth]
    correct = can_be_given & (predicted == truth)
    best = outcome.confidence[places]
    # A curve tells how many records it is of: of fewer than ten of unknown classes it leaves none.
    counted_on = known if (~known).sum() < SMALLEST_SHOWN else np.ones_like(known)

    def given() -> Iterator[tuple[str, NDArray[np.bool_]]]:
        return ((name, known & (predicted == number)) for number, name in enumerate(names))

    promises, sets = [], []
    for max_error in PROMISED_ERRORS:
        found = promise(held_out, max_error)
        accepted = outcome.accepted(found.threshold)[places]
        coded, error = proportion(accepted, alike), proportion(~correct[accepted], alike[accepted])
        outcome_said = promise_outcome(max_error, coded, error)
        promises.append(
            {
                "max_error": max_error,
                "promised_share": found.share,
                "threshold": found.threshold if found.accepted else None,
                "sentence": found.sentence(),
                "kept": f"{outcome_said} {found.aim()}" if outcome_said else "",
                "coded": coded,
                "error": error,
                "per_class": {
                    name: {
                        "coded": proportion(accepted[rows], alike[rows]),
                        "error": proportion(~correct[rows & accepted], alike[rows & accepted]),
                    }
                    for name, rows in given()
                },
            }
        )
    for coverage in COVERAGES:
        inside = outcome.sets(set_threshold(held_out, coverage))
        covered, sizes = can_be_given & inside[places, truth], inside.sum(axis=1)[places]
        of_all, every = proportion(covered, alike), every_label(held_out, coverage)
        sets.append(
            {
                "coverage": coverage,
                "labels": float(sizes.mean()),
                "single": proportion(sizes == 1, alike),
                "covered": of_all,
                "outcome": "" if every else coverage_outcome(coverage, of_all),
                "every_label": every,
                "covered_unseen_text": proportion(covered[unseen], alike[unseen]),
                "per_class": {
                    name: proportion(covered[truth == number], alike[truth == number])
                    for number, name in enumerate(names)
                },
            }
        )
    return {
        "held_out": len(held_out.top),
        "held_out_effective": held_out.effective,
        "promises": promises,
        "workload": workload(best[counted_on], correct[counted_on], alike[counted_on]),
        "workload_per_class": {
            name: workload(best[rows], correct[rows], alike[rows]) for name, rows in given()
        },
        "sets": sets,
    }


def _data_facts(
    bundle: Bundle, parts: Mapping[str, pd.DataFrame], summary: Mapping[str, Any],
    n_unknown_label: int,
) -> dict[str, Any]:  # fmt: skip
    length = bundle.encoding.length
    texts, places = distinct(pd.concat([part["text"] for part in parts.values()]))
    read = [bundle.encoding.written_out(text) for text in texts]
    cut = np.array([len(text.split()) > length for text in read], dtype=bool)[places]
    changed = np.array([a != b for a, b in zip(texts, read, strict=True)], dtype=bool)[places]
    held_out, places = distinct(parts["holdout"]["text"])
    times = np.bincount(places)
    words, unknown = (int(times @ one) for one in bundle.encoding.count_words(held_out))
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


def _without_coverage(sets: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be shown of sets that hold every label.

    They hold the true one as often as the model knows the class, which would tell how many records
    are of other classes.
    """
    nothing = proportion(np.zeros(0, dtype=np.bool_))
    per_class = dict.fromkeys(sets["per_class"], nothing)
    return {**sets, "covered": nothing, "covered_unseen_text": nothing, "per_class": per_class}


def published(evaluation: Evaluation) -> dict[str, Any]:
    """Return the metrics as they may leave the house: None for what small counts could be seen by.

    Where few records were left out for some reason, the number of rows would tell how many.
    """
    metrics, hidden = evaluation.metrics, evaluation.withheld
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
    counts[evaluation.withheld.cells] = None
    curves = decisions["workload_per_class"]
    decisions["workload_per_class"] = {
        k: curve for k, curve in curves.items() if k in whole and len(curve["share"]) > 1
    }
    return metrics | {
        "per_class": per_class,
        "per_class_intervals": intervals,
        "confusion": {"labels": list(evaluation.labels), "counts": counts.tolist()},
        "decisions": decisions,
        "subgroups": {name: shown_groups(one) for name, one in metrics["subgroups"].items()},
        "seen": shown_groups(metrics["seen"]),
        "data": metrics["data"] | {"rows": rows, "uncodable": uncodable},
    }


def _reliabilities(evaluation: Evaluation) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return the bins of each model, and of textlstm as it was before its calibration."""
    probabilities = evaluation.probabilities
    temperature = evaluation.metrics["calibration"]["temperature"]
    models = {
        MODEL: probabilities["model"],
        LINEAR: probabilities["tfidf_logreg"],
        f"{MODEL}, not calibrated": uncalibrated(probabilities["model"], temperature),
    }
    truth, places = evaluation.truth, evaluation.places
    return {name: reliability(truth, one, places) for name, one in models.items()}


def _drawn_confusion(evaluation: Evaluation, per_class: Mapping[str, Any]) -> Figure:
    """Draw the confusion matrix, the most frequent class first; counts that are hidden are last."""
    supports = np.array([per_class[label]["support"] or 0 for label in evaluation.labels])
    order, withheld = np.argsort(-supports, kind="stable"), evaluation.withheld
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
    shown, train = published(evaluation), parts["train"]
    decisions = shown["decisions"]
    drawn = {
        "training_progress": figures.training_progress(history),
        "confusion": _drawn_confusion(evaluation, shown["per_class"]),
        "reliability": figures.reliability_diagram(_reliabilities(evaluation)),
        "per_class": figures.class_bars(shown["per_class"], shown["per_class_intervals"]),
        "workload": figures.workload(decisions["workload"], decisions["promises"]),
        "workload_curves": figures.workload_curves(
            decisions["workload_per_class"], main_promise(decisions)
        ),
        "workload_by_class": figures.workload_by_class(main_promise(decisions)),
        "word_cloud": figures.word_cloud(_words(as_list(train["text"])), seed),
        "word_clouds_by_class": figures.word_clouds(_class_words(train), seed),
    }
    return {name: figure for name, figure in drawn.items() if figure is not None}


def tabulate(
    evaluation: Evaluation, history: pd.DataFrame, parts: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Return the numbers behind the figures, by their names, and of groups of records.

    As much is left out of them as of the figures.
    """
    shown, train = published(evaluation), parts["train"]
    decisions = shown["decisions"]
    tables = {
        "training_progress": history,
        "confusion": tabulation.confusion(
            evaluation.confusion, evaluation.labels, evaluation.withheld.cells
        ),
        "reliability": tabulation.reliability(_reliabilities(evaluation)),
        "per_class": tabulation.per_class(shown["per_class"], shown["per_class_intervals"]),
        "workload": pd.DataFrame(decisions["workload"]),
        "workload_curves": tabulation.workload_curves(decisions["workload_per_class"]),
        "workload_by_class": tabulation.workload_by_class(main_promise(decisions)),
        "groups": tabulation.groups({"times trained on": shown["seen"]} | shown["subgroups"]),
        "word_cloud": tabulation.words({"": _words(as_list(train["text"]))}),
        "word_clouds_by_class": tabulation.words(_class_words(train)),
    }
    return {name: table for name, table in tables.items() if len(table)}


def _class_words(train: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return the records of each word in each class, the most frequent class first."""
    return {label: _words(texts) for label, texts in texts_by_class(train).items()}


def _words(texts: Sequence[str]) -> dict[str, int]:
    """Return the records of each word that may be shown."""
    return word_records(texts, MIN_CLOUD_RECORDS)
