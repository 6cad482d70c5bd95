"""From a scored table to a queue file: which texts are asked about, and what people are told."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from textlstm.data.cells import column, distinct_records
from textlstm.data.readers import read_table
from textlstm.errors import InputError, counted
from textlstm.inference.bundle import Bundle
from textlstm.inference.rules import ACCEPT, REVIEW
from textlstm.inference.scoring import score
from textlstm.insight.class_words import top_words
from textlstm.monitor import SILENT, Monitor
from textlstm.review.queue import build_queue, questions
from textlstm.review.sheet import CODE, queue_csv
from textlstm.storage.atomic import write_bytes
from textlstm.storage.spreadsheet import unescape_formula

IS_THERE = "--out {}: is there already, and may hold codes; give another name"
"""Message where a queue would be overwritten."""


@dataclass(frozen=True)
class ExportedQueue:
    """Numbers of an exported queue: its texts, their records, and all records for review."""

    texts: int
    records: int
    for_review: int


def require_no_codes(out: Path) -> None:
    """Raise an :class:`InputError` if the output is there, and is not a queue without codes."""
    if out.suffix.lower() != ".csv":
        raise InputError(f"--out {out}: a queue must end in .csv, for a spreadsheet")
    if not out.exists():
        return
    try:
        codes = column(read_table(str(out), "utf-8"), CODE, str(out))
    except InputError as error:
        raise InputError(IS_THERE.format(out)) from error
    if any(code.strip() for code in codes):
        raise InputError(IS_THERE.format(out))


def records_for_review(table: pa.Table, labels: Sequence[str], source: str) -> pa.Table:
    """Select the rows of a scored table that are for review.

    Raises
    ------
    InputError
        If the table was not scored by a model with these labels; it names ``source``.
    """
    decisions = column(table, "decision", source)
    if others := set(decisions) - {ACCEPT, REVIEW}:
        raise InputError(
            f"{source}: column 'decision' has {counted(len(others), 'value')} beside {ACCEPT} "
            f"and {REVIEW}; give a table that predict wrote"
        )
    predicted = set(column(table, "predicted_label", source))
    if any(not {label, unescape_formula(label)} & set(labels) for label in predicted):
        raise InputError(
            f"{source}: its column 'predicted_label' has labels that this run does not give; was "
            "it coded by another --run?"
        )
    return table.filter(pa.array([decision == REVIEW for decision in decisions]))


def export_queue(
    bundle: Bundle,
    table: pa.Table,
    columns: Sequence[str],
    source: str,
    out: Path,
    monitor: Monitor = SILENT,
) -> ExportedQueue:
    """Write the review queue of a scored table.

    An interrupted command is given again and finds the same queue.

    Parameters
    ----------
    columns
        Names of the text columns.
    source
        Name of the table in messages.

    Raises
    ------
    InputError
        If the table was not scored by this model, or another queue is there.
    """
    doubtful = records_for_review(table, bundle.labels, source)
    records = distinct_records(doubtful, columns, source)
    asked = questions(records.values, records.counts)
    with monitor.working("coding"):
        scores = score(bundle, asked.texts)
    step = f"looking for the words that decided in {counted(len(asked.texts), 'text')}"
    watch = partial(monitor.track, step=step)
    gains = top_words(bundle, asked.texts, scores.ranked(0).tolist(), watch=watch)
    words = [[word for word, _ in of_text] for of_text in gains]
    items = build_queue(asked, scores, bundle.labels, words)
    content = queue_csv(items, columns, len(bundle.labels))
    if out.exists() and out.read_bytes() != content:
        raise InputError(IS_THERE.format(out))
    write_bytes(out, content, private=True)
    exported = ExportedQueue(len(items), int(asked.records.sum()), len(doubtful))
    _log_summary(exported, out, monitor)
    return exported


def _log_summary(exported: ExportedQueue, out: Path, monitor: Monitor) -> None:
    """Log how many texts and records the queue has, and how many records have no text."""
    texts = counted(exported.texts, "text, as it stands", "texts, as they stand")
    for_review = counted(exported.for_review, "record")
    monitor.log(f"{texts} in {exported.records} of the {for_review} for review: {out}")
    if empty := exported.for_review - exported.records:
        monitor.log(f"{counted(empty, 'record has', 'records have')} no text to ask about")
