"""Comparisons of results that are made by hand."""

import dataclasses

import numpy as np
import pytest

from textlstm.comparison.comparing import Comparison
from textlstm.comparison.model_results import ModelResult, on_common_records
from textlstm.errors import InputError
from textlstm.uncertainty.predictions import Predictions

N = 200


def result(skill, seed=0, seconds=1.0, ids=None):
    """A model that gives the truth a probability of about ``skill``."""
    generator = np.random.default_rng(0)
    truth = generator.integers(3, size=N)
    noise = np.random.default_rng(seed).normal(scale=0.3, size=(N, 3))
    logits = np.log(np.where(np.eye(3)[truth] == 1, skill, (1 - skill) / 2)) + noise
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return ModelResult(
        record_ids=np.array([f"r{number}" for number in range(N)] if ids is None else ids),
        classes=("a", "b", "c"),
        truth=truth,
        texts=np.arange(N) // 20,
        unseen=np.ones(N, dtype=bool),
        predictions=Predictions.of(probabilities),
        n_training=400,
        n_parameters=10,
        train_seconds=seconds,
        rows_per_second=1000.0,
    )


def compared(results, same_holdout=False, grouped=False):
    return Comparison.of(results, same_holdout=same_holdout, grouped=grouped)


def seeds(skill, n_seeds=4, seconds=1.0):
    return [result(skill, seed + round(1000 * skill), seconds) for seed in range(n_seeds)]


def test_models_are_ordered_by_log_loss_and_the_worse_ones_are_named():
    found = compared({"bad": seeds(0.4), "good": seeds(0.8), "as good": seeds(0.8001)})
    assert set(found.names[:2]) == {"good", "as good"} and found.names[2] == "bad"
    assert found.really_worse == ["bad"]
    assert (found.n_records, found.n_seeds, found.new_splits) == (N, 4, True)
    losses = [model.scores["log_loss"].estimate for model in found.models]
    assert losses == sorted(losses)
    expected = np.mean([one.measures.log_loss for one in seeds(0.4)])
    assert losses[2] == pytest.approx(expected)
    assert found.differences["log_loss"].difference[2, 0] == pytest.approx(losses[2] - losses[0])


def test_trade_offs_are_the_models_that_none_beats_in_both():
    found = compared(
        {
            "best": seeds(0.8, seconds=9.0),
            "slow": seeds(0.7, seconds=20.0),
            "fast": seeds(0.6, seconds=2.0),
            "bad": seeds(0.4, seconds=2.0),
        }
    )
    assert found.names == ["best", "slow", "fast", "bad"]
    assert found.trade_offs == [True, False, True, False]


def test_intervals_hold_only_possible_values():
    found = compared({"good": seeds(0.99, 2), "bad": seeds(0.35, 2)})
    for model in found.models:
        for name, score in model.scores.items():
            assert 0 <= score.low <= score.estimate <= score.high
            assert score.high <= 1 or name == "log_loss"


def test_on_one_holdout_records_are_resampled():
    found = compared({"good": [result(0.8)], "bad": [result(0.4, 1)]})
    assert not found.new_splits and found.n_seeds == 1
    assert found.really_worse == ["bad"]
    alike = compared({"one": [result(0.6)], "other": [result(0.6)]})
    assert alike.really_worse == []
    assert alike.models[0].auroc == pytest.approx(result(0.6).measures.auroc)


def test_grouped_holdouts_are_resampled_by_text():
    results = {}
    for name, one in (("good", result(0.6)), ("bad", result(0.5, 1))):
        first = one.texts * 20  # records of one text have one label and one prediction
        alike = {"truth": one.truth[first], "predictions": one.predictions.take(first)}
        results[name] = [dataclasses.replace(one, **alike)]
    by_record, by_text = (compared(results, grouped=grouped) for grouped in (False, True))
    margins = [found.differences["log_loss"].margin[0, 1] for found in (by_record, by_text)]
    assert margins[1] > 1.5 * margins[0]


def test_seeds_of_one_holdout_add_the_chance_of_training():
    one = {"good": [result(0.8)], "bad": [result(0.7, 1)]}
    several = {"good": seeds(0.8, 3), "bad": seeds(0.7, 3)}
    found = compared(several, same_holdout=True)
    assert (found.new_splits, found.n_seeds) == (False, 3)
    assert found.really_worse == ["bad"]
    by_seed = compared(several).differences["log_loss"].margin[0, 1]
    assert by_seed > 0 and found.differences["log_loss"].margin[0, 1] > 0
    assert compared(one, same_holdout=True).really_worse == ["bad"]


def test_one_model_is_no_comparison():
    with pytest.raises(InputError, match="two models"):
        compared({"one": seeds(0.5)})


def test_only_records_of_every_holdout_are_compared():
    ids = [f"r{number}" for number in range(N)]
    shifted = [f"r{number}" for number in range(150, 150 + N)]
    first, second = result(0.6), result(0.7, ids=shifted)
    truth = second.truth.copy()
    truth[:50] = first.truth[150:]
    second = dataclasses.replace(second, truth=truth)
    one, other = on_common_records([first, second])
    assert one.record_ids.tolist() == other.record_ids.tolist() == ids[150:]
    assert one.truth.tolist() == other.truth.tolist() == first.truth[150:].tolist()
    rows = second.predictions.probabilities[:50]
    assert (other.predictions.probabilities[other.predictions.rows] == rows).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ("a", "b", "d")}, "2 classes are not known to all"),
        ({"record_ids": np.array([f"x{number}" for number in range(N)])}, "no record"),
        ({"truth": np.zeros(N, dtype=int)}, "other labels"),
    ],
)
def test_results_of_other_records_or_labels_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        on_common_records([result(0.6), dataclasses.replace(result(0.6), **change)])
