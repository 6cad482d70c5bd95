"""How promises are kept: the error and the coverage measured on holdouts, beside those named.

    python -m benchmarks.promises --data FILE --text COL [COL ...] --label COL
                                  [--split stratified|grouped] [--seeds 0 1 2 ...] [--keep FILE]

Each seed draws another holdout, which is stratified and, where ``grouped``, of texts that no other
record has. The default recipe is trained on the other records, of which those left out by a
network, in the same way, are what promises are read off. Prints two Markdown tables: what
is coded automatically, and prediction sets. A promise is kept where the share of wrong labels among
the accepted records of the holdout is no larger than promised; where it is, while its 95 % interval
reaches down to what was promised, chance may have done it. With --keep what is measured is added to
a file, and what is there already is not measured again.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.comparison import append_kept, leaving, load, read_kept, task_parser
from pipelines import shell
from textlstm.bundle import Bundle
from textlstm.config import DataConfig, load_recipe
from textlstm.decisions import percent, repeats
from textlstm.encoding import WordEncoding
from textlstm.fitting import as_examples, train_bundle
from textlstm.records import divide
from textlstm.reporting import measured_decisions
from textlstm.scoring import score

RECIPE = "default"


def measure(records: pd.DataFrame, how: str, seed: int) -> dict[str, Any]:
    """Return what was promised and measured on a seed's holdout, classes apart."""
    train, holdout = divide(records, DataConfig().holdout, how, seed)
    bundle = trained(train, how, seed)
    holdout = holdout[holdout["label"].isin(bundle.labels)]
    truth = np.searchsorted(bundle.labels, holdout["label"].to_numpy(dtype=str))
    unseen = ~holdout["text"].isin(train["text"]).to_numpy()
    alike = repeats(holdout["text"].factorize()[0]) if how == "grouped" else None
    outcome = score(bundle, holdout["text"].tolist())
    found = measured_decisions(bundle.held_out, outcome, truth, unseen, (), alike)
    return {name: found[name] for name in ("held_out", "promises", "sets")}


def trained(records: pd.DataFrame, how: str, seed: int) -> Bundle:
    """Return the recipe as trained on records of which those left out are drawn in a given way."""
    recipe = load_recipe(RECIPE)
    learned, validation = divide(records, DataConfig().validation, how, seed)
    labels, codes = np.unique(records["label"].to_numpy(dtype=str), return_inverse=True)
    encoding = WordEncoding.fit(learned["text"].tolist(), recipe.encoding)
    examples = as_examples(
        encoding.encode(records["text"].tolist()),
        codes,
        encoding,
        records.index.isin(validation.index),
        split=how,
    )
    return train_bundle(
        recipe, encoding, tuple(labels.tolist()), examples,
        seed=seed, device=torch.device("cpu"), on_epoch=lambda epoch: None,
    )  # fmt: skip


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
    """Return the mean of the shares that there are, and the least and the largest of them."""
    given = [share for share in shares if share is not None]
    if not given:
        return "–"
    return f"{np.mean(given):.1%} ({min(given):.1%} to {max(given):.1%})"


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags, measure every seed, print the tables."""
    parser = task_parser(__doc__, range(20))
    parser.add_argument("--split", choices=("stratified", "grouped"), default="stratified")
    given = parser.parse_args(argv)
    results = []
    name = RECIPE if given.split == "stratified" else f"{RECIPE}, {given.split}"
    with leaving(given.keep):
        records = load(given.data, given.text, given.label)
        known: dict[Any, Any] = read_kept(given.keep)
        for seed in given.seeds:
            key = Path(given.data).name, tuple(given.text), given.label, name, seed
            if key not in known:
                known[key] = measure(records, given.split, seed)
                if given.keep:
                    append_kept(given.keep, key, known[key])
            results.append(known[key])
    print(f"**{given.label}** from {' + '.join(given.text)}: {len(records)} records, "
          f"{len(results)} seeds\n")  # fmt: skip
    print(promise_table(results), set_table(results), sep="\n\n")


if __name__ == "__main__":
    shell.leave(main)
