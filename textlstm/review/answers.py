"""Answers to a review queue: merged over people, compared with the model, expanded to records."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from textlstm.data.cells import column
from textlstm.errors import InputError, counted, quoted
from textlstm.review.sheet import CODE, RECORDS, TEXT_ID

QUEUE = "queue"
"""Column of the differences: the number of the filled queue, from 1."""


@dataclass(frozen=True)
class MergedAnswers:
    """The answers of one or more filled queues.

    Attributes
    ----------
    answers
        The columns of :func:`.read_answers`, a row for each text.
    differences
        ``item``, ``queue`` and ``code`` of each answer to a text whose answers differ, texts in the
        order of their ids.
    """

    answers: pd.DataFrame
    differences: pd.DataFrame

    def require_agreement(self) -> None:
        """Raise an :class:`InputError` if a text has different codes."""
        if len(texts := self.differences[TEXT_ID].unique()):
            raise InputError(
                f"{counted(len(texts), 'text has', 'texts have')} different codes, {TEXT_ID} "
                f"{quoted(texts[0])} first; settle on one"
            )


def merge_answers(filled: Sequence[pd.DataFrame]) -> MergedAnswers:
    """Merge the answers of filled queues: each text once, with the first code that it has."""
    numbers = np.repeat(np.arange(1, len(filled) + 1), [len(answers) for answers in filled])
    answers = pd.concat(filled, ignore_index=True)
    differs = answers.groupby(TEXT_ID)[CODE].transform("nunique") > 1
    codes = pd.DataFrame({TEXT_ID: answers[TEXT_ID], QUEUE: numbers, CODE: answers[CODE]})
    return MergedAnswers(
        answers.drop_duplicates(TEXT_ID, ignore_index=True),
        codes[differs].sort_values(TEXT_ID, kind="stable", ignore_index=True),
    )


@dataclass(frozen=True)
class Agreement:
    """Agreement of people with the model on q texts.

    Attributes
    ----------
    first
        (q,) whether the code is the most probable label.
    offered
        (q,) whether the code is one of the labels that the queue offered.
    """

    first: NDArray[np.bool_]
    offered: NDArray[np.bool_]


def agreement(answers: pd.DataFrame) -> Agreement:
    """Compare the codes with the labels that the queue offered."""
    names = [name for name in answers.columns if name.startswith("label_")]
    same = answers[names].eq(answers[CODE], axis=0)
    return Agreement(
        first=same["label_1"].to_numpy(dtype=bool), offered=same.any(axis=1).to_numpy(dtype=bool)
    )


def expand_to_records(answers: pd.DataFrame, columns: Sequence[str], label: str) -> pd.DataFrame:
    """Return the records that the answers stand for: each text as often as records have it."""
    records = answers.loc[answers.index.repeat(answers[RECORDS]), [*columns, CODE]]
    return records.rename(columns={CODE: label}).reset_index(drop=True)


def append_answers(table: pa.Table, records: pd.DataFrame, source: str) -> pa.Table:
    """Append coded records to a training table, which keeps its columns and rows.

    Columns that the records share become text; the records are empty in the other columns.

    Raises
    ------
    InputError
        If the table lacks a column of the records, or its cells are bytes; it names ``source``.
    """
    for name in records.columns:
        cells = pa.array(column(table, name, source), pa.string())
        table = table.set_column(table.column_names.index(name), name, cells)
    shared = pa.table({name: pa.array(records[name], pa.string()) for name in records.columns})
    return pa.concat_tables([table, shared], promote_options="default")
