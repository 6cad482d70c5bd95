"""Options of reading a table: character set, delimiter, sheet, sizes of chunks, limits."""

from collections.abc import Callable
from dataclasses import dataclass, field

from textlstm.data.allowance import Allowance


@dataclass(frozen=True)
class Limits:
    """Sizes of the chunks in which tables are read, and the longest cell.

    Attributes
    ----------
    chunk_bytes
        Bytes of a text file read at a time: about 100,000 rows, the unit of work of the stages.
    chunk_rows
        Rows read at a time from formats that count rows.
    chunk_cells
        Cells read at a time: fewer rows than ``chunk_rows`` where there are many columns.
    max_cell
        Characters of a cell and of a line, at most: a longer one follows a quote never closed.
    """

    chunk_bytes: int = 1 << 24
    chunk_rows: int = 100_000
    chunk_cells: int = 1 << 22
    max_cell: int = 1 << 27

    def rows_at_a_time(self, n_columns: int) -> int:
        """Return the rows of a chunk of a table with ``n_columns`` columns."""
        return max(1, min(self.chunk_rows, self.chunk_cells // max(1, n_columns)))


LIMITS = Limits()
"""Limits of the stages."""


@dataclass(frozen=True)
class TableChoices:
    """Which of the tables of a source is read.

    Attributes
    ----------
    sheet
        Name of the sheet of a workbook; empty: the first visible one.
    query
        Query to a database, in SQL.
    """

    sheet: str = ""
    query: str = ""


ONLY_TABLE = TableChoices()
"""Choices for a source that has one table."""


@dataclass(frozen=True)
class ReadOptions:
    """How the files of a table are read.

    Attributes
    ----------
    charset
        Character set of text files; decoding is strict. A UTF-8 byte order mark is dropped.
    delimiter
        Delimiter of ``.csv`` and ``.tsv`` files; empty: the one that the header shows.
    log
        Receives a line about what was found out about a file.
    limits
        Sizes of chunks and cells.
    choices
        Which of the tables of a source is read.
    allowance
        Rows, cells and bytes to which the files may unpack; by default, to a file of its own size.
    """

    charset: str = "utf-8"
    delimiter: str = ""
    log: Callable[[str], object] = str
    limits: Limits = field(default_factory=lambda: LIMITS)
    choices: TableChoices = ONLY_TABLE
    allowance: Allowance | None = None
