"""New records through a bundle: labels, probabilities, and which records a person should see."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from textlstm.bundle import MEAN_PROBABILITY, UNKNOWN_WORDS, Bundle
from textlstm.config import MIN_PROBABILITY
from textlstm.decisions import DECIMALS, prediction_sets, set_cells, tenths
from textlstm.errors import InputError, quoted
from textlstm.parts import in_order, processors
from textlstm.preprocessor import MOST_KNOWN
from textlstm.tables import Part

ACCEPT, REVIEW = "accept", "review"

NOTABLE = 0.05
"""Difference to the records trained on, in shares, from which new ones deserve a warning."""

ADDED_COLUMNS = ("predicted_label", "probability", "second_label", "decision")
"""``second_label`` is the next most probable one; empty where a model knows but one label."""

SET_COLUMN = "prediction_set"
"""Added where sets are asked for."""


@dataclass(frozen=True)
class Rule:
    """What is made of probabilities.

    Attributes
    ----------
    min_probability
        Below it the most probable label is for review.
    set_probability
        From it on a label belongs to the prediction set; if None, no sets are given.
    """

    min_probability: float = MIN_PROBABILITY
    set_probability: float | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns added to a table."""
        return ADDED_COLUMNS if self.set_probability is None else (*ADDED_COLUMNS, SET_COLUMN)


@dataclass(frozen=True)
class Scores:
    """The outcome for n texts.

    Attributes
    ----------
    probabilities
        (n, C), columns in the order of the bundle's labels.
    readable
        (n,) whether the text has any word of the vocabulary. Words known by their hash alone do
        not make it readable, though the model learned from some of them: others share the hash and
        were never seen. On held-out training records of a registry, two labels and two seeds, 86
        of 9,918 texts had no other words; 60 % of these were given their true label, and of 22 that
        a promise of 2 % error would have accepted, 2 were wrong.
    codable
        (C,) whether records are ever given the class; by default, they are.
    """

    probabilities: NDArray[np.float64]
    readable: NDArray[np.bool_]
    codable: NDArray[np.bool_] | None = None

    def ranked(self, place: int) -> NDArray[np.int64]:
        """Return each record's class number at that place, 0 being the most probable (n,)."""
        best: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        if place:  # faster than to sort, for the first few places
            left = self.probabilities.copy()
            for _ in range(place):
                left[np.arange(len(left)), best] = -1.0
                best = left.argmax(axis=1)
        return best

    def decisions(self, min_probability: float = MIN_PROBABILITY) -> list[str]:
        """Return accept or review for each record; see :meth:`accepted`."""
        return [ACCEPT if one else REVIEW for one in self.accepted(min_probability)]

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Return the probability of each record's label (n,); 0 where a person sees it anyway.

        That is where a text is empty or has no known word, and where the label is that of merged
        classes, which is no code.
        """
        sure = self.readable
        if self.codable is not None:
            sure = sure & self.codable[self.ranked(0)]
        return np.where(sure, rounded(self.probabilities.max(axis=1, initial=0.0)), 0.0)

    def accepted(self, min_probability: float) -> NDArray[np.bool_]:
        """Return whether each record's label is probable enough to be taken unseen (n,).

        A record of :attr:`confidence` 0 is always for review.
        """
        confidence = self.confidence
        sure: NDArray[np.bool_] = (confidence > 0) & (confidence >= min_probability)
        return sure

    def sets(self, threshold: float) -> NDArray[np.bool_]:
        """Return which labels are possible for each record (n, C): all, where no word is known."""
        return prediction_sets(self.probabilities, threshold) | ~self.readable[:, None]


def score(bundle: Bundle, texts: Sequence[str], device: torch.device | None = None) -> Scores:
    """Return what the bundle makes of preprocessed texts."""
    words, unknown = bundle.encoding.count_words(texts)
    return Scores(bundle.predict_proba(texts, device), words > unknown, bundle.codable)


@dataclass(frozen=True)
class Look:
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

    def strange(self, summary: Mapping[str, Any]) -> list[str]:
        """Return what tells these records from those trained on, as a bundle's summary has it.

        A difference counts from :data:`NOTABLE` on, where it cannot be the chance of few records:
        a share's standard error is at most half by the root of their number.
        """
        notable = max(NOTABLE, 3 * 0.5 / max(self.records - self.empty, 1) ** 0.5)
        usual, sure = summary[UNKNOWN_WORDS], summary[MEAN_PROBABILITY]
        found = []
        if self.unknown_share - usual > notable:
            found.append(
                f"{tenths(self.unknown_share)} of the words are unknown ({tenths(usual)} there)"
            )
        if sure - self.mean_probability > notable:
            found.append(f"the mean probability is {self.mean_probability:.3f} ({sure:.3f} there)")
        return found


def require_free_columns(table: pa.Table, added: Sequence[str]) -> None:
    """Raise an :class:`InputError` if the table has one of the columns to be added already."""
    for name in added:
        if name in table.column_names:
            raise InputError(f"the table has a column {quoted(name)} already; rename it first")


class Codes(NamedTuple):
    """What n records are coded as."""

    classes: NDArray[np.int64]  # (n,) number of the most probable class
    probabilities: NDArray[np.float64]  # (n,) of that class
    seconds: NDArray[np.int64]  # (n,) number of the next most probable class; -1 where none is left
    accepted: NDArray[np.bool_]  # (n,) False where a person should see the record
    words: NDArray[np.int64]  # (n,)
    unknown: NDArray[np.int64]  # (n,) words that are not in the vocabulary
    abbreviated: NDArray[np.bool_]  # (n,) whether an abbreviation was written out
    sets: NDArray[
        np.object_
    ]  # (n,) cells of the prediction sets; None where they are not asked for

    @classmethod
    def of(
        cls, bundle: Bundle, texts: Sequence[str], rule: Rule, device: torch.device | None = None
    ) -> Self:
        """Return what bundle and rule make of n preprocessed texts."""
        words, unknown = bundle.encoding.count_words(texts)
        scores = Scores(bundle.predict_proba(texts, device), words > unknown, bundle.codable)
        sets = np.full(len(texts), None, dtype=object)
        if rule.set_probability is not None:
            possible = scores.sets(rule.set_probability)
            sets[:] = set_cells(possible, scores.probabilities, bundle.labels)
        best = scores.probabilities.max(axis=1, initial=0.0)
        accepted = scores.accepted(rule.min_probability)
        classes, seconds = scores.ranked(0), np.full(len(texts), -1)
        if len(bundle.labels) > 1:
            seconds = scores.ranked(1)
        changed = [bundle.encoding.written_out(text) != text for text in texts]
        abbreviated = np.array(changed, dtype=np.bool_)
        return cls(classes, best, seconds, accepted, words, unknown, abbreviated, sets)

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Return these rows."""
        return type(self)._make([values[rows] for values in self])

    def added_to(self, table: pa.Table, rule: Rule, labels: Sequence[str]) -> pa.Table:
        """Return a table of n rows with the rule's columns behind its own."""
        names = pa.array(labels, pa.string())
        cells = [
            names.take(pa.array(self.classes)),
            pa.array(rounded(self.probabilities)),
            names.take(pa.array(self.seconds, mask=self.seconds < 0)),
            pa.array([REVIEW, ACCEPT]).take(pa.array(self.accepted.astype(np.int8))),
        ]
        if rule.set_probability is not None:
            cells.append(pa.array(self.sets, pa.string()))
        for name, column in zip(rule.columns, cells, strict=True):
            table = table.append_column(name, column)
        return table

    def look(self) -> Look:
        """Return how the records look to the model."""
        return Look(
            records=len(self.words),
            empty=int((self.words == 0).sum()),
            review=int((~self.accepted).sum()),
            words=int(self.words.sum()),
            unknown=int(self.unknown.sum()),
            abbreviated=int(self.abbreviated.sum()),
            probability=float(self.probabilities[self.words > 0].sum()),
        )


