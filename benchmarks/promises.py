"""How promises are kept: errors and coverages measured on holdouts, beside the promised ones.

    python -m benchmarks.promises --data FILE --text COL [COL ...] --label COL
                                  [--split stratified|grouped] [--rare drop|merge|keep]
                                  [--seeds 0 1 2 ...] [--keep FILE]

Each seed draws another holdout, which is stratified or, with ``grouped``, has only texts of its
own. The default recipe is trained on the other records; promises rest on its out-of-fold
predictions. Prints two Markdown tables: records coded automatically, and prediction sets. A promise
is kept if the share of wrong labels among the accepted records of the holdout is at most the
promised one. If it is larger, but its 95 % interval reaches down to the promised one, it may be
chance. Records of dropped or merged classes count as errors where they are accepted, and no set
holds their label. With --keep measurements are appended to a file; those already in it are not
repeated.
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
from textlstm.inference.scoring import score
from textlstm.recipe import Recipe, load_recipe
from textlstm.training.folds import as_examples
from textlstm.training.inputs import TrainingInputs
from textlstm.training.rare_classes import RareClasses
from textlstm.uncertainty.intervals import cluster_sizes, percent

RECIPE = "default"


def measure(found: UsableRecords, how: str, seed: int) -> dict[str, Any]:
    """Return what was promised and measured on a seed's holdout, classes apart."""
    parts, rare = split(found, DataConfig(split=how), seed)
    bundle = trained(found, parts, rare, load_recipe(RECIPE), how, seed)
    new = pd.concat([parts["holdout"], rare[rare[SPLIT_COLUMN] == "holdout"]])
    learned = pd.concat([parts["train"], parts["validation"]])["text"]
    measured = measured_on(bundle, new, ~new["text"].isin(learned).to_numpy(), how)
    return {name: measured[name] for name in ("held_out", "promises", "sets")}


def measured_on(
    bundle: Bundle, new: pd.DataFrame, unseen: NDArray[np.bool_], how: str
) -> dict[str, Any]:
    """Return what was promised, and what became of it on new records, whatever their classes.

    Parameters
    ----------
    unseen
        (n,) whether the text of each record is absent from the training records.
    """
    labels = pd.Index(bundle.labels).get_indexer(pd.Index(new["label"]))
    texts = Distinct[str].of(new["text"])
    rows = texts.inverse
    cluster_size = (
        cluster_sizes(rows)
        if METHODS[how].keeps_texts_together
        else np.ones(len(rows), dtype=np.int64)
    )
    records = ScoredRecords(score(bundle, texts.values), rows, labels, unseen, cluster_size)
    return measure_decisions(bundle.out_of_fold, records, ()).to_dict()


def trained(
    found: UsableRecords,
    parts: Mapping[str, pd.DataFrame],
    rare: pd.DataFrame,
    recipe: Recipe,
    how: str,
    seed: int,
) -> Bundle:
    """Return a recipe as trained on the records outside the holdout, as the stages train it.

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
    inputs = TrainingInputs(encoding, tuple(labels.tolist()), examples, classes)
    return train_bundle(
        recipe, inputs, seed=seed, device=torch.device("cpu"), on_epoch=lambda epoch: None
    )


def promise_table(results: Sequence[dict[str, Any]]) -> str:
    """Return the Markdown table of what was coded automatically, a row a promised error rate."""
    heads = ["error promised, at most", "promised in", "coded automatically", "of it wrong",
             "at the most", "kept in", "broken, and not by chance"]  # fmt: skip
    lines = [row(heads), row(["---"] * len(heads))]
    for same in zip(*(one["promises"] for one in results), strict=True):
        max_error = same[0]["max_error"]
        given = [one for one in same if one["threshold"] is not None]
        cells = [percent(max_error), f"{len(given)} of {len(same)}"] + ["–"] * 5
        if given:
            errors = [one["error"]["share"] for one in given]
            cells[2:] = [
                spread([one["coded"]["share"] for one in given]),
                f"{np.mean(errors):.2%}",
                f"{max(errors):.2%}",
                f"{sum(error <= max_error for error in errors)} of {len(given)}",
                str(sum(one["error"]["low"] > max_error for one in given)),
            ]
        lines.append(row(cells))
    return "\n".join(lines)


def set_table(results: Sequence[dict[str, Any]]) -> str:
    """Return the Markdown table of prediction sets, a row a coverage."""
    heads = ["coverage asked for", "covered", "unseen texts", "labels in a set", "sets of one"]
    lines = [row(heads), row(["---"] * len(heads))]
    for same in zip(*(one["sets"] for one in results), strict=True):
        cells = [
            percent(same[0]["coverage"]),
            spread([one["covered"]["share"] for one in same]),
            spread([one["covered_unseen_text"]["share"] for one in same]),
            f"{np.mean([one['labels'] for one in same]):.2f}",
            f"{np.mean([one['single']['share'] for one in same]):.1%}",
        ]
        lines.append(row(cells))
    return "\n".join(lines)


def row(cells: Sequence[str]) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def spread(shares: Sequence[float | None]) -> str:
    """Write the mean, the smallest and the largest share, without those that are None."""
    given = [share for share in shares if share is not None]
    if not given:
        return "–"
    return f"{np.mean(given):.1%} ({min(given):.1%} to {max(given):.1%})"


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags, measure every seed, print the tables."""
    parser = task_parser(__doc__, range(20))
    parser.add_argument("--split", choices=("stratified", "grouped"), default="stratified")
    parser.add_argument("--rare", choices=("drop", "merge", "keep"), default="drop")
    given = parser.parse_args(argv)
    results = []
    name = f"{RECIPE}, {given.split}, rare classes: {given.rare}"
    config = DataConfig(data=given.data, text=tuple(given.text), label=given.label, rare=given.rare)
    with leaving(given.keep):
        found = load_usable(config)
        known: dict[Any, Any] = read_kept(given.keep)
        for seed in given.seeds:
            key = table_name(given.data), tuple(given.text), given.label, name, seed
            if key not in known:
                known[key] = measure(found, given.split, seed)
                if given.keep:
                    append_kept(given.keep, key, known[key])
            results.append(known[key])
    print(f"**{given.label}** from {' + '.join(given.text)}: "
          f"{len(found.records) + len(found.rare)} records, {found.uncodable} of them of classes "
          f"that the model cannot give, {len(results)} seeds\n")  # fmt: skip
    print(promise_table(results), set_table(results), sep="\n\n")


if __name__ == "__main__":
    shell.run_and_exit(main)
