"""Workbooks of spreadsheet programs (.xlsx): a sheet, row by row, its cells as text."""

import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from textlstm.data.allowance import Allowance
from textlstm.data.chunks import from_rows, in_chunks, require_columns
from textlstm.data.options import ReadOptions
from textlstm.data.plain_values import value_text
from textlstm.errors import InputError, counted, listed, no_such, quoted

MAX_SHEET_ROWS, MAX_SHEET_COLUMNS = 1 << 20, 1 << 14
"""Rows, the header included, and columns of a sheet, at most."""

MAX_UNPACKED_WORKBOOK, MAX_WORKBOOK_RATIO = 1 << 30, 100
"""Bytes to which any workbook may unpack, and bytes for each byte of a larger one."""

OLD_FORMAT = b"\xd0\xcf\x11\xe0"
"""First bytes of an encrypted workbook, and of the older format .xls."""

NEVER_COMPUTED = re.compile(rb"(</f>|<f\b[^>]*/>)\s*(<v>\s*</v>|<v\s*/>)?\s*</c>")
"""End of a cell with a formula without a value, as programs other than spreadsheets write them."""

ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
"""A character that XML cannot hold, as workbooks spell it."""

ROWS_TOGETHER = 100
"""Rows that are taken from a sheet at a time."""

BLOCK_BYTES = 1 << 20
"""Bytes of a sheet that are examined at a time."""


def read_workbook(path: Path, options: ReadOptions) -> Iterator[pa.Table]:
    """Yield the rows of a sheet in chunks, as text; hidden rows and columns are read too.

    The first row names the columns. Formulas have the values that were saved with them; those
    that are errors, such as #REF!, are read as empty, and their number is logged. Empty rows at
    the end are left out.

    Parameters
    ----------
    options
        ``choices.sheet`` names the sheet; if it is empty, the first visible one is read.

    Raises
    ------
    InputError
        If the workbook is damaged, encrypted or unpacks to more than is allowed, there is no such
        sheet, or its first row does not name each column with cells.
    """
    with _workbook_errors(path):
        _require_workbook(path)
        # Imported late: few tables are workbooks.
        import openpyxl

        with _quiet():
            workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
        with closing(workbook):
            sheet = _sheet_of(workbook, path, options)
            _log_doubts(sheet, path, options)
            rows = _SheetRows(sheet, path, options)
            require_columns(rows.names, path)
            yield from in_chunks(rows, lambda chunk: from_rows(chunk, rows.names), options.limits)
            rows.log_errors(options)


