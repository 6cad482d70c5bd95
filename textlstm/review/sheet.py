"""The review queue as a spreadsheet: written with formulas escaped, and read back with checks."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from textlstm.data.allowance import MAX_ROWS
from textlstm.data.cells import column
from textlstm.data.labels import plain_label
from textlstm.errors import InputError, counted, listed, quoted, row_number, visible
from textlstm.inference.scoring import rounded
from textlstm.review.queue import N_RANKED, QueueItem, text_id
from textlstm.storage.spreadsheet import csv_bytes, escape_formula, unescape_formula
from textlstm.text.tokenizing import preprocess

TEXT_ID, RECORDS, DECIDING_WORDS, CODE = "item", "records", "deciding_words", "code"
"""Columns of a queue beside the text: its id, its number of records, words, the person's label."""

MAX_ROWS_NAMED = 5
"""Rows that a message names, at most."""


def own_columns() -> list[str]:
    """Return the columns of a queue beside those of the text, in order."""
    ranked = [
        f"{name}_{rank}" for rank in range(1, N_RANKED + 1) for name in ("label", "probability")
    ]
    return [TEXT_ID, RECORDS, *ranked, DECIDING_WORDS, CODE]


def safe_names(columns: Sequence[str]) -> list[str]:
    r"""Return the names of text columns as a queue has them: visible, formulas escaped.

    Raises
    ------
    InputError
        If two names, or a name and a column of the queue, would look the same.

    >>> print(*safe_names(["=1+1", "a\x1b"]))
    '=1+1 a\x1b
    """
    names = [escape_formula(visible(name)) for name in columns]
    if len({*names, *own_columns()}) < len(names) + len(own_columns()):
        raise InputError(
            f"columns {listed(columns)} cannot be told apart in a queue; rename them in the table"
        )
    return names


def require_free_names(columns: Sequence[str]) -> None:
    """Raise an :class:`InputError` if a queue cannot have text columns of these names."""
    if taken := set(columns) & set(own_columns()):
        raise InputError(
            f"a queue has a column {quoted(min(taken))} of its own; rename that of the text"
        )
    safe_names(columns)


def queue_frame(items: Sequence[QueueItem], columns: Sequence[str], n_labels: int) -> pd.DataFrame:
    """Lay out a queue as a spreadsheet in which no cell is a formula.

    Parameters
    ----------
    columns
        Names of the text columns.
    n_labels
        Number of classes.

    Returns
    -------
    pandas.DataFrame
        ``item``, ``records``, the text columns, ``label_1``, ``probability_1`` and so on,
        ``deciding_words``, and an empty ``code``.
    """
    records = np.array([item.records for item in items], dtype=np.int64)
    frame = pd.DataFrame({TEXT_ID: [item.text_id for item in items], RECORDS: records})
    for field, name in enumerate(safe_names(columns)):
        frame[name] = [escape_formula(item.fields[field]) for item in items]
    for rank in range(min(N_RANKED, n_labels)):
        frame[f"label_{rank + 1}"] = [escape_formula(item.labels[rank]) for item in items]
        probabilities = np.array([item.probabilities[rank] for item in items], dtype=np.float64)
        frame[f"probability_{rank + 1}"] = rounded(probabilities)
    frame[DECIDING_WORDS] = [escape_formula(", ".join(item.deciding_words)) for item in items]
    frame[CODE] = ""
    return frame


def queue_csv(items: Sequence[QueueItem], columns: Sequence[str], n_labels: int) -> bytes:
    """Return a queue as a CSV file for spreadsheets; see :func:`queue_frame`."""
    return csv_bytes(queue_frame(items, columns, n_labels), for_people=True)


