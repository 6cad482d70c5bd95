"""Pure scoring: a table in, the table with predictions out, without threads, files or a cache.

An engine calls it on each part of a large table, in any order and on any machine.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from textlstm.data.cells import distinct_records
from textlstm.data.distinct import Distinct
from textlstm.data.inputs import Input, as_inputs, joined_inputs, table_values
from textlstm.inference.bundle import Bundle
from textlstm.inference.drift import InputStatistics
from textlstm.inference.rules import ACCEPT, REVIEW, DecisionRule, require_free_columns
from textlstm.inference.scoring import rounded, score_and_count
from textlstm.models.logits import MapBatches, map_in_this_thread
from textlstm.text.tokenizing import preprocess
from textlstm.uncertainty.back_off import deepest
from textlstm.uncertainty.conformal import format_sets


def score_table(
    bundle: Bundle,
    rule: DecisionRule,
    table: pa.Table,
    columns: Sequence[str],
    *,
    device: torch.device | None = None,
    source: str = "the table",
) -> pa.Table:
    """Score a table: all of its columns and rows, with the rule's columns behind them.

    Parameters
    ----------
    columns
        Names of the text columns, in reading order. Columns of covariates are found by their names.
    source
        Name of the table in messages.

    Raises
    ------
    InputError
        If the table lacks a text column, or has one of the columns to be added.
    """
    require_free_columns(table, rule.columns)
    records = distinct_records(table, columns, source)
    values = table_values(table, bundle.vocabulary.covariates.columns, source)
    inputs = Distinct[Input].of(joined_inputs(records.map(preprocess), values))
    coded = CodedTexts.of(bundle, inputs.values, rule, device, map_in_this_thread)
    return coded.take(inputs.inverse).added_to(table, rule, bundle)


class CodedTexts(NamedTuple):
    """Predictions and decisions of n inputs or records, as they are written."""

    classes: NDArray[np.int64]  # (n,) number of the class, or of a code of a book
    probabilities: NDArray[np.float64]  # (n,) of that class
    seconds: NDArray[np.int64]  # (n,) number of the second class; -1 where a model knows but one
    accepted: NDArray[np.bool_]  # (n,) False where a person reviews the record
    words: NDArray[np.int64]  # (n,)
    unknown: NDArray[np.int64]  # (n,) words that are not in the vocabulary
    abbreviated: NDArray[np.bool_]  # (n,) whether an abbreviation was written out
    incomplete: NDArray[np.bool_]  # (n,) whether a number or category beside the text is missing
    sets: NDArray[np.object_]  # (n,) cells of the prediction sets; None where not asked for

    @classmethod
    def of(
        cls,
        bundle: Bundle,
        inputs: Sequence[Input | str],
        rule: DecisionRule,
        device: torch.device | None = None,
        map_batches: MapBatches | None = None,
    ) -> Self:
        """Score n distinct inputs; ``map_batches`` is as in :func:`.predict_logits`."""
        inputs = as_inputs(inputs)
        distinct = Distinct(inputs, np.arange(len(inputs)))
        scores, words, unknown = score_and_count(bundle, distinct, device, map_batches)
        sets = np.full(len(inputs), None, dtype=object)
        if rule.set_probability is not None:
            members = scores.sets(rule.set_probability)
            sets[:] = format_sets(members, scores.probabilities, bundle.labels)
        seconds = np.full(len(inputs), -1)
        if len(bundle.labels) > 1:
            seconds = scores.ranked(1)
        expand, names = bundle.vocabulary.expand_abbreviations, bundle.vocabulary.covariates.names
        abbreviated = [expand(text) != text for text, _ in inputs]
        incomplete = [bool(names) and not (values and all(values)) for _, values in inputs]
        classes, probabilities = scores.ranked(0), scores.highest
        accepted = scores.accepted(rule.min_probability)
        if rule.backs_off and bundle.tree is not None:
            paths = bundle.tree.best_paths(scores.probabilities)
            classes, probabilities = deepest(bundle.tree, paths, rule.min_probability)
            accepted = scores.has_known_word & (rounded(probabilities) >= rule.min_probability)
        return cls(
            classes=classes,
            probabilities=probabilities,
            seconds=seconds,
            accepted=accepted,
            words=words,
            unknown=unknown,
            abbreviated=np.array(abbreviated, dtype=np.bool_),
            incomplete=np.array(incomplete, dtype=np.bool_),
            sets=sets,
        )

    def take(self, rows: NDArray[np.integer]) -> Self:
        """Select rows."""
        return type(self)._make([values[rows] for values in self])

    def added_to(self, table: pa.Table, rule: DecisionRule, bundle: Bundle) -> pa.Table:
        """Append the rule's columns to a table of n rows."""
        for name, cells in self.columns(rule, bundle).items():
            table = table.append_column(name, cells)
        return table

    def columns(self, rule: DecisionRule, bundle: Bundle) -> dict[str, pa.Array]:
        """Return the rule's columns of n rows by their names."""
        names = pa.array(bundle.task.names, pa.string())
        cells = [
            names.take(pa.array(self.classes)),
            pa.array(rounded(self.probabilities)),
            names.take(pa.array(self.seconds, mask=self.seconds < 0)),
            pa.array([REVIEW, ACCEPT]).take(pa.array(self.accepted.astype(np.int8))),
        ]
        if rule.levels and bundle.tree is not None:
            cells.append(pa.array(bundle.tree.levels[self.classes]))
        if rule.set_probability is not None:
            cells.append(pa.array(self.sets, pa.string()))
        return dict(zip(rule.columns, cells, strict=True))

    def statistics(self) -> InputStatistics:
        """Return the input statistics of n records."""
        statistics = InputStatistics.of(
            self.words, self.unknown, self.accepted, self.probabilities, self.abbreviated
        )
        return replace(statistics, incomplete=int(self.incomplete.sum()))
