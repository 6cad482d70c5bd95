"""Conformal prediction sets: labels that together hold the true one in a stated share."""

import json
import math
from collections.abc import Sequence

import numpy as np

from textlstm.uncertainty.intervals import Flags, Floats, design_effect, percent, tenths
from textlstm.uncertainty.out_of_fold import DECIMALS, OutOfFold
from textlstm.uncertainty.risk_control import POINT_RECORDS

COVERAGES = (0.90, 0.95)
"""The coverages of prediction sets a report is about; new records can be given any."""


def conformal_threshold(out_of_fold: OutOfFold, coverage: float) -> float:
    """Return the lowest probability of a label that belongs to a prediction set.

    Split conformal prediction, least ambiguous sets (Sadinle, Lei and Wasserman 2019): over draws
    of held-out and new records, the true label is in the set in at least the named share of them.
    Where there are too few held-out records to say so, or too many of them have a class that the
    model cannot give, it is 0: any label is possible, and no set holds the true one so often.

    A new record counts as one more held-out record, of which the true label may be anywhere. Where
    what is new are texts, it is one more text: as many records as the design effect says.
    """
    if out_of_fold.unknown_share > 1 - coverage:
        return 0.0
    n = len(out_of_fold.true)
    rank = math.ceil((n + design_effect(out_of_fold.cluster_size)) * coverage)
    return float(np.sort(out_of_fold.true)[n - rank]) if rank <= n else 0.0


def why_sets_are_full(out_of_fold: OutOfFold, coverage: float) -> str:
    """Say why sets of a coverage hold every label, or nothing where they do not."""
    if conformal_threshold(out_of_fold, coverage) > 0:
        return ""
    if out_of_fold.unknown_share > 1 - coverage:
        return (
            f"No set can hold the true label in {percent(coverage)} of records: "
            f"{_share_or_some(out_of_fold)} of them are of classes that the model cannot give. "
            "Every set holds every label."
        )
    return (
        f"{len(out_of_fold.top):,} left-out training records are too few for sets that hold the "
        f"true label in {percent(coverage)} of records: every set holds every label."
    )


def _share_or_some(out_of_fold: OutOfFold) -> str:
    """Return the share of records of unknown classes; where they are few, no number tells them."""
    few = out_of_fold.unknown_share * len(out_of_fold.top) < POINT_RECORDS
    return "some" if few else tenths(out_of_fold.unknown_share)


def prediction_sets(probabilities: Floats, threshold: float) -> Flags:
    """Return which labels (n, C) belong to each set; the most probable one always does."""
    best = probabilities.max(axis=1, keepdims=True)
    members: Flags = probabilities.round(DECIMALS) >= np.minimum(threshold, best.round(DECIMALS))
    return members


def format_sets(members: Flags, probabilities: Floats, labels: Sequence[str]) -> list[str]:
    """Return each set as a JSON list of labels, the most probable first.

    >>> format_sets(np.array([[True, False, True]]), np.array([[0.2, 0.1, 0.7]]), ["A", "B", "C"])
    ['["C", "A"]']
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")
    return [
        json.dumps([labels[c] for c in ranked if inside[c]], ensure_ascii=False)
        for ranked, inside in zip(order, members, strict=True)
    ]
