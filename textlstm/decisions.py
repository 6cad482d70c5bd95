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

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textlstm.errors import InputError

CONFIDENCE = 0.95
"""Of every promise and every interval."""

PROMISED_ERRORS = (0.01, 0.02, 0.05)
"""The error rates a report is about; new records can be coded at any."""

ONE_SIDED = 1.645
"""Standard errors below a mean at which its one-sided bound of that confidence lies."""

SMALLEST_PROBABILITY = 1e-15
"""A probability of zero would have an infinite logarithm."""

COVERAGES = (0.90, 0.95)
"""The coverages of prediction sets a report is about; new records can be given any."""

FIRST_ERRORS = 10
"""Thresholds are tried from so many expected errors on: with fewer, a single record decides."""

RISK_SHARES = 0.8, 0.2
"""Shares of the risk of a broken promise that the two starts of a trial have."""

MOST_HELD_OUT = 20_000
"""So many held-out records are kept: more would promise hardly more, and fill the bundle."""

DECIMALS = 6
"""Of probabilities: what float32 logits can tell apart."""

CURVE_POINTS = 100
"""Of a workload curve, at most."""

POINT_RECORDS = 10
"""Each point of a workload curve adds so many records at least: fewer would show single ones."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class HeldOut:
    """What is known of a model from n training records that it was not trained on.

    Attributes
    ----------
    top
        (n,) probability of the most probable class, from the highest down; 0 where a person sees
        the record whatever the probability: no word is known, or the class is never coded.
    true
        (n,) probability of the true class: 0 where the model cannot give it, 1 where a set holds
        every label.
    correct
        (n,) whether these are the same class.
    alike
        (n,) how many of them have the record's text, where texts are kept together; else 1.
    known
        (n,) whether the model can give the true class at all.
    gain
        By how many nats the log probability of the true class is above that of the shares of the
        classes, on average: the lower bound of a one-sided 95 % interval. Infinite where it was
        not measured.
    uncodable
        Share of the table's records whose class the model cannot give, as far as it is known.
    """

    top: Floats
    true: Floats
    correct: Flags
    alike: Counts
    known: Flags
    gain: float = math.inf
    uncodable: float = 0.0

    @classmethod
    def of(
        cls,
        probabilities: Floats,
        labels: NDArray[np.integer[Any]],
        seed: int = 0,
        places: NDArray[np.integer[Any]] | None = None,
        *,
        texts: NDArray[np.integer[Any]] | None = None,
        readable: Flags | None = None,
        codable: Flags | None = None,
        shares: Floats | None = None,
        weights: NDArray[np.floating[Any]] | None = None,
        uncodable: float = 0.0,
    ) -> Self:
        """Return what matters of the judgement of n records.

        Of more than :data:`MOST_HELD_OUT` records, so many are drawn. Ordered by probability, they
        do not tell where in the table they stood.

        Parameters
        ----------
        probabilities
            (B, C).
        labels
            (n,) class numbers; -1 for a class that the model cannot give.
        places
            (n,) the row of the probabilities of each record; by default, its own.
        texts
            (n,) the text of each record, where identical texts were left out together.
        readable
            (B,) whether any word is known; by default, one is.
        codable
            (C,) whether the class is ever coded; by default, it is.
        shares
            (C,) shares of the classes among the training records, which the gain is over.
        weights
            (n,) of the records in the gain; by default all are 1.
        uncodable
            As the attribute.
        """
        rows = np.random.default_rng(seed).permutation(len(labels))[:MOST_HELD_OUT]
        judged = rows if places is None else places[rows]
        labels, mine = labels[rows], probabilities[judged]
        seen = np.ones(len(rows), np.bool_) if readable is None else readable[judged]
        coded = np.ones(mine.shape[1], np.bool_) if codable is None else codable
        known, best = (labels >= 0) & coded[labels], mine.argmax(axis=1)
        of_true = mine[np.arange(len(rows)), labels]
        top = np.where(seen & coded[best], mine.max(axis=1), 0.0).round(DECIMALS)
        true = np.where(known, np.where(seen, of_true, 1.0), 0.0).round(DECIMALS)
        correct = known & (best == labels)
        order = np.lexsort((-true, -top))
        alike = np.ones(len(rows), np.int64) if texts is None else repeats(texts[rows])
        gain = math.inf
        if shares is not None:
            gains = np.log(np.clip(of_true, SMALLEST_PROBABILITY, None)) - np.log(shares[labels])
            weighed = known * (1.0 if weights is None else weights[rows])
            gain = lower_mean(gains[weighed > 0], weighed[weighed > 0], alike[weighed > 0])
        return cls(
            top[order], true[order], correct[order], alike[order], known[order], gain, uncodable
        )

    @property
    def effective(self) -> float:
        """Return how many records they count as."""
        return len(self.top) / design_effect(self.alike)

    @property
    def unknown_share(self) -> float:
        """Return the share of records whose class the model cannot give: here, or in the table."""
        return max(float((~self.known).mean()) if len(self.known) else 0.0, self.uncodable)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        values: dict[str, Any] = {
            "top": self.top.tolist(),
            "true": self.true.tolist(),
            "correct": self.correct.astype(int).tolist(),
        }
        values |= {"alike": self.alike.tolist()} if (self.alike > 1).any() else {}
        values |= {} if self.known.all() else {"known": self.known.astype(int).tolist()}
        values |= {"uncodable": self.uncodable} if self.uncodable else {}
        return values | ({"gain": self.gain} if math.isfinite(self.gain) else {})

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return what :meth:`to_dict` gave.

        Raises
        ------
        InputError
            If these are not so many probabilities each, from the highest down, or counts.
        """
        top, true = (_numbers(values[name], int, float) for name in ("top", "true"))
        ones = [1] * len(top)
        correct, known, alike = (
            _numbers(values.get(name, ones), int) for name in ("correct", "known", "alike")
        )
        gain, uncodable = _numbers(
            [values.get("gain", math.inf), values.get("uncodable", 0.0)], int, float
        ).tolist()
        flags = correct == 1, known == 1
        # Of a correct record both probabilities are the same; or a person sees it, and a set holds
        # every label.
        seen = top == 0
        both = np.where(flags[0], (true == top) | (seen & (true == 1)), (true <= top) | seen)
        if {len(each) for each in (top, true, correct, alike, known)} != {len(top)} or not (
            len(top)
            and all(((each >= 0) & (each <= 1)).all() for each in (top, true, correct, known))
            and ((alike >= 1) & (alike <= len(top))).all()
            and (flags[1] | (~flags[0] & (true == 0))).all()
            and both.all()
            and (np.diff(top) <= 0).all()
            and not math.isnan(gain)
            and 0 <= uncodable <= 1
        ):
            raise InputError("what is known of held-out records does not fit together")
        return cls(top, true, flags[0], alike.astype(np.int64), flags[1], gain, uncodable)


