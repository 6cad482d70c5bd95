"""How promises are kept: error rates and coverages measured on holdouts, beside the promised ones.

    python -m benchmarks.promises --data FILE --text COL [COL ...] --label COL
                                  [--split stratified|grouped] [--rare drop|merge|keep]
                                  [--seeds 0 1 2 ...] [--keep FILE]

Each seed draws another stratified holdout; with ``grouped`` no other record has its texts. The
default recipe is trained on the other records, and promises are computed from their out-of-fold
predictions. Prints two Markdown tables: the share coded automatically, and prediction sets. A
promise is kept if the error rate among the accepted records of the holdout is at most the promised
one; if it is larger, but its 95 % interval holds the promised rate, chance may explain it. Records
of classes that are dropped or merged count as errors where they are accepted, and no set holds
their label. With --keep each measurement is appended to a file, and measurements in the file are
not repeated.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from benchmarks.comparison import (
    append_kept,
    leaving,
    load_usable,
    read_kept,
    table_name,
    task_parser,
)
from pipelines import shell
from textlstm.config import DataConfig
from textlstm.data.distinct import Distinct
from textlstm.data.records import SPLIT_COLUMN, UsableRecords
from textlstm.data.splits import METHODS, split
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.evaluation.decisions import measure_decisions
from textlstm.evaluation.scored_records import ScoredRecords
from textlstm.fitting import train_bundle
from textlstm.inference.bundle import Bundle
from textlstm.inference.scoring import score_and_count
from textlstm.metrics_file import DecisionsJson
from textlstm.recipe import Recipe, load_recipe
from textlstm.tasks import SingleLabel
from textlstm.training.folds import as_examples
from textlstm.training.inputs import TrainingInputs
from textlstm.training.rare_classes import RareClasses
from textlstm.uncertainty.intervals import cluster_sizes, percent

RECIPE = "default"


def measure(found: UsableRecords, how: str, seed: int) -> dict[str, Any]:
    """Return the promises of a seed, and their outcomes on its holdout, over all classes."""
    parts, rare = split(found, DataConfig(split=how), seed)
    bundle = trained(found, parts, rare, load_recipe(RECIPE), how, seed)
    new = pd.concat([parts["holdout"], rare[rare[SPLIT_COLUMN] == "holdout"]])
    learned = pd.concat([parts["train"], parts["validation"]])["text"]
    measured = measured_on(bundle, new, ~new["text"].isin(learned).to_numpy(), how)
    return {name: measured[name] for name in ("held_out", "promises", "sets")}


def measured_on(
    bundle: Bundle, new: pd.DataFrame, unseen: NDArray[np.bool_], how: str
) -> DecisionsJson:
    """Return the promises, and their outcomes on new records of any class.

    Parameters
    ----------
    unseen
        (n,) whether the text of each record is absent from the training records.
    """
    labels = pd.Index(bundle.labels).get_indexer(pd.Index(new["label"]))
    texts = Distinct[str].of(new["text"])
    ones = np.ones(len(texts), dtype=np.int64)
    cluster_size = cluster_sizes(texts.inverse) if METHODS[how].keeps_texts_together else ones
    scores = score_and_count(bundle, texts).scores
    records = ScoredRecords(scores, labels, unseen, cluster_size)
    return measure_decisions(bundle.out_of_fold, records, ()).to_dict()


def trained(
    found: UsableRecords,
    parts: Mapping[str, pd.DataFrame],
    rare: pd.DataFrame,
    recipe: Recipe,
    how: str,
    seed: int,
) -> Bundle:
    """Train a recipe on the records outside the holdout, as the stages train it.

    Parameters
    ----------
    found, parts, rare
        The records of a table, and as :func:`.split` divides them.
    """
    training = pd.concat([parts["train"], parts["validation"]])
    labels, codes = np.unique(training["label"].to_numpy(dtype=str), return_inverse=True)
    encoding = Vocabulary.fit(parts["train"]["text"].tolist(), recipe.encoding)
    examples = as_examples(
        encoding.encode(training["text"].tolist()),
        codes,
        encoding,
        np.arange(len(training)) >= len(parts["train"]),
        split=how,
    )
    judging = rare[rare[SPLIT_COLUMN] != "holdout"]
    classes = RareClasses(
        encoding.encode(judging["text"].tolist()),
        (judging[SPLIT_COLUMN] == "validation").to_numpy(),
        found.uncodable_share,
        tuple(
            np.flatnonzero(np.isin(labels, found.borderline) | (np.bincount(codes) == 1)).tolist()
        ),
    )
    inputs = TrainingInputs(encoding, SingleLabel(tuple(labels.tolist())), examples, classes)
    return train_bundle(
        recipe, inputs, seed=seed, device=torch.device("cpu"), on_epoch=lambda epoch: None
    )


def promise_table(results: Sequence[dict[str, Any]]) -> str:
    """Return the Markdown table of automatic coding, one row a promised error rate."""
    heads = ["error promised, at most", "promised in", "coded automatically", "of it wrong",
             "at the most", "kept in", "broken, and not by chance"]  # fmt: skip
    lines = [row(heads), row(["---"] * len(heads))]
    for outcomes in zip(*(result["promises"] for result in results), strict=True):
        max_error = outcomes[0]["max_error"]
        promised = [outcome for outcome in outcomes if outcome["threshold"] is not None]
        cells = [percent(max_error), f"{len(promised)} of {len(outcomes)}"] + ["–"] * 5
        if promised:
            errors = [outcome["error"]["share"] for outcome in promised]
            cells[2:] = [
                spread([outcome["coded"]["share"] for outcome in promised]),
                f"{np.mean(errors):.2%}",
                f"{max(errors):.2%}",
                f"{sum(error <= max_error for error in errors)} of {len(promised)}",
                str(sum(outcome["error"]["low"] > max_error for outcome in promised)),
            ]
        lines.append(row(cells))
    return "\n".join(lines)


def set_table(results: Sequence[dict[str, Any]]) -> str:
    """Return the Markdown table of prediction sets, one row a coverage."""
    heads = ["coverage asked for", "covered", "unseen texts", "labels in a set", "sets of one"]
    lines = [row(heads), row(["---"] * len(heads))]
    for outcomes in zip(*(result["sets"] for result in results), strict=True):
        cells = [
            percent(outcomes[0]["coverage"]),
            spread([outcome["covered"]["share"] for outcome in outcomes]),
            spread([outcome["covered_unseen_text"]["share"] for outcome in outcomes]),
            f"{np.mean([outcome['labels'] for outcome in outcomes]):.2f}",
            f"{np.mean([outcome['single']['share'] for outcome in outcomes]):.1%}",
        ]
        lines.append(row(cells))
    return "\n".join(lines)


def row(cells: Sequence[str]) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def spread(shares: Sequence[float | None]) -> str:
    """Write the mean of the shares that are not None, with the smallest and the largest."""
    numbers = [share for share in shares if share is not None]
    if not numbers:
        return "–"
    return f"{np.mean(numbers):.1%} ({min(numbers):.1%} to {max(numbers):.1%})"


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags, measure each seed, print the tables."""
    parser = task_parser(__doc__, range(20))
    parser.add_argument("--split", choices=("stratified", "grouped"), default="stratified")
    parser.add_argument("--rare", choices=("drop", "merge", "keep"), default="drop")
    args = parser.parse_args(argv)
    results = []
    name = f"{RECIPE}, {args.split}, rare classes: {args.rare}"
    config = DataConfig(data=args.data, text=tuple(args.text), label=args.label, rare=args.rare)
    with leaving(args.keep):
        usable = load_usable(config)
        kept: dict[Any, Any] = read_kept(args.keep)
        for seed in args.seeds:
            key = table_name(args.data), tuple(args.text), args.label, name, seed
            if key not in kept:
                kept[key] = measure(usable, args.split, seed)
                if args.keep:
                    append_kept(args.keep, key, kept[key])
            results.append(kept[key])
    print(f"**{args.label}** from {' + '.join(args.text)}: "
          f"{len(usable.records) + len(usable.rare)} records, {usable.uncodable} of them of "
          f"classes that the model cannot give, {len(results)} seeds\n")  # fmt: skip
    print(promise_table(results), set_table(results), sep="\n\n")


if __name__ == "__main__":
    shell.run_and_exit(main)
