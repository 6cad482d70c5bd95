"""Splits: training, validation and holdout parts, stratified, grouped or temporal."""

import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from textlstm.config import DataConfig
from textlstm.data.dates import parse_dates
from textlstm.data.distinct import Distinct
from textlstm.data.records import SPLIT, SPLITS, UsableRecords
from textlstm.errors import InputError, counted, quoted

SMALLEST_STRATUM = 0.5
"""Records of a class expected in a part, below which small classes are drawn as one stratum.

Rounding would give such a class no record in the part, though all of them together have some.
"""

_GROUP_FOLDS = 20


def split(
    usable: UsableRecords, config: DataConfig, seed: int
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Divide usable records into the :data:`SPLITS`, and those of dropped classes in the same way.

    The validation part is drawn from the training side, in the same way as the holdout.

    Parameters
    ----------
    usable
        Records with columns ``text``, ``label`` and, for a temporal split, ``date``.

    Returns
    -------
    parts
        The records of each part.
    rare
        The records of dropped classes, with a column :data:`SPLIT`.

    Raises
    ------
    InputError
        If there are too few records, or a date cannot be read.
    """
    records, rare, how = usable.records, usable.rare, config.split
    counts = records["label"].value_counts()
    if how == "stratified" and (counts == 1).any():
        raise InputError(
            f"class {quoted(counts.index[counts == 1][0])} has one record, which no stratified "
            "split can divide; use --rare merge or --rare drop, or another split"
        )
    if how == "temporal":  # told of all records at once, by the column's own name
        parse_dates(pd.concat([records["date"], rare["date"]]), config.date)
    train, holdout = split_off(records, config.holdout, how, seed)
    rare, rare_holdout = split_rare(rare, train, holdout, config.holdout, how, seed)
    train, validation = split_off(train, config.validation, how, seed)
    rare, rare_validation = split_rare(rare, train, validation, config.validation, how, seed)
    learned = set(train["label"].unique()) | set(validation["label"].unique())
    measured = set(holdout["label"].unique())
    if train["label"].nunique() < 2 or learned.isdisjoint(measured):
        raise InputError(
            f"the {how} split leaves "
            f"{counted(train['label'].nunique(), 'class', 'classes')} to train on and "
            f"{len(learned & measured)} of them to measure; use another split"
        )
    parts = dict(zip(SPLITS, (train, validation, holdout), strict=True))
    of_parts = zip(SPLITS, (rare, rare_validation, rare_holdout), strict=True)
    return parts, pd.concat([some.assign(**{SPLIT: name}) for name, some in of_parts])


def split_off(
    records: pd.DataFrame, share: float, how: str, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return ``records`` in two parts, the second with ``share`` of the rows.

    ``stratified`` gives each class its share, ``grouped`` moreover keeps equal texts together,
    ``temporal`` puts the latest dates into the second part.
    """
    if how == "temporal":
        # Of one date, such as a year, chance decides: rows may be in the order of their labels.
        chance = np.random.default_rng(seed).random(len(records))
        order = np.lexsort((chance, parse_dates(records["date"])))
        second = order[len(order) - round(share * len(order)) :]
    elif how == "grouped":
        second = _grouped(records, share, seed)
    else:
        second = _stratified(records["label"], share, seed)
    chosen = np.zeros(len(records), dtype=bool)
    chosen[second] = True
    if chosen.all() or not chosen.any():
        raise InputError(
            f"{counted(len(records), 'usable record is', 'usable records are')} too few for a "
            f"{how} split"
        )
    return records[~chosen], records[chosen]


def split_rare(
    rare: pd.DataFrame,
    first: pd.DataFrame,
    second: pd.DataFrame,
    share: float,
    how: str,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return records of dropped classes in two parts, as :func:`split_off` divided all others.

    Each part then has as large a share of them as new records are expected to have.
    """
    if how == "temporal":
        ends = (parse_dates(part["date"]) for part in (first, second))
        chosen = _with_the_second(parse_dates(rare["date"]), *ends, seed=seed)
    elif how == "grouped":
        texts = Distinct[str].of(rare["text"])
        known = [
            np.isin(texts.values, part["text"].unique().astype(str)) for part in (first, second)
        ]
        new = draw_share(int((~known[0] & ~known[1]).sum()), share, seed)
        known[1][np.flatnonzero(~known[0] & ~known[1])[new]] = True
        chosen = known[1][texts.inverse]
    else:
        chosen = np.zeros(len(rare), dtype=bool)
        chosen[draw_share(len(rare), share, seed)] = True
    return rare[~chosen], rare[chosen]


def _with_the_second(
    dates: NDArray[Any], first: NDArray[Any], second: NDArray[Any], *, seed: int
) -> NDArray[np.bool_]:
    """Return which dates (n,) go with the second part; of its first date, as large a share goes."""
    edge = second.min()
    share = (second == edge).sum() / ((first == edge).sum() + (second == edge).sum())
    tied = np.flatnonzero(dates == edge)
    chosen: NDArray[np.bool_] = dates > edge
    chosen[tied[draw_share(len(tied), float(share), seed)]] = True
    return chosen


def draw_share(n: int, share: float, seed: int) -> NDArray[np.int64]:
    """Return ``share`` of n rows, drawn at random; what is left over is a record by chance.

    However few rows there are, each is drawn with the probability ``share``.
    """
    generator = np.random.default_rng(seed)
    return generator.permutation(n)[: math.floor(share * n + generator.random())]


def _stratified(labels: pd.Series, share: float, seed: int) -> np.ndarray[Any, Any]:
    """Return the rows of the second part, each class by its share.

    Classes under :data:`SMALLEST_STRATUM` are one stratum; if it has one record, this stays in the
    first part.
    """
    codes = labels.astype("category").cat.codes.to_numpy()
    small = np.bincount(codes)[codes] * share < SMALLEST_STRATUM
    strata = np.unique(np.where(small, -1, codes), return_inverse=True)[1]
    counts = np.bincount(strata)
    rows = np.flatnonzero(counts[strata] > 1)
    n_second = int(np.ceil(share * len(rows)))
    n_strata = int((counts > 1).sum())
    # Where a part has fewer places than there are classes, no draw can stratify it.
    fits = min(n_second, len(rows) - n_second) >= n_strata
    if np.bincount(codes).max(initial=0) < 2:
        n_given = len(np.unique(codes))
        few = f"{counted(len(codes), 'record')} of {counted(n_given, 'class', 'classes')}"
        raise InputError(f"there is too little to split: {few}")
    _, second = train_test_split(
        rows, test_size=share, random_state=seed, stratify=strata[rows] if fits else None
    )
    return np.asarray(second)


def _grouped(records: pd.DataFrame, share: float, seed: int) -> np.ndarray[Any, Any]:
    """Return rows of whole text groups, in number within a twentieth of ``share``."""
    groups = records["text"].factorize()[0]
    folds = min(_GROUP_FOLDS, int(groups.max()) + 1)
    if folds < 2:
        raise InputError("all texts are equal; a grouped split is not possible")
    codes = records["label"].factorize()[0]
    splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Classes smaller than the number of folds cannot be in each of them, nor need they.
        warnings.simplefilter("ignore", UserWarning)
        try:
            tests = [test for _, test in splitter.split(codes, codes, groups)]
        except ValueError as error:
            raise InputError(
                f"{counted(len(records), 'usable record is', 'usable records are')} too few for a "
                "grouped split"
            ) from error
    # The largest groups are dealt out first, to the first folds: without an order drawn anew the
    # commonest text would be held out whatever the seed.
    chosen = np.zeros(len(records), dtype=bool)
    for fold in np.random.default_rng(seed).permutation(folds):
        if chosen.sum() + len(tests[fold]) <= (share + 0.5 / folds) * len(records):
            chosen[tests[fold]] = True
    return np.flatnonzero(chosen)
