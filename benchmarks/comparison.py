"""Comparison of models on the same holdouts, which the benchmarks of accuracy share."""

import argparse
import importlib.util
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student

from pipelines import flags, interrupts, shell
from pipelines.source import digest
from textlstm import TextLSTMClassifier
from textlstm.config import MAX_SEED, DataConfig
from textlstm.data.cells import column
from textlstm.data.readers import read_table
from textlstm.data.records import UsableRecords, select_usable
from textlstm.data.splits import split_off
from textlstm.errors import InputError
from textlstm.evaluation.metrics import Measures
from textlstm.text.tokenizing import preprocess
from textlstm.uncertainty.predictions import Predictions

Fields = list[tuple[str, ...]]
Predict = Callable[[Fields], NDArray[np.float64]]
Fit = Callable[[Fields, NDArray[Any], int], Predict]
"""A function that fits a model to raw text fields and labels with a seed; it returns a function
that predicts probabilities, classes sorted."""

Key = tuple[str, tuple[str, ...], str, str, int]
"""Key of a measurement: the :func:`table_name`, text columns, label, model, seed."""

Models = Mapping[str, tuple[str, Fit]]
"""For each model the package it needs, and the function that fits it."""

MEASURES = (
    "accuracy",
    "macro_f1",
    "weighted_f1",
    "log_loss",
    "ece",
    "auroc",
    "auprc",
    "accuracy_unseen_text",
)
COMPARED = ("accuracy", "macro_f1", "log_loss", "accuracy_unseen_text")

NOT_KEPT = (
    "nothing is kept; with --keep FILE each measurement is, and the same command resumes from there"
)


def textlstm(recipe: str, **fields: Any) -> Fit:
    """Return the function that fits a recipe of textlstm, with some fields replaced."""

    def fit(texts: Fields, labels: NDArray[Any], seed: int) -> Predict:
        classifier = TextLSTMClassifier(recipe, random_state=seed, **fields)
        return classifier.fit(texts, labels).predict_proba

    return fit


def measure(fit: Fit, records: pd.DataFrame, seed: int) -> dict[str, float]:
    """Fit to the training records of a seed's split, and return the measures on its holdout."""
    train, holdout = split_off(records, DataConfig().holdout, "stratified", seed)
    started = time.perf_counter()
    predict = fit(train["fields"].tolist(), train["label"].to_numpy(dtype=str), seed)
    fitted = time.perf_counter()
    probabilities = predict(holdout["fields"].tolist())
    scored = time.perf_counter()
    truth = np.searchsorted(np.unique(train["label"]), holdout["label"])
    unseen = ~holdout["text"].isin(train["text"]).to_numpy()
    return asdict(Measures.of(Predictions.of(probabilities), truth, unseen)) | {
        "fit_seconds": fitted - started,
        "rows_per_second": len(holdout) / (scored - fitted),
    }


def difference(ours: pd.Series, theirs: pd.Series) -> str:
    """Return the mean paired difference over seeds and its 95 % interval."""
    gaps = (ours - theirs).to_numpy()
    if len(gaps) < 2:
        return f"{gaps.mean():+.4f}"
    half = student.ppf(0.975, len(gaps) - 1) * gaps.std(ddof=1) / np.sqrt(len(gaps))
    return f"{gaps.mean():+.4f} ±{half:.4f}"


