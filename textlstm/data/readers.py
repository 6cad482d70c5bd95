"""Tables in, as text, a chunk of rows at a time.

Everything is read as text: ``0123`` stays ``0123``, and ``NA``, ``None`` and ``null`` are words.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from textlstm.data.allowance import Allowance
from textlstm.data.columnar import read_arrow, read_parquet
from textlstm.data.dataset import HUB, KINDS, data_files, from_hub
from textlstm.data.delimited import read_delimited
from textlstm.data.delimiters import SIGNS, delimiter_of
from textlstm.data.json_lines import read_json_lines
from textlstm.errors import InputError, listed
from textlstm.storage.atomic import is_plain_file, name_in_errors

USUAL_DELIMITERS = {".csv": ",", ".tsv": "\t"}

SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".ods", ".numbers")
"""What names of files that only spreadsheet programs read end in."""


@dataclass(frozen=True)
class ReadOptions:
    """How text files are read.

    Attributes
    ----------
    encoding
        Character encoding; decoding is strict. A UTF-8 byte order mark is dropped.
    delimiter
        What separates the cells of a ``.csv`` or ``.tsv`` file; empty: what the header shows.
    tell
        Is given a line about what was found out about a file.
    """

    charset: str = "utf-8"
    delimiter: str = ""
    tell: Callable[[str], object] = str


def read_table(
    source: str,
    charset: str = "utf-8",
    delimiter: str = "",
    tell: Callable[[str], object] = str,
) -> pa.Table:
    """Return a whole table; see :func:`iter_tables`."""
    return pa.concat_tables(iter_tables(source, charset, delimiter, tell))


def iter_tables(
    source: str,
    charset: str = "utf-8",
    delimiter: str = "",
    tell: Callable[[str], object] = str,
) -> Iterator[pa.Table]:
    """Yield the rows of a table in order, some at a time, at least one part, be it empty.

    Parameters
    ----------
    source
        A file whose name ends in one of :data:`.KINDS`; a folder of such files, of
        one kind and with the same columns, see :func:`.data_files`; or
        ``hub:owner/name``, a data set of the Hugging Face hub, the one case in which anything is
        fetched. Text formats give strings only.
    encoding
        Of a text file; decoding is strict. A UTF-8 byte order mark is dropped.
    delimiter
        What separates the cells of a ``.csv`` or ``.tsv`` file; empty: what its header shows.
    tell
        Is given a line about what was found out about the files.

    Raises
    ------
    InputError
        If the source cannot be found, decoded or parsed, names a column twice, or unpacks to far
        more than its size. The message gives the offset or row, never the text.
    """
    reading = ReadOptions(charset, delimiter, tell)
    if source.startswith(HUB):
        with from_hub(source) as folder:
            yield from _read_folder(folder, reading)
    elif re.match(r"\w+://|file:", source):
        raise InputError(f"{source}: an address, not a file; download it first")
    elif Path(source).is_dir():
        yield from _read_folder(Path(source), reading)
    elif is_plain_file(Path(source)):
        yield from _read_file(Path(source), reading)
    elif os.path.lexists(source):
        raise InputError(
            f"{source}: no plain file but a pipe, a device, a link that leads nowhere or the like; "
            "save the table in a file first"
        )
    else:
        raise InputError(
            f"{source}: no such file or folder (a data set of the Hugging Face hub is given as "
            f"{HUB}owner/name)"
        )


def _read_file(
    path: Path, reading: ReadOptions, allowance: Allowance | None = None
) -> Iterator[pa.Table]:
    """Yield the rows of a file; what the system says of it names it."""
    with name_in_errors(path):
        yield from _parts_of_file(path, reading, allowance)


def _parts_of_file(
    path: Path, reading: ReadOptions, allowance: Allowance | None
) -> Iterator[pa.Table]:
    kind = path.suffix.lower()
    if kind in USUAL_DELIMITERS:
        usual = USUAL_DELIMITERS[kind]
        sign = delimiter_of(path, reading.charset, usual, reading.delimiter)
        if sign != usual and not reading.delimiter:
            reading.tell(f"{path}: read as divided by {SIGNS[sign]} (--delimiter, if it is not)")
        return read_delimited(path, sign, reading.charset)
    if kind == ".jsonl":
        return read_json_lines(path, reading.charset)
    if kind == ".parquet":
        return read_parquet(path, allowance)
    if kind == ".arrow":
        return read_arrow(path, allowance)
    hint = "; save it as CSV in the spreadsheet program" if kind in SPREADSHEETS else ""
    raise InputError(f"{path}: unknown format; use {', '.join(KINDS)}{hint}")


def _read_folder(folder: Path, reading: ReadOptions) -> Iterator[pa.Table]:
    """Yield the rows of the data files of a folder, one file after the other."""
    paths = data_files(folder)
    reading.tell(f"{folder}: read of this folder: {listed([path.name for path in paths])}")
    allowance = Allowance(sum(path.stat().st_size for path in paths))
    schema: pa.Schema | None = None
    for path in paths:
        for table in _read_file(path, reading, allowance):
            schema = schema or table.schema
            if sorted(table.column_names) != sorted(schema.names):
                raise InputError(f"{path}: other columns than in {paths[0]}; name one of the files")
            ordered = table.select(schema.names)
            if not ordered.schema.equals(schema):
                raise InputError(f"{path}: other types than in {paths[0]}; name one of the files")
            yield ordered
        # What is told of one file would be told of all.
        reading = replace(reading, tell=str)
