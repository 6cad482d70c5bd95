"""The verdict on a run, in words: which model is better, and whether promises were kept."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textlstm.decisions import percent, tenths
from textlstm.metrics import LINEAR, MODEL, SHARES

RIVALS = {"tfidf_logreg": LINEAR, "majority": SHARES}
"""What the baselines of a run are called."""

MEASURES = {"accuracy": ("accuracy", 1), "macro_f1": ("macro-F1", 1), "log_loss": ("log loss", -1)}
"""The measures that are compared: the name, and 1 where higher is better, -1 where lower is."""

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


def verdict(metrics: Mapping[str, Any]) -> list[str]:
    """Say in words which model is better on the holdout: in a sentence, then a line a measure.

    The model is held against the best of the baselines, whichever it is by each measure. A model
    that learned nothing wins over none of them.
    """
    lines = [_headline(metrics), *(_clause(metrics, key) for key in MEASURES)]
    if never := len(metrics["never_predicted"]):
        are, their = ("is", "its") if never == 1 else ("are", "their")
        n_classes = sum(row["support"] > 0 for row in metrics["per_class"].values())
        lines.append(
            f"{never} of {n_classes} classes of the holdout {are} never predicted: all of {their} "
            "records are given another label."
        )
    return lines


def _rival(metrics: Mapping[str, Any], key: str) -> str:
    """Return the best of the baselines by a measure."""
    sign = MEASURES[key][1]
    return max(RIVALS, key=lambda name: sign * metrics["baselines"][name][key])


def winner(metrics: Mapping[str, Any], key: str) -> str | None:
    """Return which model is better by a measure: the model, the best baseline, or none clearly."""
    sign, rival = MEASURES[key][1], _rival(metrics, key)
    bounds = {name: metrics["differences"][name][key] for name in RIVALS}
    lows = [min(sign * each["low"], sign * each["high"]) for each in bounds.values()]
    if min(lows) > 0 and metrics["learned"]:
        return MODEL
    highest = max(sign * bounds[rival]["low"], sign * bounds[rival]["high"])
    return RIVALS[rival] if highest < 0 else None


def _headline(metrics: Mapping[str, Any]) -> str:
    """Say how good the model is, and whether it is better than the baselines, in a sentence."""
    model, baselines = metrics["model"], metrics["baselines"]
    if not metrics["learned"]:
        return _unproved(model, baselines["majority"])
    rival = _rival(metrics, "accuracy")
    results: dict[str, list[str]] = {}
    for key in ("accuracy", "log_loss"):
        best = winner(metrics, key)
        result = f"{best} is better" if best else "no clear winner"
        results.setdefault(result, []).append(MEASURES[key][0])
    found = ", ".join(f"{result} in {' and '.join(names)}" for result, names in results.items())
    return (
        f"{_among(metrics)}{MODEL} gives {tenths(model['accuracy'])} of the held-out records their "
        f"true label, {RIVALS[rival]} {tenths(baselines[rival]['accuracy'])}: {found}."
    )


def _unproved(model: Mapping[str, Any], shares: Mapping[str, Any]) -> str:
    """Say that a model is not better than the class shares, or that it may be by chance."""
    measured = (
        f"log loss {model['log_loss']:.4f} against {shares['log_loss']:.4f} nats, accuracy "
        f"{tenths(model['accuracy'])} against {tenths(shares['accuracy'])}"
    )
    if model["log_loss"] < shares["log_loss"] or model["accuracy"] > shares["accuracy"]:
        return (
            f"It is not shown that anything was learned: on the holdout {MODEL} is ahead of the "
            f"{SHARES}, but within chance ({measured})."
        )
    return (
        f"Nothing was learned: on the holdout {MODEL} is no better than the {SHARES} ({measured})."
    )


def _among(metrics: Mapping[str, Any]) -> str:
    """Say of which records measures speak, where the model does not know all classes."""
    return "Among the classes that it learned, " if metrics["data"]["uncodable"]["records"] else ""


def _clause(metrics: Mapping[str, Any], key: str) -> str:
    name, sign = MEASURES[key]
    rival = _rival(metrics, key)
    difference = metrics["differences"][rival][key]
    ahead, behind = MODEL, RIVALS[rival]
    if sign * difference["estimate"] < 0:
        ahead, behind = behind, ahead
    by = f"by {abs(difference['estimate']):.4f}"
    if by.endswith("0.0000"):
        result = "both models are equal"
    elif winner(metrics, key):
        result = f"{ahead} beats {behind} {by}"
    elif not metrics["learned"]:
        result = (
            f"no winner, since it is not shown that anything was learned; {ahead} is ahead {by}"
        )
    else:
        result = f"no clear winner; {ahead} is ahead {by}, within chance"
    ours, theirs = metrics["model"][key], metrics["baselines"][rival][key]
    return (
        f"{name[0].upper()}{name[1:]}: {result} ({MODEL} {ours:.4f}, {RIVALS[rival]} "
        f"{theirs:.4f}; difference {difference['estimate']:+.4f}, 95 % interval "
        f"{difference['low']:+.4f} to {difference['high']:+.4f})."
    )


def promise_outcome(max_error: float, coded: Mapping[str, Any], error: Mapping[str, Any]) -> str:
    """Say in words what became of a promise on the holdout; nothing if no record was accepted.

    Parameters
    ----------
    coded, error
        Which share of the records was coded automatically, and which share of these is wrong, as
        :func:`textlstm.decisions.proportion` gives them.
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
        The share of sets that hold the true label; see :func:`textlstm.decisions.proportion`.
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