def table(results: dict[str, pd.DataFrame], reference: str) -> str:
    """Return the Markdown table of the results (seeds x measures) of each model.

    Differences are the reference minus the model.
    """
    heads = [*MEASURES, "fit s", "rows/s", *(f"Δ {name}" for name in COMPARED)]
    lines = ["| model | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for name, rows in results.items():
        cells = [f"{rows[measure].mean():.4f}" for measure in MEASURES]
        cells += [f"{rows['fit_seconds'].mean():.1f}", f"{rows['rows_per_second'].mean():,.0f}"]
        for measure in COMPARED if reference in results else ():
            ours = results[reference][measure]
            cells.append("" if name == reference else difference(ours, rows[measure]))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def load(data: str, text: Sequence[str], label: str) -> pd.DataFrame:
    """Read the records of frequent classes: raw fields, preprocessed text, label."""
    return load_usable(DataConfig(data=data, text=tuple(text), label=label)).records


def load_usable(config: DataConfig) -> UsableRecords:
    """Read a table and divide its records into usable and rare ones, with columns as in `load`."""
    source = read_table(config.data)
    fields = list(zip(*(column(source, name, config.data) for name in config.text), strict=True))
    label = column(source, config.label, config.data)
    frame = pd.DataFrame({"text": preprocess(fields), "label": label})
    frame["fields"] = fields
    return select_usable(frame, config)


def table_name(data: str) -> str:
    """Return the file name of a table with a digest, since other tables may have the same name."""
    return f"{Path(data).name} {digest(data)[:12]}"


def read_kept(path: Path | None) -> dict[Key, dict[str, float]]:
    """Read the measurements kept in a file; none if there is no file yet.

    A line that is incomplete, since its writer was stopped, is left out and measured again.

    Raises
    ------
    InputError
        If the file holds anything else.
    """
    if path is None or not path.exists():
        return {}
    kept = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            with suppress(json.JSONDecodeError):
                row = json.loads(line)
                key = row["data"], tuple(row["text"]), row["label"], row["model"], row["seed"]
                kept[key] = row["measures"]
    except (KeyError, TypeError, UnicodeDecodeError) as error:
        raise InputError(f"--keep {path}: holds no measurements; give another file") from error
    return kept


def append_kept(path: Path, key: Key, measures: dict[str, float]) -> None:
    """Append a measurement to the file, as a line of its own."""
    row = dict(zip(("data", "text", "label", "model", "seed"), key, strict=True))
    with path.open("a", encoding="utf-8") as file:
        # The line break comes first: an incomplete line before it then stays apart.
        file.write("\n" + json.dumps(row | {"measures": measures}))


def compare(
    models: Models, records: pd.DataFrame, keys: Sequence[Key], keep: Path | None = None
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Return the results of each model, one row a seed, and the models whose package is missing.

    Measurements in the file ``keep`` are not repeated, whether or not the package is installed.
    """
    kept = read_kept(keep)
    missing = set()
    for key in keys:
        package, fit = models[key[3]]
        if key in kept:
            continue
        if not importlib.util.find_spec(package):
            missing.add(key[3])
            continue
        kept[key] = measure(fit, records, key[4])
        if keep:
            append_kept(keep, key, kept[key])
    names = dict.fromkeys(key[3] for key in keys if key[3] not in missing)
    rows = {name: [kept[key] for key in keys if key[3] == name] for name in names}
    return {name: pd.DataFrame(measures) for name, measures in rows.items()}, sorted(missing)


def leaving(keep: Path | None) -> AbstractContextManager[None]:
    """Say on an interruption whether the measurements are kept."""
    return interrupts.on_interrupt(interrupts.RESUME_HINT if keep else NOT_KEPT)


def task_parser(description: str | None, seeds: Sequence[int]) -> flags.Parser:
    """Return a parser for the records, the seeds, and the file that keeps the measurements."""
    parser = flags.Parser(**flags.help_options(description))
    parser.add_argument("--data", required=True, metavar="FILE")
    parser.add_argument("--text", nargs="+", required=True, metavar="COL")
    parser.add_argument("--label", required=True, metavar="COL")
    parser.add_argument("--seeds", nargs="+", type=seed, default=list(seeds), metavar="N")
    parser.add_argument("--keep", type=Path, default=None, metavar="FILE")
    return parser


def seed(word: str) -> int:
    """Parse a seed."""
    number = int(word)
    if not 0 <= number <= MAX_SEED:
        raise argparse.ArgumentTypeError(f"a seed lies between 0 and {MAX_SEED}, not {number}")
    return number


def command(description: str | None, models: Models, reference: str) -> None:
    """Parse the flags, measure each model on each seed, print the table; exit as a stage does."""
    shell.run_and_exit(lambda argv: _compare(argv, description, models, reference))


def _compare(
    argv: Sequence[str] | None, description: str | None, models: Models, reference: str
) -> None:
    parser = task_parser(description, range(5))
    parser.add_argument("--models", nargs="+", choices=models, default=list(models))
    args = parser.parse_args(argv)
    with leaving(args.keep):
        task = (table_name(args.data), tuple(args.text), args.label)
        keys = [(*task, model, seed) for model in args.models for seed in args.seeds]
        records = load(args.data, args.text, args.label)
        results, missing = compare(models, records, keys, args.keep)
    print(f"**{args.label}** from {' + '.join(args.text)}: {len(records)} records, "
          f"seeds {', '.join(map(str, args.seeds))}\n")  # fmt: skip
    print(table(results, reference))
    for name in missing:
        print(f"\n{name}: not measured, its package is not installed")
