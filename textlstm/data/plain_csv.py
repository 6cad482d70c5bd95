"""Plainly quoted CSV: recognize it, divide it into whole rows, parse it by Arrow's fast reader."""

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

from textlstm.data.charset import codec_name
from textlstm.data.text_files import byte_blocks, decoded


def as_utf8(path: Path, charset: str, chunk_bytes: int) -> tuple[Iterator[bytes], int]:
    """Return the blocks of a file in UTF-8, without a byte order mark, and the bytes of the mark.

    A file in UTF-8 is not decoded: Arrow's reader checks its bytes as strictly as Python does.
    """
    blocks = byte_blocks(path, charset, chunk_bytes)
    first = next(blocks, b"")  # refuses an unknown character set
    if codec_name(charset) != "utf-8":
        texts = decoded(path, charset, chunk_bytes)
        return (text.encode("utf-8", "replace") for text in texts), 0
    start = first.removeprefix(codecs.BOM_UTF8)
    return chain([start], blocks), len(first) - len(start)


def whole_rows(
    blocks: Iterable[bytes], delimiter: str, chunk_bytes: int
) -> Iterator[tuple[bytes, bool]]:
    """Divide a file into chunks that end where rows do; yield with each if its quotes are plain.

    From the first chunk with other quotes on, chunks end anywhere. At least one chunk is yielded.
    """
    rest, plain = b"", True
    for block in blocks:
        chunk = rest + block
        end = len(chunk)
        if plain:
            codes = np.frombuffer(chunk, np.uint8)
            quotes = np.flatnonzero(codes == ord('"'))
            whole = _end_of_rows(chunk, quotes)
            plain = end - whole <= chunk_bytes and _quoted_plainly(codes[:whole], quotes, delimiter)
            end = whole if plain else end
        if end:
            yield chunk[:end], plain
        rest = chunk[end:]
    codes = np.frombuffer(rest, np.uint8)
    yield rest, plain and _quoted_plainly(codes, np.flatnonzero(codes == ord('"')), delimiter)


def _end_of_rows(chunk: bytes, quotes: NDArray[np.int64]) -> int:
    """Return the end of the last whole row: behind the last line feed that is not within quotes."""
    end = chunk.rfind(b"\n") + 1
    if np.searchsorted(quotes, end) % 2 == 0:
        return end
    ends = np.flatnonzero(np.frombuffer(chunk, np.uint8) == ord("\n")) + 1
    rows = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return int(rows[-1]) if len(rows) else 0


def _quoted_plainly(codes: NDArray[np.uint8], quotes: NDArray[np.int64], delimiter: str) -> bool:
    """Return whether quotes stand only at both ends of cells, and doubled within them.

    Then, and only then, every reader parses the same cells (RFC 4180), unless there is a NUL,
    behind which Arrow's reader loses rows.

    Parameters
    ----------
    codes
        The bytes of some rows.
    quotes
        The positions of quotes in these bytes, and perhaps behind them, in order.
    """
    quotes = quotes[: np.searchsorted(quotes, len(codes))]
    if len(quotes) % 2 or not codes.all():
        return False
    opening, closing = quotes[::2], quotes[1::2]
    doubled = opening[1:] == closing[:-1] + 1
    ends = np.zeros(256, dtype=np.bool_)  # a table is faster than to compare with each sign
    ends[[ord(end) for end in (delimiter, "\n", "\r")]] = True
    opens = ends[codes[opening - 1]] | (opening == 0)
    closes = ends[codes.take(closing + 1, mode="clip")] | (closing == len(codes) - 1)
    opens[1:] |= doubled
    closes[:-1] |= doubled
    return bool(opens.all() and closes.all())


def first_row(chunk: bytes, delimiter: str, max_cell: int) -> list[str]:
    """Return the cells of the first row; none if it cannot be parsed."""
    csv.field_size_limit(max_cell)
    start = io.TextIOWrapper(io.BytesIO(chunk), encoding="utf-8", newline="")
    try:
        return next(csv.reader(start, delimiter=delimiter), [])
    except (UnicodeDecodeError, csv.Error):
        return []


def parse_plain(
    chunk: bytes, delimiter: str, names: Sequence[str], *, has_header: bool
) -> pa.Table | None:
    """Parse rows by Arrow's reader; return None if it cannot parse them."""
    if has_header and (not names or chunk[:1] in b"\r\n"):
        return None
    if chunk.startswith(codecs.BOM_UTF8):  # part of a cell, but Arrow's reader would drop it
        return None
    try:
        return pa.csv.read_csv(
            pa.BufferReader(chunk),
            pa.csv.ReadOptions(
                # More threads would cost more than they save, and other work needs them.
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
