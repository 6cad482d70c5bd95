"""JSON lines: a table with an object a line, whose keys are the columns."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from textlstm.data.chunks import MAX_COLUMNS, from_rows, in_chunks, require_columns
from textlstm.data.options import ReadOptions
from textlstm.data.text_files import decoded, lines
from textlstm.errors import InputError
from textlstm.text.cleaning import LONE_SURROGATE

CELLS_PER_BYTE = 64
"""Cells for each byte of a file, at most: where each row has its own keys, most cells are empty."""


def read_json_lines(path: Path, options: ReadOptions) -> Iterator[pa.Table]:
    """Yield the rows of a file in chunks, as text.

    A row may lack columns. Nested values stay JSON.

    Raises
    ------
    InputError
        If a line is not an object or has a key twice, there are too many columns, or rows share so
        few keys that the table would be much larger than the file.
    """
    keys = _all_keys(path, options)  # they are known only after a first reading of all lines
    names = [_valid_unicode(key) for key in keys]
    require_columns(names, path)

    def rows() -> Iterator[list[str]]:
        for number, row in _objects(path, options):
            yield [_value_as_text(row.get(key), path, number) for key in keys]

    yield from in_chunks(rows(), lambda chunk: from_rows(chunk, names), options.limits)


def _all_keys(path: Path, options: ReadOptions) -> list[str]:
    """Return the keys of all rows, in the order in which they first occur."""
    most_cells = max(options.limits.chunk_cells, CELLS_PER_BYTE * path.stat().st_size)
    keys: dict[str, None] = {}
    for n_rows, (_, row) in enumerate(_objects(path, options), start=1):
        keys.update(dict.fromkeys(row))
        if len(keys) > MAX_COLUMNS:
            raise InputError(f"{path}: more than {MAX_COLUMNS:,} columns, which is over the limit")
        if n_rows * len(keys) > most_cells:
            raise InputError(
                f"{path}: its rows have {len(keys):,} different keys, few of which they share; as "
                "a table, it would be much larger than the file"
            )
    return list(keys)


def _objects(path: Path, options: ReadOptions) -> Iterator[tuple[int, dict[str, object]]]:
    """Yield the number of each line that is not blank, and its object."""
    limits = options.limits
    text = decoded(path, options.charset, limits.chunk_bytes)
    for number, line in enumerate(lines(text, path, limits.max_cell), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=_without_repeats)
        except InputError as error:
            raise InputError(f"{path}: line {number} {error}") from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: line {number} is not JSON, or nested too deeply") from error
        if not isinstance(row, dict):
            raise InputError(f"{path}: line {number} is not a JSON object")
        yield number, row


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object of keys and values; raise an :class:`InputError` if a key repeats."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise InputError("has a key twice")
    return values


def _value_as_text(value: Any, path: Path, number: int) -> str:
    """Return a value as text: a missing value is empty, a number has its decimal form."""
    if type(value) is str:
        return value
    if isinstance(value, list | dict):
        try:
            return json.dumps(value, ensure_ascii=False)
        except RecursionError as error:
            raise InputError(f"{path}: line {number} is nested too deeply") from error
    return "" if value is None or value != value else str(value)  # NaN alone differs from itself


def _valid_unicode(name: str) -> str:
    """Return a name that can be written in UTF-8: JSON can spell a lone surrogate."""
    return LONE_SURROGATE.sub("\ufffd", name)
