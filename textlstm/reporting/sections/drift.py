"""Drift: whether new records differ from the training records, in numbers and in words."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textlstm.metrics_file import DriftJson
from textlstm.reporting.public import blur_small
from textlstm.reporting.sections.section import Measured, OnStep, ReportInput, Section

if TYPE_CHECKING:
    from textlstm.inference.bundle import Bundle
    from textlstm.inference.drift import InputStatistics


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
    """The comparison of new records with the training records.

    Parameters
    ----------
    statistics
        Of the new records.
    """

    name = "drift"

    def __init__(self, statistics: "InputStatistics") -> None:
        self._statistics = statistics

    def measure(self, source: ReportInput, bundle: "Bundle", on_step: OnStep) -> Measured:
        """Compare the statistics with those that the bundle keeps of its training records."""
        from textlstm.inference.bundle_files import MEAN_PROBABILITY, UNKNOWN_WORDS

        del source, on_step
        new, trained = self._statistics, bundle.summary
        drift: DriftJson = {
            "unknown_words": new.unknown_share,
            "unknown_words_in_training": trained[UNKNOWN_WORDS],
            "mean_probability": new.mean_probability,
            "mean_probability_in_training": trained[MEAN_PROBABILITY],
            "abbreviated": new.abbreviated,
            "warnings": new.drift_warnings(trained),
        }
        return Measured({"drift": drift})

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
