"""Tables of JSON lines: an object a row, whose keys are the columns."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from textlstm.data.charset import decoded, lines
from textlstm.data.chunks import CHUNK_CELLS, MAX_COLUMNS, from_rows, in_chunks, require_columns
from textlstm.errors import InputError
from textlstm.text.cleaning import LONE_SURROGATE

CELLS_PER_BYTE = 64
"""Cells that a byte of the file may make: where each row has keys of its own, most are empty."""


def read_json_lines(path: Path, charset: str) -> Iterator[pa.Table]:
    """Yield the rows of a file, as text; see :func:`.iter_tables`.

    A row need not name every column. What it nests stays JSON.

    Raises
    ------
    InputError
        If a line is not an object, or names a key twice; or if there are too many columns, or so
        many keys that few rows share that the table would be much larger than the file.
    """
    names = _names(path, charset)  # it takes a reading of all lines to know them
    require_columns([_plain(name) for name in names], path)

    def rows() -> Iterator[list[str]]:
        for number, row in _objects(path, charset):
            yield [_cell(row.get(name), path, number) for name in names]

    yield from in_chunks(rows(), lambda some: from_rows(some, [_plain(name) for name in names]))


def _names(path: Path, charset: str) -> list[str]:
    """Return the keys of all rows, in the order in which they first come."""
    most_cells = max(CHUNK_CELLS, CELLS_PER_BYTE * path.stat().st_size)
    names: dict[str, None] = {}
    for n_rows, (_, row) in enumerate(_objects(path, charset), start=1):
        names.update(dict.fromkeys(row))
        if len(names) > MAX_COLUMNS:
            raise InputError(f"{path}: more than {MAX_COLUMNS:,} columns; so many are not read")
        if n_rows * len(names) > most_cells:
            raise InputError(
                f"{path}: its rows have {len(names):,} different keys, few of which they share; as "
                "a table, it would be much larger than the file"
            )
    return list(names)


def _objects(path: Path, charset: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number of each line that is not blank, and the object that it is."""
    for number, line in enumerate(lines(decoded(path, charset), path), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=_once_each)
        except InputError as error:
            raise InputError(f"{path}: line {number} {error}") from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: line {number} is not JSON, or nested too deeply") from error
        if not isinstance(row, dict):
            raise InputError(f"{path}: line {number} is not a JSON object")
        yield number, row


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of these keys and values, each key once."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise InputError("has a key twice")
    return made


def _cell(value: Any, path: Path, number: int) -> str:
    """Return a value as text: a missing one is empty, a number has its decimal form."""
    if type(value) is str:
        return value
    if isinstance(value, list | dict):
        try:
            return json.dumps(value, ensure_ascii=False)
        except RecursionError as error:
            raise InputError(f"{path}: line {number} is nested too deeply") from error
    return "" if value is None or value != value else str(value)  # NaN alone is not itself


def _plain(name: str) -> str:
    """Return a name that can be written in UTF-8: JSON can spell half a character."""
    return LONE_SURROGATE.sub("\ufffd", name)
