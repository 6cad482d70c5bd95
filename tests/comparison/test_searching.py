"""The search of a recipe on training records, and its learning curve."""

import sys

import numpy as np
import pandas as pd
import pytest

from textlstm.comparison.searching import (
    InnerSplit,
    measure_learning_curve,
    search,
    searched_fields,
)
from textlstm.errors import InputError
from textlstm.models.logits import resolve_device
from textlstm.recipe import Recipe
from textlstm.text.tokenizing import preprocess

CPU = resolve_device("cpu")
RECIPE = Recipe().with_fields(
    epochs=2, embedding_size=8, hidden_units=8, learning_rate=0.02, batch_size=16, min_count=1
)


@pytest.fixture
def inner(table):
    texts = preprocess(list(zip(table["cause"], table["other"], strict=True)))
    records = pd.DataFrame({"text": texts, "label": table["category"]})
    parts = {"train": records[:90], "validation": records[90:100]}
    return InnerSplit.of(parts, {}, "stratified", seed=0)


def searched(inner, folder, n_trials, recipe=RECIPE):
    losses = []
    fields = search(
        recipe, inner, n_trials, folder / "journal", CPU, lambda *told: losses.append(told)
    )
    return fields, losses


def test_training_records_are_divided_once_more(inner):
    assert (len(inner.train), len(inner.measured)) == (70, 30)
    assert not set(inner.train.index) & set(inner.measured.index)


def test_the_loss_is_that_of_the_measured_records(inner):
    loss = inner.log_loss(RECIPE, CPU)
    assert 0 < loss < np.log(3)
    trained_longer = inner.log_loss(RECIPE.with_fields(epochs=12), CPU)
    assert trained_longer < loss == inner.log_loss(RECIPE, CPU)


def test_the_first_trial_is_the_recipe_and_the_lowest_loss_is_found(inner, tmp_path):
    fields, losses = searched(inner, tmp_path, 3)
    assert [number for number, *_ in losses] == [1, 2, 3]
    assert losses[0][1] == pytest.approx(inner.log_loss(RECIPE, CPU))
    assert losses[-1][2] == min(loss for _, loss, _ in losses)
    assert inner.log_loss(RECIPE.with_fields(**fields), CPU) == pytest.approx(losses[-1][2])


def test_an_interrupted_search_resumes(inner, tmp_path, monkeypatch):
    measured, whole = [], InnerSplit.log_loss

    def interrupted(self, recipe, device):
        measured.append(recipe)
        if len(measured) == 2:
            raise KeyboardInterrupt
        return whole(self, recipe, device)

    monkeypatch.setattr(InnerSplit, "log_loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        searched(inner, tmp_path, 3)
    _, losses = searched(inner, tmp_path, 3)
    assert [number for number, *_ in losses] == [2, 3] and len(measured) == 4


def test_trials_of_another_search_are_refused(inner, tmp_path):
    searched(inner, tmp_path, 1)
    with pytest.raises(InputError, match="another recipe or of other records"):
        searched(inner, tmp_path, 1, RECIPE.with_fields(cell="gru"))


def test_a_length_that_the_recipe_fixes_is_not_searched(inner, tmp_path):
    fixed = RECIPE.with_fields(max_length=3, hidden_units=1000)
    assert "length_percentile" in searched_fields(RECIPE)
    assert "length_percentile" not in searched_fields(fixed)
    fields, _ = searched(inner, tmp_path, 1, fixed)
    assert fields["hidden_units"] == 1000 and "length_percentile" not in fields


def test_more_records_are_learned_from_step_by_step(inner):
    sizes = []
    curve = measure_learning_curve(RECIPE, inner, CPU, sizes.append)
    assert curve["records"].tolist() == sizes == [9, 18, 35, 70]
    assert curve["log_loss"].iloc[-1] == pytest.approx(inner.log_loss(RECIPE, CPU))


def test_without_optuna_the_command_says_what_to_install(inner, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match=r"needs optuna; .*\[search\]"):
        searched(inner, tmp_path, 1)
