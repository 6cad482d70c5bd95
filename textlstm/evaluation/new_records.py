"""Labelled records of another table, such as those of a later year, that measure a model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import pandas as pd

from textlstm.config import RARE_LABEL
from textlstm.data.distinct import relabel
from textlstm.data.labelled import LabelledTable
from textlstm.data.records import with_label_and_text
from textlstm.errors import InputError, counted, listed, quoted
from textlstm.evaluation.data_facts import DataFacts
from textlstm.evaluation.scored_records import ScoredRecords
from textlstm.inference.bundle import Bundle
from textlstm.summaries import RecordsSummary


@dataclass(frozen=True)
class NewRecords:
    """Labelled records of another table, as a model can be measured on them.

    Attributes
    ----------
    records
        ``record_id``, ``text``, ``label`` and groups of the records that have a label and a text.
        A label that the model does not know stands for the class of merged records, if there is
        one.
    n_rows
        Rows of the table.
    dropped
        Number of records left out, by reason.
    repairs
        Cells of the texts that cleaning repaired, by kind of defect.
    unknown_labels
        Number of records of each label that the model does not know.
    """

    records: pd.DataFrame
    n_rows: int
    dropped: dict[str, int]
    repairs: dict[str, int]
    unknown_labels: dict[str, int]

    @classmethod
    def of(cls, table: LabelledTable, label_column: str, class_names: Sequence[str]) -> Self:
        """Select the records that have a label and a text.

        Parameters
        ----------
        label_column
            Name of the labels in the table, for messages.
        class_names
            (C,) names of the classes of the model.

        Raises
        ------
        InputError
            If no record has a label that the model knows.
        """
        records, dropped = with_label_and_text(table.records, label_column, class_names)
        known = set(class_names) - {RARE_LABEL}
        labels = records["label"].value_counts()
        unknown = {str(name): int(n) for name, n in labels.items() if n and name not in known}
        if sum(unknown.values()) == len(records):
            raise InputError(
                f"column {quoted(label_column)}: of {counted(len(records), 'record')} with label "
                f"and text, none has a label that the model knows: {listed(sorted(known))}"
            )
        if RARE_LABEL in class_names:
            merged = relabel(records["label"], lambda name: name if name in known else RARE_LABEL)
            records = records.assign(label=merged)
        return cls(records, len(table.records), dropped, table.repairs, unknown)

    def messages(self) -> list[str]:
        """Return lines on the records that are left out, and on unknown labels."""
        lines = [
            f"{counted(number, 'record')} left out: {reason.replace('_', ' ')}"
            for reason, number in self.dropped.items()
            if number
        ]
        if self.unknown_labels:
            n = counted(sum(self.unknown_labels.values()), "record has", "records have")
            names = listed(sorted(self.unknown_labels))
            lines.append(f"{n} a label that the model cannot give, an error in promises: {names}")
        return lines

    def facts(self, bundle: Bundle, records: ScoredRecords) -> DataFacts:
        """Return facts about the records, the training records of the bundle among them."""
        summary: RecordsSummary = {
            "rows": self.n_rows,
            "dropped": self.dropped,
            "distinct_texts": int(self.records["text"].nunique()),
            "handled": self.repairs,
            "uncodable": {
                "records": int((~records.codable).sum()),
                "share": float((~records.codable).mean()),
            },
            "borderline": [],
        }
        none = self.records[:0]
        splits = {"train": none, "validation": none, "holdout": self.records}
        n_unknown = int((~records.known).sum())
        return replace(
            DataFacts.of(bundle.vocabulary, splits, summary, n_unknown),
            train=bundle.summary.get("training records", 0),
            validation=bundle.summary.get("validation records", 0),
        )
