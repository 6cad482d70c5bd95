"""Sentences on the results: whether promises were kept, and whether a model learned anything."""

from typing import NamedTuple

from textlstm.array_types import Flags
from textlstm.evaluation.bootstrap import Estimate
from textlstm.evaluation.metrics import LINEAR, SHARES
from textlstm.uncertainty.intervals import Proportion, percent, tenths

RIVALS = {"tfidf_logreg": LINEAR, "majority": SHARES}
"""Names of the baselines in sentences and figures, by their names in ``metrics.json``."""

CHANCE = 0.01
"""Probability at which a lead in accuracy over the most frequent class counts as chance, at most
(the p-value of the sign test)."""


class Sample(NamedTuple):
    """What the records that a model is measured on are called in sentences."""

    name: str  # with its article
    records: str
    has_folder: bool  # whether figures and tables stand beside the page
    broken: str  # where a promise that is broken on them should not be relied on


HOLDOUT = Sample(
    "the holdout",
    "holdout records",
    has_folder=True,
    broken="where texts are as new as those of the holdout, or records differ as much from those "
    "of the training",
)
"""Records of the table that the model learned from; it did not learn from these."""

NEW_RECORDS = Sample(
    "the new records", "new records", has_folder=False, broken="for records like these"
)
"""Labelled records of another table."""


def learned(log_loss: Estimate, hits: Flags, rival_hits: Flags) -> bool:
    """Tell whether a model is better than the class shares alone.

    It is if its log loss is lower, with the 95 % confidence interval apart from zero; or if it is
    right where the most frequent class is wrong so much more often than the reverse that chance
    does not explain it (exact sign test of discordant pairs, McNemar 1947).

    Parameters
    ----------
    log_loss
        Difference of the log loss, model minus class shares.
    hits, rival_hits
        (n,) whether the model, and the most frequent class, are the true label of each record.
    """
    if log_loss.high < 0:
        return True
    # Imported late, as in the confidence intervals.
    from scipy.special import bdtrc

    better, worse = int((hits & ~rival_hits).sum()), int((~hits & rival_hits).sum())
    return bool(better > worse and bdtrc(better - 1, better + worse, 0.5) < CHANCE)


def promise_outcome(
    max_error: float, coded: Proportion, error: Proportion, sample: Sample = HOLDOUT
) -> str:
    """Say whether a promised error rate was kept; empty if no record was accepted.

    Parameters
    ----------
    coded, error
        Share of the records that was coded automatically, and share of these that is wrong.
    sample
        What the records are called.
    """
    if coded.share is None or error.share is None:
        return ""
    measured = (
        f"On {sample.name}, {tenths(coded.share)} of the records are coded automatically, and "
        f"{_with_interval(error)} of these are wrong"
    )
    promised = f"the promised error of at most {percent(max_error)}"
    if error.share <= max_error:
        return f"{measured}: {promised} is kept."
    if error.low <= max_error:
        return f"{measured}: {promised} is missed, though within chance."
    return (
        f"{measured}: {promised} is broken by more than chance. Do not rely on it {sample.broken}."
    )


def coverage_outcome(coverage: float, covered: Proportion, sample: Sample = HOLDOUT) -> str:
    """Say whether prediction sets reached their coverage; empty without records.

    Parameters
    ----------
    covered
        Share of the sets that hold the true label.
    sample
        What the records are called.
    """
    if covered.share is None:
        return ""
    if covered.share >= coverage:
        result = "reached"
    elif covered.high >= coverage:
        result = "missed, though within chance"
    else:
        result = "missed by more than chance"
    return (
        f"{percent(coverage)} coverage aimed at, {_with_interval(covered)} measured on "
        f"{sample.name}: {result}."
    )


def accuracy_outcome(
    accuracy: Proportion,
    holdout: Proportion | None = None,
    difference: Estimate | None = None,
    *,
    some_unknown: bool = False,
) -> str:
    """Say how accurate a model is on new records, and whether it is so on the holdout of its run.

    Parameters
    ----------
    accuracy, holdout
        Of the new records and of the holdout; None if the holdout was not measured.
    difference
        New records minus holdout.
    some_unknown
        Whether some new records, which do not count here, have a label that the model does not
        know.
    """
    classes = " of the classes that the model knows" if some_unknown else ""
    measured = f"Of the new records{classes}, {_with_interval(accuracy)} get their true label"
    if holdout is None or holdout.share is None or difference is None:
        return f"{measured}."
    points = f"{100 * abs(difference.estimate):.1f} percentage points"
    if points.startswith("0.0 "):
        result = "as many"
    else:
        result = f"{points} {'more' if difference.estimate > 0 else 'fewer'}"
    chance = "within chance" if difference.low <= 0 <= difference.high else "more than chance"
    low, high = (f"{100 * end:+.1f}" for end in (difference.low, difference.high))
    return (
        f"{measured}, against {tenths(holdout.share)} on the holdout of the run: {result}, "
        f"{chance} (95 % interval of the difference {low} to {high})."
    )


def _with_interval(measured: Proportion) -> str:
    low, high = (f"{100 * end:.1f}" for end in (measured.low, measured.high))
    return f"{tenths(measured.share or 0.0)} (95 % interval {low} to {high} %)"
