"""Explanations and measures of the estimator, as the stages explain and evaluate give them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import column_or_1d

from textlstm.arguments import in_parameters, require_a_label_each, require_number
from textlstm.data.cells import as_text
from textlstm.data.distinct import Distinct
from textlstm.data.groups import PREFIX
from textlstm.data.labelled import LabelledTable
from textlstm.errors import InputError, listed
from textlstm.evaluation.new_evaluation import NewEvaluation, evaluate_new
from textlstm.evaluation.new_records import NewRecords
from textlstm.given_records import LABEL_COLUMNS, FittedEstimator, GivenRecords
from textlstm.inference.rules import DecisionRequest
from textlstm.models.logits import resolve_device
from textlstm.uncertainty.risk_control import PROMISED_ERRORS


class ExaminationMixin(FittedEstimator):
    """Methods of the estimator that explain and measure it; none trains anything."""

    @in_parameters()
    def explain(self, texts: Any, member: int | None = None) -> pd.DataFrame:
        """Explain labels: what each word, and each number and category beside it, adds.

        The same rows as those of ``python -m pipelines.explain`` with the same model and records,
        with ``--gates --member N`` if ``member`` is N. All records are explained, where the stage
        explains the first 20 unless others are named. The marked texts of its page are not here.

        Parameters
        ----------
        texts
            n records, as :meth:`fit` takes them.
        member
            The network of the ensemble whose gates are shown, from 1; None for no gates.

        Returns
        -------
        pandas.DataFrame
            A row for each token: ``record`` (its number from 1, as text), ``number`` and ``token``,
            ``predicted_label``, ``probability``, ``attribution`` (nats of log probability), the
            same of the second label, and gates, as :func:`.token_table` describes them. A number or
            category has a row as well, with its name as the token. A record without a word has
            none.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before :meth:`fit` or :meth:`load`.
        InputError
            If there are no records, they have other text fields than those of the training, or
            there is no such member.
        """
        # Imported late: most users of the estimator explain nothing, and captum takes a second.
        from textlstm.insight.explained_inputs import explain_inputs, require_member
        from textlstm.insight.explanation_table import explanation_rows

        records = self._given(texts)
        if member is not None:
            require_member(self.bundle_, int(require_number("member", member)))
        self.bundle_.network.to(resolve_device(self.device))
        explained = explain_inputs(self.bundle_, list(records.inputs), member)
        rows = explanation_rows(_row_numbers(records), *explained).reset_index(drop=True)
        return rows.assign(**{name: self._as_classes(rows[name]) for name in LABEL_COLUMNS})

    @in_parameters()
    def evaluate(
        self,
        texts: Any,
        labels: Any,
        *,
        max_error: float | None = None,
        groups: pd.DataFrame | None = None,
        training: tuple[Any, Any] | None = None,
    ) -> NewEvaluation:
        """Measure the model on labelled records that it was not trained on; nothing is trained.

        The same measures, intervals, promises and drift as those of ``python -m
        pipelines.evaluate`` with the same model and records. Baselines need a training, and the
        accuracy on the holdout of a run needs its ``metrics.json``: neither is here.
        ``random_state`` seeds the bootstrap, as ``--seed`` of the run does.

        Parameters
        ----------
        texts
            n records, as :meth:`fit` takes them, with all numbers and categories.
        labels
            (n,) true labels. Records of a missing or empty label are left out. Records of a label
            that the model does not know are errors of promises.
        max_error
            The promised error to measure, above 0 and below 1; None for those of a report.
        groups
            (n, G) columns of groups, such as sex, in which the model is measured too.
        training
            Texts and labels of the records that the model was trained on, which tell unseen texts;
            the estimator keeps none. Without them no text counts as unseen.

        Returns
        -------
        NewEvaluation
            ``to_dict()`` gives what ``metrics.json`` holds, and ``predictions`` the table of
            ``predictions.csv``, with row numbers from 1 as ids. Both hold small counts and are
            private.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before :meth:`fit` or :meth:`load`.
        InputError
            If there are no records, lengths differ, text fields, numbers or categories are not
            those of the training, no label is known, or ``max_error`` is out of range.
        """
        if max_error is not None:
            require_number("max_error", max_error)
        new = self._labelled(texts, labels, groups)
        DecisionRequest(max_error=max_error).require_shares()
        learned: Mapping[str, pd.DataFrame] = {}
        if training is not None:
            if not isinstance(training, tuple | list) or len(training) != 2:
                raise InputError("training is a pair: the texts and their labels")
            records = self._labelled(*training).records
            learned = {"train": records, "validation": records[:0]}
        promised = PROMISED_ERRORS if max_error is None else (max_error,)
        self.bundle_.network.to(resolve_device(self.device))
        return evaluate_new(self.bundle_, new, learned, self._seed(), promised)

    def _labelled(self, texts: Any, labels: Any, groups: pd.DataFrame | None = None) -> NewRecords:
        """Return records that have a label and a text."""
        records = self._given(texts)
        if records.absent:
            raise InputError(f"texts lack {listed(records.absent)}, which the model reads")
        names = self._label_names(labels, len(records))
        cells: dict[str, Distinct[tuple[str, ...]]] = {
            "text": records.fields,
            "label": Distinct.of((name,) for name in names),
            **({} if groups is None else _group_cells(groups, len(records))),
            **{name: one.map(_as_fields) for name, one in records.covariates.items()},
        }
        table = LabelledTable.of(pd.Series(_row_numbers(records)), cells)
        return NewRecords.of(table, "labels", self.bundle_.labels)

    def _label_names(self, labels: Any, n_records: int) -> list[str]:
        """Return the label of each record as text (n,); a missing one is empty."""
        values = column_or_1d(np.asarray(labels, dtype=object))
        require_a_label_each(n_records, values)
        # A label that equals a class is this class: 1.0 is 1, though not as text.
        names = dict(zip(self.classes_.tolist(), self.bundle_.labels, strict=True))
        try:
            return [names.get(value) or as_text(value) for value in values.tolist()]
        except TypeError as error:
            raise InputError("a label is a list; the model has one label a record") from error


def _row_numbers(records: GivenRecords) -> list[str]:
    """Return the names of n records: their numbers from 1, as stages give them."""
    return [str(number) for number in range(1, len(records) + 1)]


def _group_cells(groups: Any, n_records: int) -> dict[str, Distinct[tuple[str, ...]]]:
    """Return the columns of groups by their names with the prefix of groups.

    Raises
    ------
    InputError
        If they are no DataFrame, or have more or fewer rows than there are records.
    """
    if not isinstance(groups, pd.DataFrame):
        raise InputError("groups are columns of a DataFrame")
    if len(groups) != n_records:
        raise InputError(f"{n_records} texts and {len(groups)} rows of groups do not match")
    return {
        f"{PREFIX}{name}": Distinct.of((as_text(cell),) for cell in cells.tolist())
        for name, cells in groups.items()
    }


def _as_fields(cells: Sequence[str]) -> list[tuple[str, ...]]:
    """Return each cell as the only field of its record."""
    return [(cell,) for cell in cells]
