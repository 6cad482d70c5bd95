"""The tables and the page of a comparison of models."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pandas as pd

from textlstm.comparison.comparing import MAIN_SCORE, SCORES, ComparedModel, Comparison
from textlstm.errors import counted
from textlstm.reporting.drawing import png
from textlstm.reporting.filters import embed_png, render_page
from textlstm.reporting.learning_curve import SearchResult, draw_learning_curve
from textlstm.reporting.trade_offs import draw_trade_offs
from textlstm.storage.atomic import write_bytes
from textlstm.storage.spreadsheet import write_csv

SCORE_DECIMALS = 6
"""Decimals of the tables."""


def comparison_table(comparison: Comparison) -> pd.DataFrame:
    """Return a row for each model: its scores with intervals, its costs, and its best trade-off."""
    rows = []
    for model, trade_off in zip(comparison.models, comparison.trade_offs, strict=True):
        row: dict[str, object] = {"model": model.name}
        for score, value in model.scores.items():
            row |= {score: value.estimate, f"{score}_low": value.low, f"{score}_high": value.high}
        row |= {"auroc": model.auroc, "auprc": model.auprc, "parameters": model.n_parameters}
        row |= {"train_seconds": model.train_seconds, "rows_per_second": model.rows_per_second}
        rows.append({**row, "best_trade_off": trade_off})
    return pd.DataFrame(rows).round(SCORE_DECIMALS)


def differences_table(comparison: Comparison) -> pd.DataFrame:
    """Return a row for each score and each two models: their difference, and whether it is real."""
    rows = [
        _difference(comparison, score, first, second)
        for score in SCORES
        for first, second in combinations(range(len(comparison.models)), 2)
    ]
    return pd.DataFrame(rows).round(SCORE_DECIMALS)


def _difference(comparison: Comparison, score: str, first: int, second: int) -> dict[str, object]:
    differences, names = comparison.differences[score], comparison.names
    difference, margin = differences.difference[first, second], differences.margin[first, second]
    return {
        "score": score,
        "first": names[first],
        "second": names[second],
        "difference": difference,
        "low": difference - margin,
        "high": difference + margin,
        "real": differences.real[first, second],
    }


def sentences(comparison: Comparison) -> list[str]:
    """Return the result in words: the best model, the worse ones, and the faster ones."""
    best, *others = comparison.models
    worse = comparison.really_worse
    alike = [model.name for model in others if model.name not in worse]
    of_seeds = f", the mean of {comparison.n_seeds} seeds" if comparison.n_seeds > 1 else ""
    loss = best.scores[MAIN_SCORE].estimate
    said = [f"{best.name} has the lowest log loss, {loss:.4f}{of_seeds}."]
    if worse:
        verb = "are" if len(worse) > 1 else "is"
        said[0] += f" Of {counted(len(others), 'other model')}, {len(worse)} {verb} really worse."
    if alike:
        said.append(f"It cannot be told from {', '.join(alike)}.")
    faster = [m for m, flag in zip(comparison.models, comparison.trade_offs, strict=True) if flag]
    if len(faster) > 1:
        named = [f"{model.name} ({model.train_seconds:.1f} s)" for model in faster]
        said.append(f"The best trade-offs of log loss and training time: {', '.join(named)}.")
    return said


@dataclass(frozen=True)
class ShownModel:
    """A model as the page shows it.

    Attributes
    ----------
    about
        What its recipe is, in a sentence.
    gaps
        For each score, its difference from the best model with the margin, and whether it is real.
    """

    model: ComparedModel
    about: str
    trade_off: bool
    gaps: dict[str, tuple[float, float, bool]]


def comparison_page(
    comparison: Comparison,
    subject: str,
    about: Mapping[str, str],
    made: str,
    pictures: Mapping[str, bytes],
    search: SearchResult | None = None,
) -> str:
    """Return the page of a comparison: no script, and nothing that is loaded from elsewhere.

    Parameters
    ----------
    subject
        What the models predict.
    about
        What a model is, in a sentence, by its name; others have none.
    made
        How the comparison was made, in sentences.
    pictures
        PNG files: ``trade_offs`` and, after a search, ``learning_curve``.
    search
        What a search found, if there was one.
    """
    shown = []
    for row, model in enumerate(comparison.models):
        gaps = {
            score: (
                float(of_score.difference[row, 0]),
                float(of_score.margin[row, 0]),
                bool(of_score.real[row, 0]),
            )
            for score, of_score in comparison.differences.items()
        }
        flag = comparison.trade_offs[row]
        shown.append(ShownModel(model, about.get(model.name, ""), flag, gaps))
    return render_page(
        "comparison",
        style_sheet="report",
        comparison=comparison,
        shown=shown,
        subject=subject,
        sentences=sentences(comparison),
        pictures={name: embed_png(content) for name, content in pictures.items()},
        search=search,
        made=made,
    )


def write_comparison(
    folder: Path,
    comparison: Comparison,
    subject: str,
    about: Mapping[str, str],
    made: str,
    search: SearchResult | None = None,
) -> None:
    """Write tables, figures and page to a folder; the arguments are those of the page."""
    write_csv(folder / "comparison.csv", comparison_table(comparison))
    write_csv(folder / "differences.csv", differences_table(comparison))
    pictures = {"trade_offs": png(draw_trade_offs(comparison))}
    if search is not None:
        write_csv(folder / "learning_curve.csv", search.curve.round(SCORE_DECIMALS))
        pictures["learning_curve"] = png(draw_learning_curve(search.curve))
    for name, content in pictures.items():
        write_bytes(folder / f"{name}.png", content)
    page = comparison_page(comparison, subject, about, made, pictures, search)
    write_bytes(folder / "comparison.html", page.encode("utf-8"))
