"""Delimited text files: CSV and TSV, decoded strictly and parsed a chunk at a time."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import pyarrow as pa

from textlstm.data.chunks import from_rows, in_chunks, require_columns
from textlstm.data.delimiters import SIGNS, delimiter_of
from textlstm.data.options import ReadOptions
from textlstm.data.plain_csv import as_utf8, first_row, parse_plain, whole_rows
from textlstm.data.text_files import decode_blocks, lines
from textlstm.errors import InputError, row_number


def read_csv(path: Path, options: ReadOptions) -> Iterator[pa.Table]:
    """Yield the rows of a CSV file in chunks; see :func:`read_delimited`."""
    return read_delimited(path, _delimiter_for(path, ",", options), options)


def read_tsv(path: Path, options: ReadOptions) -> Iterator[pa.Table]:
    """Yield the rows of a TSV file in chunks; see :func:`read_delimited`."""
    return read_delimited(path, _delimiter_for(path, "\t", options), options)


def _delimiter_for(path: Path, usual: str, options: ReadOptions) -> str:
    """Return the delimiter of a file; log it if the header shows another than the usual one."""
    sign = delimiter_of(path, options.charset, usual, options.delimiter)
    if sign != usual and not options.delimiter:
        options.log(f"{path}: read as divided by {SIGNS[sign]} (--delimiter, if it is not)")
    return sign


def read_delimited(path: Path, delimiter: str, options: ReadOptions) -> Iterator[pa.Table]:
    """Yield the rows of a delimited file, as Python's reader in strict mode understands them.

    Where quotes are plain, Arrow's reader understands the same rows and is many times faster. From
    the first chunk that it cannot be trusted with, Python's reader takes over and names the error.
    """
    limits = options.limits
    blocks, position = as_utf8(path, options.charset, limits.chunk_bytes)
    chunks = whole_rows(blocks, delimiter, limits.chunk_bytes)
    names: list[str] = []
    n_rows = n_lines = 0
    for chunk, plain in chunks:
        if n_lines and not chunk:
            return
        if plain and not n_lines:
            names = first_row(chunk, delimiter, limits.max_cell)
            require_columns(names, path)
        table = parse_plain(chunk, delimiter, names, has_header=not n_lines) if plain else None
        if table is None:
            rest = chain([chunk], (later for later, _ in chunks))
            texts = decode_blocks(rest, path, "utf-8", position)
            strict = _StrictReader(path, delimiter, options, names, n_rows, n_lines)
            yield from strict.read(texts)
            return
        yield table
        n_rows += len(table)
        n_lines += chunk.count(b"\n")
        position += len(chunk)


class _StrictReader:
    """Python's reader in strict mode, which names the row and the line of an error.

    Parameters
    ----------
    names
        The columns, if any lines were read before.
    n_rows, n_lines
        Rows and lines that were read before.
    """

    def __init__(
        self,
        path: Path,
        delimiter: str,
        options: ReadOptions,
        names: Sequence[str],
        n_rows: int,
        n_lines: int,
    ) -> None:
        self._path, self._delimiter, self._limits = path, delimiter, options.limits
        self._names, self._n_rows, self._n_lines = names, n_rows, n_lines

    def read(self, blocks: Iterable[str]) -> Iterator[pa.Table]:
        """Yield the rows of blocks of text in chunks."""
        csv.field_size_limit(self._limits.max_cell)
        rows = self._rows(lines(blocks, self._path, self._limits.max_cell))
        yield from in_chunks(rows, lambda chunk: from_rows(chunk, self._names), self._limits)

    def _rows(self, text_lines: Iterable[str]) -> Iterator[list[str]]:
        """Yield the rows behind the header, each with as many cells as the header."""
        reader = csv.reader(text_lines, delimiter=self._delimiter, strict=True)
        path, number = self._path, self._n_rows
        try:
            self._names = self._names if self._n_lines else next(reader, [])
            if not self._names:
                raise InputError(f"{path}: the file is empty; its first line must name the columns")
            require_columns(self._names, path)
            for cells in reader:
                if not cells and len(self._names) > 1:
                    continue  # a blank line; in a table of one column it is an empty cell
                cells, number = cells or [""], number + 1
                if len(cells) != len(self._names):
                    raise InputError(
                        f"{path}: row {row_number(number - 1)} (line "
                        f"{self._n_lines + reader.line_num}) has {len(cells)} fields where the "
                        f"header has {len(self._names)}"
                    )
                yield cells
        except csv.Error as error:
            raise InputError(
                f"{path}: row {row_number(number)} (line {self._n_lines + reader.line_num}) is not "
                f"valid: {error}"
            ) from error
