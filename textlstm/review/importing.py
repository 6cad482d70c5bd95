"""From filled queues to the next training table, and how often people agree with the model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa

from textlstm.config import DataConfig
from textlstm.data.cells import column
from textlstm.data.labels import plain_label
from textlstm.errors import InputError, counted, listed, quoted
from textlstm.monitor import SILENT, Monitor
from textlstm.review.answers import agreement, append_answers, expand_to_records, merge_answers
from textlstm.review.sheet import TEXT_ID, read_answers
from textlstm.storage.output_tables import write_table
from textlstm.uncertainty.intervals import interval, tenths

OTHER_TABLE = (
    "warning: {} is not the table that the run was trained on; it may have been changed since"
)
"""Warning where answers are appended to another table."""


@dataclass(frozen=True)
class NamedTable:
    """A table and its name in messages."""

    table: pa.Table
    name: str


def import_answers(
    training: NamedTable,
    queues: Sequence[NamedTable],
    columns: Sequence[str],
    config: DataConfig,
    out: Path,
    *,
    is_other_table: bool = False,
    new_codes: bool = False,
    monitor: Monitor = SILENT,
) -> None:
    """Write the training table with the answers of filled queues as further records.

    Parameters
    ----------
    columns
        Names of the text columns of the queues.
    config
        Names of the columns of the training table.
    is_other_table
        Whether the training table is not the one that the run was trained on; a line warns of it.
    new_codes
        As in :func:`.read_answers`.

    Raises
    ------
    InputError
        If a queue is wrong, no row has a code, or two queues differ in the code of a text.
    """
    labels = column(training.table, config.label, training.name)
    known_labels = set(map(plain_label, labels)) - {"", *config.missing}
    read = partial(read_answers, columns=columns, known_labels=known_labels, log=monitor.log,
                   new_codes=new_codes)  # fmt: skip
    filled = [read(queue.table, queue.name) for queue in queues]
    merged = merge_answers(filled)
    merged.require_agreement()
    answers = merged.answers
    if not len(answers):
        names = listed([queue.name for queue in queues])
        raise InputError(f"no row of {names} has a code; fill in the column 'code'")
    n_trained = len(training.table)
    coded = _coded_records(answers, columns, config, n_trained)
    write_table(append_answers(training.table, coded, training.name), out)
    asked = {item for queue in queues for item in column(queue.table, TEXT_ID, "")}
    texts = f"{len(answers)} of {counted(len(asked), 'text')}"
    verb = "has" if len(answers) == 1 else "have"
    records = counted(len(coded), "record")
    monitor.log(
        f"{texts} {verb} a code, for {records}; with the {n_trained} of {training.name}: {out}"
    )
    if is_other_table:
        monitor.log(OTHER_TABLE.format(training.name))
    for line in agreement_lines(answers):
        monitor.log(line)
    if config.date:
        monitor.log(f"the coded records have no {quoted(config.date)}; a temporal split needs one")


def _coded_records(
    answers: pd.DataFrame, columns: Sequence[str], config: DataConfig, n_trained: int
) -> pd.DataFrame:
    """Return the records that the answers stand for, with the columns of the training table."""
    coded = expand_to_records(answers, columns, config.label)
    coded = coded.rename(columns=dict(zip(columns, config.text, strict=True)))
    if config.id:
        # The numbers follow those of the table's rows, so that no id of an earlier import repeats.
        coded[config.id] = [f"review-{n_trained + number + 1}" for number in range(len(coded))]
    return coded


def agreement_lines(answers: pd.DataFrame) -> Iterator[str]:
    """Yield how often people agree with the model, in sentences with confidence intervals."""
    agreed, n = agreement(answers), len(answers)
    for same, meaning in (
        (int(agreed.first.sum()), "the label it gave"),
        (int(agreed.offered.sum()), "one of the labels it offered"),
    ):
        low, high = interval(same, n)
        yield (
            f"the code is {meaning} in {tenths(same / n)} of {counted(n, 'text')} "
            f"(95 % interval {tenths(float(low))} to {tenths(float(high))})"
        )
