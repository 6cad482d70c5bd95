"""Drift: whether new records differ from the training records, by statistics of their inputs."""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Self

from textlstm.array_types import Counts, Flags, Floats
from textlstm.errors import counted
from textlstm.inference.bundle_files import MEAN_PROBABILITY, UNCODABLE, UNKNOWN_WORDS
from textlstm.metrics_file import DriftJson
from textlstm.summaries import TrainingSummary
from textlstm.uncertainty.intervals import tenths
from textlstm.uncertainty.risk_control import uncodable_sentence

if TYPE_CHECKING:
    from textlstm.inference.bundle import Bundle

DRIFT_THRESHOLD = 0.05
"""Difference from the training records, as a share, that gives a warning."""


@dataclass(frozen=True)
class InputStatistics:
    """Statistics of the inputs of some records; those of chunks add up to those of the table.

    Attributes
    ----------
    records, empty, review
        Numbers of records: all, those without a word, and those for review.
    words, unknown
        Numbers of words, abbreviations written out: all, and those not in the vocabulary.
    probability
        Sum of the probabilities of the most probable class, over records with a word.
    abbreviated
        Number of records with an abbreviation that was written out.
    incomplete
        Number of records that lack a number or a category beside their text.
    """

    records: int = 0
    empty: int = 0
    review: int = 0
    words: int = 0
    unknown: int = 0
    probability: float = 0.0
    abbreviated: int = 0
    incomplete: int = 0

    @classmethod
    def of(
        cls, words: Counts, unknown: Counts, accepted: Flags, highest: Floats, abbreviated: Flags
    ) -> Self:
        """Count over n records.

        Parameters
        ----------
        words, unknown
            (n,) words of each record: all, and those not in the vocabulary.
        accepted, abbreviated
            (n,) whether the record is not for review, and whether an abbreviation was written out.
        highest
            (n,) probability of the most probable class.
        """
        return cls(
            records=len(words),
            empty=int((words == 0).sum()),
            review=int((~accepted).sum()),
            words=int(words.sum()),
            unknown=int(unknown.sum()),
            abbreviated=int(abbreviated.sum()),
            probability=float(highest[words > 0].sum()),
        )

    def __add__(self, other: Self) -> Self:
        return type(self)(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    @property
    def empty_share(self) -> float:
        """Return the share of records without a word."""
        return self.empty / max(self.records, 1)

    @property
    def unknown_share(self) -> float:
        """Return the share of words that are not in the vocabulary."""
        return self.unknown / max(self.words, 1)

    @property
    def mean_probability(self) -> float:
        """Return the mean probability of the most probable class, over records with a word."""
        return self.probability / max(self.records - self.empty, 1)

    def drift_warnings(self, summary: TrainingSummary) -> list[str]:
        """Compare with the training records, whose statistics stand in a bundle's summary.

        A difference of at least :data:`DRIFT_THRESHOLD` gives a warning, unless chance explains it
        because the records are few: the standard error of a share of n records is at most
        ``0.5 / sqrt(n)``.
        """
        threshold = max(DRIFT_THRESHOLD, 3 * 0.5 / max(self.records - self.empty, 1) ** 0.5)
        usual_unknown, usual_probability = summary[UNKNOWN_WORDS], summary[MEAN_PROBABILITY]
        warnings = []
        if self.unknown_share - usual_unknown > threshold:
            warnings.append(
                f"{tenths(self.unknown_share)} of the words are unknown "
                f"({tenths(usual_unknown)} there)"
            )
        if usual_probability - self.mean_probability > threshold:
            warnings.append(
                f"the mean probability is {self.mean_probability:.3f} "
                f"({usual_probability:.3f} there)"
            )
        return warnings

    def compared_with(self, summary: TrainingSummary) -> DriftJson:
        """Return the statistics beside those of the training records, and :meth:`drift_warnings`.

        ``summary`` is that of a bundle.
        """
        return {
            "unknown_words": self.unknown_share,
            "unknown_words_in_training": summary[UNKNOWN_WORDS],
            "mean_probability": self.mean_probability,
            "mean_probability_in_training": summary[MEAN_PROBABILITY],
            "abbreviated": self.abbreviated,
            "warnings": self.drift_warnings(summary),
        }


def summary_lines(statistics: InputStatistics, bundle: "Bundle", out: object = "") -> Iterator[str]:
    """Yield a summary of scored records in sentences, drift warnings last.

    Parameters
    ----------
    out
        Where the predictions were written; empty if nowhere.
    """
    records = counted(statistics.records, "record")
    written = f": {out}" if out else ""
    yield f"{records} coded, {statistics.review} of them for review{written}"
    yield (
        f"{tenths(statistics.empty_share)} of the records without a word; "
        f"{tenths(statistics.unknown_share)} of the words unknown; "
        f"mean probability {statistics.mean_probability:.3f}"
    )
    if statistics.abbreviated:
        yield (
            f"{counted(statistics.abbreviated, 'record has', 'records have')} abbreviations "
            "that are not in the vocabulary; written out"
        )
    if statistics.incomplete:
        yield (
            f"{counted(statistics.incomplete, 'record lacks', 'records lack')} a number or a "
            "category beside the text; coded without it"
        )
    if uncodable := bundle.summary[UNCODABLE]:
        yield f"in training, {uncodable_sentence(uncodable)}"
    if bundle.out_of_fold.gain <= 0:
        yield "warning: the model is not shown to be better than the class shares alone"
    if warnings := statistics.drift_warnings(bundle.summary):
        yield f"warning: these records are not like those of the training: {'; '.join(warnings)}"
