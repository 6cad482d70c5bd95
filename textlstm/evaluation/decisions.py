"""Decisions, measured on the holdout: promises, risk-coverage curves, prediction sets."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.evaluation.outcomes import coverage_outcome, promise_outcome
from textlstm.inference.scoring import Scores
from textlstm.uncertainty.conformal import COVERAGES, every_label, set_threshold
from textlstm.uncertainty.held_out import HeldOut
from textlstm.uncertainty.intervals import Counts, interval, proportion
from textlstm.uncertainty.risk_control import PROMISED_ERRORS, promise, workload


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
