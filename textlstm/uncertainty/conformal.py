"""Conformal prediction sets: labels that together hold the true one with a stated coverage."""

import json
import math
from collections.abc import Sequence

import numpy as np

from textlstm.array_types import Flags, Floats
from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.uncertainty.intervals import design_effect, percent, tenths
from textlstm.uncertainty.out_of_fold import DECIMALS, OutOfFold

COVERAGES = (0.90, 0.95)
"""Coverages of the prediction sets in a report; new records can be given sets of any coverage."""


def conformal_threshold(out_of_fold: OutOfFold, coverage: float) -> float:
    """Return the lowest probability of a label that belongs to a prediction set.

    Split conformal prediction with least ambiguous sets (Sadinle, Lei and Wasserman 2019): over
    draws of out-of-fold and new records, the set of a new record holds the true label with at least
    the stated probability. The threshold is 0 where there are too few out-of-fold records to say
    so, or too many of a class that the model cannot give: then every label is in the set, and even
    such sets may miss the coverage.

    A new record counts as one more out-of-fold record whose label has any probability. If the sets
    must hold for new texts, it counts as one more text: as many records as the design effect says.
    """
    if out_of_fold.unknown_share > 1 - coverage:
        return 0.0
    n = len(out_of_fold.true)
    rank = math.ceil((n + design_effect(out_of_fold.cluster_size)) * coverage)
    return float(np.sort(out_of_fold.true)[n - rank]) if rank <= n else 0.0


def why_sets_are_full(out_of_fold: OutOfFold, coverage: float) -> str:
    """Say why prediction sets of a coverage hold every label; an empty text if they do not."""
    if conformal_threshold(out_of_fold, coverage) > 0:
        return ""
    if out_of_fold.unknown_share > 1 - coverage:
        return (
            f"No set can hold the true label in {percent(coverage)} of records: "
            f"{_unknown_share(out_of_fold)} of them are of classes that the model cannot give. "
            "Every set holds every label."
        )
    return (
        f"{len(out_of_fold.top):,} left-out training records are too few for sets that hold the "
        f"true label in {percent(coverage)} of records: every set holds every label."
    )


def _unknown_share(out_of_fold: OutOfFold) -> str:
    """Write the share of records of unknown classes; a small count of records is not disclosed."""
    few = out_of_fold.unknown_share * len(out_of_fold.top) < SMALLEST_SHOWN
    return "some" if few else tenths(out_of_fold.unknown_share)


def prediction_sets(probabilities: Floats, threshold: float) -> Flags:
    """Return the labels (n, C) in each prediction set; the most probable one always belongs."""
    highest = probabilities.max(axis=1, keepdims=True).round(DECIMALS)
    members: Flags = probabilities.round(DECIMALS) >= np.minimum(threshold, highest)
    return members


def format_sets(members: Flags, probabilities: Floats, labels: Sequence[str]) -> list[str]:
    """Write each prediction set as a JSON list of labels, the most probable first.

    >>> format_sets(np.array([[True, False, True]]), np.array([[0.2, 0.1, 0.7]]), ["A", "B", "C"])
    ['["C", "A"]']
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")
    return [
        json.dumps([labels[c] for c in ranked if inside[c]], ensure_ascii=False)
        for ranked, inside in zip(order, members, strict=True)
    ]