def _numbers(values: Any, *kinds: type) -> Floats:
    """Return a list (n,) of numbers of some types as an array.

    Raises
    ------
    InputError
        If something else stands there, such as text or a truth value.
    """
    if type(values) is not list or any(type(one) not in kinds for one in values):
        raise InputError("what is known of held-out records does not fit together: no numbers")
    return np.array(values, dtype=np.float64)


def lower_mean(values: Floats, weights: Floats, alike: Counts) -> float:
    """Return the lower bound of the mean of values (n,), weighted, by the normal distribution.

    Values count as their design effect says; of fewer than two there is no bound.

    >>> values, ones = np.array([0.0, 2.0] * 50), np.ones(100)
    >>> round(lower_mean(values, ones, np.ones(100, dtype=int)), 3)
    0.835
    """
    if len(values) < 2:
        return -math.inf
    mean = np.average(values, weights=weights)
    squares = (weights**2 * (values - mean) ** 2).sum() / (len(values) - 1) * len(values)
    error = math.sqrt(squares * design_effect(alike)) / weights.sum()
    return float(mean - ONE_SIDED * error)


def repeats(texts: Sequence[Any] | NDArray[Any]) -> Counts:
    """Return how many of n texts are equal to each (n,).

    >>> repeats(["mi", "stroke", "mi"])
    array([2, 1, 2])
    """
    _, places, counts = np.unique(texts, return_inverse=True, return_counts=True)
    equal: Counts = counts[places].astype(np.int64)
    return equal


def design_effect(alike: Counts) -> float:
    """Return how many records count as one, given how many have the text of each (n,).

    >>> design_effect(np.array([3, 3, 3, 1])), design_effect(np.ones(4, dtype=int))
    (2.5, 1.0)
    """
    return float(alike.mean()) if len(alike) else 1.0


# ---------------------------------------------------------------------------------- bounds


def upper_bound(events: Any, records: Any, confidence: float = CONFIDENCE) -> Any:
    """Return the one-sided upper bound of a share, of numbers or arrays (Clopper, Pearson 1934).

    Both may be fractions, where records are counted as fewer than they are.

    >>> round(float(upper_bound(0, 149)), 4)
    0.0199
    """
    # Imported late: it takes a tenth of a second, and records can be coded without a promise.
    from scipy.special import betaincinv

    events, records = np.asarray(events), np.asarray(records)
    return np.where(
        events < records,
        betaincinv(events + 1, np.where(events < records, records - events, 1), confidence),
        1.0,
    )


def interval(events: Any, records: Any) -> tuple[Any, Any]:
    """Return the two-sided 95 % interval of a share, of numbers or arrays.

    >>> low, high = interval(0, 100)
    >>> float(low), round(float(high), 4)
    (0.0, 0.0362)
    """
    each_side = (1 + CONFIDENCE) / 2
    high = upper_bound(events, records, each_side)
    low = 1 - upper_bound(np.asarray(records) - events, records, each_side)
    return low, high


