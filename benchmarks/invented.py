"""Promises and verdicts on invented tables, whose true labels are known.

    python -m benchmarks.invented rare [--tables N] [--rare drop merge keep] [--keep FILE]
    python -m benchmarks.invented noise [--tables N] [--keep FILE]

``rare``: each table has up to 40 % of its records in rare classes, whose texts look like those of
frequent classes, or like no others. A small network learns from it, promises errors and aims at
coverages; 5,000 new records of the same kind then check both. Prints a Markdown table for each way
to treat rare classes. The command fails unless promises are kept in 95 % of the tables, and sets
reach the coverage that they aim at on average.

``noise``: labels are permuted, so texts say nothing about them. The command fails if in more than
5 % of the tables a verdict claims that the model beats the best baseline, or if any record is
accepted at a promised error.

With --keep measurements are appended to a file; those already in it are not repeated.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.comparison import leaving
from benchmarks.promises import row, trained
from pipelines import flags, shell
from textlstm.config import DataConfig
from textlstm.data.records import SPLIT_COLUMN, select_usable
from textlstm.data.splits import split
from textlstm.errors import InputError
from textlstm.evaluation.evaluate import evaluate
from textlstm.inference.scoring import score
from textlstm.recipe import Recipe, load_recipe
from textlstm.reporting.sections.verdict import verdict
from textlstm.uncertainty.conformal import COVERAGES, conformal_threshold
from textlstm.uncertainty.intervals import interval
from textlstm.uncertainty.risk_control import promise

ERRORS = (0.02, 0.05, 0.1, 0.2)
"""The error rates that are promised."""

NEW_RECORDS = 5000
"""New records of each table, which tell the true error to within .002 at 2 %."""

KEPT = 0.95
"""Share of the tables in which a promise has to be kept."""


def recipe() -> Recipe:
    """Return the default recipe, made so small that a table takes seconds."""
    return load_recipe("default").with_fields(
        embedding_size=16, hidden_units=16, epochs=4, min_steps=20, max_ngrams=0
    )


class Population:
    """A source of any number of records of frequent and rare classes.

    Frequent classes have words of their own and share a few; a rare class has the words of a
    frequent one, or others.
    """

    def __init__(self, seed: int) -> None:
        self.chance = np.random.default_rng(seed)
        self.n_records = int(self.chance.integers(800, 3000))
        self.rare_share = self.chance.uniform(0, 0.4)
        n_frequent = int(self.chance.integers(2, 8))
        # A rare class is expected to have one to nine records in a table.
        n_rare = max(1, round(self.rare_share * self.n_records / self.chance.uniform(1.5, 8)))
        shares = [(1 - self.rare_share) * self.chance.dirichlet(np.full(n_frequent, 2.0)),
                  self.rare_share * self.chance.dirichlet(np.full(n_rare, 1.0))]  # fmt: skip
        self.shares = np.concatenate(shares)
        self.labels = np.array([*(f"class {n}" for n in range(n_frequent)),
                                *(f"rare {n}" for n in range(n_rare))])  # fmt: skip
        looks_like_frequent = self.chance.random() < 0.7
        own = np.arange(n_frequent, n_frequent + n_rare)
        like = self.chance.integers(n_frequent, size=n_rare) if looks_like_frequent else own
        self.word_group = np.concatenate([np.arange(n_frequent), like])
        self.told = self.chance.uniform(0.5, 1.0)  # how often a word is of the record's class
        self.n_words = int(self.chance.integers(5, 40))

    def leave_out(self, labels: Sequence[str]) -> None:
        """Draw no more records of some classes."""
        self.shares[np.isin(self.labels, labels)] = 0.0
        self.shares /= self.shares.sum()

    def draw(self, n: int) -> pd.DataFrame:
        """Return n records: text and label."""
        classes = self.chance.choice(len(self.labels), n, p=self.shares)
        others = self.chance.choice(len(self.labels), (n, 3), p=self.shares)
        own = self.chance.random((n, 3)) < self.told
        groups = self.word_group[np.where(own, classes[:, None], others)]
        words = np.minimum(self.chance.geometric(0.15, (n, 3)), self.n_words)
        texts = [
            " ".join(f"w{g}x{w}" for g, w in zip(*one, strict=True))
            for one in zip(groups, words, strict=True)
        ]
        return pd.DataFrame({"text": texts, "label": self.labels[classes]})


def rare_classes(seed: int, how: str) -> dict[str, Any]:
    """Return what was promised of an invented table, and what became of it on new records."""
    population = Population(seed)
    records = population.draw(population.n_records)
    if how == "keep":  # no stratified split can divide a class of one record
        counts = records["label"].value_counts()
        population.leave_out(counts.index[counts == 1].tolist())
        records = records[records["label"].map(counts) > 1]
    found = select_usable(records, DataConfig(rare=how))
    parts, rare = split(found, DataConfig(), seed)
    bundle = trained(found, parts, rare, recipe(), "stratified", seed)
    new = population.draw(NEW_RECORDS)
    outcome = score(bundle, new["text"].tolist())
    truth = pd.Index(bundle.labels).get_indexer(pd.Index(new["label"]))
    wrong = outcome.ranked(0) != truth
    promises = {}
    for max_error in ERRORS:
        given = promise(bundle.out_of_fold, max_error)
        accepted = outcome.accepted(given.threshold)
        promises[str(max_error)] = {
            "coded": float(accepted.mean()),
            "error": float(wrong[accepted].mean()) if accepted.any() else None,
            "possible": _most_coded(outcome.confidence, wrong, max_error),
        }
    sets = {}
    for coverage in COVERAGES:
        threshold = conformal_threshold(bundle.out_of_fold, coverage)
        inside = outcome.sets(threshold)[np.arange(len(new)), truth] & (truth >= 0)
        sets[str(coverage)] = {"covered": float(inside.mean()), "aimed": threshold > 0}
    return {"uncodable": found.uncodable_share, "promises": promises, "sets": sets}


def _most_coded(confidence: np.ndarray, wrong: np.ndarray, max_error: float) -> float:
    """Return the share that a threshold could code that knows which labels are wrong."""
    order = np.argsort(-confidence, kind="stable")
    errors = np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)
    within = np.flatnonzero((errors <= max_error) & (confidence[order] > 0))
    return float((within[-1] + 1) / len(order)) if len(within) else 0.0


def noise(seed: int, _: str) -> dict[str, Any]:
    """Return whether a win is claimed, or anything accepted, where labels are permuted."""
    population = Population(seed)
    records = population.draw(population.n_records)
    records["label"] = population.chance.permutation(records["label"].to_numpy())
    found = select_usable(records, DataConfig())
    parts, rare = split(found, DataConfig(), seed)
    of_parts = {name: part.assign(record_id=part.index) for name, part in parts.items()}
    bundle = trained(found, parts, rare, recipe(), "stratified", seed)
    summary = {"rows": len(records), "dropped": found.dropped, "distinct_texts": 0, "handled": {},
               "uncodable": {"records": found.uncodable, "share": 0.0}}  # fmt: skip
    measured = evaluate(bundle, of_parts, summary, seed, rare[rare[SPLIT_COLUMN] == "holdout"])
    lines = verdict(measured.to_dict())
    return {
        "win": any("textlstm is better" in line or "textlstm beats" in line for line in lines),
        "learned": measured.learned,
        "accepted": max(promise(bundle.out_of_fold, max_error).share for max_error in ERRORS),
        "most frequent": float(records["label"].value_counts(normalize=True).iloc[0]),
    }


def promise_table(results: Sequence[dict[str, Any]]) -> tuple[str, bool]:
    """Return the Markdown table of promises, a row an error rate, and whether all held."""
    heads = ["error promised, at most", "promised in", "kept in", "coded automatically",
             "possible", "worst error"]  # fmt: skip
    lines, held = [row(heads), row(["---"] * len(heads))], True
    for max_error in map(str, ERRORS):
        same = [one["promises"][max_error] for one in results]
        given = [one for one in same if one["error"] is not None]
        broken = sum(one["error"] > float(max_error) for one in given)
        held &= broken <= (1 - KEPT) * len(same)
        worst = max((one["error"] for one in given), default=0.0)
        lines.append(row([
            f"{float(max_error):.0%}", f"{len(given)} of {len(same)}",
            f"{len(same) - broken} of {len(same)}",
            f"{np.mean([one['coded'] for one in same]):.1%}",
            f"{np.mean([one['possible'] for one in same]):.1%}", f"{worst:.2%}",
        ]))  # fmt: skip
    return "\n".join(lines), held


def set_table(results: Sequence[dict[str, Any]]) -> tuple[str, bool]:
    """Return the Markdown table of prediction sets, a row a coverage, and whether all held.

    Of sets that cannot reach their coverage, which is told, none is counted.
    """
    heads = ["coverage aimed at", "can be reached in", "covered, mean", "least"]
    lines, held = [row(heads), row(["---"] * len(heads))], True
    for coverage in map(str, COVERAGES):
        covered = [
            one["sets"][coverage]["covered"] for one in results if one["sets"][coverage]["aimed"]
        ]
        error = np.std(covered) / np.sqrt(len(covered)) if covered else 0.0
        held &= not covered or np.mean(covered) + 2 * error >= float(coverage)
        cells = [f"{np.mean(covered):.1%}", f"{min(covered):.1%}"] if covered else ["–", "–"]
        lines.append(row([f"{float(coverage):.0%}", f"{len(covered)} of {len(results)}", *cells]))
    return "\n".join(lines), held


def noise_table(results: Sequence[dict[str, Any]]) -> tuple[str, bool]:
    """Return what was found on permuted labels as Markdown, and whether it holds."""
    wins = sum(one["win"] for one in results)
    accepted = sum(one["accepted"] > 0 for one in results)
    high = float(interval(wins, len(results))[1])
    heads = ["tables", "wins claimed", "at most (95 %)", "tables with anything accepted"]
    cells = [str(len(results)), str(wins), f"{high:.1%}", str(accepted)]
    table = "\n".join([row(heads), row(["---"] * len(heads)), row(cells)])
    return table, wins <= (1 - KEPT) * len(results) and not accepted


def measured(
    work: Callable[[int, str], dict[str, Any]], name: str, tables: int, keep: Path | None
) -> list[dict[str, Any]]:
    """Measure each table, or read its measurement from the file that keeps it."""
    kept: dict[tuple[str, int], dict[str, Any]] = {}
    if keep is not None and keep.exists():
        for line in keep.read_text(encoding="utf-8").splitlines():
            found = json.loads(line)
            kept[found["name"], found["table"]] = found["measured"]
    for table in range(tables):
        if (name, table) in kept:
            continue
        kept[name, table] = work(table, name)
        if keep is not None:
            with keep.open("a", encoding="utf-8") as file:
                found = {"name": name, "table": table, "measured": kept[name, table]}
                file.write(json.dumps(found) + "\n")
    return [kept[name, table] for table in range(tables)]


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags, measure every table, print what was found."""
    parser = flags.Parser(**flags.help_options(__doc__))
    parser.add_argument("kind", choices=("rare", "noise"))
    parser.add_argument("--tables", type=int, default=200, metavar="N")
    parser.add_argument("--rare", nargs="+", default=["drop", "merge", "keep"],
                        choices=("drop", "merge", "keep"))  # fmt: skip
    parser.add_argument("--keep", type=Path, default=None, metavar="FILE")
    given = parser.parse_args(argv)
    held = True
    with leaving(given.keep):
        for how in given.rare if given.kind == "rare" else ["noise"]:
            work = rare_classes if given.kind == "rare" else noise
            results = measured(work, how, given.tables, given.keep)
            tables = [noise_table] if given.kind == "noise" else [promise_table, set_table]
            print(f"**{how}**, {len(results)} tables\n")
            for table, mine in (make(results) for make in tables):
                held &= mine
                print(table, end="\n\n")
    if not held:
        raise InputError("not all of it holds: see the tables")


if __name__ == "__main__":
    shell.run_and_exit(main)
