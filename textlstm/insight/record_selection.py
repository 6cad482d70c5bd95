"""Select the records of a table that a user wants explained, by their ids or row numbers."""

from collections.abc import Sequence

import pyarrow as pa

from textlstm.data.cells import column
from textlstm.data.inputs import Values, table_values
from textlstm.errors import InputError, quoted

DEFAULT_RECORDS = 20
"""Records explained where none are named: the first of the table."""

ROW_NUMBERS = "(the first below the header is 1)"
"""How rows are numbered where no column names the records."""


def select_records(
    table: pa.Table,
    columns: Sequence[str],
    source: str,
    *,
    id_column: str = "",
    wanted: Sequence[str] = (),
) -> dict[str, tuple[str, ...]]:
    """Return the text fields of the wanted records by their names; see :func:`choose_rows`.

    Parameters
    ----------
    columns
        Names of the text columns.
    source
        Name of the table in messages.

    Raises
    ------
    InputError
        If the table has no rows or lacks a column, or a wanted record is not found.
    """
    if not len(table):
        raise InputError(f"{source}: the table has no rows")
    rows = choose_rows(_names(table, id_column, source), wanted, id_column)
    fields = list(zip(*(column(table, name, source) for name in columns), strict=True))
    return {name: fields[row] for name, row in rows.items()}


def select_values(
    table: pa.Table,
    columns: Sequence[str],
    source: str,
    *,
    id_column: str = "",
    wanted: Sequence[str] = (),
    missing: Sequence[str] = (),
) -> list[Values]:
    """Return the covariates of the wanted records, in the order of :func:`select_records`.

    Parameters
    ----------
    columns
        Of the covariates, as in :func:`.table_values`; without any, a record has no values.
    missing
        Cells that are read as empty.
    """
    values = table_values(table, columns, source, missing)
    rows = choose_rows(_names(table, id_column, source), wanted, id_column).values()
    return [() if values is None else values.values[values.inverse[row]] for row in rows]


def _names(table: pa.Table, id_column: str, source: str) -> list[str]:
    """Return the names of the records: their ids, or without a column of ids their row numbers."""
    if id_column:
        return column(table, id_column, source)
    return [str(number) for number in range(1, len(table) + 1)]


def choose_rows(names: Sequence[str], wanted: Sequence[str], id_column: str) -> dict[str, int]:
    """Return the row of each wanted record; of the first records, if none is named.

    Parameters
    ----------
    names
        (n,) names of the records: their ids, or without a column of ids the numbers of their rows.
    wanted
        Names of records.
    id_column
        Name of the column of ids; empty if there is none.

    Raises
    ------
    InputError
        If no record has a name, or several have it.
    """
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(name, []).append(row)
    chosen = {}
    for name in wanted or list(rows)[:DEFAULT_RECORDS]:
        with_name = rows.get(name, [])
        if len(with_name) != 1:
            raise InputError(f"--records {name}: {_why_not_one(len(with_name), id_column)}")
        chosen[name] = with_name[0]
    return chosen


def _why_not_one(n_records: int, id_column: str) -> str:
    """Return the message where no record or several records have a wanted name."""
    if not id_column:
        return (
            f"no row has this number {ROW_NUMBERS}; --id COL gives the column of the records' names"
        )
    named = f"called so in column {quoted(id_column)}"
    return (
        f"{n_records} records are {named}; one is needed" if n_records else f"no record is {named}"
    )