@contextmanager
def _workbook_errors(path: Path) -> Iterator[None]:
    """Raise every error of the block as an :class:`InputError`."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:  # of the archive, of XML, and of openpyxl
        if isinstance(error, OSError) and error.errno:
            raise  # of the system
        raise InputError(f"{path}: not a readable .xlsx workbook; it may be damaged") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Drop warnings about parts of a workbook that are not read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _require_workbook(path: Path) -> None:
    """Raise an :class:`InputError` if a file is no archive, or unpacks to more than is allowed."""
    with path.open("rb") as file:
        start = file.read(len(OLD_FORMAT))
    if start == OLD_FORMAT:
        raise InputError(
            f"{path}: encrypted with a password, or in the older format .xls; save it as .xlsx "
            "without a password"
        )
    with zipfile.ZipFile(path) as archive:
        n_bytes = sum(part.file_size for part in archive.infolist())
    allowed = max(MAX_UNPACKED_WORKBOOK, MAX_WORKBOOK_RATIO * path.stat().st_size)
    if n_bytes > allowed:
        raise InputError(
            f"{path}: unpacks to {n_bytes:,} bytes, more than the {allowed:,} that are read of so "
            "small a workbook; if it is not a bomb, save it as CSV"
        )


def _sheet_of(workbook: Any, path: Path, options: ReadOptions) -> Any:
    """Return the sheet to be read; log it if others have cells too."""
    sheets = {sheet.title: sheet for sheet in workbook.worksheets}
    wanted = options.choices.sheet
    if wanted and wanted not in sheets:
        raise InputError(f"{path}: --sheet: {no_such('sheet', wanted, list(sheets))}")
    if not sheets:
        raise InputError(f"{path}: the workbook has no sheet with cells")
    visible = [name for name, sheet in sheets.items() if sheet.sheet_state == "visible"]
    chosen = wanted or (visible or list(sheets))[0]
    if not wanted:
        others = [name for name in sheets if name != chosen and _has_cells(sheets[name])]
        if others:
            options.log(
                f"{path}: read of this workbook: sheet {quoted(chosen)}; not read: "
                f"{listed(others)} (--sheet names another)"
            )
    return sheets[chosen]


def _quietly(rows: Iterator[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """Yield rows without warnings about their cells."""
    while True:
        with _quiet():
            some = list(islice(rows, ROWS_TOGETHER))
        if not some:
            return
        yield from some


def _has_cells(sheet: Any) -> bool:
    """Return whether one of the first rows of a sheet has a cell that is not empty."""
    sheet.reset_dimensions()
    first = islice(_quietly(sheet.iter_rows(values_only=True)), ROWS_TOGETHER)
    return any(value not in (None, "") for row in first for value in row)


def _log_doubts(sheet: Any, path: Path, options: ReadOptions) -> None:
    """Log merged cells, and formulas without a value, whose cells are read as empty."""
    n_merged = n_formulas = 0
    rest = b""
    with sheet._get_source() as source:
        while block := source.read(BLOCK_BYTES):
            part = rest + block
            end = part.rfind(b"<c")  # the last cell may continue in the next block
            end = end if end > 0 else len(part)
            n_formulas += sum(1 for _ in NEVER_COMPUTED.finditer(part, 0, end))
            n_merged += part.count(b"<mergeCell ", 0, end)
            rest = part[end:]
    n_formulas += len(NEVER_COMPUTED.findall(rest))
    n_merged += rest.count(b"<mergeCell ")
    if n_formulas:
        options.log(
            f"{path}: {counted(n_formulas, 'formula has', 'formulas have')} no value and "
            f"{'is' if n_formulas == 1 else 'are'} read as empty; open the workbook in a "
            "spreadsheet program and save it"
        )
    if n_merged:
        options.log(
            f"{path}: {counted(n_merged, 'block')} of merged cells; the first cell of each has the "
            "value, the others are read as empty"
        )


class _SheetRows:
    """The rows behind the header of a sheet, each with as many cells as the header."""

    def __init__(self, sheet: Any, path: Path, options: ReadOptions) -> None:
        self._path, self._max_cell = path, options.limits.max_cell
        self._allowance = options.allowance or Allowance(path.stat().st_size)
        self._n_errors = 0
        sheet.reset_dimensions()  # what a sheet says of its size may be wrong
        self._rows = enumerate(_quietly(sheet.iter_rows()), start=1)
        self.names = self._header(next(self._rows, (0, ()))[1])

    def __iter__(self) -> Iterator[list[str]]:
        width, n_empty = len(self.names), 0
        for number, cells in self._rows:
            if number > MAX_SHEET_ROWS:
                raise InputError(
                    f"{self._path}: more than {MAX_SHEET_ROWS:,} rows, which no sheet has"
                )
            texts = [self._text(cell) for cell in cells]
            if not any(texts):
                n_empty += 1
                continue
            if any(texts[width:]):
                raise InputError(
                    f"{self._path}: row {number} has a cell in a column that has no name in the "
                    "first row, which must name the columns"
                )
            for _ in range(n_empty):
                self._allowance.spend_rows(self._path, 1, width)
                yield [""] * width
            self._allowance.spend_rows(self._path, 1, width)
            yield texts[:width] + [""] * (width - len(texts))
            n_empty = 0

    def log_errors(self, options: ReadOptions) -> None:
        """Log the number of the cells whose formulas failed."""
        if self._n_errors:
            has = counted(self._n_errors, "cell has", "cells have")
            options.log(f"{self._path}: {has} an error such as #REF! or #N/A, read as empty")

    def _header(self, cells: Sequence[Any]) -> list[str]:
        """Return the names of the columns."""
        names = [self._text(cell) for cell in cells]
        while names and not names[-1].strip():
            names.pop()
        if not names:
            raise InputError(
                f"{self._path}: the first row of the sheet is empty; it must name the columns"
            )
        blank = next((number for number, name in enumerate(names) if not name.strip()), None)
        if blank is not None:
            from openpyxl.utils import get_column_letter

            raise InputError(
                f"{self._path}: column {get_column_letter(blank + 1)} has no name in the first "
                "row, which must name the columns"
            )
        return names

    def _text(self, cell: Any) -> str:
        """Return a cell as text."""
        value = cell.value
        if value is None:
            return ""
        if cell.data_type == "e":
            self._n_errors += 1
            return ""
        if isinstance(value, str):
            return ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
        return value_text(value)
