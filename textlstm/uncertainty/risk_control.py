"""Risk control: the threshold of abstention at which an error rate can be promised.

A record is coded automatically if the probability of its label reaches a threshold; otherwise it is
left to a person (abstention, selective classification). The threshold is chosen so that the error
rate among the coded records is at most the promised one, with 95 % confidence.

Promises and prediction sets are computed from out-of-fold predictions: of training records, by a
network that was not trained on them. They hold for new records drawn as these were; if the texts
change, the error rate may change too. With ``--split temporal`` the latest training records are
used, those nearest to the records to come (``benchmarks/RESULTS.md``).

A new record may have a label that no model can give: its class was too rare to be learned, and
``--rare drop`` or ``--rare merge`` removed it. The out-of-fold records contain such records in
their share of the table. They count as wrong where they are accepted, and no prediction set covers
them.

A model that is not better than the class shares has learned nothing and promises nothing.

Two things keep a promise from being exact for the model in use. Two of its numbers, the temperature
and the weight of the linear model, were fitted on the same records. And the model is the mean of
several networks, while each network was judged alone on the records it was not trained on. The mean
errs less than a single network, so the promise is on the safe side. ``benchmarks/promises.py``
measures how promises are kept.

Records with the same text are right or wrong together. A random split leaves out records whose
texts are trained on, and new records are assumed to repeat texts at the same rate. Where no text of
an out-of-fold record is trained on (``--split grouped``), promises must hold for new texts, and n
records count as ``n / deff``. The design effect ``deff`` is the mean, over the records, of the
number of records with the same text (Kish 1965; the effective number is ``n**2 / (n_1**2 + n_2**2 +
...)`` for texts of n_1, n_2, ... records). It is 1 where no text repeats. The formula assumes that
all records of a text are right or wrong together and that frequent texts are wrong no more often
than others; where they are, a promise may be broken. The design effect of Korn and Graubard (1998)
is estimated from the errors; it shows nothing where errors are few, and did not keep promises
(``benchmarks/RESULTS.md``).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np

from textlstm.array_types import Counts, Floats
from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.uncertainty.intervals import CONFIDENCE, percent, tenths, upper_bound
from textlstm.uncertainty.out_of_fold import OutOfFold

PROMISED_ERRORS = (0.01, 0.02, 0.05)
"""Error rates promised in a report; new records can be coded at any rate."""

FIRST_ERRORS = 10
"""Errors expected above the first threshold tested: with fewer, a single record would decide."""

RISK_SHARES = 0.8, 0.2
"""Shares of the risk of a broken promise that are spent at the two starts of the testing."""


Outcome = TypeVar("Outcome")


def uncodable_sentence(share: float) -> str:
    """Say which share of the records have a label that no model can give."""
    return (
        f"{tenths(share)} of the records have a label that the model cannot give, since their "
        "classes are too rare; promises count them as errors"
    )


@dataclass(frozen=True)
class Promise:
    """A promised error rate, and the threshold that keeps it.

    Attributes
    ----------
    max_error
        The promised error rate, at most.
    threshold
        The lowest probability that is accepted; infinite if nothing can be promised.
    records
        Number of out-of-fold records the threshold was found on.
    accepted
        Number of these records at or above the threshold.
    effective
        Effective number of out-of-fold records: repeated texts make it smaller than ``records``.
    unknown_share
        Share of the records whose class the model cannot give.
    learned
        Whether the model is better than the class shares.
    """

    max_error: float
    threshold: float
    records: int
    accepted: int
    effective: float
    unknown_share: float = 0.0
    learned: bool = True

    @property
    def share(self) -> float:
        """Return the share of the out-of-fold records that is accepted (the coverage)."""
        return self.accepted / max(self.records, 1)

    def sentence(self) -> str:
        """Write the promise, or why there is none, as a sentence."""
        left_out = f"{self.records:,} left-out training records"
        if not self.learned:
            return (
                f"No error is promised: on {left_out} the model is not shown to be better than the "
                f"class shares alone ({percent(CONFIDENCE)} confidence). Every record is for "
                "review."
            )
        if not self.accepted:
            repeated = self.effective < self.records
            count = f", which repeat texts and count as {self.effective:,.0f}" if repeated else ""
            few = self.unknown_share * self.records < SMALLEST_SHOWN
            unknown = (
                f", {'some' if few else tenths(self.unknown_share)} of them of classes that the "
                "model cannot give"
                if self.unknown_share >= self.max_error
                else ""
            )
            return (
                f"An error of at most {percent(self.max_error)} cannot be promised with "
                f"{left_out}{count}{unknown} ({percent(CONFIDENCE)} confidence): every record is "
                "for review."
            )
        return (
            f"At most {percent(self.max_error)} error is promised among the records that are coded "
            f"automatically ({percent(CONFIDENCE)} confidence). {self.aim()}"
        )

    def aim(self) -> str:
        """Say which share of new records should be coded automatically."""
        return (
            f"Aimed at: {tenths(self.share)} coded, the share among the {self.records:,} left-out "
            "training records."
        )


class _Thresholds(NamedTuple):
    """The k thresholds that are tested, the highest first."""

    accepted: Counts  # (k,) number of out-of-fold records at or above the threshold
    records: Floats  # (k,) effective number of these records
    errors: Floats  # (k,) effective number of the wrong ones among them


def promise(out_of_fold: OutOfFold, max_error: float) -> Promise:
    """Return the lowest threshold at which an error rate can be promised.

    Thresholds are tested from the highest down. Each test compares the upper confidence bound of
    the error rate among the accepted records (Clopper-Pearson) with ``max_error``, and the first
    bound above it ends the testing. Tests in a fixed sequence need no correction for their
    number (fixed-sequence testing in "Learn then Test", Angelopoulos et al. 2021; risk control,
    Bates et al. 2021): over draws of the out-of-fold records, at most one in twenty gives a
    threshold above which the true error rate is larger than promised, provided that the records are
    independent, or their texts if promises must hold for new texts. Numbers of records and of
    errors are divided by the design effect of the accepted records.

    Where errors are spread over all probabilities, as those of rare classes are, a few records at
    the start may end the testing by chance. Therefore it starts a second time at half of the
    records, with a part of the risk that was set aside (:data:`RISK_SHARES`). If the first start
    reaches that point without a failure, its risk is added to that of the second (the fallback
    procedure; Wiens and Dmitrienko 2005).

    Records that are always for review are never accepted, and a model that learned nothing accepts
    no record.
    """
    n, effective = len(out_of_fold.top), out_of_fold.effective
    learned = out_of_fold.gain > 0
    nothing = Promise(max_error, math.inf, n, 0, effective, out_of_fold.unknown_share, learned)
    thresholds = _thresholds(out_of_fold, max_error)
    passed = _last_passed(thresholds, effective / 2, max_error)
    if passed is None or not learned:
        return nothing
    accepted = int(thresholds.accepted[passed])
    return replace(nothing, threshold=float(out_of_fold.top[accepted - 1]), accepted=accepted)


def _thresholds(out_of_fold: OutOfFold, max_error: float) -> _Thresholds:
    """Return the thresholds to be tested: each probability of an out-of-fold record is one.

    The first one accepts as many records as have :data:`FIRST_ERRORS` errors at the promised rate,
    or half of all records if these are fewer; but always enough to prove the rate if none is wrong.
    """
    top, n, effective = out_of_fold.top, len(out_of_fold.top), out_of_fold.effective
    provable = math.log(1 - CONFIDENCE) / math.log(1 - max_error)
    first = min(FIRST_ERRORS / max_error, max(effective / 2, provable))
    # Records of equal probability, such as those of one text, are accepted together.
    accepted = np.append(np.flatnonzero(np.diff(top)) + 1, n) if n else np.zeros(0, int)
    accepted = accepted[top[accepted - 1] > 0]
    effects = np.cumsum(out_of_fold.cluster_size)[accepted - 1] / accepted
    records = accepted / effects
    errors = out_of_fold.count_errors(accepted) / effects
    tested = records >= first
    return _Thresholds(accepted[tested], records[tested], errors[tested])


def _last_passed(thresholds: _Thresholds, half: float, max_error: float) -> int | None:
    """Return the number of the last threshold that passes its test; None if none does.

    Parameters
    ----------
    half
        Half of the effective number of records, where the testing starts a second time.
    """
    _, records, errors = thresholds
    second_start = int((records < half).sum())
    ranges = (0, second_start), (second_start, len(records))
    last, carried = None, 0.0
    for (start, end), share in zip(ranges, RISK_SHARES, strict=True):
        risk = carried + share * (1 - CONFIDENCE)
        fails = upper_bound(errors[start:end], records[start:end], 1 - risk) > max_error
        n_passed = int(fails.argmax()) if fails.any() else end - start
        last = start + n_passed - 1 if n_passed else last
        carried = risk if n_passed == end - start else 0.0
    return last


def main_promise(promises: Sequence[Outcome]) -> Outcome:
    """Return the promise that a report shows class by class: the middle one."""
    return promises[len(promises) // 2]
