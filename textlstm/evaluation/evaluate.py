"""Evaluate a model on labelled records: on the holdout of its run, beside its baselines."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from textlstm.array_types import Flags, Floats, Integers
from textlstm.data.inputs import record_inputs
from textlstm.evaluation.baselines import BASELINES, baseline_rows
from textlstm.evaluation.bootstrap import Differences, paired_bootstrap
from textlstm.evaluation.data_facts import DataFacts
from textlstm.evaluation.decisions import Decisions, measure_decisions
from textlstm.evaluation.holdout import Holdout
from textlstm.evaluation.levels import leaf_labelled, measure_levels
from textlstm.evaluation.metrics import (
    Measures,
    intervals_by_class,
    log_losses,
    measures_by_class,
)
from textlstm.evaluation.outcomes import RIVALS, learned
from textlstm.evaluation.results import Calibration, Evaluation
from textlstm.evaluation.scored_records import ScoredRecords
from textlstm.evaluation.subgroups import RecordOutcomes, seen_names
from textlstm.inference.bundle import Bundle
from textlstm.inference.scoring import rounded, score_and_count
from textlstm.summaries import RecordsSummary
from textlstm.uncertainty.calibration import undo_temperature
from textlstm.uncertainty.intervals import proportion
from textlstm.uncertainty.predictions import Predictions


def evaluate(
    bundle: Bundle,
    splits: Mapping[str, pd.DataFrame],
    summary: RecordsSummary,
    seed: int,
    rare: pd.DataFrame | None = None,
    on_step: Callable[[str], object] = str,
) -> Evaluation:
    """Measure a bundle on the holdout, and baselines trained on the same records.

    Parameters
    ----------
    splits
        ``train``, ``validation`` and ``holdout``: record_id, text, label, and groups in columns
        whose names start with :data:`.PREFIX`. Baselines need no validation records, and are
        trained on both others.
    summary
        What ``preprocess`` wrote about the table.
    seed
        Of the bootstrap.
    rare
        The holdout's records of dropped classes, with the columns of the splits.
    on_step
        Is called with the name of each step before it begins.
    """
    on_step("reading the records")
    levels = measure_levels(bundle, splits["holdout"], rare)
    if levels:
        splits = leaf_labelled(splits, bundle.labels)
    holdout = Holdout.of(splits, rare, bundle.labels)
    on_step("coding the holdout")
    records = holdout.scored(score_and_count(bundle, holdout.inputs).scores)
    model = records.predictions.take(holdout.known)
    models = {"model": model}
    for name, probabilities in _fit_baselines(holdout, bundle, on_step):
        models[name] = model.replace(probabilities)
    on_step("measuring")
    n_unknown = len(splits["holdout"]) - holdout.n_known
    data = DataFacts.of(bundle.vocabulary, splits, summary, n_unknown)
    decisions = measure_decisions(bundle.out_of_fold, records, bundle.labels)
    measured = measure_predictions(bundle, holdout, records, models, decisions, data, seed)
    return replace(measured, levels=levels)


def measure_predictions(
    bundle: Bundle,
    holdout: Holdout,
    records: ScoredRecords,
    models: dict[str, Predictions],
    decisions: Decisions,
    data: DataFacts,
    seed: int,
) -> Evaluation:
    """Measure the predictions of each model on the n records of the classes that it knows.

    Parameters
    ----------
    records
        The records with their scores.
    models
        Predictions (n,) of ``model`` and of the baselines that were fitted, if any was.
    decisions, data
        What was measured of all records.
    seed
        Of the bootstrap.
    """
    model = models["model"]
    truth, unseen = holdout.labels[holdout.known], records.unseen[holdout.known]
    measures = {name: Measures.of(each, truth, unseen) for name, each in models.items()}
    differences = {
        name: paired_bootstrap(model, models[name], truth, seed)
        for name in models
        if name != "model"
    }
    confusion = confusion_matrix(truth, model.predicted, labels=np.arange(len(bundle.labels)))
    threshold = decisions.main_promise.promise.threshold
    outcomes = _record_outcomes(records, threshold)
    return Evaluation(
        labels=bundle.labels,
        truth=truth,
        models=models,
        measures=measures,
        differences=differences,
        learned=_learned(bundle, models, differences.get("majority"), truth),
        all_records=proportion(records.correct),
        confusion=confusion,
        per_class=measures_by_class(truth, model.predicted, bundle.labels),
        per_class_intervals=intervals_by_class(confusion, bundle.labels),
        calibration=_calibration(bundle.temperature, model, truth, unseen, measures["model"]),
        decisions=decisions,
        subgroups={name: outcomes.by(groups, seed) for name, groups in holdout.groups.items()},
        seen=outcomes.by(seen_names(holdout.times), seed) if holdout.has_training else {},
        data=data,
        predictions=predictions_table(holdout, records, bundle.labels, threshold, holdout.known),
    )


def _fit_baselines(
    holdout: Holdout, bundle: Bundle, on_step: Callable[[str], object]
) -> Iterator[tuple[str, Floats]]:
    """Yield each baseline's name and its probabilities (B, C) of the holdout's distinct inputs.

    Baselines read the covariates as the model does.
    """
    covariates = bundle.vocabulary.covariates
    columns = ["text", "label", *covariates.columns]
    counts = holdout.training.groupby(columns, observed=True, sort=False).size().reset_index()
    training = baseline_rows(list(record_inputs(counts)), covariates)
    measured = baseline_rows(holdout.inputs.values, covariates)
    for name, fit in BASELINES.items():
        on_step(f"fitting {RIVALS[name]}")
        fitted = fit(training, counts["label"].tolist(), counts[0].to_numpy())
        # Labels are sorted in the bundle as in scikit-learn, and each has training records;
        # not so the leaves of a code book.
        found = fitted.predict_proba(measured)
        if bundle.tree is not None:
            found = _over_leaves(
                found, sorted(set(counts["label"])), bundle.labels, counts[0].sum()
            )
        yield name, found


def _over_leaves(
    found: Floats, names: Sequence[str], leaves: Sequence[str], n_records: float
) -> Floats:
    """Return probabilities (B, C) of all leaves, given those of the ones with training records.

    Each leaf counts as one record more than it has, so that none is impossible.
    """
    every = np.zeros((len(found), len(leaves)))
    every[:, pd.Index(list(leaves)).get_indexer(pd.Index(list(names)))] = found
    smoothed: Floats = (n_records * every + 1) / (n_records + len(leaves))
    return smoothed


def _learned(
    bundle: Bundle,
    models: Mapping[str, Predictions],
    differences: Differences | None,
    truth: Integers,
) -> bool:
    """Tell whether the model is better than the class shares, out of fold or on these records.

    ``differences`` are those of the model and the class shares, None if these were not fitted.
    """
    if 0 < bundle.out_of_fold.gain < math.inf or differences is None:
        return bundle.out_of_fold.gain > 0
    hits, rival_hits = (models[name].correct(truth) for name in ("model", "majority"))
    return learned(differences.log_loss, hits, rival_hits)


def _calibration(
    temperature: float, model: Predictions, truth: Integers, unseen: Flags, after: Measures
) -> Calibration:
    """Measure the model without its temperature."""
    uncalibrated = model.replace(undo_temperature(model.probabilities, temperature))
    return Calibration(temperature, Measures.of(uncalibrated, truth, unseen), after)


def _record_outcomes(records: ScoredRecords, threshold: float) -> RecordOutcomes:
    labels = np.maximum(records.labels, 0)  # losses of unknown classes are not used
    losses = log_losses(records.predictions, labels)
    return RecordOutcomes(records.correct, losses, records.accepted(threshold), records.known)


def predictions_table(
    holdout: Holdout,
    records: ScoredRecords,
    class_names: Sequence[str],
    threshold: float,
    rows: slice,
) -> pd.DataFrame:
    """Return the table of ``predictions.csv``: ids, labels and decisions of some records."""
    table = holdout.records[rows]
    scores, names = records.scores, pd.Categorical(list(class_names))
    return pd.DataFrame(
        {
            "record_id": table["record_id"],
            "true_label": table["label"],
            "predicted_label": names.take(scores.ranked(0)[rows]),
            "probability": rounded(scores.highest[rows]),
            "second_label": names.take(scores.ranked(1)[rows]),
            "decision": pd.Categorical(scores.decisions(threshold)[rows]),
        }
    )