class Known:
    """The texts that were met so far, and their codes: most of those to come repeat them."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._codes: list[Codes] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def meet(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], list[str]]:
        """Return the number of each text (n,), and those that are new, in order."""
        before = len(self)
        numbers = [self._numbers.setdefault(text, len(self)) for text in texts]
        return np.array(numbers, dtype=np.int64), list(islice(self._numbers, before, None))

    def learn(self, codes: Codes) -> None:
        """Take the codes of new texts, in the order in which they were met."""
        values = zip(*self._codes, codes, strict=True)
        self._codes = [Codes(*map(np.concatenate, values))]

    def codes(self, numbers: NDArray[np.int64]) -> Codes:
        """Return the codes of texts by their numbers (n,)."""
        return self._codes[0].take(numbers)


class _Met(NamedTuple):
    """A part of a table of which every text has a number."""

    number: int  # of the part
    table: pa.Table  # n rows
    texts: NDArray[np.int64]  # (n,) the text of each row
    new: list[str]  # texts that stand in no part before
    known: Known


def code(
    parts: Iterable[tuple[int, Part]], bundle: Bundle, rule: Rule, device: torch.device
) -> Iterator[tuple[int, pa.Table, Look]]:
    """Yield the numbered parts of a table, the rule's columns behind its own, and a look at each.

    A text is coded once, in whatever parts it is repeated, unless :data:`MOST_KNOWN` others lie
    between: memory does not grow with the table.

    Raises
    ------
    InputError
        If the table has one of the columns to be added already.
    """

    def met() -> Iterator[_Met]:
        known = Known()
        for number, part in parts:
            require_free_columns(part.table, rule.columns)
            if len(known) > MOST_KNOWN:
                known = Known()
            texts, new = known.meet(part.texts)
            yield _Met(number, part.table, texts[part.places], new, known)

    def read(part: _Met) -> tuple[_Met, Codes]:
        return part, Codes.of(bundle, part.new, rule, device)

    # On processors, many parts at a time with a thread each are faster than the reverse.
    workers = processors() if device.type == "cpu" else 1
    single = partial(torch.set_num_threads, 1)
    for part, codes in in_order(read, met(), workers, single):
        part.known.learn(codes)  # results come in order: those of all parts before are there
        rows = part.known.codes(part.texts)
        yield part.number, rows.added_to(part.table, rule, bundle.labels), rows.look()


def rounded(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities to six decimals: what float32 logits can tell apart."""
    return probabilities.round(DECIMALS)
