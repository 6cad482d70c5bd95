"""What became of promises on the holdout, and whether a model learned anything."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textlstm.evaluation.metrics import LINEAR, SHARES
from textlstm.uncertainty.intervals import percent, tenths

RIVALS = {"tfidf_logreg": LINEAR, "majority": SHARES}
"""What the baselines of a run are called."""

CHANCE = 0.01
"""Probability that as large a lead in accuracy over the most frequent class comes by chance."""


def learned(
    difference: Mapping[str, float], hits: NDArray[np.bool_], rival_hits: NDArray[np.bool_]
) -> bool:
    """Return whether a model is better than the shares of the classes alone.

    Its log loss is lower, the 95 % interval apart from zero; or it is right where the most frequent
    class is wrong so much more often than the reverse that it is not chance (exact sign test of
    discordant pairs, McNemar 1947).

    Parameters
    ----------
    difference
        Of the log loss, model minus class shares: ``high`` is the end of its 95 % interval.
    hits, rival_hits
        (n,) whether the model, and the most frequent class, give each record its true label.
    """
    if difference["high"] < 0:
        return True
    # Imported late, as in decisions.
    from scipy.special import bdtrc

    better, worse = int((hits & ~rival_hits).sum()), int((~hits & rival_hits).sum())
    return bool(better > worse and bdtrc(better - 1, better + worse, 0.5) < CHANCE)


def promise_outcome(max_error: float, coded: Mapping[str, Any], error: Mapping[str, Any]) -> str:
    """Say in words what became of a promise on the holdout; nothing if no record was accepted.

    Parameters
    ----------
    coded, error
        Which share of the records was coded automatically, and which share of these is wrong, as
        :func:`.proportion` gives them.
    """
    if error["share"] is None:
        return ""
    found = (
        f"On the holdout, {tenths(coded['share'])} of the records are coded automatically, and "
        f"{_with_interval(error)} of these are wrong"
    )
    promised = f"the promised error of at most {percent(max_error)}"
    if error["share"] <= max_error:
        return f"{found}: {promised} is kept."
    if error["low"] <= max_error:
        return f"{found}: {promised} is missed, though within chance."
    return (
        f"{found}: {promised} is broken by more than chance. Do not rely on it where texts are as "
        "new as those of the holdout, or records differ as much from those of the training."
    )


def coverage_outcome(coverage: float, covered: Mapping[str, Any]) -> str:
    """Say in words whether prediction sets cover what was aimed at, on the holdout.

    Parameters
    ----------
    covered
        The share of sets that hold the true label; see :func:`.proportion`.
    """
    if covered["share"] is None:
        return ""
    if covered["share"] >= coverage:
        result = "reached"
    elif covered["high"] >= coverage:
        result = "missed, though within chance"
    else:
        result = "missed by more than chance"
    return (
        f"{percent(coverage)} coverage aimed at, {_with_interval(covered)} measured on the "
        f"holdout: {result}."
    )


def _with_interval(share: Mapping[str, Any]) -> str:
    low, high = (f"{100 * share[name]:.1f}" for name in ("low", "high"))
    return f"{tenths(share['share'])} (95 % interval {low} to {high} %)"
