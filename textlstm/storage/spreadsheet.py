"""CSV files for spreadsheets: cells that look like a formula are escaped."""

import codecs
import csv
from collections.abc import Hashable, Iterable
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from textlstm.storage.atomic import atomic_write

FORMULA_STARTS = (*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20")
"""First characters by which a spreadsheet takes a cell for a formula (OWASP, CSV injection).

The last four are the fullwidth forms of the first four.
"""

_STARTS = frozenset(FORMULA_STARTS)


class Columns(Protocol):
    """Columns of a table with their names, as a dictionary or a data frame gives them."""

    def items(self) -> Iterable[tuple[Hashable, Iterable[Any]]]:
        """Return the name and the values of each column."""
        ...


def escape_formula(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe precedes a formula.

    >>> [escape_formula(cell) for cell in ("=1+1", "-", "Fall", "")]
    ["'=1+1", "'-", 'Fall', '']
    """
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def unescape_formula(cell: str) -> str:
    """Return a cell as it was before :func:`escape_formula`.

    >>> [unescape_formula(cell) for cell in ("'=1+1", "'-", "Fall", "'s")]
    ['=1+1', '-', 'Fall', "'s"]
    """
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell


def write_csv(path: Path, columns: Columns, *, for_people: bool = False) -> None:
    """Write columns as a CSV file with a header; texts are escaped by :func:`escape_formula`.

    Parameters
    ----------
    for_people
        Whether the file begins with a UTF-8 byte order mark, without which spreadsheets read
        accents wrongly. Programs read the other files, and some do not drop the mark.
    """
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        _write_rows(file, columns, for_people)


def csv_bytes(columns: Columns, *, for_people: bool = False) -> bytes:
    r"""Return the bytes that :func:`write_csv` writes.

    >>> csv_bytes({"label": ["=fall", "a,b"], "share": [0.5, None]})
    b'label,share\n\'=fall,0.5\n"a,b",\n'
    """
    file = BytesIO()
    _write_rows(file, columns, for_people)
    return file.getvalue()


def _write_rows(file: BinaryIO, columns: Columns, for_people: bool) -> None:
    names, values = zip(*columns.items(), strict=True)
    file.write(codecs.BOM_UTF8 if for_people else b"")
    text = TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(zip(*map(_cells, values), strict=True))
    text.detach()  # flushes, and leaves the file open


def _cells(values: Iterable[Any]) -> list[Any]:
    """Return the cells of a column: texts escaped, missing values as empty cells."""
    dtype = getattr(values, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        array = np.asarray(values)
        # NumPy writes as many digits as distinguish two numbers of the column's precision; those
        # of 64 bits are Python's, whose text is the same.
        cells: list[Any] = array.astype(str if array.dtype == np.float32 else object).tolist()
        missing = np.flatnonzero(np.isnan(array)) if dtype.kind == "f" else ()
        for row in missing:
            cells[row] = ""
        return cells
    # pandas gives its strings to NumPy much faster than one by one.
    objects = values if dtype is None else np.asarray(values, dtype=object).tolist()
    return list(map(_csv_cell, objects))


def _csv_cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value[:1] in _STARTS else value
    try:
        return "" if value != value else value  # only NaN differs from itself
    except TypeError:  # pandas.NA is neither equal nor unequal to anything
        return ""
