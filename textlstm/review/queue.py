"""The review queue: doubtful texts to a person, the most useful first, and the codes back."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from textlstm.data.allowance import MAX_ROWS
from textlstm.data.cells import column
from textlstm.data.labels import plain_label
from textlstm.errors import InputError, counted, listed, quoted, row_number, visible
from textlstm.inference.scoring import Scores, rounded
from textlstm.storage.spreadsheet import escape_formula, unescape_formula
from textlstm.text.tokenizing import preprocess

RANKED = 3
"""So many labels are offered of each text."""

TEXT_ID, RECORDS, DECIDING_WORDS, CODE = "item", "records", "deciding_words", "code"
"""Columns of a queue: the name of a text, how many records have it, and what a person fills in."""

ROWS_NAMED = 5
"""So many wrong rows are named at once."""


def own_columns() -> list[str]:
    """Return the columns of a queue beside those of the text, in order."""
    ranked = [
        f"{name}_{place}" for place in range(1, RANKED + 1) for name in ("label", "probability")
    ]
    return [TEXT_ID, RECORDS, *ranked, DECIDING_WORDS, CODE]


def text_id(text: str) -> str:
    """Return the name of a preprocessed text; it tells whether the text is still the same.

    A letter comes first, lest a spreadsheet should take it for a number.

    >>> text_id("stroke")
    't1ba7573640bb'
    """
    return "t" + hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]


@dataclass(frozen=True)
class Questions:
    """The distinct texts to ask about, each of them once.

    Attributes
    ----------
    texts
        (q,) preprocessed.
    fields
        (q,) the fields of the first record that has the text.
    records
        (q,) how many records have it.
    """

    texts: list[str]
    fields: list[tuple[str, ...]]
    records: NDArray[np.int64]


def questions(fields: Sequence[tuple[str, ...]], records: NDArray[np.int64]) -> Questions:
    """Return what to ask of distinct fields (n,) and how many records have them (n,).

    Fields are the same text if they are the same to the model. Of no text nothing can be asked.
    """
    first: dict[str, tuple[str, ...]] = {}
    counts: dict[str, int] = {}
    for one, text, number in zip(fields, preprocess(fields), records.tolist(), strict=True):
        if text:
            first.setdefault(text, one)
            counts[text] = counts.get(text, 0) + number
    return Questions(list(first), list(first.values()), np.array(list(counts.values()), np.int64))


def safe_names(columns: Sequence[str]) -> list[str]:
    r"""Return names of columns as a queue has them: visible, and no formula to a spreadsheet.

    Raises
    ------
    InputError
        If two of them, or one and a column of the queue, would look the same.

    >>> print(*safe_names(["=1+1", "a\x1b"]))
    '=1+1 a\x1b
    """
    names = [escape_formula(visible(name)) for name in columns]
    if len({*names, *own_columns()}) < len(names) + len(own_columns()):
        raise InputError(
            f"columns {listed(columns)} cannot be told apart in a queue; rename them in the table"
        )
    return names


def build_queue(
    asked: Questions,
    scores: Scores,
    labels: Sequence[str],
    words: Sequence[Sequence[str]],
    columns: Sequence[str],
) -> pd.DataFrame:
    """Return the queue: a row a text, those first whose code corrects most records, as expected.

    That is the number of records times the probability that their label is wrong.

    Parameters
    ----------
    asked
        The q texts.
    scores
        Of these.
    labels
        (C,) class names.
    words
        (q,) the words that decided for the most probable label.
    columns
        Names of the fields.

    Returns
    -------
    pandas.DataFrame
        ``item``, ``records``, the fields, ``label_1``, ``probability_1`` and so on,
        ``deciding_words``, and an empty ``code``. No cell is a formula to a spreadsheet.
    """
    frame = pd.DataFrame({TEXT_ID: [text_id(text) for text in asked.texts], RECORDS: asked.records})
    for place, name in enumerate(safe_names(columns)):
        frame[name] = [escape_formula(one[place]) for one in asked.fields]
    every = np.arange(len(frame))
    for place in range(min(RANKED, len(labels))):
        numbers = scores.ranked(place)
        frame[f"label_{place + 1}"] = [escape_formula(labels[number]) for number in numbers]
        frame[f"probability_{place + 1}"] = rounded(scores.probabilities[every, numbers])
    frame[DECIDING_WORDS] = [escape_formula(", ".join(one)) for one in words]
    frame[CODE] = ""
    wrong = asked.records * (1 - scores.probabilities.max(axis=1, initial=0.0))
    return frame.iloc[np.argsort(-wrong, kind="stable")].reset_index(drop=True)


def read_answers(
    table: pa.Table,
    source: str,
    columns: Sequence[str],
    known: set[str],
    tell: Callable[[str], object] = str,
) -> pd.DataFrame:
    """Return the answered rows of a filled queue.

    Parameters
    ----------
    source
        Its name, for messages.
    columns
        Names of the fields.
    known
        The labels a code may be. A code in other upper and lower case is the label that it can
        only be.
    tell
        Is given a line about codes that were read so.

    Returns
    -------
    pandas.DataFrame
        ``item``, ``records``, the fields, ``label_1`` and so on, and ``code``, all as they were
        before a spreadsheet saw them; rows without a code are left out.

    Raises
    ------
    InputError
        If a column is missing, a text is not the one that was asked about, a number of records is
        none, or a code is not known; the message names rows, never what stands in them.
    """
    names = zip(safe_names(columns), columns, strict=True)
    back = {safe: name for safe, name in names if name not in table.column_names}
    table = table.rename_columns([back.get(name, name) for name in table.column_names])
    ranked = [name for name in table.column_names if name.startswith("label_")]
    wanted = dict.fromkeys((TEXT_ID, RECORDS, *columns, "label_1", *ranked, CODE))
    cells = pd.DataFrame({name: column(table, name, source) for name in wanted})
    cells[CODE] = _codes(cells[CODE].tolist(), known, source, tell)
    plain = cells[[*columns, *ranked]].map(unescape_formula)
    texts = [list(frame[list(columns)].itertuples(index=False)) for frame in (plain, cells)]
    same = [
        np.array([text_id(text) for text in preprocess(fields)], dtype=object) == cells[TEXT_ID]
        for fields in texts
    ]
    right, has_code = same[0] | same[1], cells[CODE] != ""
    if has_code.any() and not right.any():
        raise InputError(
            f"{source}: none of its texts, in {listed(columns)}, is the one of its {TEXT_ID!r}; "
            "was it exported with another --run or --text?"
        )
    _require(right[has_code], source, f"the text is not the one of its {TEXT_ID!r}; put it back, "
             "or remove the row")  # fmt: skip
    filled = cells[has_code]
    _require(filled[RECORDS].str.fullmatch("0*[1-9][0-9]{0,8}"), source,
             f"{RECORDS!r} is not a number of records")  # fmt: skip
    _require(filled[CODE].isin(known), source, "the code is none of the labels of the training "
             f"table, {listed(sorted(known))}; leave the cell empty where none fits")  # fmt: skip
    kept = filled.assign(**{RECORDS: filled[RECORDS].astype(int)})
    if (total := int(kept[RECORDS].sum())) > MAX_ROWS:
        raise InputError(
            f"{source}: {RECORDS!r} comes to {total:,} in all, more than the {MAX_ROWS:,} that are "
            "written; put the numbers back"
        )
    kept[ranked] = plain.loc[has_code, ranked]
    as_written = plain[list(columns)].where(same[0], cells[list(columns)])
    kept[list(columns)] = as_written[has_code]
    return kept.reset_index(drop=True)


def _codes(
    cells: Sequence[str], known: set[str], source: str, tell: Callable[[str], object]
) -> list[str]:
    """Return the codes of a queue, each as the label that it is, or as it stands where it is none.

    A code may have what protects it from spreadsheets, or other upper and lower case.
    """
    times = Counter(label.casefold() for label in known)
    alone = {folded: label for label in known if times[folded := label.casefold()] == 1}
    codes, other_case = [], 0
    for code in map(plain_label, cells):
        written = unescape_formula(code), code
        same = next((one for one in written if one in known), "")
        other_case_label = next(
            (alone[one.casefold()] for one in written if one.casefold() in alone), ""
        )
        other_case += bool(other_case_label and not same)
        codes.append(same or other_case_label or code)
    if other_case:
        tell(
            f"{source}: {counted(other_case, 'code is', 'codes are')} read as the label that "
            "differs from it in upper and lower case only"
        )
    return codes


def _require(right: pd.Series, source: str, what: str) -> None:
    """Raise an :class:`InputError` that names the rows that are not right."""
    wrong = [str(row_number(row)) for row in right.index[~right]]
    if wrong:
        more = f" and {len(wrong) - ROWS_NAMED} more" if len(wrong) > ROWS_NAMED else ""
        rows = f"row{'s' * (len(wrong) > 1)} {', '.join(wrong[:ROWS_NAMED])}{more}"
        raise InputError(f"{source}: {rows} (the header is row 1): {what}")


def merge_answers(filled: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the answers of one or more filled queues, each text once.

    Raises
    ------
    InputError
        If a text was given different codes.
    """
    together = pd.concat(filled, ignore_index=True)
    codes = together.groupby(TEXT_ID)[CODE].nunique()
    if len(torn := codes.index[codes > 1]):
        raise InputError(
            f"{counted(len(torn), 'text has', 'texts have')} different codes, {TEXT_ID} "
            f"{quoted(torn[0])} first; settle on one"
        )
    return together.drop_duplicates(TEXT_ID, ignore_index=True)


