"""Comparison: whether the network or a baseline is better, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from textlstm.evaluation.metrics import LINEAR, MODEL, SHARES
from textlstm.evaluation.outcomes import RIVALS
from textlstm.metrics_file import Compared, MeasuresJson, MetricsJson
from textlstm.reporting.sections.section import ReportInput, Section
from textlstm.uncertainty.intervals import tenths

COMPARED: dict[Compared, tuple[str, int]] = {
    "accuracy": ("accuracy", 1),
    "macro_f1": ("macro-F1", 1),
    "log_loss": ("log loss", -1),
}
"""Name of each compared measure, and 1 if higher values are better, -1 if lower values are."""


@dataclass(frozen=True)
class PublicVerdict:
    """The comparison, in a sentence a measure, and the name of the linear baseline."""

    clauses: Sequence[str]
    linear: str


class Verdict(Section[PublicVerdict]):
    """The comparison of the model with the baselines."""

    def public(self, source: ReportInput) -> PublicVerdict:
        """Return sentences on all records, which give away no small count."""
        return PublicVerdict(verdict(source.metrics)[1:], LINEAR)

    def css_class(self, shown: PublicVerdict) -> str:
        """Return what sets the verdict off from the rest of the page."""
        del shown
        return "verdict"

    def sentences(self, shown: PublicVerdict) -> list[str]:
        """Return the sentences."""
        return list(shown.clauses)


def verdict(metrics: MetricsJson) -> list[str]:
    """Say which model is better on the holdout: in one sentence, then in a sentence a measure.

    By each measure the model is compared with the best baseline. A model that learned nothing wins
    over no baseline.
    """
    lines = [_headline(metrics), *(_clause(metrics, key) for key in COMPARED)]
    if n_never := len(metrics["never_predicted"]):
        are, their = ("is", "its") if n_never == 1 else ("are", "their")
        n_classes = sum(row["support"] > 0 for row in metrics["per_class"].values())
        lines.append(
            f"{n_never} of {n_classes} classes of the holdout {are} never predicted: all of "
            f"{their} records are given another label."
        )
    return lines


def _rival(metrics: MetricsJson, key: Compared) -> str:
    """Return the key of the best baseline by a measure."""
    sign = COMPARED[key][1]
    return max(RIVALS, key=lambda name: sign * metrics["baselines"][name][key])


def winner(metrics: MetricsJson, key: Compared) -> str | None:
    """Return the name of the clear winner by a measure: the model or the best baseline, or None.

    The model must beat every baseline, with confidence intervals that do not contain zero.
    """
    sign, rival = COMPARED[key][1], _rival(metrics, key)
    bounds = {name: metrics["differences"][name][key] for name in RIVALS}
    lows = [min(sign * ends["low"], sign * ends["high"]) for ends in bounds.values()]
    if min(lows) > 0 and metrics["learned"]:
        return MODEL
    highest = max(sign * bounds[rival]["low"], sign * bounds[rival]["high"])
    return RIVALS[rival] if highest < 0 else None


def _headline(metrics: MetricsJson) -> str:
    """Say in one sentence how accurate the model is, and whether it beats the baselines."""
    model, baselines = metrics["model"], metrics["baselines"]
    if not metrics["learned"]:
        return _unproved(model, baselines["majority"])
    rival = _rival(metrics, "accuracy")
    results: dict[str, list[str]] = {}
    keys: tuple[Compared, ...] = ("accuracy", "log_loss")
    for key in keys:
        best = winner(metrics, key)
        result = f"{best} is better" if best else "no clear winner"
        results.setdefault(result, []).append(COMPARED[key][0])
    winners = ", ".join(f"{result} in {' and '.join(names)}" for result, names in results.items())
    return (
        f"{_among(metrics)}{MODEL} gives {tenths(model['accuracy'])} of the held-out records their "
        f"true label, {RIVALS[rival]} {tenths(baselines[rival]['accuracy'])}: {winners}."
    )


def _unproved(model: MeasuresJson, shares: MeasuresJson) -> str:
    """Say that a model is not better than the class shares, or only within chance."""
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


def _among(metrics: MetricsJson) -> str:
    """Return the restriction of the measures to known classes, if the holdout has others."""
    return "Among the classes that it learned, " if metrics["data"]["uncodable"]["records"] else ""


def _clause(metrics: MetricsJson, key: Compared) -> str:
    """Say in one sentence which model is better by a measure, and by how much."""
    name, sign = COMPARED[key]
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
