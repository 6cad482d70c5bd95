"""Measure a trained model on its holdout: its predictions, and what it costs."""

import time
from collections.abc import Mapping

import pandas as pd

from textlstm.comparison.model_results import ModelResult
from textlstm.evaluation.holdout import Holdout
from textlstm.inference.bundle import Bundle
from textlstm.inference.scoring import score_and_count

TIMED_PASSES = 3
"""Passes over the texts of the holdout, of which the fastest counts: the first ones warm up."""


def measure_model(
    bundle: Bundle, splits: Mapping[str, pd.DataFrame], train_seconds: float
) -> ModelResult:
    """Code the holdout records of the classes that a model knows.

    Parameters
    ----------
    splits
        ``train``, ``validation`` and ``holdout``: record_id, text, label.
    train_seconds
        Time of the training.
    """
    holdout = Holdout.of(splits, None, bundle.labels)
    seconds = []
    for _ in range(TIMED_PASSES):
        started = time.perf_counter()
        predictions = score_and_count(bundle, holdout.inputs).scores.predictions
        seconds.append(time.perf_counter() - started)
    known = holdout.known
    return ModelResult(
        record_ids=holdout.records["record_id"][known].to_numpy(dtype=str),
        classes=tuple(bundle.labels),
        truth=holdout.labels[known],
        texts=holdout.text_numbers[known],
        unseen=(holdout.times == 0)[known],
        predictions=predictions.take(known),
        n_training=len(holdout.training),
        n_parameters=sum(values.numel() for values in bundle.network.parameters()),
        train_seconds=train_seconds,
        rows_per_second=len(holdout.inputs.values) / min(seconds),
    )
