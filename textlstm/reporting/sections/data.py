"""Data: the records that were used or left out, and the doubtful labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.reporting.public import blur_small
from textlstm.reporting.sections.section import Measured, OnStep, ReportInput, Section

if TYPE_CHECKING:
    from textlstm.inference.bundle import Bundle


PUBLIC_FACTS = ("distinct_texts", "length", "truncated_share", "unknown_token_share")
"""Keys of ``data`` in the metrics that give away no small count."""


@dataclass(frozen=True)
class PublicData:
    """The records in numbers; a count of one to nine is blurred to nine.

    Attributes
    ----------
    facts
        Those of :data:`PUBLIC_FACTS`.
    n_rows
        Rows of the table, or None if they would give away how few were left out.
    n_training, n_validation, n_holdout
        Records the model learned from, validation records among these, and the holdout.
    dropped
        Records left out, by reason.
    doubtful_labels
        Records with doubtful and with conflicting labels.
    """

    facts: Mapping[str, object]
    n_rows: int | None
    n_training: int
    n_validation: int
    n_holdout: int
    dropped: Mapping[str, int]
    doubtful_labels: Mapping[str, int]


class Data(Section[PublicData]):
    """The records in numbers."""

    def measure(self, source: ReportInput, bundle: "Bundle", on_step: OnStep) -> Measured:
        """Look for labels that the model doubts, and for texts with several labels."""
        from textlstm.insight.label_errors import conflicting_labels, label_suspects

        on_step("doubting labels")
        evaluation, holdout = source.evaluation, source.splits["holdout"]
        suspects = label_suspects(
            holdout["record_id"][holdout["label"].isin(bundle.labels)],
            evaluation.truth,
            evaluation.models["model"],
            bundle.labels,
        )
        conflicts = conflicting_labels(pd.concat(source.splits.values()))
        counts = {
            "suspects": len(suspects),
            "conflicting_texts": int(conflicts["text"].nunique()),
            "conflicting_records": len(conflicts),
        }
        return Measured(
            {"doubtful_labels": counts},
            {"label_suspects": suspects, "conflicting_labels": conflicts},
        )

    def public(self, source: ReportInput) -> PublicData:
        """Return the counts; the number of rows would give away how few were left out."""
        data, dropped = source.metrics["data"], source.metrics["data"]["dropped"]
        any_small = any(0 < n < SMALLEST_SHOWN for n in dropped.values())
        doubtful = source.metrics["doubtful_labels"]
        return PublicData(
            {name: value for name, value in data.items() if name in PUBLIC_FACTS},
            None if any_small else data["rows"],
            blur_small(data["train"] + data["validation"]),
            blur_small(data["validation"]),
            blur_small(data["holdout"]),
            {reason: blur_small(n) for reason, n in dropped.items()},
            {name: blur_small(n) for name, n in doubtful.items()},
        )
