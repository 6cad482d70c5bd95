"""Workbooks for spreadsheet programs (.xlsx), written row by row (ECMA-376, part 1).

Texts are written as texts: a cell that begins with an equals sign is no formula, and ``0123`` is
no number. No temporary file is needed.
"""

import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pyarrow as pa
from pyarrow import types

from textlstm.errors import InputError, quoted

MOST_ROWS, MOST_COLUMNS, LONGEST_CELL = 1 << 20, 1 << 14, 32_767
"""Rows of a sheet, the header included, its columns, and characters of a cell, at most."""

LARGEST_EXACT = 1 << 53
"""Number up to which spreadsheets, whose numbers are of double precision, hold whole numbers."""

UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
"""Characters that XML cannot hold or changes, and the sign that spells them."""

ROWS_AT_A_TIME = 10_000
"""Rows that are written at a time."""

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType='
    '"application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
    "</Types>",
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>",
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    "</Relationships>",
}
"""The parts of a workbook beside its sheet."""


@contextmanager
def sheet_writer(path: Path) -> Iterator[Callable[[pa.Table], None]]:
    """Give a function that appends the rows of a table to the sheet of a new workbook.

    The first table gives the header. Numbers and truth values are written as such, missing values
    as empty cells, and all others as text.

    Raises
    ------
    InputError
        If there are more rows or columns than a sheet has, a cell has too many characters, or a
        column cannot be written as text.
    """
    n_rows = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in PARTS.items():
            archive.writestr(name, _HEAD + part)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())

            def append(table: pa.Table) -> None:
                nonlocal n_rows
                is_first = not n_rows
                _require_fit(n_rows + is_first + len(table), table.num_columns)
                if is_first:
                    header = [_text_cell(name, name) for name in table.column_names]
                    sheet.write(_row(header).encode())
                for start in range(0, len(table), ROWS_AT_A_TIME):
                    rows = table.slice(start, ROWS_AT_A_TIME)
                    columns = map(_xml_cells, rows.columns, rows.column_names)
                    sheet.write("".join(map(_row, zip(*columns, strict=True))).encode())
                n_rows += is_first + len(table)

            yield append
            sheet.write(b"</sheetData></worksheet>")


def _require_fit(n_rows: int, n_columns: int) -> None:
    """Raise an :class:`InputError` if a sheet has no room for a table."""
    for number, most, unit in ((n_rows, MOST_ROWS, "rows"), (n_columns, MOST_COLUMNS, "columns")):
        if number > most:
            raise InputError(
                f"--out: the table has more {unit} than a sheet of a workbook, {most:,}, the "
                "header included; use .csv or .parquet"
            )


def _row(cells: Sequence[str]) -> str:
    return f"<row>{''.join(cells)}</row>"


def _xml_cells(values: pa.ChunkedArray, name: str) -> list[str]:
    """Return the cells of a column as XML."""
    kind = values.type
    if types.is_dictionary(kind):
        return _xml_cells(values.cast(kind.value_type), name)
    if types.is_boolean(kind):
        return [_value_cell(None if v is None else int(v), "b") for v in values.to_pylist()]
    if types.is_integer(kind) or types.is_floating(kind):
        return [_number_cell(value) for value in values.to_pylist()]
    try:
        texts = values if types.is_string(kind) else values.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(
            f"--out: column {quoted(name)} cannot be written as .xlsx; use .parquet"
        ) from error
    return [_text_cell(text, name) for text in texts.to_pylist()]


def _number_cell(value: float | None) -> str:
    """Return a number; as text, if a spreadsheet would round it."""
    if value is None or value != value:
        return "<c/>"
    if value in (float("inf"), -float("inf")) or (
        isinstance(value, int) and abs(value) > LARGEST_EXACT
    ):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    return _value_cell(value, "n")


def _value_cell(value: Any, kind: str) -> str:
    return "<c/>" if value is None else f'<c t="{kind}"><v>{value!r}</v></c>'


def _text_cell(text: str | None, name: str) -> str:
    """Return a text as a cell; the name of its column is for the error."""
    if not text:
        return "<c/>"
    if len(text) > LONGEST_CELL:
        raise InputError(
            f"--out: column {quoted(name)} has a cell of {len(text):,} characters, and a "
            f"spreadsheet holds {LONGEST_CELL:,} at most; use .csv or .parquet"
        )
    text = UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'
