"""Files of the statistics program SAS: data sets (.sas7bdat) and transport files (.xpt), as text.

SAS keeps value labels in another file, the catalog of formats, which is not read.
"""

import datetime as dt
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from textlstm.data.charset import codec_name
from textlstm.data.options import ReadOptions
from textlstm.data.plain_values import value_text
from textlstm.data.statistics_files import AsText, Frame, statistics_errors, tables_of
from textlstm.errors import InputError, quoted

SAS_DAYS = frozenset(
    "DATE DAY DDMMYY DDMMYYB DDMMYYC DDMMYYD DDMMYYN DDMMYYP DDMMYYS E8601DA IS8601DA B8601DA "
    "JULIAN MMDDYY MMDDYYB MMDDYYC MMDDYYD MMDDYYN MMDDYYP MMDDYYS MONYY WEEKDATE WEEKDATX "
    "WORDDATE WORDDATX YYMMDD YYMMDDB YYMMDDC YYMMDDD YYMMDDN YYMMDDP YYMMDDS".split()
)  # fmt: skip
"""Formats of SAS for days since 1960."""

SAS_SECONDS = frozenset("DATETIME DATEAMPM E8601DT IS8601DT B8601DT MDYAMPM DTDATE".split())
"""Formats of SAS for seconds since 1960."""

SAS_TIMES = frozenset("TIME TIMEAMPM HHMM TOD E8601TM IS8601TM B8601TM".split())
"""Formats of SAS for seconds since midnight."""

PADDING = 8
"""Bytes of a row of a transport file, under which blanks behind the last row look like a row."""

SAS_EPOCH = dt.datetime(1960, 1, 1)
"""Day from which SAS counts."""


def read_sas(path: Path, options: ReadOptions) -> Iterator[pa.Table]:
    """Yield the rows of a SAS data set (.sas7bdat) in chunks, as text.

    Raises
    ------
    InputError
        As :func:`.read_stata`; or if the file's texts are not in its own character set.
    """
    with statistics_errors(path, "SAS"):
        import pandas as pd

        with pd.read_sas(
            path, format="sas7bdat", encoding="infer", chunksize=options.limits.chunk_rows
        ) as reader:
            given: Any = reader
            names = list(given.column_names)
            times = {
                name: _sas_time
                for name, of_column in zip(names, given.column_formats, strict=True)
                if of_column in SAS_TIMES
            }
            yield from tables_of(reader, names, times, path, options)


def read_xport(path: Path, options: ReadOptions) -> Iterator[pa.Table]:
    """Yield the rows of a transport file of SAS (.xpt, version 5) in chunks, as text.

    Such a file does not tell its character set: it is that of ``options``.

    Raises
    ------
    InputError
        As :func:`.read_stata`; or if a text is not in the character set.
    """
    with statistics_errors(path, "SAS transport (version 5)"):
        import pandas as pd

        with pd.read_sas(
            path, format="xport", encoding=None, chunksize=options.limits.chunk_rows
        ) as reader:
            given: Any = reader
            as_text: dict[str, AsText] = {}
            for name, field in zip(given.columns, given.fields, strict=True):
                if field["ntype"] == "char":
                    as_text[name] = _decoder(name, path, options.charset)
                elif convert := _sas_conversion(field["nform"].decode("ascii", "replace")):
                    as_text[name] = convert
            is_short = sum(field["field_length"] for field in given.fields) < PADDING
            frames = _without_padding(reader) if is_short else reader
            yield from tables_of(frames, list(given.columns), as_text, path, options)


def _without_padding(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Drop empty rows at the end of a transport file: they may be the rest of its last block."""
    last = None
    for frame in frames:
        if last is not None:
            yield last
        last = frame
    if last is not None:
        filled = [number for number, row in enumerate(last.to_numpy()) if any(row)]
        yield last.iloc[: filled[-1] + 1 if filled else 0]


def _decoder(name: str, path: Path, charset: str) -> AsText:
    """Return a function that decodes the texts of a column strictly."""
    codec = codec_name(charset)

    def decode(value: Any) -> str:
        if not isinstance(value, bytes):
            return value_text(value)
        try:
            return value.decode(codec)
        except UnicodeError as error:
            raise InputError(
                f"{path}: column {quoted(name)} is not {charset}; give the file's own, for "
                "instance --charset latin-1"
            ) from error

    return decode


def _sas_conversion(of_column: str) -> AsText | None:
    """Return how to read the numbers of a column by its SAS format; None for plain numbers."""
    if of_column in SAS_TIMES:
        return _sas_time
    for formats, unit in ((SAS_DAYS, "days"), (SAS_SECONDS, "seconds")):
        if of_column in formats:
            return partial(_sas_moment, unit)
    return None


def _sas_moment(unit: str, value: Any) -> str:
    """Return a number of days or seconds since 1960 as a date, or a date with a time."""
    try:
        return value_text(value) and value_text(SAS_EPOCH + dt.timedelta(**{unit: value}))
    except OverflowError:  # no date of the calendar
        return value_text(value)


def _sas_time(value: Any) -> str:
    """Return a number of seconds as hours, minutes and seconds."""
    try:
        return value_text(value) and value_text(dt.timedelta(seconds=value))
    except OverflowError:
        return value_text(value)
