"""Readers of tables: files of all formats, folders and data sets, chunk by chunk.

Cells of text formats are read as text: ``0123`` stays ``0123``, and ``NA``, ``None`` and ``null``
are words. The formats and their readers stand in :data:`.FORMATS`.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name

import pyarrow as pa

from textlstm.data.allowance import Allowance
from textlstm.data.databases import ADDRESS, read_query
from textlstm.data.dataset import HUB, data_files, from_hub
from textlstm.data.options import ONLY_TABLE, Limits, ReadOptions, TableChoices
from textlstm.errors import InputError, listed
from textlstm.formats import CONVERSIONS, ENDINGS, FORMATS, format_of
from textlstm.storage.atomic import is_plain_file, name_in_errors

Reader = Callable[[Path, ReadOptions], Iterator[pa.Table]]
"""Yields the rows of a file in chunks, at least one, which may be empty."""


def read_table(
    source: str,
    charset: str = "utf-8",
    delimiter: str = "",
    log: Callable[[str], object] = str,
    choices: TableChoices = ONLY_TABLE,
) -> pa.Table:
    """Return a whole table; see :func:`iter_tables`."""
    return pa.concat_tables(iter_tables(source, charset, delimiter, log, choices=choices))


def iter_tables(
    source: str,
    charset: str = "utf-8",
    delimiter: str = "",
    log: Callable[[str], object] = str,
    limits: Limits | None = None,
    choices: TableChoices = ONLY_TABLE,
) -> Iterator[pa.Table]:
    """Yield the rows of a table in chunks, in order: at least one chunk, which may be empty.

    Parameters
    ----------
    source
        A file whose name ends in one of :data:`.ENDINGS`; a folder of such files, of one format and
        with the same columns, see :func:`.data_files`; or ``hub:owner/name``, a data set of the
        Hugging Face hub, the only source that is downloaded.
    charset
        Character set of text files; decoding is strict. A UTF-8 byte order mark is dropped.
    delimiter
        Delimiter of ``.csv`` and ``.tsv`` files; empty: the one that the header shows.
    log
        Receives a line about what was found out about the files.
    limits
        Sizes of chunks and cells; by default, those of the stages.
    choices
        Which of the tables of the source is read; of a database, by a query.

    Raises
    ------
    InputError
        If the source cannot be found, decoded or parsed, names a column twice, or unpacks to far
        more than its size. The message gives the offset or row, never the text.
    """
    options = ReadOptions(charset, delimiter, log, choices=choices)
    if limits is not None:
        options = replace(options, limits=limits)
    if choices.query and not ADDRESS.match(source):
        raise InputError(
            f"{source}: --query is for a database, such as sqlite:///deaths.db; leave it out"
        )
    if source.startswith(HUB):
        with from_hub(source) as folder:
            yield from _read_folder(folder, options)
    elif ADDRESS.match(source):
        if not choices.query:
            raise InputError(f"{source}: a database; --query says which rows are read")
        yield from read_query(source, options)
    elif re.match(r"[\w+]+://|file:", source):
        raise InputError(f"{source}: an address, not a file; download it first")
    elif Path(source).is_dir():
        yield from _read_folder(Path(source), options)
    elif is_plain_file(Path(source)):
        yield from _read_file(Path(source), options)
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


def _read_file(path: Path, options: ReadOptions) -> Iterator[pa.Table]:
    """Yield the rows of a file; errors of the system name the file."""
    with name_in_errors(path):
        yield from reader_of(path)(path, options)


def reader_of(path: Path) -> Reader:
    """Return the reader of a file, by the ending of its name.

    Raises
    ------
    InputError
        If there is no reader of this format.
    """
    if ending := format_of(path):
        reader: Reader = resolve_name(FORMATS[ending])
        return reader
    hint = CONVERSIONS.get(path.suffix.lower(), "save it as one of these in the program it is from")
    raise InputError(f"{path}: unknown format; use {', '.join(ENDINGS)}; {hint}")


def _read_folder(folder: Path, options: ReadOptions) -> Iterator[pa.Table]:
    """Yield the rows of the data files of a folder, one file after the other."""
    paths = data_files(folder)
    options.log(f"{folder}: read of this folder: {listed([path.name for path in paths])}")
    allowance = Allowance(sum(path.stat().st_size for path in paths))
    options = replace(options, allowance=allowance)
    schema: pa.Schema | None = None
    for path in paths:
        for table in _read_file(path, options):
            schema = schema or table.schema
            if sorted(table.column_names) != sorted(schema.names):
                raise InputError(f"{path}: other columns than in {paths[0]}; name one of the files")
            ordered = table.select(schema.names)
            if not ordered.schema.equals(schema):
                raise InputError(f"{path}: other types than in {paths[0]}; name one of the files")
            yield ordered
        # Every file would give the same lines as the first one.
        options = replace(options, log=str)
