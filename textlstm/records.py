"""Tables in, checked: reading, usable records, and the split into training, validation, holdout.

Everything is read as text: ``0123`` stays ``0123``, and ``NA``, ``None`` and ``null`` are words.
"""

import csv
import io
import json
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from textlstm.config import DataConfig
from textlstm.errors import InputError

PARTS = ("train", "validation", "holdout")
"""The parts a table is split into; training and validation are the training side."""

RARE_LABEL = "(rare classes)"
"""What rare classes are merged into by ``--rare merge``."""

_GROUP_FOLDS = 20


# ---------------------------------------------------------------------------------- reading


def read_table(source: str, encoding: str = "utf-8") -> pa.Table:
    """Read a table; text formats give strings only.

    Parameters
    ----------
    source
        A ``.csv``, ``.tsv``, ``.jsonl`` or ``.parquet`` file; a folder that ``datasets`` can load;
        or, if nothing of that name exists, the id of a Hugging Face dataset, of which the split
        ``train`` is read.
    encoding
        Of a text file; decoding is strict. A UTF-8 byte order mark is dropped.

    Raises
    ------
    InputError
        If the source cannot be found, decoded or parsed, or names a column twice. The message
        gives the offset or row, never the text.
    """
    path = Path(source)
    readers: dict[str, Callable[[], pa.Table]] = {
        ".csv": lambda: _from_delimited(path, ",", encoding),
        ".tsv": lambda: _from_delimited(path, "\t", encoding),
        ".jsonl": lambda: _from_json_lines(path, encoding),
        ".parquet": lambda: _from_parquet(path),
    }
    if path.is_dir():
        table = _from_datasets(source)
    elif path.suffix.lower() in readers:
        if not path.is_file():
            raise InputError(f"{source}: no such file")
        table = readers[path.suffix.lower()]()
    elif path.exists():
        raise InputError(f"{source}: unknown format; use {', '.join(readers)}")
    else:
        table = _from_datasets(source)
    names = table.column_names
    if repeated := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{source}: the column name {repeated[0]!r} stands there twice")
    return table


def column(table: pa.Table, name: str, source: str) -> list[str]:
    """Return a column as text; missing cells are empty.

    Raises
    ------
    InputError
        If there is no such column, or its cells are bytes.
    """
    if name not in table.column_names:
        raise InputError(f"{source}: no column {name!r}; it has {', '.join(table.column_names)}")
    values: list[Any] = table[name].to_pylist()
    try:
        return [as_text(value) for value in values]
    except InputError as error:
        raise InputError(f"{source}: column {name!r}: {error}") from error


def as_records(texts: Any) -> list[tuple[str, ...]]:
    """Return the text fields of each record, whatever they came in.

    Parameters
    ----------
    texts
        A sequence of n strings, or a DataFrame or array (n, F) of F text fields in reading order.
        Missing values become empty fields, numbers their decimal form.

    Raises
    ------
    InputError
        If ``texts`` is a single string or has more than two dimensions, or a value is bytes.

    >>> as_records(["asthma", None])
    [('asthma',), ('',)]
    """
    if isinstance(texts, str | bytes):
        raise InputError("texts must be a sequence of texts, not a single one")
    if not isinstance(texts, Iterable):
        raise InputError(f"texts must be a sequence or a table, not {type(texts).__name__}")
    values = texts.to_numpy(dtype=object) if hasattr(texts, "to_numpy") else texts
    if not isinstance(values, np.ndarray):
        rows = [row if isinstance(row, list | tuple) else (row,) for row in values]
    elif values.ndim in (1, 2):
        rows = list(values.reshape(len(values), -1)) if len(values) else []
    else:
        raise InputError(f"texts must have 1 or 2 dimensions, not {values.ndim}")
    if len({len(row) for row in rows}) > 1:
        raise InputError("every record must have the same number of text fields")
    return [tuple(as_text(value) for value in row) for row in rows]


def as_text(value: Any) -> str:
    """Return a cell as text: missing values are empty, numbers their decimal form.

    Raises
    ------
    InputError
        If the value is bytes: their encoding is not known.
    """
    if type(value) is str:
        return value
    if isinstance(value, bytes):
        raise InputError("a value is bytes, not text; decode it first")
    return "" if pd.api.types.is_scalar(value) and pd.isna(value) else str(value)


