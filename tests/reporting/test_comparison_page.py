"""The page of a comparison: its sentences, its tables, and who can use it."""

import numpy as np
import pandas as pd
import pytest
from browser import DARK, LIGHT, needs_axe, violations

from textlstm.comparison.comparing import ComparedModel, Comparison
from textlstm.comparison.pairwise import PairwiseDifferences
from textlstm.evaluation.bootstrap import Estimate
from textlstm.recipe import Recipe
from textlstm.reporting.comparison_page import (
    comparison_page,
    comparison_table,
    differences_table,
    sentences,
)
from textlstm.reporting.drawing import png
from textlstm.reporting.learning_curve import SearchResult, draw_learning_curve
from textlstm.reporting.trade_offs import draw_trade_offs

LOSSES = (0.3, 0.31, 0.5)


def made(n_models=3, new_splits=True):
    """Models of these losses; what differs by 0.1 is real."""
    models = [
        ComparedModel(
            name, dict.fromkeys(("accuracy", "macro_f1"), Estimate(0.9, 0.8, 1.0))
            | {"log_loss": Estimate(loss, loss - 0.1, loss + 0.1)},
            0.95, None, 250_000, seconds, 12_000.0,
        )
        for name, loss, seconds in zip(("a <b>", "c", "d"), LOSSES, (9.0, 2.0, 3.0), strict=True)
    ][:n_models]  # fmt: skip
    losses = np.array(LOSSES[:n_models])
    gaps = losses[:, None] - losses
    differences = {"accuracy": 0 * gaps, "macro_f1": 0 * gaps, "log_loss": gaps}
    margin = np.full(gaps.shape, 0.1)
    pairs = {name: PairwiseDifferences(gap, margin) for name, gap in differences.items()}
    return Comparison(tuple(models), pairs, 120, 3 if new_splits else 1, new_splits)


def page(comparison, search=None):
    pictures = {"trade_offs": png(draw_trade_offs(comparison))}
    if search is not None:
        pictures["learning_curve"] = png(draw_learning_curve(search.curve))
    about = {"c": "The recipe c."}
    return comparison_page(comparison, "label from text", about, "Made today.", pictures, search)


def found():
    curve = pd.DataFrame({"records": [10, 20], "log_loss": [0.9, 0.6]})
    return SearchResult(Recipe(), Recipe().with_fields(hidden_units=70, dropout=0.25), 9, curve)


def test_the_result_in_words():
    assert sentences(made()) == [
        "a <b> has the lowest log loss, 0.3000, the mean of 3 seeds. Of 2 other models, 1 is "
        "really worse.",
        "It cannot be told from c.",
        "The best trade-offs of log loss and training time: a <b> (9.0 s), c (2.0 s).",
    ]
    assert sentences(made(2, new_splits=False))[:2] == [
        "a <b> has the lowest log loss, 0.3000.",
        "It cannot be told from c.",
    ]


def test_tables_say_the_same():
    models = comparison_table(made())
    assert models["best_trade_off"].tolist() == [True, True, False]
    assert models["log_loss_high"].tolist() == [0.4, 0.41, 0.6]
    pairs = differences_table(made()).set_index(["score", "first", "second"])
    assert len(pairs) == 9
    row = pairs.loc["log_loss", "a <b>", "d"]
    assert (row["difference"], row["low"], row["high"], row["real"]) == (-0.2, -0.3, -0.1, True)
    assert not pairs.loc["accuracy"]["real"].any()


def test_the_page_shows_models_differences_and_method():
    shown = page(made())
    assert "a &lt;b&gt;" in shown and "<b>" not in shown
    assert "+0.2000 ± 0.1000" in shown and shown.count('class="best">+0.2000') == 1
    assert "250 k" in shown and "The recipe c." in shown and "Made today." in shown
    assert "Nadeau and Bengio" in shown and "resampled" not in shown
    assert "resampled" in page(made(new_splits=False))


def test_the_page_shows_what_a_search_found():
    assert found().changes == [("hidden_units", 64, 70), ("dropout", 0.0, 0.25)]
    shown = page(made(), found())
    assert "9 trials" in shown and "hidden_units" in shown and "0.25" in shown
    unchanged = SearchResult(Recipe(), Recipe(), 9, found().curve)
    assert "None was better than the recipe as it is." in page(made(), unchanged)
    assert "trials" not in page(made())


@needs_axe
@pytest.mark.parametrize(("width", "scheme"), [(400, DARK), (1200, LIGHT)])
def test_axe_finds_nothing_wrong_with_a_comparison(tmp_path, width, scheme):
    assert violations(page(made(), found()), tmp_path, width, scheme) == []
