"""Decisions: what is coded automatically at a promised error, and which labels are possible at all.

Both are read off held-out records: training records as judged by a network that was not trained on
them. They hold for new records that are drawn as these were; where what is written on certificates
changes, so may the error. With ``--split temporal`` they are read off the latest of these records,
the nearest to those to come (``benchmarks/RESULTS.md``).

A new record may have a label that no model can give: that of a class too rare to be learned, which
``--rare drop`` or ``--rare merge`` took out. The left-out records have their share of such records,
which count as wrong where they are accepted and as not covered by any set.

A model that does no better than the shares of the classes has learned nothing, and promises
nothing.

Two things keep a promise from being exact for the model in use. Two numbers of it, the temperature
and the share of the linear branch, were fitted on the same records. And it is the mean of several
networks, each of which was judged alone on what it had left out: the mean errs less than one of
them, which puts the promise on the safe side. ``benchmarks/promises.py`` measures how it is kept.

Records of one text are judged alike, right or wrong together. A random split leaves records out of
texts that are trained on, and new records are taken to repeat them as these do. Where no text of a
left-out record is trained on (``--split grouped``), what is new are texts, and records tell less
than their number: n of them count as ``n / deff``, the design effect ``deff`` being the mean, over
these records, of how many of them have the record's text (Kish 1965; ``n**2 / (n_1**2 + n_2**2 +
...)`` for texts of so many records each). It is 1 where no text repeats. It takes all records of a
text for right or wrong together, and texts of many records for no more often wrong than others;
where they are, a promise may be broken. That of Korn and Graubard (1998), estimated from the errors
that are seen, sees nothing in few of them, and did not keep promises (``benchmarks/RESULTS.md``).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from textlstm.uncertainty.intervals import (
    CONFIDENCE,
    Counts,
    Flags,
    Floats,
    interval,
    percent,
    tenths,
    upper_bound,
)
from textlstm.uncertainty.out_of_fold import OutOfFold

PROMISED_ERRORS = (0.01, 0.02, 0.05)
"""The error rates a report is about; new records can be coded at any."""

FIRST_ERRORS = 10
"""Thresholds are tried from so many expected errors on: with fewer, a single record decides."""

RISK_SHARES = 0.8, 0.2
"""Shares of the risk of a broken promise that the two starts of a trial have."""

CURVE_POINTS = 100
"""Of a workload curve, at most."""

POINT_RECORDS = 10
"""Each point of a workload curve adds so many records at least: fewer would show single ones."""


def uncodable_sentence(share: float) -> str:
    """Say which share of the records no model can give their label."""
    return (
        f"{tenths(share)} of the records have a label that the model cannot give, since their "
        "classes are too rare; promises count them as errors"
    )


@dataclass(frozen=True)
class Promise:
    """What can be promised of an error rate.

    Attributes
    ----------
    max_error
        The error rate that was named.
    threshold
        The lowest probability that is accepted; infinite where nothing can be promised.
    records
        Held-out records it was found on.
    accepted
        Those of them at or above the threshold.
    effective
        How many records the held-out ones count as, being so often of one text.
    unknown_share
        Share of the held-out records whose class the model cannot give.
    learned
        Whether the model is better than the shares of the classes.
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
        """Return the share of the held-out records that is accepted."""
        return self.accepted / max(self.records, 1)

    def sentence(self) -> str:
        """Return the promise in words."""
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
            few = self.unknown_share * self.records < POINT_RECORDS
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
        """Say which share of the records is aimed at."""
        return (
            f"Aimed at: {tenths(self.share)} coded, the share among the {self.records:,} left-out "
            "training records."
        )


