"""Search the sizes, the length and the dropout of a recipe, on training records alone.

The training records of a run are divided once more. Each trial is trained on the one part and
measured on the other, so that the holdout stays untouched until the found recipe is compared.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
import torch

from textlstm.arguments import TrainingArguments, training_inputs
from textlstm.data.inputs import record_inputs
from textlstm.data.splits import split_off
from textlstm.errors import InputError
from textlstm.evaluation.metrics import log_losses
from textlstm.fitting import train_bundle
from textlstm.inference.scoring import score
from textlstm.recipe import Recipe
from textlstm.text.tokenizing import split_fields

if TYPE_CHECKING:
    from optuna import Study, Trial

MEASURED_SHARE = 0.3
"""Share of the training records that trials are measured on."""

HALVINGS = 3
"""Times that the training records are halved for the learning curve."""

SIZES = {"embedding_size": (8, 512), "hidden_units": (8, 512)}
"""Sizes that are searched, with their ranges."""

DROPOUTS = {"word_dropout": 0.5, "embedding_dropout": 0.5, "dropout": 0.7}
"""Shares that are searched, each from 0 to this one."""

LENGTH_PERCENTILES = (90.0, 95.0, 99.0, 100.0)
"""Percentiles of the training lengths that are tried as the length of all texts."""

Fields = dict[str, int | float]
"""Values of the fields that are searched."""


@dataclass(frozen=True)
class InnerSplit:
    """The training records of a run, divided into those to train on and those to measure on.

    Attributes
    ----------
    train, measured
        Columns ``text`` (preprocessed) and ``label``.
    abbreviations
        Abbreviations and their meanings, as :meth:`.Vocabulary.fit` takes them.
    seed
        Of the trainings.
    """

    train: pd.DataFrame
    measured: pd.DataFrame
    abbreviations: dict[str, str]
    seed: int

    @classmethod
    def of(
        cls,
        splits: Mapping[str, pd.DataFrame],
        abbreviations: dict[str, str],
        method: str,
        seed: int,
    ) -> Self:
        """Divide the training side of a run's records, as its holdout was split off.

        Parameters
        ----------
        splits
            ``train`` and ``validation``.
        method
            The run's ``--split``.
        """
        # The dates of a temporal split are not kept: its training side is divided at random.
        method = "stratified" if method == "temporal" else method
        records = pd.concat([splits["train"], splits["validation"]], ignore_index=True)
        train, measured = split_off(records, MEASURED_SHARE, method, seed)
        return cls(train, measured, abbreviations, seed)

    def log_loss(self, recipe: Recipe, device: torch.device) -> float:
        """Train a recipe on the one part, and return its mean log loss on the other, in nats.

        Records of classes that the training part lacks are left out.
        """
        classes, numbers = np.unique(self.train["label"].to_numpy(dtype=str), return_inverse=True)
        records = pd.DataFrame({"text": self.train["text"], "label": numbers, "weight": 1.0})
        n_fields = len(split_fields(str(records["text"].iloc[0])))
        arguments = TrainingArguments(records.reset_index(drop=True), classes, n_fields)
        inputs, _ = training_inputs(arguments, recipe, self.abbreviations, self.seed)
        bundle = train_bundle(
            recipe, inputs, seed=self.seed, device=device, on_epoch=lambda _: None
        )
        known = self.measured[self.measured["label"].isin(classes)]
        predictions = score(bundle, list(record_inputs(known))).predictions
        truth = np.searchsorted(classes, known["label"].to_numpy(dtype=str))
        return float(log_losses(predictions, truth).mean())

    def halved(self) -> Self:
        """Return a split of half of the training records, and of the same measured ones."""
        _, half = split_off(self.train, 0.5, "stratified", self.seed)
        measured = self.measured[self.measured["label"].isin(half["label"])]
        return replace(self, train=half, measured=measured)


def measure_learning_curve(
    recipe: Recipe, inner: InnerSplit, device: torch.device, on_step: Callable[[int], object]
) -> pd.DataFrame:
    """Measure a recipe on growing numbers of training records, and the same measured records.

    Parameters
    ----------
    on_step
        Called with each number of training records before the training.

    Returns
    -------
    pandas.DataFrame
        ``records`` and ``log_loss``.
    """
    sizes = [inner]
    for _ in range(HALVINGS):
        sizes.insert(0, sizes[0].halved())
    rows = []
    for split in sizes:
        on_step(len(split.train))
        same = replace(split, measured=sizes[0].measured)
        rows.append({"records": len(split.train), "log_loss": same.log_loss(recipe, device)})
    return pd.DataFrame(rows)


def search(
    recipe: Recipe,
    inner: InnerSplit,
    n_trials: int,
    journal: Path,
    device: torch.device,
    on_trial: Callable[[int, float, float], object],
) -> Fields:
    """Search the sizes, length and dropout of a recipe that give the lowest log loss.

    The search is that of a tree-structured Parzen estimator (Bergstra et al. 2011), and its first
    trial is the recipe itself.

    Parameters
    ----------
    journal
        File that keeps the trials: a search that was interrupted resumes from it.
    on_trial
        Called after each trial with the number of trials so far, its log loss and the lowest one.

    Raises
    ------
    InputError
        If optuna is not installed, or the journal is of another recipe or of other records.
    """
    study = _study(journal, inner.seed)
    _require_same_search(study, recipe, inner, journal)
    values = {name: value for name, value in recipe.items() if name in searched_fields(recipe)}
    if not study.trials:
        study.enqueue_trial(values)

    def objective(trial: "Trial") -> float:
        return inner.log_loss(recipe.with_fields(**_suggested(trial, values)), device)

    while (n_done := _n_done(study)) < n_trials:
        study.optimize(objective, n_trials=1)
        on_trial(n_done + 1, study.trials[-1].value or 0.0, study.best_value)
    return dict(study.best_params)


def _study(journal: Path, seed: int) -> "Study":
    """Open the study in a journal; the random stream depends on the trials that it has."""
    try:
        import optuna
        from optuna.storages.journal import JournalFileBackend
    except ImportError as error:
        raise InputError(
            "--search needs optuna; in the folder of textlstm run python -m pip install '.[search]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.JournalStorage(JournalFileBackend(str(journal)))
    study = optuna.create_study(study_name="search", storage=storage, load_if_exists=True)
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials))
    return study


def _n_done(study: "Study") -> int:
    """Return the number of finished trials: one that was interrupted does not count."""
    return sum(trial.state.name == "COMPLETE" for trial in study.trials)


def _require_same_search(study: "Study", recipe: Recipe, inner: InnerSplit, journal: Path) -> None:
    """Raise an :class:`InputError` if the study has trials of another recipe or other records."""
    texts = pd.util.hash_pandas_object(inner.train[["text", "label"]].astype(str), index=False)
    subject = f"{recipe.to_dict()} {int(texts.sum())} {inner.seed}"
    if study.user_attrs.setdefault("subject", subject) != subject:
        raise InputError(
            f"{journal}: holds a search of another recipe or of other records; give another --out"
        )
    study.set_user_attr("subject", subject)


def searched_fields(recipe: Recipe) -> list[str]:
    """Return the fields that are searched: the length only where the recipe does not fix it."""
    lengths = [] if recipe.encoding.max_length else ["length_percentile"]
    return [*SIZES, *DROPOUTS, *lengths]


def _suggested(trial: "Trial", base: Fields) -> Fields:
    """Return the values of a trial; the ranges hold those of the recipe (``base``)."""
    values: Fields = {}
    for name, (low, high) in SIZES.items():
        least, most = min(low, int(base[name])), max(high, int(base[name]))
        values[name] = trial.suggest_int(name, least, most, log=True)
    for name, share in DROPOUTS.items():
        values[name] = trial.suggest_float(name, 0.0, max(share, base[name]))
    if "length_percentile" in base:
        percentiles = sorted({*LENGTH_PERCENTILES, float(base["length_percentile"])})
        values["length_percentile"] = trial.suggest_categorical("length_percentile", percentiles)
    return values
