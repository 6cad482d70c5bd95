"""What age and sex beside the text give, and what a model that reads them loses without them.

Each seed draws a stratified holdout of 30 %. Three classifiers are measured on it: one of the texts
alone, one of texts and covariates, and the second one on records whose covariates are missing.
Differences are paired by seed, with the interval of Nadeau and Bengio (2003).

    python -m benchmarks.covariates --data deaths.csv --text cause other_conditions \
        --label manner --number age --category sex --seeds 5
"""

import argparse
from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss

from textlstm import TextLSTMClassifier
from textlstm.array_types import Floats
from textlstm.comparison.pairwise import block_differences
from textlstm.data.readers import read_table
from textlstm.data.splits import split_off

HOLDOUT = 0.3
"""Share of the records that is held out."""

LEAST_RECORDS = 10
"""Records of a class, at least; smaller ones are left out."""

MODELS = "text", "text and covariates", "the same without them"
"""Models in the order of their scores."""


def read_records(args: argparse.Namespace) -> pd.DataFrame:
    """Read the columns that are used, without records of rare classes or without a label."""
    columns = [*args.text, args.label, *args.number, *args.category]
    table: pd.DataFrame = read_table(args.data).select(columns).to_pandas().fillna("").astype(str)
    table = table[(table[args.label] != "") & (table[args.text] != "").any(axis=1)]
    counts = table[args.label].value_counts()
    frequent = counts.index[counts >= LEAST_RECORDS]
    usable: pd.DataFrame = table[table[args.label].isin(frequent)].reset_index(drop=True)
    return usable


def measure(args: argparse.Namespace, records: pd.DataFrame, seed: int) -> Floats:
    """Return accuracy and log loss of each of :data:`MODELS` (3, 2)."""
    train, holdout = split_off(
        records.assign(label=records[args.label]), HOLDOUT, "stratified", seed
    )
    texts, beside = list(args.text), [*args.number, *args.category]
    alone = TextLSTMClassifier(args.recipe, random_state=seed)
    alone.fit(train[texts], train[args.label])
    both = TextLSTMClassifier(
        args.recipe, random_state=seed, numbers=args.number, categories=args.category
    )
    both.fit(train[texts + beside], train[args.label])
    scores = []
    for model, table in (
        (alone, holdout[texts]),
        (both, holdout[texts + beside]),
        (both, holdout[texts]),
    ):
        probabilities, truth = model.predict_proba(table), holdout[args.label]
        hits = model.classes_[probabilities.argmax(axis=1)] == truth
        scores.append((hits.mean(), log_loss(truth, probabilities, labels=model.classes_)))
    return np.array(scores)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--text", nargs="+", required=True)
    parser.add_argument("--label", required=True)
    parser.add_argument("--number", nargs="+", default=[])
    parser.add_argument("--category", nargs="+", default=[])
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args(argv)
    records = read_records(args)
    scores = np.stack([measure(args, records, seed) for seed in range(args.seeds)], axis=2)
    for number, name in enumerate(("accuracy", "log loss")):
        of_models = scores[:, number]
        print(name, dict(zip(MODELS, of_models.mean(axis=1).round(4).tolist(), strict=True)))
        for row, model in enumerate(MODELS[1:], start=1):
            pair = block_differences(of_models[[row, 0]], HOLDOUT / (1 - HOLDOUT))
            gap, margin = pair.difference[0, 1], pair.margin[0, 1]
            print(f"  {model} minus {MODELS[0]}: {gap:+.4f} (95 % interval ±{margin:.4f})")


if __name__ == "__main__":
    main()
