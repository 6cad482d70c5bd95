"""The records that the model learned from, and those that it is measured on."""

from dataclasses import dataclass
from pathlib import Path

from textlstm.metrics_file import UncodableJson
from textlstm.reporting.public import blur_small, uncodable
from textlstm.reporting.sections.section import ReportInput, Section


@dataclass(frozen=True)
class PublicHeader:
    """The records of a run in numbers.

    Attributes
    ----------
    table
        File name of the table, without its folder.
    n_training, n_holdout
        Records the model learned from, validation records among them, and other records.
    uncodable
        Records whose class the model cannot predict.
    """

    table: str
    n_training: int
    n_holdout: int
    uncodable: UncodableJson


class Header(Section[PublicHeader]):
    """The title of the report, and the records behind it."""

    def public(self, source: ReportInput) -> PublicHeader:
        """Return the number of records; the folder of the table is private."""
        data = source.metrics["data"]
        return PublicHeader(
            Path(source.config.data.data).name,
            blur_small(data["train"] + data["validation"]),
            blur_small(data["holdout"]),
            uncodable(source),
        )
