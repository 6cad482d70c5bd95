"""Decisions, measured on the holdout: promises, risk-coverage curves, prediction sets."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.evaluation.outcomes import coverage_outcome, promise_outcome
from textlstm.inference.scoring import Scores
from textlstm.uncertainty.conformal import COVERAGES, conformal_threshold, why_sets_are_full
from textlstm.uncertainty.intervals import Counts, interval, proportion
from textlstm.uncertainty.out_of_fold import OutOfFold
from textlstm.uncertainty.risk_control import PROMISED_ERRORS, promise, risk_coverage_curve


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
    out_of_fold: OutOfFold,
    outcome: Scores,
    truth: NDArray[np.integer[Any]],
    unseen: NDArray[np.bool_],
    names: Sequence[str],
    cluster_size: Counts | None = None,
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
    cluster_size = np.ones(len(truth), dtype=np.int64) if cluster_size is None else cluster_size
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
        found = promise(out_of_fold, max_error)
        accepted = outcome.accepted(found.threshold)[places]
        coded, error = (
            proportion(accepted, cluster_size),
            proportion(~correct[accepted], cluster_size[accepted]),
        )
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
                        "coded": proportion(accepted[rows], cluster_size[rows]),
                        "error": proportion(
                            ~correct[rows & accepted], cluster_size[rows & accepted]
                        ),
                    }
                    for name, rows in given()
                },
            }
        )
    for coverage in COVERAGES:
        inside = outcome.sets(conformal_threshold(out_of_fold, coverage))
        covered, sizes = can_be_given & inside[places, truth], inside.sum(axis=1)[places]
        of_all, every = proportion(covered, cluster_size), why_sets_are_full(out_of_fold, coverage)
        sets.append(
            {
                "coverage": coverage,
                "labels": float(sizes.mean()),
                "single": proportion(sizes == 1, cluster_size),
                "covered": of_all,
                "outcome": "" if every else coverage_outcome(coverage, of_all),
                "every_label": every,
                "covered_unseen_text": proportion(covered[unseen], cluster_size[unseen]),
                "per_class": {
                    name: proportion(covered[truth == number], cluster_size[truth == number])
                    for number, name in enumerate(names)
                },
            }
        )
    return {
        "held_out": len(out_of_fold.top),
        "held_out_effective": out_of_fold.effective,
        "promises": promises,
        "workload": risk_coverage_curve(
            best[counted_on], correct[counted_on], cluster_size[counted_on]
        ),
        "workload_per_class": {
            name: risk_coverage_curve(best[rows], correct[rows], cluster_size[rows])
            for name, rows in given()
        },
        "sets": sets,
    }
