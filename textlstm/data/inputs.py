"""Inputs: what a prediction depends on, a preprocessed text and the values beside it.

Numbers (such as age) and categories (such as sex) beside the text are *covariates*. Their cells are
normalised when they are read, so that records that mean the same are one distinct input.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from textlstm.data.cells import distinct_records
from textlstm.data.distinct import Distinct, combined
from textlstm.data.groups import OLDEST_SHOWN, is_age
from textlstm.data.labels import plain_label
from textlstm.errors import InputError, counted, quoted

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

NUMBER, CATEGORY = "number:", "category:"
"""Prefixes of the names of columns of records that hold covariates."""

HIGHEST_AGE = 130
"""Age in years above which a cell of an age column is no age but a code, such as 999."""

Values = tuple[str, ...]
"""Normalised cells of a record's covariates, numbers first; an empty one is missing."""


class Input(NamedTuple):
    """What the prediction of a record depends on."""

    text: str
    """The preprocessed text."""
    values: Values = ()
    """The covariates; empty where a model has none, or none are given."""


def as_inputs(items: Iterable[str | Input]) -> list[Input]:
    """Return inputs; a text becomes one without covariates.

    >>> as_inputs(["fall", Input("stroke", ("64", "f"))])
    [Input(text='fall', values=()), Input(text='stroke', values=('64', 'f'))]
    """
    return [Input(item) if isinstance(item, str) else item for item in items]


def covariate_columns(numbers: Sequence[str], categories: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns of records that hold covariates, in their order.

    Raises
    ------
    InputError
        If a name stands for a list of names, or one is named twice.

    >>> covariate_columns(["age"], ["sex"])
    ('number:age', 'category:sex')
    """
    if isinstance(numbers, str) or isinstance(categories, str):
        raise InputError("numbers and categories are lists of names of columns, not a single name")
    if len({*numbers, *categories}) < len(numbers) + len(categories):
        raise InputError("numbers and categories must name each column once")
    return (*(NUMBER + name for name in numbers), *(CATEGORY + name for name in categories))


def covariate_names(columns: Iterable[str]) -> list[str]:
    """Return those of the names of columns that hold covariates, in their order."""
    return [name for name in columns if str(name).startswith((NUMBER, CATEGORY))]


def record_inputs(records: "pd.DataFrame") -> Distinct[Input]:
    """Return the inputs of records, from their columns ``text`` and those of covariates."""
    return joined_inputs(Distinct[str].of(records["text"]), record_values(records))


def record_values(records: "pd.DataFrame") -> Distinct[Values] | None:
    """Return the covariates of records; None if they have none."""
    columns = covariate_names(records.columns)
    return combined([Distinct[str].of(records[name]) for name in columns]) if columns else None


def joined_inputs(texts: Distinct[str], values: Distinct[Values] | None) -> Distinct[Input]:
    """Join the texts of n records with their values, if they have any."""
    if values is None:
        return texts.map(as_inputs)
    return combined([texts, values]).map(lambda pairs: [Input(*pair) for pair in pairs])


def normalised(column: str, cells: Sequence[str]) -> list[str]:
    """Normalise the cells of a column of covariates, whose name has its prefix.

    Categories lose case and odd spaces. Numbers get one spelling; a cell without one is missing,
    and so is an age that nobody reaches. Ages over 89 are one.

    >>> normalised("number:age", ["64", " 64,0", "93", "999", "-1", "unknown", "90+"])
    ['64', '64', '90', '', '', '', '90']
    >>> normalised("category:sex", ["F", "f ", ""])
    ['f', 'f', '']
    """
    if column.startswith(CATEGORY):
        return [plain_label(cell).casefold() for cell in cells]
    limits = (0.0, float(HIGHEST_AGE)) if is_age(column.removeprefix(NUMBER)) else None
    return [_normalised_number(cell, limits) for cell in cells]


def _normalised_number(cell: str, limits: tuple[float, float] | None) -> str:
    """Return one spelling of a number; empty if the cell is none, or lies outside the limits."""
    number = parse_decimal(cell)
    if number is None:
        return ""
    if limits is not None:
        if not limits[0] <= number <= limits[1]:
            return ""
        number = min(number, OLDEST_SHOWN + 1.0)
    return f"{number:.12g}"


def parse_decimal(cell: str) -> float | None:
    """Return the finite number that a cell holds; None if it holds none.

    A decimal comma is read, and a plus behind the number, as in ``90+``.

    >>> [parse_decimal(cell) for cell in ("64", "64,5", "90+", "1e3", "nan", "1_000", "old")]
    [64.0, 64.5, 90.0, 1000.0, None, None, None]
    """
    plain = cell.strip().removesuffix("+")
    if re.fullmatch(r"-?\d+,\d+", plain):
        plain = plain.replace(",", ".")
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", plain, re.ASCII):
        return None
    number = float(plain)
    return number if math.isfinite(number) else None


def normalised_column(
    column: str, cells: Distinct[str], log: Callable[[str], object] = str
) -> Distinct[str]:
    """Normalise a column of covariates of n records.

    Parameters
    ----------
    log
        Receives a line about cells that say something but no number.
    """
    values = cells.map(lambda distinct: normalised(column, distinct))
    pairs = zip(cells.values, values.values, strict=True)
    lost = [bool(old.strip()) and not new for old, new in pairs]
    if n_lost := int(np.array(lost, dtype=bool)[cells.inverse].sum()):
        name = column.partition(":")[2]
        log(
            f"{counted(n_lost, 'cell')} of column {quoted(name)} "
            f"{'holds' if n_lost == 1 else 'hold'} no usable number and count as missing"
        )
    return values


def absent_covariates(table: "pa.Table", columns: Sequence[str]) -> list[str]:
    """Return the names of the columns of covariates that a table lacks."""
    names = [column.partition(":")[2] for column in columns]
    return [name for name in names if name not in table.column_names]


def table_values(
    table: "pa.Table", columns: Sequence[str], source: str, missing: Sequence[str] = ()
) -> Distinct[Values] | None:
    """Return the covariates of the n rows of a table; None if there are no columns to read.

    Parameters
    ----------
    columns
        Names with their prefixes; a column that the table lacks is missing in all rows.
    source, missing
        As in :func:`.distinct_records`.
    """
    if not columns:
        return None
    absent = set(absent_covariates(table, columns))
    cells = [
        Distinct([""], np.zeros(len(table), np.int64))
        if (name := column.partition(":")[2]) in absent
        else normalised_column(column, table_cells(table, name, source, missing))
        for column in columns
    ]
    return combined(cells)


def table_cells(
    table: "pa.Table", name: str, source: str, missing: Sequence[str] = ()
) -> Distinct[str]:
    """Return a column of a table; arguments are those of :func:`.distinct_records`."""
    cells = distinct_records(table, [name], source, missing)
    return cells.map(lambda rows: [cell for (cell,) in rows])
