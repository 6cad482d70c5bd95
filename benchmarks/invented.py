"""Promises and verdicts on invented tables, whose true labels are known.

    python -m benchmarks.invented rare [--tables N] [--rare drop merge keep] [--keep FILE]
    python -m benchmarks.invented noise [--tables N] [--keep FILE]

``rare``: each table has up to 40 % of its records in rare classes, whose texts look like those of
frequent classes or like no others. A small network is trained on it, promises error rates and aims
at coverages; 5,000 new records of the same kind then show the outcomes. Prints a Markdown table for
each way to treat rare classes. The command fails unless promises are kept in 95 % of the tables,
and prediction sets reach their coverage on average.

``noise``: labels are permuted, so texts say nothing about them. The command fails if a verdict
claims in more than 5 % of the tables that the model is better than the best baseline, or if any
record is accepted at a promised error rate.

With --keep each measurement is appended to a file, and measurements in the file are not repeated.
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
from textlstm.summaries import RecordsSummary
from textlstm.uncertainty.conformal import COVERAGES, conformal_threshold
from textlstm.uncertainty.intervals import interval
from textlstm.uncertainty.risk_control import promise

ERRORS = (0.02, 0.05, 0.1, 0.2)
"""Error rates that are promised."""

NEW_RECORDS = 5000
"""New records of each table: they measure an error rate of 2 % to within 0.2 points."""

KEPT = 0.95
"""Share of the tables in which promises must be kept."""


def recipe() -> Recipe:
    """Return the default recipe with a network so small that a table takes seconds."""
    return load_recipe("default").with_fields(
        embedding_size=16, hidden_units=16, epochs=4, min_steps=20, max_ngrams=0
    )


class Population:
    """A population of records, of frequent and of rare classes, to draw from.

    Each frequent class has words of its own, and its records also have words of other classes. A
    rare class has the words of a frequent class, or words of its own.
    """

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)
        self.n_records = int(self.generator.integers(800, 3000))
        self.rare_share = self.generator.uniform(0, 0.4)
        n_frequent = int(self.generator.integers(2, 8))
        # A rare class is expected to have one to nine records in a table.
        n_rare = max(1, round(self.rare_share * self.n_records / self.generator.uniform(1.5, 8)))
        shares = [(1 - self.rare_share) * self.generator.dirichlet(np.full(n_frequent, 2.0)),
                  self.rare_share * self.generator.dirichlet(np.full(n_rare, 1.0))]  # fmt: skip
        self.shares = np.concatenate(shares)
        self.labels = np.array([*(f"class {n}" for n in range(n_frequent)),
                                *(f"rare {n}" for n in range(n_rare))])  # fmt: skip
        looks_like_frequent = self.generator.random() < 0.7
        own = np.arange(n_frequent, n_frequent + n_rare)
        like = self.generator.integers(n_frequent, size=n_rare) if looks_like_frequent else own
        self.word_group = np.concatenate([np.arange(n_frequent), like])
        self.own_share = self.generator.uniform(0.5, 1.0)  # of words that are of the record's class
        self.n_words = int(self.generator.integers(5, 40))

    def leave_out(self, labels: Sequence[str]) -> None:
        """Stop drawing records of some classes."""
        self.shares[np.isin(self.labels, labels)] = 0.0
        self.shares /= self.shares.sum()

    def draw(self, n: int) -> pd.DataFrame:
        """Draw n records: text and label."""
        classes = self.generator.choice(len(self.labels), n, p=self.shares)
        others = self.generator.choice(len(self.labels), (n, 3), p=self.shares)
        own = self.generator.random((n, 3)) < self.own_share
        groups = self.word_group[np.where(own, classes[:, None], others)]
        words = np.minimum(self.generator.geometric(0.15, (n, 3)), self.n_words)
        texts = [
            " ".join(f"w{group}x{word}" for group, word in zip(*of_record, strict=True))
            for of_record in zip(groups, words, strict=True)
        ]
        return pd.DataFrame({"text": texts, "label": self.labels[classes]})


def rare_classes(seed: int, how: str) -> dict[str, Any]:
    """Return the promises of an invented table, and their outcomes on new records."""
    population = Population(seed)
    records = population.draw(population.n_records)
    if how == "keep":  # a stratified split cannot divide a class of one record
        counts = records["label"].value_counts()
        population.leave_out(counts.index[counts == 1].tolist())
        records = records[records["label"].map(counts) > 1]
    usable = select_usable(records, DataConfig(rare=how))
    parts, rare = split(usable, DataConfig(), seed)
    bundle = trained(usable, parts, rare, recipe(), "stratified", seed)
    new = population.draw(NEW_RECORDS)
    outcome = score(bundle, new["text"].tolist())
    truth = pd.Index(bundle.labels).get_indexer(pd.Index(new["label"]))
    wrong = outcome.ranked(0) != truth
    promises = {}
    for max_error in ERRORS:
        accepted = outcome.accepted(promise(bundle.out_of_fold, max_error).threshold)
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
    return {"uncodable": usable.uncodable_share, "promises": promises, "sets": sets}


def _most_coded(confidence: np.ndarray, wrong: np.ndarray, max_error: float) -> float:
    """Return the share that could be coded if one knew which labels are wrong."""
    order = np.argsort(-confidence, kind="stable")
    errors = np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)
    within = np.flatnonzero((errors <= max_error) & (confidence[order] > 0))
    return float((within[-1] + 1) / len(order)) if len(within) else 0.0


def noise(seed: int, _: str) -> dict[str, Any]:
    """Tell whether a win is claimed, or any record accepted, although labels are permuted."""
    population = Population(seed)
    records = population.draw(population.n_records)
    records["label"] = population.generator.permutation(records["label"].to_numpy())
    usable = select_usable(records, DataConfig())
    parts, rare = split(usable, DataConfig(), seed)
    of_parts = {name: part.assign(record_id=part.index) for name, part in parts.items()}
    bundle = trained(usable, parts, rare, recipe(), "stratified", seed)
    summary: RecordsSummary = {
        "rows": len(records), "dropped": usable.dropped, "distinct_texts": 0, "handled": {},
        "uncodable": {"records": usable.uncodable, "share": 0.0}, "borderline": [],
    }  # fmt: skip
    measured = evaluate(bundle, of_parts, summary, seed, rare[rare[SPLIT_COLUMN] == "holdout"])
    lines = verdict(measured.to_dict())
    return {
        "win": any("textlstm is better" in line or "textlstm beats" in line for line in lines),
        "learned": measured.learned,
        "accepted": max(promise(bundle.out_of_fold, max_error).share for max_error in ERRORS),
        "most frequent": float(records["label"].value_counts(normalize=True).iloc[0]),
    }


def promise_table(results: Sequence[dict[str, Any]]) -> tuple[str, bool]:
    """Return the Markdown table of promises, one row an error rate, and whether all were kept."""
    heads = ["error promised, at most", "promised in", "kept in", "coded automatically",
             "possible", "worst error"]  # fmt: skip
    lines, held = [row(heads), row(["---"] * len(heads))], True
    for max_error in map(str, ERRORS):
        outcomes = [result["promises"][max_error] for result in results]
        errors = [outcome["error"] for outcome in outcomes if outcome["error"] is not None]
        broken = sum(error > float(max_error) for error in errors)
        held &= broken <= (1 - KEPT) * len(outcomes)
        lines.append(row([
            f"{float(max_error):.0%}", f"{len(errors)} of {len(outcomes)}",
            f"{len(outcomes) - broken} of {len(outcomes)}",
            f"{np.mean([outcome['coded'] for outcome in outcomes]):.1%}",
            f"{np.mean([outcome['possible'] for outcome in outcomes]):.1%}",
            f"{max(errors, default=0.0):.2%}",
        ]))  # fmt: skip
    return "\n".join(lines), held


def set_table(results: Sequence[dict[str, Any]]) -> tuple[str, bool]:
    """Return the Markdown table of prediction sets, one row a coverage, and whether all reached it.

    Sets that are known not to reach their coverage are not counted.
    """
    heads = ["coverage aimed at", "can be reached in", "covered, mean", "least"]
    lines, held = [row(heads), row(["---"] * len(heads))], True
    for coverage in map(str, COVERAGES):
        covered = [
            result["sets"][coverage]["covered"]
            for result in results
            if result["sets"][coverage]["aimed"]
        ]
        error = np.std(covered) / np.sqrt(len(covered)) if covered else 0.0
        held &= not covered or np.mean(covered) + 2 * error >= float(coverage)
        cells = [f"{np.mean(covered):.1%}", f"{min(covered):.1%}"] if covered else ["–", "–"]
        lines.append(row([f"{float(coverage):.0%}", f"{len(covered)} of {len(results)}", *cells]))
    return "\n".join(lines), held


def noise_table(results: Sequence[dict[str, Any]]) -> tuple[str, bool]:
    """Return the Markdown table of permuted labels, and whether the model claimed little enough."""
    wins = sum(result["win"] for result in results)
    accepted = sum(result["accepted"] > 0 for result in results)
    high = float(interval(wins, len(results))[1])
    heads = ["tables", "wins claimed", "at most (95 %)", "tables with anything accepted"]
    cells = [str(len(results)), str(wins), f"{high:.1%}", str(accepted)]
    table = "\n".join([row(heads), row(["---"] * len(heads)), row(cells)])
    return table, wins <= (1 - KEPT) * len(results) and not accepted


def measured(
    work: Callable[[int, str], dict[str, Any]], name: str, tables: int, keep: Path | None
) -> list[dict[str, Any]]:
    """Return the measurements of each table; those in the file ``keep`` are not repeated."""
    kept: dict[tuple[str, int], dict[str, Any]] = {}
    if keep is not None and keep.exists():
        for line in keep.read_text(encoding="utf-8").splitlines():
            values = json.loads(line)
            kept[values["name"], values["table"]] = values["measured"]
    for table in range(tables):
        if (name, table) in kept:
            continue
        kept[name, table] = work(table, name)
        if keep is not None:
            with keep.open("a", encoding="utf-8") as file:
                values = {"name": name, "table": table, "measured": kept[name, table]}
                file.write(json.dumps(values) + "\n")
    return [kept[name, table] for table in range(tables)]


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags, measure each table, print the results."""
    parser = flags.Parser(**flags.help_options(__doc__))
    parser.add_argument("kind", choices=("rare", "noise"))
    parser.add_argument("--tables", type=int, default=200, metavar="N")
    parser.add_argument("--rare", nargs="+", default=["drop", "merge", "keep"],
                        choices=("drop", "merge", "keep"))  # fmt: skip
    parser.add_argument("--keep", type=Path, default=None, metavar="FILE")
    args = parser.parse_args(argv)
    held = True
    with leaving(args.keep):
        for how in args.rare if args.kind == "rare" else ["noise"]:
            work = rare_classes if args.kind == "rare" else noise
            results = measured(work, how, args.tables, args.keep)
            tables = [noise_table] if args.kind == "noise" else [promise_table, set_table]
            print(f"**{how}**, {len(results)} tables\n")
            for table, kept in (make(results) for make in tables):
                held &= kept
                print(table, end="\n\n")
    if not held:
        raise InputError("not all of it holds: see the tables")


if __name__ == "__main__":
    shell.run_and_exit(main)
