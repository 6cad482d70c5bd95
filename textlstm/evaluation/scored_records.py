"""Labelled records with a model's scores: the share coded automatically, and its error rate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from textlstm.array_types import Counts, Flags, Floats, Integers
from textlstm.inference.scoring import Scores
from textlstm.uncertainty.intervals import Proportion, proportion
from textlstm.uncertainty.predictions import Predictions
from textlstm.uncertainty.risk_coverage import RiskCoverageCurve, risk_coverage_curve


@dataclass(frozen=True)
class Coding:
    """The share of some records that is coded automatically, and the share of it that is wrong."""

    coded: Proportion
    error: Proportion


@dataclass(frozen=True)
class ScoredRecords:
    """Labelled records, with a model's scores of their texts.

    Attributes
    ----------
    scores
        Of the n records, which have B distinct texts.
    labels
        (n,) true class numbers; -1 for a class that the model does not know.
    unseen
        (n,) whether the text is absent from the training records.
    cluster_size
        (n,) number of records with the text of each if measures must hold for new texts; else 1.
    """

    scores: Scores
    labels: Integers
    unseen: Flags
    cluster_size: Counts

    @property
    def predictions(self) -> Predictions:
        """Return the predictions of the records."""
        return self.scores.predictions

    @property
    def known(self) -> Flags:
        """Tell which records are of a class that the model knows (n,)."""
        flags: Flags = self.labels >= 0
        return flags

    @cached_property
    def codable(self) -> Flags:
        """Tell which records are of a class that is ever coded (n,)."""
        codable = self.scores.codable
        return self.known if codable is None else self.known & codable[self.labels]

    @cached_property
    def correct(self) -> Flags:
        """Tell which records would be coded with their true class (n,)."""
        flags: Flags = self.codable & self.predictions.correct(self.labels)
        return flags

    @cached_property
    def confidence(self) -> Floats:
        """Return the probability of each record's label (n,); 0 if it is always for review."""
        return self.scores.confidence

    def accepted(self, threshold: float) -> Flags:
        """Tell which records are coded automatically at a threshold (n,)."""
        return self.scores.accepted(threshold)

    def coding(self, accepted: Flags, among: Flags) -> Coding:
        """Measure automatic coding among some records, given flags of accepted and of all (n,)."""
        coded, size = among & accepted, self.cluster_size
        return Coding(
            coded=proportion(accepted[among], size[among]),
            error=proportion(~self.correct[coded], size[coded]),
        )

    def curve(self, records: Flags) -> RiskCoverageCurve:
        """Return the risk-coverage curve of some records."""
        return risk_coverage_curve(
            self.confidence[records], self.correct[records], self.cluster_size[records]
        )

    def predicted_as(self, names: Sequence[str]) -> Iterator[tuple[str, Flags]]:
        """Yield each class with the records (n,) predicted as it, of the classes that are known."""
        for number, name in enumerate(names):
            yield name, self.known & (self.predictions.predicted == number)
