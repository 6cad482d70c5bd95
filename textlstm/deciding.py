"""Decisions of the estimator on new records, as the stage ``predict`` writes them."""

import json
from typing import Any, NamedTuple

import pandas as pd

from textlstm.arguments import in_parameters, require_number
from textlstm.data.distinct import Distinct
from textlstm.data.inputs import Input
from textlstm.given_records import LABEL_COLUMNS, FittedEstimator, GivenRecords
from textlstm.inference.drift import summary_lines
from textlstm.inference.rules import DecisionRequest, DecisionRule
from textlstm.inference.score_table import CodedTexts
from textlstm.models.logits import resolve_device

MESSAGES = "messages"
"""Key of the ``attrs`` of decisions and prediction sets: what ``predict`` logs, line by line."""


class _Decided(NamedTuple):
    """Records with their decisions, and the lines that say what was promised and found."""

    records: GivenRecords
    rule: DecisionRule
    coded: CodedTexts  # n records
    messages: list[str]


class DecisionMixin(FittedEstimator):
    """Methods of the estimator that decide on new records."""

    @in_parameters()
    def decide(self, texts: Any, max_error: float | None = 0.02) -> pd.DataFrame:
        """Predict labels, and decide which of them to accept and which a person reviews.

        The same labels, probabilities and decisions as those of ``python -m pipelines.predict``
        with the same model, records and ``--max-error``. Cells that a run reads as missing
        (``--missing``) are not known here: leave them empty.

        Parameters
        ----------
        texts
            n records, as :meth:`fit` takes them. Where columns of numbers or categories are
            absent, the promise holds for labels from the texts alone.
        max_error
            Share of wrong labels, at most, among accepted records, as promised with 95 %
            confidence; above 0 and below 1. None promises nothing and accepts labels of a
            probability of 0.5 at least.

        Returns
        -------
        pandas.DataFrame
            ``predicted_label``, ``probability`` (of that label), ``second_label`` (missing where a
            model knows one label) and ``decision`` (``accept`` or ``review``), with the index of
            ``texts``. ``attrs["messages"]`` has the lines that the stage logs: what was promised,
            how many records are for review, and drift.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before :meth:`fit` or :meth:`load`.
        InputError
            If there are no records, they have other text fields than those of the training, or
            ``max_error`` is out of range.
        """
        if max_error is not None:
            require_number("max_error", max_error)
        decided = self._decided(texts, DecisionRequest(max_error=max_error))
        cells = decided.coded.columns(decided.rule, self.bundle_)
        columns = {name: column.to_pandas() for name, column in cells.items()}
        columns |= {name: self._as_classes(columns[name]) for name in LABEL_COLUMNS}
        frame = pd.DataFrame(columns).set_axis(decided.records.index)
        frame.attrs[MESSAGES] = decided.messages
        return frame

    @in_parameters()
    def prediction_sets(self, texts: Any, coverage: float = 0.95) -> "pd.Series[Any]":
        """Return the labels that together hold the true one with a stated coverage (conformal).

        The same sets as those of ``python -m pipelines.predict`` with the same model, records and
        ``--coverage``.

        Parameters
        ----------
        texts
            n records, as :meth:`decide` takes them.
        coverage
            Share of records, at least, whose set holds the true label; above 0 and below 1.

        Returns
        -------
        pandas.Series
            (n,) lists of labels, the most probable first, with the index of ``texts``. Every label
            is in the set of a record without a known word. ``attrs["messages"]`` has the lines
            that the stage logs, with the reason where every set is full.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before :meth:`fit` or :meth:`load`.
        InputError
            As :meth:`decide`, with ``coverage`` in place of ``max_error``.
        """
        require_number("coverage", coverage)
        decided = self._decided(texts, DecisionRequest(coverage=coverage))
        names = dict(zip(self.bundle_.labels, self.classes_.tolist(), strict=True))
        cells = Distinct[str].of(decided.coded.sets.tolist())
        sets = [[names[label] for label in json.loads(cell)] for cell in cells]
        series = pd.Series(sets, index=decided.records.index, name="prediction_set", dtype=object)
        series.attrs[MESSAGES] = decided.messages
        return series

    def _decided(self, texts: Any, request: DecisionRequest) -> _Decided:
        """Score records and decide on them."""
        records = self._given(texts)
        request.require_shares()
        bundle, device, messages = self.bundle_, resolve_device(self.device), list[str]()
        rule = request.rule_without(
            records.absent, bundle.out_of_fold, bundle.text_alone, messages.append
        )
        inputs = Distinct[Input].of(records.inputs)
        coded = CodedTexts.of(bundle, inputs.values, rule, device).take(inputs.inverse)
        messages += summary_lines(coded.statistics(), bundle)
        return _Decided(records, rule, coded, messages)