def promise(out_of_fold: OutOfFold, max_error: float) -> Promise:
    """Return the lowest threshold at which an error rate can be promised.

    Thresholds are tried from above, and the trial ends at the first at which the upper bound of the
    error rate among the accepted records exceeds ``max_error``. A trial of that order needs no
    correction for the number of thresholds (fixed-sequence testing; Bates et al. 2021, Angelopoulos
    et al. 2021, "Learn then Test"): over tables of held-out records drawn anew, at most one in
    twenty leads to a threshold above which the true error rate is larger, provided that the records
    are independent, or their texts where these are what is new. Records and errors count as the
    accepted records' design effect says.

    Where errors are spread over all probabilities, as those of rare classes are, few records at the
    start end the trial by chance. So it starts a second time, at half of the records, with a part
    of the risk that was put aside (:data:`RISK_SHARES`); a trial that comes there without an end
    goes on with all of the risk (the fallback procedure; Wiens and Dmitrienko 2005).

    Records that a person sees in any case are not accepted, and where nothing was learned none is.

    The first threshold tried accepts as many records as have :data:`FIRST_ERRORS` errors at the
    named rate, or half of all where that is less, yet enough to prove the rate if none is wrong.
    """
    n, effective = len(out_of_fold.top), out_of_fold.effective
    learned = out_of_fold.gain > 0
    nothing = Promise(max_error, math.inf, n, 0, effective, out_of_fold.unknown_share, learned)
    enough = math.log(1 - CONFIDENCE) / math.log(1 - max_error)
    first = min(FIRST_ERRORS / max_error, max(effective / 2, enough))
    # Records of one probability, such as those of one text, are accepted together.
    accepted = np.append(np.flatnonzero(np.diff(out_of_fold.top)) + 1, n) if n else np.zeros(0, int)
    accepted = accepted[out_of_fold.top[accepted - 1] > 0]
    effects = np.cumsum(out_of_fold.cluster_size)[accepted - 1] / accepted
    tried = accepted / effects >= first
    accepted, effects = accepted[tried], effects[tried]
    records = accepted / effects
    errors = np.cumsum(~out_of_fold.correct)[accepted - 1] / effects
    half = int((records < effective / 2).sum())
    passed, carried = 0, 0.0
    for start, end, share in zip((0, half), (half, len(accepted)), RISK_SHARES, strict=True):
        risk = carried + share * (1 - CONFIDENCE)
        fails = upper_bound(errors[start:end], records[start:end], 1 - risk) > max_error
        n_passed = int(fails.argmax()) if fails.any() else end - start
        passed = start + n_passed if n_passed else passed
        carried = risk if n_passed == end - start else 0.0
    if not passed or not learned:
        return nothing
    last = int(accepted[passed - 1])
    return replace(nothing, threshold=float(out_of_fold.top[last - 1]), accepted=last)


def risk_coverage_curve(
    probabilities: Floats, correct: Flags, cluster_size: Counts | None = None
) -> dict[str, list[float]]:
    """Return the error of what is coded automatically against its share, with 95 % intervals.

    Parameters
    ----------
    probabilities
        (n,) of the predicted class.
    correct
        (n,) whether it is the true one.
    alike
        (n,) as :func:`proportion` takes it.

    Returns
    -------
    dict
        ``share``, ``error``, ``low`` and ``high``, each of at most :data:`CURVE_POINTS` points,
        from the surest records to all. Of no records there is no point.
    """
    n = len(probabilities)
    order = np.argsort(-probabilities, kind="stable")
    ties = np.append(np.flatnonzero(np.diff(probabilities[order])) + 1, n)
    step, reached = max(POINT_RECORDS, n / CURVE_POINTS), [0]
    while reached[-1] + step <= n:  # records of one probability are accepted together
        reached.append(int(ties[np.searchsorted(ties, reached[-1] + step)]))
    # The last point takes in what is left.
    ends = np.array([*reached[1:-1], n] if n else [], dtype=np.int64)
    errors = np.cumsum(~correct[order])[ends - 1]
    effects = (
        np.cumsum(np.ones(n) if cluster_size is None else cluster_size[order])[ends - 1] / ends
    )
    low, high = interval(errors / effects, ends / effects)
    points = {"share": ends / n, "error": errors / ends, "low": low, "high": high}
    return {name: values.tolist() for name, values in points.items()}


def main_promise(decisions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the promise that a report shows class by class: the middle one of its metrics."""
    promises: list[dict[str, Any]] = decisions["promises"]
    return promises[len(promises) // 2]
