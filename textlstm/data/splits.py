"""Splits: divide records into training, validation and holdout; stratified, grouped or temporal."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from textlstm.config import DataConfig
from textlstm.data import draws
from textlstm.data.dates import parse_dates
from textlstm.data.records import SPLIT_COLUMN, SPLITS, UsableRecords
from textlstm.errors import InputError, counted, quoted


@dataclass(frozen=True)
class Split:
    """A way to divide records into two parts.

    Attributes
    ----------
    draw
        Returns the rows of the second part of records: ``draw(records, share, seed)``.
    draw_rare
        Returns flags of the records of dropped classes that belong to the second part, given the
        two parts of all other records: ``draw_rare(rare, first, second, share, seed)``.
    keeps_texts_together
        Whether all records of a text are in the same part.
    judged_by_latest
        Whether the second part has the latest records: promises are read off such records alone.
    """

    draw: Callable[[pd.DataFrame, float, int], NDArray[np.int64]]
    draw_rare: Callable[[pd.DataFrame, pd.DataFrame, pd.DataFrame, float, int], NDArray[np.bool_]]
    keeps_texts_together: bool = False
    judged_by_latest: bool = False


METHODS = {
    "stratified": Split(draws.draw_stratified, draws.draw_rare),
    "grouped": Split(draws.draw_grouped, draws.draw_grouped_rare, keeps_texts_together=True),
    "temporal": Split(draws.draw_latest, draws.draw_latest_rare, judged_by_latest=True),
}
"""Splits by the names that ``--split`` takes."""


def split(
    usable: UsableRecords, config: DataConfig, seed: int
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Divide usable records, and those of dropped classes, into training, validation and holdout.

    The validation records are drawn from the training side, in the same way as the holdout.

    Parameters
    ----------
    usable
        Records with columns ``text``, ``label`` and, for a temporal split, ``date``.

    Returns
    -------
    splits
        The records by the names of :data:`.SPLITS`.
    rare
        The records of dropped classes, with a column :data:`.SPLIT_COLUMN`.

    Raises
    ------
    InputError
        If there are too few records, or a date cannot be read.
    """
    records, rare, method = usable.records, usable.rare, config.split
    counts = records["label"].value_counts()
    # A code of a book need not be learned from records of its own.
    if method == "stratified" and not config.codes and (counts == 1).any():
        raise InputError(
            f"class {quoted(counts.index[counts == 1][0])} has one record, which no stratified "
            "split can divide; use --rare merge or --rare drop, or another split"
        )
    if METHODS[method].judged_by_latest:  # checked for all records, by the column's own name
        parse_dates(pd.concat([records["date"], rare["date"]]), config.date)
    train, holdout = split_off(records, config.holdout, method, seed)
    rare, rare_holdout = split_rare(rare, train, holdout, config.holdout, method, seed)
    train, validation = split_off(train, config.validation, method, seed)
    rare, rare_validation = split_rare(rare, train, validation, config.validation, method, seed)
    learned = set(train["label"].unique()) | set(validation["label"].unique())
    measured = set(holdout["label"].unique())
    if train["label"].nunique() < 2 or learned.isdisjoint(measured):
        raise InputError(
            f"the {method} split leaves "
            f"{counted(train['label'].nunique(), 'class', 'classes')} to train on and "
            f"{len(learned & measured)} of them to measure; use another split"
        )
    splits = dict(zip(SPLITS, (train, validation, holdout), strict=True))
    rare_splits = zip(SPLITS, (rare, rare_validation, rare_holdout), strict=True)
    return splits, pd.concat([part.assign(**{SPLIT_COLUMN: name}) for name, part in rare_splits])


def split_off(
    records: pd.DataFrame, share: float, method: str, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide records into two parts, the second with ``share`` of the rows.

    ``stratified`` gives each class its share, ``grouped`` moreover keeps equal texts together, and
    ``temporal`` puts the latest dates into the second part; see :data:`METHODS`.
    """
    is_second = np.zeros(len(records), dtype=bool)
    is_second[METHODS[method].draw(records, share, seed)] = True
    if is_second.all() or not is_second.any():
        raise InputError(
            f"{counted(len(records), 'usable record is', 'usable records are')} too few for a "
            f"{method} split"
        )
    return records[~is_second], records[is_second]


def split_rare(
    rare: pd.DataFrame,
    first: pd.DataFrame,
    second: pd.DataFrame,
    share: float,
    method: str,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide records of dropped classes as :func:`split_off` divided all others.

    Each part then has as large a share of dropped classes as new records are expected to have.
    """
    is_second = METHODS[method].draw_rare(rare, first, second, share, seed)
    return rare[~is_second], rare[is_second]
