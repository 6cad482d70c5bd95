"""The figure of a comparison: log loss against the time of training."""

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from textlstm.comparison.comparing import MAIN_SCORE, ComparedModel, Comparison
from textlstm.reporting.drawing import FIRST, INK, SOFT, WIDTH, plain_axes, shorten


def draw_trade_offs(comparison: Comparison) -> Figure:
    """Draw each model by training time and log loss, and join the best trade-offs.

    A filled dot cannot be told from the best model. Models off the line have the number of their
    row in the table.
    """
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    axes = figure.subplots()
    worse = set(comparison.really_worse)
    best = [model for model, on_line in _flagged(comparison) if on_line]
    axes.plot([m.train_seconds for m in best], [_loss(m) for m in best], color=FIRST, alpha=0.5)
    for number, (model, on_line) in enumerate(_flagged(comparison), start=1):
        colour = FIRST if on_line else SOFT
        face = "white" if model.name in worse else colour
        point = model.train_seconds, _loss(model)
        axes.scatter(*point, s=34, color=colour, facecolor=face, zorder=3)
        name = f"{number} {shorten(model.name, 24)}" if on_line else str(number)
        ink = INK if on_line else SOFT
        axes.annotate(name, point, (5, 4), textcoords="offset points", color=ink, fontsize=8)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(lambda value, _: "")
    axes.margins(x=0.12, y=0.12)
    axes.set_xlabel("training in seconds")
    axes.set_ylabel("log loss in nats; lower is better")
    plain_axes(axes)
    return figure


def _flagged(comparison: Comparison) -> list[tuple[ComparedModel, bool]]:
    return list(zip(comparison.models, comparison.trade_offs, strict=True))


def _loss(model: ComparedModel) -> float:
    return model.scores[MAIN_SCORE].estimate