def read_answers(
    table: pa.Table,
    source: str,
    columns: Sequence[str],
    known_labels: set[str],
    log: Callable[[str], object] = str,
    *,
    new_codes: bool = False,
) -> pd.DataFrame:
    """Read the answered rows of a filled queue, as they were before a spreadsheet changed them.

    Parameters
    ----------
    source
        Name of the queue in messages.
    columns
        Names of the text columns.
    known_labels
        Labels of the training table. A code that differs from a label in upper and lower case only
        is read as that label.
    log
        Receives a line about such codes.
    new_codes
        Whether a code may be a label that the training table does not have.

    Returns
    -------
    pandas.DataFrame
        ``item``, ``records``, the text columns, ``label_1`` and so on, and ``code``; rows without a
        code are left out.

    Raises
    ------
    InputError
        If a column is missing, a text is not the one that was asked about, a number of records is
        wrong, or a code is unknown. The message names rows, never their content.
    """
    names = zip(safe_names(columns), columns, strict=True)
    original = {safe: name for safe, name in names if name not in table.column_names}
    table = table.rename_columns([original.get(name, name) for name in table.column_names])
    ranked = [name for name in table.column_names if name.startswith("label_")]
    read = dict.fromkeys((TEXT_ID, RECORDS, *columns, "label_1", *ranked, CODE))
    cells = pd.DataFrame({name: column(table, name, source) for name in read})
    cells[CODE] = _read_codes(cells[CODE].tolist(), known_labels, source, log)
    plain = cells[[*columns, *ranked]].map(unescape_formula)
    has_code = cells[CODE] != ""
    plain_matches = _matches_id(plain, cells[TEXT_ID], columns)
    _require_own_texts(
        plain_matches | _matches_id(cells, cells[TEXT_ID], columns), has_code, source, columns
    )
    answers = cells[has_code]
    _require(answers[RECORDS].str.fullmatch("0*[1-9][0-9]{0,8}"), source,
             f"{RECORDS!r} is not a number of records")  # fmt: skip
    if not new_codes:
        _require(answers[CODE].isin(known_labels), source, "the code is none of the labels of the "
                 f"training table, {listed(sorted(known_labels))}; leave the cell empty where none "
                 "fits")  # fmt: skip
    answers = answers.assign(**{RECORDS: answers[RECORDS].astype(int)})
    _require_few(answers[RECORDS], source)
    answers[ranked] = plain.loc[has_code, ranked]
    as_written = plain[list(columns)].where(plain_matches, cells[list(columns)])
    answers[list(columns)] = as_written[has_code]
    return answers.reset_index(drop=True)


def _matches_id(frame: pd.DataFrame, ids: pd.Series, columns: Sequence[str]) -> "pd.Series[bool]":
    """Return whether the text of each row is the one that its id names."""
    texts = preprocess(list(frame[list(columns)].itertuples(index=False)))
    matches: pd.Series[bool] = ids == np.array([text_id(text) for text in texts], dtype=object)
    return matches


def _require_own_texts(
    matches: "pd.Series[bool]", has_code: "pd.Series[bool]", source: str, columns: Sequence[str]
) -> None:
    """Raise an :class:`InputError` if an answered text is not the one that its id names."""
    if has_code.any() and not matches.any():
        raise InputError(
            f"{source}: none of its texts, in {listed(columns)}, is the one of its {TEXT_ID!r}; "
            "was it exported with another --run or --text?"
        )
    _require(matches[has_code], source, f"the text is not the one of its {TEXT_ID!r}; put it back, "
             "or remove the row")  # fmt: skip


def _require_few(records: "pd.Series[int]", source: str) -> None:
    """Raise an :class:`InputError` if the answers stand for more records than can be written."""
    if (total := int(records.sum())) > MAX_ROWS:
        raise InputError(
            f"{source}: {RECORDS!r} comes to {total:,} in all, more than the {MAX_ROWS:,} that are "
            "written; put the numbers back"
        )


def _read_codes(
    cells: Sequence[str], known_labels: set[str], source: str, log: Callable[[str], object]
) -> list[str]:
    """Return each code as the known label that it stands for, else as it was written.

    A spreadsheet or a person may have escaped a code or changed its upper and lower case.
    """
    times = Counter(label.casefold() for label in known_labels)
    unambiguous = {
        folded: label for label in known_labels if times[folded := label.casefold()] == 1
    }
    codes, other_case = [], 0
    for code in map(plain_label, cells):
        spellings = unescape_formula(code), code
        same = next((spelling for spelling in spellings if spelling in known_labels), "")
        folded_label = next(
            (unambiguous[spelling.casefold()] for spelling in spellings
             if spelling.casefold() in unambiguous), ""
        )  # fmt: skip
        other_case += bool(folded_label and not same)
        codes.append(same or folded_label or code)
    if other_case:
        log(
            f"{source}: {counted(other_case, 'code is', 'codes are')} read as the label that "
            "differs from it in upper and lower case only"
        )
    return codes


def _require(valid: "pd.Series[bool]", source: str, mistake: str) -> None:
    """Raise an :class:`InputError` that names the rows that are not valid."""
    wrong = [str(row_number(row)) for row in valid.index[~valid]]
    if wrong:
        more = f" and {len(wrong) - MAX_ROWS_NAMED} more" if len(wrong) > MAX_ROWS_NAMED else ""
        rows = f"row{'s' * (len(wrong) > 1)} {', '.join(wrong[:MAX_ROWS_NAMED])}{more}"
        raise InputError(f"{source}: {rows} (the header is row 1): {mistake}")