def agreement(answered: pd.DataFrame) -> dict[str, NDArray[np.bool_]]:
    """Return whether each code is the most probable label, and whether it is one of those offered.

    Returns
    -------
    dict
        ``first`` and ``offered``, each (q,).
    """
    names = [name for name in answered.columns if name.startswith("label_")]
    same = answered[names].eq(answered[CODE], axis=0)
    return {
        "first": same["label_1"].to_numpy(dtype=bool),
        "offered": same.any(axis=1).to_numpy(dtype=bool),
    }


def expand_to_records(answered: pd.DataFrame, columns: Sequence[str], label: str) -> pd.DataFrame:
    """Return the records that the answers stand for: each text as often as records have it."""
    records = answered.loc[answered.index.repeat(answered[RECORDS]), [*columns, CODE]]
    return records.rename(columns={CODE: label}).reset_index(drop=True)


def append_answers(table: pa.Table, records: pd.DataFrame, source: str) -> pa.Table:
    """Return a training table with labelled records behind its own.

    It keeps all of its columns and the order of its rows. Columns that the records have too become
    text; in the others, the records have nothing.

    Raises
    ------
    InputError
        If the table lacks a column of the records, or its cells are bytes; it names ``source``.
    """
    for name in records.columns:
        cells = pa.array(column(table, name, source), pa.string())
        table = table.set_column(table.column_names.index(name), name, cells)
    shared = pa.table({name: pa.array(records[name], pa.string()) for name in records.columns})
    return pa.concat_tables([table, shared], promote_options="default")