def _decoded(path: Path, encoding: str) -> str:
    content = path.read_bytes()
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") and "16" not in encoding:
        raise InputError(f"{path}: this is UTF-16; give --encoding utf-16")
    try:
        text = content.decode("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: byte {error.start} is not {encoding}; "
            "give the file's own, for instance --encoding latin-1"
        ) from error
    except LookupError as error:
        raise InputError(f"--encoding {encoding}: no such encoding") from error
    return text


def _from_delimited(path: Path, delimiter: str, encoding: str) -> pa.Table:
    # Python's own reader in strict mode: faster ones take an unclosed quote for a long cell.
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(
        io.StringIO(_decoded(path, encoding), newline=""), delimiter=delimiter, strict=True
    )
    rows: list[list[str]] = []
    try:
        header = next(reader, [])
        if not header:
            raise InputError(f"{path}: the file is empty; its first line must name the columns")
        for cells in reader:
            if not cells and len(header) > 1:
                continue  # a blank line; where there is one column it is an empty cell
            cells = cells or [""]
            if len(cells) != len(header):
                raise InputError(
                    f"{path}: row {len(rows) + 1} (line {reader.line_num}) has {len(cells)} "
                    f"fields where the header has {len(header)}"
                )
            rows.append(cells)
    except csv.Error as error:
        raise InputError(
            f"{path}: row {len(rows) + 1} (line {reader.line_num}) is not valid: {error}"
        ) from error
    cells_by_column = zip(*rows, strict=True) if rows else [()] * len(header)
    return pa.Table.from_arrays([_string_array(cells) for cells in cells_by_column], names=header)


def _from_json_lines(path: Path, encoding: str) -> pa.Table:
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(io.StringIO(_decoded(path, encoding)), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: line {number} is not JSON") from error
        if not isinstance(row, dict):
            raise InputError(f"{path}: line {number} is not a JSON object")
        rows.append(row)
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.Table.from_arrays(
        [_string_array([_json_text(row.get(name)) for row in rows]) for name in names], names=names
    )


def _json_text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, list | dict) else as_text(value)


def _string_array(cells: Iterable[str]) -> pa.Array:
    try:
        return pa.array(cells, pa.string())
    except UnicodeEncodeError:  # a lone surrogate, which JSON can spell
        return pa.array([cell.encode("utf-8", "replace").decode() for cell in cells], pa.string())


def _from_parquet(path: Path) -> pa.Table:
    try:
        return pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a readable Parquet file") from error


def _from_datasets(source: str) -> pa.Table:
    # Imported late: it takes a second, and most tables are files.
    import datasets

    try:
        if (Path(source) / "state.json").is_file():
            dataset = datasets.load_from_disk(source)
        else:
            dataset = datasets.load_dataset(source, split="train")
    except Exception as error:  # the hub, the cache and every builder raise their own kinds
        raise InputError(
            f"{source}: neither a file nor a dataset that can be loaded ({type(error).__name__})"
        ) from error
    table = dataset.with_format("arrow")[:]
    for name, feature in dataset.features.items():
        if isinstance(feature, datasets.ClassLabel):
            names = [None if code is None else feature.names[code]
                     for code in table[name].to_pylist()]  # fmt: skip
            table = table.set_column(table.column_names.index(name), name, pa.array(names))
    return table


# ---------------------------------------------------------------------------------- checking


