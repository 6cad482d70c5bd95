"""Text files in: decoded strictly, and delimited ones taken apart, a part of the file at a time."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from textlstm.charsets import UTF8, codec_name, require_own_mark
from textlstm.errors import InputError, quoted, row_number
from textlstm.files import named
from textlstm.text import LONE_SURROGATE

CHUNK_BYTES = 1 << 24
"""Bytes of a text file read at a time: some 100,000 rows, the unit of work of the stages."""

CHUNK_ROWS = 100_000
"""Rows read at a time from sources that are counted in rows."""

CHUNK_CELLS = 1 << 22
"""Cells read at a time: fewer rows than :data:`CHUNK_ROWS` where there are many columns."""

MAX_COLUMNS = 1 << 14
"""Columns of a table, at most, as of a spreadsheet: each costs memory in every part."""

MAX_CELL = 1 << 27
"""Characters of a cell and of a line, at most: behind a longer one is a quote never closed."""

COMPRESSED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf")
"""How gzip, zip, bzip2, xz, zstandard and 7z files begin."""


def decoded(path: Path, encoding: str) -> Iterator[str]:
    """Yield the text of a file, some at a time, without a byte order mark."""
    start = "\ufeff"
    for text in _decoded(_blocks(path, encoding), path, encoding):
        yield text.removeprefix(start)
        start = ""


def _blocks(path: Path, encoding: str) -> Iterator[bytes]:
    """Yield the bytes of a text file, some at a time."""
    codec_name(encoding)  # refuses what is none
    with named(path), path.open("rb") as handle:
        block = handle.read(CHUNK_BYTES)
        if block.startswith(COMPRESSED):
            raise InputError(f"{path}: this file is compressed; unpack it first")
        require_own_mark(block, path, encoding)
        while block:
            yield block
            block = handle.read(CHUNK_BYTES)


def _decoded(
    blocks: Iterable[bytes], path: Path, encoding: str, position: int = 0
) -> Iterator[str]:
    """Yield the text of blocks of a file, which begin at a position in it."""
    decoder = codecs.getincrementaldecoder(codec_name(encoding))()
    for block in chain(blocks, [b""]):
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeError as error:
            place = position - pending + getattr(error, "start", 0)  # some codecs tell no place
            raise InputError(
                f"{path}: byte {place} is not {encoding}; "
                "give the file's own, for instance --encoding latin-1"
            ) from error
        yield text
        position += len(block)


def presumed_encoding(path: Path, usual: str) -> str:
    """Return the encoding of a text file that nobody named, where files like it are in ``usual``.

    With a UTF-8 byte order mark, it is UTF-8.

    Raises
    ------
    InputError
        If ``usual`` is not UTF-8 and the file has other characters than ASCII and is valid UTF-8:
        read as ``usual``, it would most probably be read wrongly, and nobody would notice.
    """
    with named(path), path.open("rb") as handle:
        if handle.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
            return "utf-8"
    next(_blocks(path, usual), b"")  # refuses what is no encoding
    if codec_name(usual) in UTF8:
        return usual
    try:
        ascii_only = all(map(str.isascii, _decoded(_blocks(path, "utf-8"), path, "utf-8")))
    except InputError:
        return usual
    if not ascii_only:
        raise InputError(
            f"{path}: this reads as UTF-8, and the training table was {usual}; give --encoding"
        )
    return usual


def lines(blocks: Iterable[str], path: Path) -> Iterator[str]:
    """Yield lines with their ends, which are line feeds, carriage returns or both.

    Raises
    ------
    InputError
        If one is longer than :data:`MAX_CELL`; it names ``path``.
    """
    rest = ""
    for block in blocks:
        if len(rest) > MAX_CELL:
            raise InputError(f"{path}: a line of more than {MAX_CELL:,} characters")
        # The last line may go on in the next block, and so may its end.
        *whole, rest = io.StringIO(rest + block, newline="").readlines() or [""]
        yield from whole
    if rest:
        yield rest


def read_delimited(path: Path, delimiter: str, encoding: str) -> Iterator[pa.Table]:
    """Yield the rows of a delimited file, as Python's reader understands it in strict mode.

    Where quotes stand plainly, Arrow's reader understands the same, and is many times faster. From
    the first part on that it cannot be trusted with, Python's goes on, and says what is wrong.
    """
    blocks, position = _as_utf8(path, encoding)
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
            texts = _decoded(rest, path, "utf-8", position)
            yield from _read_strictly(path, delimiter, texts, names, n_rows, n_lines)
            return
        yield table
        n_rows += len(table)
        n_lines += part.count(b"\n")
        position += len(part)


def _as_utf8(path: Path, encoding: str) -> tuple[Iterator[bytes], int]:
    """Return a file in UTF-8, without a byte order mark, and how many bytes that mark took.

    What is in UTF-8 is not decoded: Arrow's reader looks at its bytes as strictly as Python does.
    """
    blocks = _blocks(path, encoding)
    first = next(blocks, b"")  # refuses what is no encoding
    if codec_name(encoding) != "utf-8":
        return (text.encode("utf-8", "replace") for text in decoded(path, encoding)), 0
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


def in_chunks(
    rows: Iterable[Sequence[str]], build: Callable[[list[Sequence[str]]], pa.Table]
) -> Iterator[pa.Table]:
    """Yield tables built of so many rows of cells each, at least one table, be it empty.

    A table is of :data:`CHUNK_ROWS` rows, or of as many as make :data:`CHUNK_CELLS` cells.
    """
    some: list[Sequence[str]] = []
    n_cells, n_tables = 0, 0
    for row in rows:
        some.append(row)
        n_cells += len(row)
        if len(some) >= CHUNK_ROWS or n_cells >= CHUNK_CELLS:
            yield build(some)
            some, n_cells, n_tables = [], 0, n_tables + 1
    if some or not n_tables:
        yield build(some)


def chunk_rows(n_columns: int) -> int:
    """Return how many rows of so many columns are read at a time."""
    return max(1, min(CHUNK_ROWS, CHUNK_CELLS // max(1, n_columns)))


def require_columns(names: Sequence[str], path: Path) -> None:
    """Raise an :class:`InputError` if a table has too many columns, or two of one name."""
    if len(names) > MAX_COLUMNS:
        raise InputError(f"{path}: {len(names):,} columns; at most {MAX_COLUMNS:,} are read")
    if len(set(names)) < len(names):
        repeated, _ = Counter(names).most_common(1)[0]
        raise InputError(f"{path}: the column name {quoted(repeated)} stands there twice")


def from_rows(rows: Sequence[Sequence[str]], names: Sequence[str]) -> pa.Table:
    """Return rows of cells as a table."""
    columns: Iterable[Sequence[str]] = zip(*rows, strict=True) if rows else [()] * len(names)
    return pa.Table.from_arrays([_string_array(cells) for cells in columns], names=list(names))


def _string_array(cells: Iterable[str]) -> pa.Array:
    try:
        return pa.array(cells, pa.string())
    except UnicodeEncodeError:  # JSON can spell half a character
        return pa.array([LONE_SURROGATE.sub("\ufffd", cell) for cell in cells], pa.string())
