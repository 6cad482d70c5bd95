"""Decisions, measured on records: promises, risk-coverage curves, conformal prediction sets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.evaluation.outcomes import HOLDOUT, Sample, coverage_outcome, promise_outcome
from textlstm.evaluation.scored_records import Coding, ScoredRecords
from textlstm.metrics_file import DecisionsJson, PromiseJson, as_json
from textlstm.uncertainty.conformal import COVERAGES, conformal_threshold, why_sets_are_full
from textlstm.uncertainty.intervals import Proportion, proportion
from textlstm.uncertainty.out_of_fold import OutOfFold
from textlstm.uncertainty.risk_control import PROMISED_ERRORS, Promise, main_promise, promise
from textlstm.uncertainty.risk_coverage import RiskCoverageCurve


@dataclass(frozen=True)
class PromiseOutcome:
    """A promised error rate, and what became of it on other records.

    Attributes
    ----------
    promise
        What was promised.
    coding
        What was coded automatically.
    by_class
        The same of the records predicted as each class.
    sample
        What the records are called.
    """

    promise: Promise
    coding: Coding
    by_class: dict[str, Coding]
    sample: Sample = HOLDOUT

    def sentence(self) -> str:
        """Say whether the promise was kept, and at which aim; empty if no record was accepted."""
        outcome = promise_outcome(
            self.promise.max_error, self.coding.coded, self.coding.error, self.sample
        )
        return f"{outcome} {self.promise.aim()}" if outcome else ""

    def to_dict(self) -> PromiseJson:
        """Return what ``metrics.json`` holds."""
        return {
            "max_error": self.promise.max_error,
            "promised_share": self.promise.share,
            "threshold": self.promise.threshold if self.promise.accepted else None,
            "sentence": self.promise.sentence(),
            "kept": self.sentence(),
            "coded": as_json(self.coding.coded),
            "error": as_json(self.coding.error),
            "per_class": {name: as_json(coding) for name, coding in self.by_class.items()},
        }


@dataclass(frozen=True)
class SetsOutcome:
    """Conformal prediction sets of a stated coverage, measured on other records.

    Attributes
    ----------
    coverage
        The share of sets that should hold the true label, at least.
    labels
        Mean number of labels in a set.
    single
        Share of the sets that hold one label.
    covered
        Share of the sets that hold the true label.
    outcome
        Whether the coverage was reached, as a sentence; empty if every set holds every label.
    every_label
        Why every set holds every label; empty if not.
    covered_unseen_text
        As ``covered``, of the records whose text no training record has.
    per_class
        As ``covered``, of the records of each class.
    """

    coverage: float
    labels: float
    single: Proportion
    covered: Proportion
    outcome: str
    every_label: str
    covered_unseen_text: Proportion
    per_class: dict[str, Proportion]


@dataclass(frozen=True)
class Decisions:
    """Decisions on n records, compared with what the out-of-fold predictions promised.

    Attributes
    ----------
    out_of_fold_records, effective_records
        Number of out-of-fold records, and their effective number.
    promises
        One for each promised error rate.
    curve
        Risk-coverage curve of the records.
    curve_by_class
        The same of the records predicted as each class.
    sets
        One for each of :data:`.COVERAGES`.
    """

    out_of_fold_records: int
    effective_records: float
    promises: tuple[PromiseOutcome, ...]
    curve: RiskCoverageCurve
    curve_by_class: dict[str, RiskCoverageCurve]
    sets: tuple[SetsOutcome, ...]

    @property
    def main_promise(self) -> PromiseOutcome:
        """Return the promise that is shown class by class, and decides in ``predictions.csv``."""
        return main_promise(self.promises)

    def to_dict(self) -> DecisionsJson:
        """Return what ``metrics.json`` holds."""
        return {
            "held_out": self.out_of_fold_records,
            "held_out_effective": self.effective_records,
            "promises": [promised.to_dict() for promised in self.promises],
            "workload": as_json(self.curve),
            "workload_per_class": {
                name: as_json(curve) for name, curve in self.curve_by_class.items()
            },
            "sets": [as_json(sets) for sets in self.sets],
        }


def measure_decisions(
    out_of_fold: OutOfFold,
    records: ScoredRecords,
    names: Sequence[str],
    max_errors: Sequence[float] = PROMISED_ERRORS,
    sample: Sample = HOLDOUT,
) -> Decisions:
    """Measure on n records what became of promised error rates and prediction sets.

    Records of classes that the model does not know are wrong where they are accepted, and no set
    covers them. Measures of a class are of records of the classes that the model knows.

    Parameters
    ----------
    out_of_fold
        What promises are computed from.
    names
        (C,) names of the classes.
    max_errors
        Error rates that are promised; the middle one is shown class by class.
    sample
        What the records are called.
    """
    known = records.known
    # A curve shows its number of records, which would disclose a small count of unknown classes.
    counted = known if (~known).sum() < SMALLEST_SHOWN else np.ones_like(known)
    return Decisions(
        out_of_fold_records=len(out_of_fold.top),
        effective_records=out_of_fold.effective,
        promises=tuple(
            _promise_outcome(promise(out_of_fold, max_error), records, names, sample)
            for max_error in max_errors
        ),
        curve=records.curve(counted),
        curve_by_class={name: records.curve(rows) for name, rows in records.predicted_as(names)},
        sets=tuple(
            _sets_outcome(out_of_fold, coverage, records, names, sample) for coverage in COVERAGES
        ),
    )


def _promise_outcome(
    promised: Promise, records: ScoredRecords, names: Sequence[str], sample: Sample
) -> PromiseOutcome:
    accepted = records.accepted(promised.threshold)
    by_class = {name: records.coding(accepted, rows) for name, rows in records.predicted_as(names)}
    coding = records.coding(accepted, np.ones_like(accepted))
    return PromiseOutcome(promised, coding, by_class, sample)


def _sets_outcome(
    out_of_fold: OutOfFold,
    coverage: float,
    records: ScoredRecords,
    names: Sequence[str],
    sample: Sample,
) -> SetsOutcome:
    members = records.scores.sets(conformal_threshold(out_of_fold, coverage))  # (n, C)
    labels, unseen, cluster_size = records.labels, records.unseen, records.cluster_size
    sizes = members.sum(axis=1)
    covers = records.codable & members[np.arange(len(labels)), labels]
    covered = proportion(covers, cluster_size)
    full = why_sets_are_full(out_of_fold, coverage)
    return SetsOutcome(
        coverage=coverage,
        labels=float(sizes.mean()),
        single=proportion(sizes == 1, cluster_size),
        covered=covered,
        outcome="" if full else coverage_outcome(coverage, covered, sample),
        every_label=full,
        covered_unseen_text=proportion(covers[unseen], cluster_size[unseen]),
        per_class={
            name: proportion(covers[labels == number], cluster_size[labels == number])
            for number, name in enumerate(names)
        },
    )
