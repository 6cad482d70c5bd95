"""Labelled records: the cells of a table or of a DataFrame, preprocessed, with nothing left out."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import pandas as pd

from textlstm.data.distinct import Distinct
from textlstm.data.groups import PREFIX, group_names
from textlstm.data.inputs import covariate_names, normalised_column
from textlstm.monitor import SILENT, Monitor
from textlstm.text.cleaning import count_repairs
from textlstm.text.tokenizing import preprocess


class LabelledTable(NamedTuple):
    """All records of a table, before any is left out.

    Attributes
    ----------
    records
        ``record_id``, ``text`` (preprocessed), ``label``, ``date`` if the settings name one, and
        the group by each column of ``--by``. All columns but the ids are categoricals.
    repairs
        Cells of the texts that cleaning repaired, by kind of defect.
    date_column
        A column by which a temporal split could be made; empty if there is none.
    """

    records: pd.DataFrame
    repairs: dict[str, int]
    date_column: str = ""

    @classmethod
    def of(
        cls,
        ids: pd.Series,
        cells: Mapping[str, Distinct[tuple[str, ...]]],
        monitor: Monitor = SILENT,
    ) -> Self:
        """Preprocess the cells of n records.

        Parameters
        ----------
        ids
            (n,) names of the records.
        cells
            The text fields under ``text``, and a cell of each record for every other column.
        monitor
            Receives the progress, and lines about cells that are no numbers.
        """
        columns = {name: _categorical(name, of, monitor) for name, of in cells.items()}
        records = pd.DataFrame({"record_id": ids} | columns)
        return cls(records, count_repaired_cells(cells["text"]))


def _categorical(
    name: str, cells: Distinct[tuple[str, ...]], monitor: Monitor
) -> "pd.Categorical[Any]":
    """Return a column of the records: preprocessed texts, groups, or cells as they stand."""
    if name == "text":
        values = preprocess(monitor.track(cells.values, "tokenizing"))
    else:
        values = [cell for (cell,) in cells.values]
        if name.startswith(PREFIX):
            values = group_names(name.removeprefix(PREFIX), values)
        elif covariate_names([name]):
            read = normalised_column(name, Distinct(values, cells.inverse), monitor.log)
            values = read.values
    return pd.Categorical(values).take(cells.inverse)


def count_repaired_cells(texts: Distinct[tuple[str, ...]]) -> dict[str, int]:
    """Count the cells of text fields that cleaning repairs, by kind of defect."""
    cells = Counter[str]()
    for fields, number in zip(texts.values, texts.counts.tolist(), strict=True):
        for cell in fields:
            cells[cell] += number
    return count_repairs(cells)
