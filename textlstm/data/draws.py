"""Draws: the records of the second part of a split, stratified, grouped or the latest."""

import math
import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from textlstm.data.dates import parse_dates
from textlstm.data.distinct import Distinct
from textlstm.errors import InputError, counted

SMALLEST_STRATUM = 0.5
"""Records of a class expected in the second part of a split, below which small classes are drawn as
one stratum: rounding would give none of these classes a record there, though together they have
several."""

GROUP_FOLDS = 20
"""Folds into which groups of equal texts are dealt; the second part consists of whole folds."""


def draw_share(n: int, share: float, seed: int) -> NDArray[np.int64]:
    """Draw ``share`` of n rows at random; a fraction of a row becomes a row with that probability.

    However few rows there are, each is drawn with the probability ``share``.
    """
    generator = np.random.default_rng(seed)
    return generator.permutation(n)[: math.floor(share * n + generator.random())]


def draw_latest(records: pd.DataFrame, share: float, seed: int) -> NDArray[np.int64]:
    """Return the rows of the latest dates; records of equal date are in random order."""
    # The rows of one date, such as a year, may be in the order of their labels.
    tie_breaks = np.random.default_rng(seed).random(len(records))
    order = np.lexsort((tie_breaks, parse_dates(records["date"])))
    return order[len(order) - round(share * len(order)) :]


def draw_latest_rare(
    rare: pd.DataFrame, first: pd.DataFrame, second: pd.DataFrame, _: float, seed: int
) -> NDArray[np.bool_]:
    """Return flags of the dates of the second part; of its first date, the same share belongs."""
    dates, first_dates, second_dates = (parse_dates(part["date"]) for part in (rare, first, second))
    edge = second_dates.min()
    n_second = (second_dates == edge).sum()
    share = n_second / ((first_dates == edge).sum() + n_second)
    tied = np.flatnonzero(dates == edge)
    flags: NDArray[np.bool_] = dates > edge
    flags[tied[draw_share(len(tied), float(share), seed)]] = True
    return flags


def draw_stratified(records: pd.DataFrame, share: float, seed: int) -> NDArray[np.int64]:
    """Return rows with ``share`` of each class.

    Classes under :data:`SMALLEST_STRATUM` are one stratum; if it has one record, this stays in the
    first part.
    """
    codes = records["label"].astype("category").cat.codes.to_numpy()
    is_small = np.bincount(codes)[codes] * share < SMALLEST_STRATUM
    strata = np.unique(np.where(is_small, -1, codes), return_inverse=True)[1]
    counts = np.bincount(strata)
    rows = np.flatnonzero(counts[strata] > 1)
    n_second = int(np.ceil(share * len(rows)))
    n_strata = int((counts > 1).sum())
    # Where a part has fewer records than there are strata, no draw can stratify it.
    fits = min(n_second, len(rows) - n_second) >= n_strata
    if np.bincount(codes).max(initial=0) < 2:
        n_classes = len(np.unique(codes))
        few = f"{counted(len(codes), 'record')} of {counted(n_classes, 'class', 'classes')}"
        raise InputError(f"there is too little to split: {few}")
    _, second = train_test_split(
        rows, test_size=share, random_state=seed, stratify=strata[rows] if fits else None
    )
    return np.asarray(second)


def draw_rare(
    rare: pd.DataFrame, _: pd.DataFrame, __: pd.DataFrame, share: float, seed: int
) -> NDArray[np.bool_]:
    """Return flags of ``share`` of the records, drawn at random."""
    flags = np.zeros(len(rare), dtype=bool)
    flags[draw_share(len(rare), share, seed)] = True
    return flags


def draw_grouped(records: pd.DataFrame, share: float, seed: int) -> NDArray[np.int64]:
    """Return rows of whole groups of equal texts, in number within a twentieth of ``share``."""
    groups = records["text"].factorize()[0]
    folds = min(GROUP_FOLDS, int(groups.max()) + 1)
    if folds < 2:
        raise InputError("all texts are equal; a grouped split is not possible")
    codes = records["label"].factorize()[0]
    splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Classes smaller than the number of folds cannot be in each fold, nor need they.
        warnings.simplefilter("ignore", UserWarning)
        try:
            tests = [test for _, test in splitter.split(codes, codes, groups)]
        except ValueError as error:
            raise InputError(
                f"{counted(len(records), 'usable record is', 'usable records are')} too few for a "
                "grouped split"
            ) from error
    # The largest groups are dealt first, to the first folds: without a new random order the most
    # frequent text would be held out whatever the seed.
    is_second = np.zeros(len(records), dtype=bool)
    for fold in np.random.default_rng(seed).permutation(folds):
        if is_second.sum() + len(tests[fold]) <= (share + 0.5 / folds) * len(records):
            is_second[tests[fold]] = True
    return np.flatnonzero(is_second)


def draw_grouped_rare(
    rare: pd.DataFrame, first: pd.DataFrame, second: pd.DataFrame, share: float, seed: int
) -> NDArray[np.bool_]:
    """Return flags of the texts of the second part, and of ``share`` of the texts in neither."""
    texts = Distinct[str].of(rare["text"])
    in_first, in_second = (
        np.isin(texts.values, part["text"].unique().astype(str)) for part in (first, second)
    )
    new = np.flatnonzero(~in_first & ~in_second)
    in_second[new[draw_share(len(new), share, seed)]] = True
    return np.asarray(in_second[texts.inverse])
