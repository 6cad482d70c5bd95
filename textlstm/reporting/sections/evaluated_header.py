"""The records of another table that a model is measured on, and those that it learned from."""

from dataclasses import dataclass
from pathlib import Path

from textlstm.metrics_file import UncodableJson
from textlstm.reporting.public import blur_small, uncodable
from textlstm.reporting.sections.section import ReportInput, Section


@dataclass(frozen=True)
class PublicEvaluatedHeader:
    """The records in numbers.

    Attributes
    ----------
    table, training_table
        File names of the tables, without their folders.
    n_records, n_training
        New records of the classes that the model knows, and records that it learned from.
    uncodable
        New records whose class the model cannot give.
    """

    table: str
    training_table: str
    n_records: int
    n_training: int
    uncodable: UncodableJson


class EvaluatedHeader(Section[PublicEvaluatedHeader]):
    """The title of the report on new records.

    Parameters
    ----------
    table
        Path of the table.
    """

    name = "evaluated_header"

    def __init__(self, table: str) -> None:
        self._table = table

    def public(self, source: ReportInput) -> PublicEvaluatedHeader:
        """Return the numbers of records; the folders of the tables are private."""
        data = source.metrics["data"]
        return PublicEvaluatedHeader(
            Path(self._table).name,
            Path(source.config.data.data).name,
            blur_small(data["holdout"]),
            blur_small(data["train"] + data["validation"]),
            uncodable(source),
        )
