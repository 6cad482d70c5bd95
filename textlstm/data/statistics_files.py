"""Files of the statistics programs Stata (.dta) and SPSS (.sav), as text.

Numbers with a value label are read as the label. Missing values, those with a letter or of a user's
own included, are empty.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from textlstm.data.allowance import Allowance
from textlstm.data.chunks import from_rows, require_columns
from textlstm.data.options import ReadOptions
from textlstm.data.plain_values import value_text
from textlstm.errors import InputError, listed

Frame = Any
"""A DataFrame of pandas, which is imported late."""

AsText = Callable[[Any], str]
"""Returns a value of a column as text."""


def read_stata(path: Path, options: ReadOptions) -> Iterator[pa.Table]:
    """Yield the rows of a Stata file in chunks, as text.

    Raises
    ------
    InputError
        If the file is damaged, or is larger than its allowance.
    """
    with statistics_errors(path, "Stata"):
        import pandas as pd

        names, labels = _stata_columns(path)
        n_rows = options.limits.rows_at_a_time(len(names))
        with pd.read_stata(
            path, iterator=True, convert_categoricals=False, chunksize=n_rows
        ) as reader:
            yield from tables_of(reader, names, _labelled(labels, path, options), path, options)


def _stata_columns(path: Path) -> tuple[list[str], dict[str, dict[Any, str]]]:
    """Return the names of the columns, and the value labels of each column that has some."""
    import pandas as pd

    # A reader that has read the labels no longer reads long texts (strL).
    with pd.read_stata(path, iterator=True) as reader:
        sets, given = reader.value_labels(), cast(Any, reader)
        names = list(reader.variable_labels())
        columns = zip(names, given._lbllist, strict=True)
        return names, {name: sets[of_set] for name, of_set in columns if of_set in sets}


def read_spss(path: Path, options: ReadOptions) -> Iterator[pa.Table]:
    """Yield the rows of an SPSS file in chunks, as text.

    Raises
    ------
    InputError
        As :func:`read_stata`; or if pyreadstat is not installed.
    """
    try:
        import pyreadstat
    except ImportError as error:
        raise InputError(
            f"{path}: an SPSS file needs pyreadstat; in the folder of textlstm run python -m pip "
            "install '.[spss]'"
        ) from error
    with statistics_errors(path, "SPSS"):
        _, about = pyreadstat.read_sav(str(path), metadataonly=True)
        n_rows = options.limits.rows_at_a_time(len(about.column_names))
        chunks = pyreadstat.read_file_in_chunks(pyreadstat.read_sav, str(path), chunksize=n_rows)
        labels = _labelled(about.variable_value_labels, path, options)
        frames = (frame for frame, _ in chunks)
        yield from tables_of(frames, about.column_names, labels, path, options)


@contextmanager
def statistics_errors(path: Path, program: str) -> Iterator[None]:
    """Raise every error of the block as an :class:`InputError`, and drop warnings."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:  # of pandas and pyreadstat, whose messages may quote cells
        if isinstance(error, OSError) and error.errno:
            raise  # of the system
        raise InputError(f"{path}: not a readable {program} file; it may be damaged") from error


def tables_of(
    frames: Iterator[Frame],
    names: Sequence[str],
    as_text: Mapping[str, AsText],
    path: Path,
    options: ReadOptions,
) -> Iterator[pa.Table]:
    """Yield frames as tables of text: at least one, which may be empty.

    Parameters
    ----------
    as_text
        Conversions of columns by their names; that of others is :func:`.value_text`.
    """
    require_columns(names, path)
    allowance = options.allowance or Allowance(path.stat().st_size)
    n_tables = 0
    while (frame := _next_frame(frames)) is not None:
        if list(frame.columns) != list(names):
            raise InputError(f"{path}: the columns change within the file; it may be damaged")
        allowance.spend_rows(path, len(frame), len(names))
        columns = [list(map(as_text.get(name, value_text), frame[name].tolist())) for name in names]
        table = from_rows(list(zip(*columns, strict=True)), names)
        allowance.spend_bytes(path, table.nbytes)
        n_tables += 1
        yield table
    if not n_tables:
        yield from_rows([], names)


def _next_frame(frames: Iterator[Frame]) -> Frame:
    """Return the next frame without a warning; None behind the last one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return next(frames, None)


def _labelled(
    labels: Mapping[str, Mapping[Any, str]], path: Path, options: ReadOptions
) -> dict[str, AsText]:
    """Return conversions of the columns whose values have labels, and log their names."""
    if labels:
        options.log(f"{path}: read as their value labels, not as numbers: {listed(list(labels))}")

    def conversion(of_column: Mapping[Any, str]) -> AsText:
        return lambda value: of_column.get(value) or value_text(value)

    return {name: conversion(of_column) for name, of_column in labels.items()}
