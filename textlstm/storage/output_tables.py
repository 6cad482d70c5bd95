"""Tables as the stages write them: CSV, Parquet or a workbook, by the ending of a file's name."""

import codecs
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from textlstm.errors import InputError
from textlstm.storage.atomic import atomic_write
from textlstm.storage.workbook_writer import sheet_writer

OUTPUT_FORMATS = (".csv", ".parquet", ".xlsx")
"""Suffixes of the formats of an output."""


def require_format(out: Path, *more: str) -> None:
    """Raise an :class:`.InputError` unless a name ends in :data:`OUTPUT_FORMATS` or ``more``."""
    *first, last = (*OUTPUT_FORMATS, *more)
    if out.suffix.lower() not in (*first, last):
        raise InputError(f"{out}: the output must end in {', '.join(first)} or {last}")


def write_table(table: pa.Table, path: Path, *, header: bool = True) -> None:
    """Write a table atomically, in the format of the path's suffix.

    The table may hold texts of records: a new file is for its owner only (0600), and a file that
    exists keeps its permissions.

    CSV begins with a UTF-8 byte order mark, without which spreadsheets read accents wrongly.

    Parameters
    ----------
    header
        Whether CSV has a header and the byte order mark; the rows of later shards have neither.

    Raises
    ------
    InputError
        If the format cannot hold a column of the table.
    """
    try:
        with atomic_write(path, private=True) as temporary:
            if path.suffix.lower() == ".xlsx":
                with sheet_writer(temporary) as append:
                    append(table)
            elif path.suffix.lower() == ".csv":
                with temporary.open("wb") as file:
                    file.write(codecs.BOM_UTF8 if header else b"")
                    pa.csv.write_csv(table, file, pa.csv.WriteOptions(include_header=header))
            else:
                pq.write_table(table, temporary)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        other = "leave it out" if path.suffix.lower() == ".parquet" else "use .parquet"
        raise InputError(
            f"a column of the table cannot be written as {path.suffix}; {other}"
        ) from error


@contextmanager
def appending(path: Path) -> Iterator[Callable[[Path], None]]:
    """Give a function that appends the rows of a shard to the file of an output."""
    with ExitStack() as stack:
        if path.suffix == ".xlsx":
            append_rows = stack.enter_context(sheet_writer(path))

            def append(shard: Path) -> None:
                append_rows(pq.read_table(shard))

        elif path.suffix == ".csv":
            target = stack.enter_context(path.open("wb"))

            def append(shard: Path) -> None:
                with shard.open("rb") as source:
                    shutil.copyfileobj(source, target)
                target.flush()
                os.fsync(target.fileno())

        else:
            writer: pq.ParquetWriter | None = None

            def append(shard: Path) -> None:
                nonlocal writer
                if writer is None:
                    writer = stack.enter_context(pq.ParquetWriter(path, pq.read_schema(shard)))
                writer.write_table(pq.read_table(shard))

        yield append
