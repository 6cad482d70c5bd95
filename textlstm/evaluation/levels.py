"""Measures at each level of a code book, and what back-off codes at each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from textlstm.array_types import Floats, Integers
from textlstm.codes.tree import CodeTree
from textlstm.data.inputs import record_inputs
from textlstm.inference.bundle import Bundle
from textlstm.inference.scoring import score_and_count
from textlstm.uncertainty.back_off import deepest
from textlstm.uncertainty.out_of_fold import DECIMALS
from textlstm.uncertainty.risk_control import PROMISED_ERRORS, promise


@dataclass(frozen=True)
class LevelMeasures:
    """Measures of a level.

    Attributes
    ----------
    accuracy, macro_f1
        Of the records whose label reaches the level, or ends in a leaf above it.
    coded
        Share of all records that back-off codes at this level.
    error
        Share of the wrong ones among these; None where there are none.
    """

    accuracy: float
    macro_f1: float
    coded: float
    error: float | None


def measure_levels(
    bundle: Bundle, holdout: pd.DataFrame, rare: pd.DataFrame | None = None
) -> dict[str, LevelMeasures]:
    """Measure a model at each level of its code book; without a book there are no levels.

    Parameters
    ----------
    holdout
        The records, with labels at any level.
    rare
        Records of codes outside the book, which are coded wrongly wherever they are coded.
    """
    tree = bundle.tree
    if tree is None or bundle.back_off is None:
        return {}
    records = pd.concat([holdout, *([] if rare is None or not len(rare) else [rare])])
    labels = pd.Index(tree.codes).get_indexer(pd.Index(records["label"].astype(str)))
    scores = score_and_count(bundle, record_inputs(records)).scores
    threshold = promise(bundle.back_off, PROMISED_ERRORS[1]).threshold
    probabilities = scores.probabilities
    codes, reached = deepest(tree, tree.best_paths(probabilities), threshold)
    coded = scores.has_known_word[scores.predictions.rows]
    coded = coded & (reached.round(DECIMALS) >= threshold)
    wrong = (labels < 0) | ~tree.agree(codes, np.maximum(labels, 0))
    measures = {}
    for level in range(1, tree.n_levels + 1):
        here = coded & (tree.levels[codes] == level)
        error = float(wrong[here].mean()) if here.any() else None
        accuracy, macro_f1 = _of_level(tree, probabilities, labels, level)
        measures[str(level)] = LevelMeasures(accuracy, macro_f1, float(here.mean()), error)
    return measures


def _of_level(
    tree: CodeTree, probabilities: Floats, labels: Integers, level: int
) -> tuple[float, float]:
    """Return accuracy and macro-F1 of the most probable codes of a level."""
    judged = (labels >= 0) & (
        (tree.levels[np.maximum(labels, 0)] >= level) | (labels < tree.n_leaves)
    )
    if not judged.any():
        return 0.0, 0.0
    best = tree.codes_of_level(level)[tree.of_level(probabilities[judged], level).argmax(axis=1)]
    true = tree.at_level(labels[judged], level)
    f1 = f1_score(true, best, average="macro", zero_division=0.0)
    return float((true == best).mean()), float(f1)


def leaf_labelled(
    splits: Mapping[str, pd.DataFrame], labels: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """Return the records of each split whose label is a leaf: measures by class need one."""
    return {name: table[table["label"].isin(labels)] for name, table in splits.items()}