def proportion(events: Flags, alike: Counts | None = None) -> dict[str, float | int | None]:
    """Return the share of records (n,) of which something is true, with its 95 % interval.

    Where what is new are texts, ``alike`` (n,) says how many records have that of each.
    """
    effect = 1.0 if alike is None else design_effect(alike)
    low, high = interval(events.sum() / effect, len(events) / effect)
    share = float(events.mean()) if len(events) else None
    return {"share": share, "low": float(low), "high": float(high), "records": len(events)}


# ---------------------------------------------------------------------------------- promises


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


def percent(share: float) -> str:
    """Write a share that somebody named in percent, as it was named.

    >>> percent(0.125), percent(0.02), percent(1.0)
    ('12.5 %', '2 %', '100 %')
    """
    return f"{100 * share:.3g} %"


def tenths(share: float) -> str:
    """Write a share that was measured, to a tenth of a percent.

    >>> tenths(0.86712), tenths(0.02), tenths(1.0)
    ('86.7 %', '2.0 %', '100.0 %')
    """
    return f"{100 * share:.1f} %"


def promise(held_out: HeldOut, max_error: float) -> Promise:
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
    n, effective = len(held_out.top), held_out.effective
    learned = held_out.gain > 0
    nothing = Promise(max_error, math.inf, n, 0, effective, held_out.unknown_share, learned)
    enough = math.log(1 - CONFIDENCE) / math.log(1 - max_error)
    first = min(FIRST_ERRORS / max_error, max(effective / 2, enough))
    # Records of one probability, such as those of one text, are accepted together.
    accepted = np.append(np.flatnonzero(np.diff(held_out.top)) + 1, n) if n else np.zeros(0, int)
    accepted = accepted[held_out.top[accepted - 1] > 0]
    effects = np.cumsum(held_out.alike)[accepted - 1] / accepted
    tried = accepted / effects >= first
    accepted, effects = accepted[tried], effects[tried]
    records = accepted / effects
    errors = np.cumsum(~held_out.correct)[accepted - 1] / effects
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
    return replace(nothing, threshold=float(held_out.top[last - 1]), accepted=last)


def workload(
    probabilities: Floats, correct: Flags, alike: Counts | None = None
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
    effects = np.cumsum(np.ones(n) if alike is None else alike[order])[ends - 1] / ends
    low, high = interval(errors / effects, ends / effects)
    points = {"share": ends / n, "error": errors / ends, "low": low, "high": high}
    return {name: values.tolist() for name, values in points.items()}


def main_promise(decisions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the promise that a report shows class by class: the middle one of its metrics."""
    promises: list[dict[str, Any]] = decisions["promises"]
    return promises[len(promises) // 2]


# ---------------------------------------------------------------------------------- sets


def set_threshold(held_out: HeldOut, coverage: float) -> float:
    """Return the lowest probability of a label that belongs to a prediction set.

    Split conformal prediction, least ambiguous sets (Sadinle, Lei and Wasserman 2019): over draws
    of held-out and new records, the true label is in the set in at least the named share of them.
    Where there are too few held-out records to say so, or too many of them have a class that the
    model cannot give, it is 0: any label is possible, and no set holds the true one so often.

    A new record counts as one more held-out record, of which the true label may be anywhere. Where
    what is new are texts, it is one more text: as many records as the design effect says.
    """
    if held_out.unknown_share > 1 - coverage:
        return 0.0
    n = len(held_out.true)
    rank = math.ceil((n + design_effect(held_out.alike)) * coverage)
    return float(np.sort(held_out.true)[n - rank]) if rank <= n else 0.0


def every_label(held_out: HeldOut, coverage: float) -> str:
    """Say why sets of a coverage hold every label, or nothing where they do not."""
    if set_threshold(held_out, coverage) > 0:
        return ""
    if held_out.unknown_share > 1 - coverage:
        return (
            f"No set can hold the true label in {percent(coverage)} of records: "
            f"{_share_or_some(held_out)} of them are of classes that the model cannot give. Every "
            "set holds every label."
        )
    return (
        f"{len(held_out.top):,} left-out training records are too few for sets that hold the true "
        f"label in {percent(coverage)} of records: every set holds every label."
    )


def _share_or_some(held_out: HeldOut) -> str:
    """Return the share of records of unknown classes; where they are few, no number tells them."""
    few = held_out.unknown_share * len(held_out.top) < POINT_RECORDS
    return "some" if few else tenths(held_out.unknown_share)


def prediction_sets(probabilities: Floats, threshold: float) -> Flags:
    """Return which labels (n, C) belong to each set; the most probable one always does."""
    best = probabilities.max(axis=1, keepdims=True)
    members: Flags = probabilities.round(DECIMALS) >= np.minimum(threshold, best.round(DECIMALS))
    return members


def set_cells(members: Flags, probabilities: Floats, labels: Sequence[str]) -> list[str]:
    """Return each set as a JSON list of labels, the most probable first.

    >>> set_cells(np.array([[True, False, True]]), np.array([[0.2, 0.1, 0.7]]), ["A", "B", "C"])
    ['["C", "A"]']
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")
    return [
        json.dumps([labels[c] for c in ranked if inside[c]], ensure_ascii=False)
        for ranked, inside in zip(order, members, strict=True)
    ]
