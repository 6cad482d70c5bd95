"""Drift: how new records differ from those a model was trained on."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any, Self

from textlstm.inference.bundle_files import MEAN_PROBABILITY, UNKNOWN_WORDS
from textlstm.uncertainty.intervals import tenths

DRIFT_THRESHOLD = 0.05
"""Difference to the records trained on, in shares, from which new ones deserve a warning."""


@dataclass(frozen=True)
class InputStatistics:
    """How records look to a model; looks at parts of a table add up to that at the whole.

    Attributes
    ----------
    records, empty, review
        Records in all, those without a word, and those for a person.
    words, unknown
        Their words in all, abbreviations written out, and those that are not in the vocabulary.
    probability
        The sum of the probabilities of the most probable class, over records with any word.
    abbreviated
        Records with an abbreviation that was written out.
    """

    records: int = 0
    empty: int = 0
    review: int = 0
    words: int = 0
    unknown: int = 0
    probability: float = 0.0
    abbreviated: int = 0

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
        """Return the mean probability of the most probable class, of records with any word."""
        return self.probability / max(self.records - self.empty, 1)

    def drift_warnings(self, summary: Mapping[str, Any]) -> list[str]:
        """Return what tells these records from those trained on, as a bundle's summary has it.

        A difference counts from :data:`DRIFT_THRESHOLD` on, where it cannot be the chance of few
        records:
        a share's standard error is at most half by the root of their number.
        """
        notable = max(DRIFT_THRESHOLD, 3 * 0.5 / max(self.records - self.empty, 1) ** 0.5)
        usual, sure = summary[UNKNOWN_WORDS], summary[MEAN_PROBABILITY]
        found = []
        if self.unknown_share - usual > notable:
            found.append(
                f"{tenths(self.unknown_share)} of the words are unknown ({tenths(usual)} there)"
            )
        if sure - self.mean_probability > notable:
            found.append(f"the mean probability is {self.mean_probability:.3f} ({sure:.3f} there)")
        return found
