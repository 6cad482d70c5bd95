"""Drift: whether new records differ from the training records, in numbers and in words."""

from dataclasses import dataclass

from textlstm.metrics_file import DriftJson
from textlstm.reporting.public import blur_small
from textlstm.reporting.sections.section import ReportInput, Section


@dataclass(frozen=True)
class PublicDrift:
    """Statistics of the new records, as a share or a mean of all of them.

    Attributes
    ----------
    drift
        The statistics; the number of records with an abbreviation is blurred if small.
    threshold
        Difference, as a share, that is called drift.
    """

    drift: DriftJson
    threshold: float


class Drift(Section[PublicDrift]):
    """The comparison of new records with the training records."""

    name = "drift"

    def public(self, source: ReportInput) -> PublicDrift:
        """Return shares and means of all records, which give away no small count."""
        from textlstm.inference.drift import DRIFT_THRESHOLD

        drift = source.metrics["drift"]
        abbreviated = blur_small(drift["abbreviated"])
        return PublicDrift({**drift, "abbreviated": abbreviated}, DRIFT_THRESHOLD)

    def sentences(self, shown: PublicDrift) -> list[str]:
        """Return the warnings as one line."""
        warnings = "; ".join(shown.drift["warnings"])
        return [f"warning: these records are not like those of the training: {warnings}"] * bool(
            warnings
        )
