"""Data of another table: the records that were measured or left out."""

from collections.abc import Mapping
from dataclasses import dataclass

from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.reporting.public import blur_small
from textlstm.reporting.sections.data import PUBLIC_FACTS
from textlstm.reporting.sections.section import ReportInput, Section


@dataclass(frozen=True)
class PublicEvaluatedData:
    """The records in numbers; a count of one to nine is blurred to nine.

    Attributes
    ----------
    facts
        Those of :data:`.PUBLIC_FACTS`.
    n_rows
        Rows of the table, or None if they would give away how few were left out.
    n_records
        Records with label and text of the classes that the model knows.
    n_unknown
        Records with a label that the model does not know.
    dropped
        Records left out, by reason.
    """

    facts: Mapping[str, object]
    n_rows: int | None
    n_records: int
    n_unknown: int
    dropped: Mapping[str, int]


class EvaluatedData(Section[PublicEvaluatedData]):
    """The records of another table in numbers."""

    name = "evaluated_data"

    def public(self, source: ReportInput) -> PublicEvaluatedData:
        """Return the counts; the number of rows would give away how few were left out."""
        data = source.metrics["data"]
        dropped = {reason: blur_small(n) for reason, n in data["dropped"].items()}
        any_small = any(0 < n < SMALLEST_SHOWN for n in data["dropped"].values())
        return PublicEvaluatedData(
            {name: value for name, value in data.items() if name in PUBLIC_FACTS},
            None if any_small else data["rows"],
            blur_small(data["holdout"]),
            dropped.pop("label_not_in_training"),
            dropped,
        )
