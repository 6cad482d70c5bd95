"""Text files in: decoded strictly, and delimited ones taken apart, a part of the file at a time."""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from textlstm.data.charset import (
    CHUNK_BYTES,
    MAX_CELL,
    byte_blocks,
    codec_name,
    decode_blocks,
    decoded,
    lines,
)
from textlstm.data.chunks import from_rows, in_chunks, require_columns
from textlstm.errors import InputError, row_number


def read_delimited(path: Path, delimiter: str, charset: str) -> Iterator[pa.Table]:
    """Yield the rows of a delimited file, as Python's reader understands it in strict mode.

    Where quotes stand plainly, Arrow's reader understands the same, and is many times faster. From
    the first part on that it cannot be trusted with, Python's goes on, and says what is wrong.
    """
    blocks, position = _as_utf8(path, charset)
    parts = _whole_rows(blocks, delimiter)
    names: list[str] = []
    n_rows = n_lines = 0
    for part, plain in parts:
        if n_lines and not part:
            return
        if plain and not n_lines:
            names = _first_row(part, delimiter)
            require_columns(names, path)
        table = _read_plain(part, delimiter, names, has_header=not n_lines) if plain else None
        if table is None:
            rest = chain([part], (later for later, _ in parts))
            texts = decode_blocks(rest, path, "utf-8", position)
            yield from _read_strictly(path, delimiter, texts, names, n_rows, n_lines)
            return
        yield table
        n_rows += len(table)
        n_lines += part.count(b"\n")
        position += len(part)


def _as_utf8(path: Path, charset: str) -> tuple[Iterator[bytes], int]:
    """Return a file in UTF-8, without a byte order mark, and how many bytes that mark took.

    What is in UTF-8 is not decoded: Arrow's reader looks at its bytes as strictly as Python does.
    """
    blocks = byte_blocks(path, charset)
    first = next(blocks, b"")  # refuses what is no encoding
    if codec_name(charset) != "utf-8":
        return (text.encode("utf-8", "replace") for text in decoded(path, charset)), 0
    start = first.removeprefix(codecs.BOM_UTF8)
    return chain([start], blocks), len(first) - len(start)


def _whole_rows(blocks: Iterable[bytes], delimiter: str) -> Iterator[tuple[bytes, bool]]:
    """Divide a file into parts that end where rows do; say of each if its quotes stand plainly.

    From the first part on of which that cannot be said, parts end anywhere. At least one is given.
    """
    rest, plain = b"", True
    for block in blocks:
        part = rest + block
        end = len(part)
        if plain:
            codes = np.frombuffer(part, np.uint8)
            quotes = np.flatnonzero(codes == ord('"'))
            whole = _end_of_rows(part, quotes)
            plain = end - whole <= CHUNK_BYTES and _quoted_plainly(codes[:whole], quotes, delimiter)
            end = whole if plain else end
        if end:
            yield part[:end], plain
        rest = part[end:]
    codes = np.frombuffer(rest, np.uint8)
    yield rest, plain and _quoted_plainly(codes, np.flatnonzero(codes == ord('"')), delimiter)


def _end_of_rows(part: bytes, quotes: NDArray[np.int64]) -> int:
    """Return where the last whole row ends: behind the last line feed that is not within quotes."""
    end = part.rfind(b"\n") + 1
    if np.searchsorted(quotes, end) % 2 == 0:
        return end
    ends = np.flatnonzero(np.frombuffer(part, np.uint8) == ord("\n")) + 1
    rows = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return int(rows[-1]) if len(rows) else 0


def _first_row(part: bytes, delimiter: str) -> list[str]:
    """Return the cells of the first row; none, if they cannot be told."""
    csv.field_size_limit(MAX_CELL)
    start = io.TextIOWrapper(io.BytesIO(part), encoding="utf-8", newline="")
    try:
        return next(csv.reader(start, delimiter=delimiter), [])
    except (UnicodeDecodeError, csv.Error):
        return []


def _quoted_plainly(codes: NDArray[np.uint8], quotes: NDArray[np.int64], delimiter: str) -> bool:
    """Return whether quotes stand only at both ends of cells, and doubled within them.

    Then, and only then, every reader finds the same cells (RFC 4180); unless there is a NUL, behind
    which Arrow's loses rows.

    Parameters
    ----------
    codes
        The bytes of some rows.
    quotes
        Where quotes stand in them, and perhaps behind them, in order.
    """
    quotes = quotes[: np.searchsorted(quotes, len(codes))]
    if len(quotes) % 2 or not codes.all():
        return False
    opening, closing = quotes[::2], quotes[1::2]
    doubled = opening[1:] == closing[:-1] + 1
    ends = np.zeros(256, dtype=np.bool_)  # looked up faster than a few codes are compared
    ends[[ord(end) for end in (delimiter, "\n", "\r")]] = True
    opens = ends[codes[opening - 1]] | (opening == 0)
    closes = ends[codes.take(closing + 1, mode="clip")] | (closing == len(codes) - 1)
    opens[1:] |= doubled
    closes[:-1] |= doubled
    return bool(opens.all() and closes.all())


def _read_plain(
    part: bytes, delimiter: str, names: Sequence[str], *, has_header: bool
) -> pa.Table | None:
    """Return rows as Arrow's reader understands them, or None if it does not."""
    if has_header and (not names or part[:1] in b"\r\n"):
        return None
    if part.startswith(codecs.BOM_UTF8):  # part of a cell, but Arrow's reader would drop it
        return None
    try:
        return pa.csv.read_csv(
            pa.BufferReader(part),
            pa.csv.ReadOptions(
                # More threads would cost more than they save, and others have work for them.
                use_threads=False,
                column_names=names,
                skip_rows_after_names=int(has_header),
            ),
            pa.csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=len(names) > 1
            ),
            pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
    except pa.ArrowInvalid:
        return None


def _read_strictly(
    path: Path,
    delimiter: str,
    blocks: Iterable[str],
    names: Sequence[str],
    n_rows: int,
    n_lines: int,
) -> Iterator[pa.Table]:
    """Yield rows as Python's reader understands them.

    If any lines were read before, the names of the columns were among them.
    """
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(lines(blocks, path), delimiter=delimiter, strict=True)

    def rows() -> Iterator[list[str]]:
        nonlocal names
        number = n_rows
        try:
            names = names if n_lines else next(reader, [])
            if not names:
                raise InputError(f"{path}: the file is empty; its first line must name the columns")
            require_columns(names, path)
            for cells in reader:
                if not cells and len(names) > 1:
                    continue  # a blank line; where there is one column it is an empty cell
                cells, number = cells or [""], number + 1
                if len(cells) != len(names):
                    raise InputError(
                        f"{path}: row {row_number(number - 1)} (line "
                        f"{n_lines + reader.line_num}) has {len(cells)} fields where the header "
                        f"has {len(names)}"
                    )
                yield cells
        except csv.Error as error:
            raise InputError(
                f"{path}: row {row_number(number)} (line {n_lines + reader.line_num}) is not "
                f"valid: {error}"
            ) from error

    yield from in_chunks(rows(), lambda some: from_rows(some, names))