def usable(records: pd.DataFrame, config: DataConfig) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the records that can be learned from, and how many were left out, by reason.

    Parameters
    ----------
    records
        Columns ``text`` (preprocessed) and ``label``, and any others, which are kept.

    Raises
    ------
    InputError
        If fewer than two classes remain.
    """
    records = records.assign(label=[" ".join(label.split()) for label in records["label"]])
    dropped = {}
    for reason, missing in (
        ("empty_label", records["label"] == ""),
        ("empty_text", records["text"] == ""),
    ):
        keep = ~missing.loc[records.index].to_numpy()
        dropped[reason] = int((~keep).sum())
        records = records[keep]
    counts = records["label"].value_counts()
    rare = records["label"].isin(counts.index[counts < config.min_class_records]).to_numpy()
    dropped["rare_class"] = int(rare.sum()) if config.rare == "drop" else 0
    if config.rare == "drop":
        records = records[~rare]
    elif config.rare == "merge":
        records = records.assign(label=records["label"].mask(rare, RARE_LABEL))
    if records["label"].nunique() < 2:
        raise InputError(
            f"column {config.label!r} leaves {records['label'].nunique()} class(es) to learn "
            f"({len(records)} usable records; left out: {_listed(dropped)}); two are needed"
        )
    return records.reset_index(drop=True), dropped


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())


# ---------------------------------------------------------------------------------- splitting


def split(records: pd.DataFrame, config: DataConfig, seed: int) -> dict[str, pd.DataFrame]:
    """Divide usable records into the :data:`PARTS`.

    The validation part is drawn from the training side, in the same way as the holdout.

    Parameters
    ----------
    records
        Columns ``text``, ``label`` and, for a temporal split, ``date``.

    Raises
    ------
    InputError
        If there are too few records, or a date cannot be read.
    """
    train, holdout = divide(records, config.holdout, config.split, seed)
    train, validation = divide(train, config.validation, config.split, seed)
    classes = set(train["label"])
    if len(classes) < 2 or classes.isdisjoint(holdout["label"]):
        raise InputError(
            f"the {config.split} split leaves {len(classes)} class(es) to train on and "
            f"{len(classes & set(holdout['label']))} of them to measure; use another split"
        )
    return dict(zip(PARTS, (train, validation, holdout), strict=True))


def divide(
    records: pd.DataFrame, share: float, how: str, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return ``records`` in two parts, the second with ``share`` of the rows.

    ``stratified`` gives each class its share, ``grouped`` moreover keeps equal texts together,
    ``temporal`` puts the latest dates into the second part.
    """
    if how == "temporal":
        order = np.argsort(_dates(records["date"]), kind="stable")
        second = order[len(order) - round(share * len(order)) :]
    elif how == "grouped":
        second = _grouped(records, share, seed)
    else:
        second = _stratified(records["label"].to_numpy(dtype=object), share, seed)
    chosen = np.zeros(len(records), dtype=bool)
    chosen[second] = True
    if chosen.all() or not chosen.any():
        raise InputError(f"{len(records)} usable records are too few for a {how} split")
    return records[~chosen], records[chosen]


def _stratified(labels: np.ndarray[Any, Any], share: float, seed: int) -> np.ndarray[Any, Any]:
    """Return the rows of the second part; the only record of a class stays in the first."""
    classes, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    rows = np.flatnonzero(counts[codes] > 1)
    n_second = int(np.ceil(share * len(rows)))
    n_classes = int((counts > 1).sum())
    # Where a part has fewer places than there are classes, no draw can stratify it.
    fits = min(n_second, len(rows) - n_second) >= n_classes
    if len(rows) < 2:
        raise InputError(f"{len(labels)} records of {len(classes)} classes are too few to split")
    _, second = train_test_split(
        rows, test_size=share, random_state=seed, stratify=codes[rows] if fits else None
    )
    return np.asarray(second)


def _grouped(records: pd.DataFrame, share: float, seed: int) -> np.ndarray[Any, Any]:
    """Return rows of whole text groups, in number within a twentieth of ``share``."""
    groups = records["text"].factorize()[0]
    folds = min(_GROUP_FOLDS, int(groups.max()) + 1)
    if folds < 2:
        raise InputError("all texts are equal; a grouped split is not possible")
    codes = records["label"].factorize()[0]
    splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Classes smaller than the number of folds cannot be in each of them, nor need they.
        warnings.simplefilter("ignore", UserWarning)
        try:
            tests = [test for _, test in splitter.split(codes, codes, groups)]
        except ValueError as error:
            raise InputError(
                f"{len(records)} usable records are too few for a grouped split"
            ) from error
    # The largest groups are dealt out first, to the first folds: without an order drawn anew the
    # commonest text would be held out whatever the seed.
    chosen: list[int] = []
    for fold in np.random.default_rng(seed).permutation(folds):
        if len(chosen) + len(tests[fold]) <= (share + 0.5 / folds) * len(records):
            chosen.extend(tests[fold])
    return np.array(chosen, dtype=np.intp)


def _dates(values: Sequence[str] | pd.Series) -> np.ndarray[Any, Any]:
    dates = pd.to_datetime(pd.Series(values), errors="coerce", format="ISO8601", utc=True)
    if dates.isna().any():
        raise InputError(
            f"the date of {int(dates.isna().sum())} usable record(s) cannot be read; "
            f"use ISO 8601, such as 2021-12-31"
        )
    return dates.to_numpy()
