"""Code books and crosswalks: the user's tables, read and checked."""

from collections import defaultdict
from datetime import date

from textlstm.codes.shipped import LIBRARIES, shipped_tree
from textlstm.codes.tree import CodeTree
from textlstm.data.cells import column
from textlstm.data.labels import plain_label, require_short
from textlstm.data.readers import read_table
from textlstm.errors import InputError, row_number

BOOK_COLUMNS = ("code", "parent", "description")
"""Columns of a code book."""

CROSSWALK_COLUMNS = ("old", "new", "share")
"""Columns of a crosswalk."""

MAX_DESCRIPTION = 1000
"""Characters of a description that are kept: a longer one is a text, and its beginning says it."""


def read_book(source: str, labels: list[str]) -> tuple[CodeTree, int]:
    """Read a code book, from a table or as a library ships it.

    Parameters
    ----------
    source
        A table, or one of :data:`.LIBRARIES`.
    labels
        Labels of the records; of a shipped book, they say how deep it must be.

    Returns
    -------
    tuple
        The tree, and the number of descriptions that were cut to :data:`MAX_DESCRIPTION`.

    Raises
    ------
    InputError
        If the table cannot be read, lacks a column, names a code twice or none, has dates that
        are none or end before they begin, or its codes are no tree.
    """
    if source in LIBRARIES:
        return shipped_tree(source, labels), 0
    table = read_table(source)
    codes, above, texts = (column(table, name, source) for name in BOOK_COLUMNS)
    parents, descriptions = dict[str, str](), dict[str, str]()
    long = 0
    for row, (cell, parent, text) in enumerate(zip(codes, above, texts, strict=True)):
        code = plain_label(cell)
        if not code and not parent.strip() and not text.strip():
            continue
        if not code:
            raise InputError(f"{source}: row {row_number(row)} names no code")
        if code in parents:
            raise InputError(f"{source}: row {row_number(row)} names a code a second time")
        parents[code] = plain_label(parent)
        text = " ".join(text.split())
        long += len(text) > MAX_DESCRIPTION
        descriptions[code] = text[:MAX_DESCRIPTION]
    require_short(parents)
    if {"valid_from", "valid_to"} <= set(table.column_names):
        starts, ends = (column(table, name, source) for name in ("valid_from", "valid_to"))
        _require_dates(starts, ends, source)
    return CodeTree.of(parents, descriptions, source), long


def _require_dates(starts: list[str], ends: list[str], source: str) -> None:
    """Raise an :class:`InputError` if a validity is no date, or ends before it begins."""
    for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
        given = [cell for cell in (start.strip(), end.strip()) if cell]
        try:
            days = [date.fromisoformat(cell) for cell in given]
        except ValueError as error:
            raise InputError(
                f"{source}: row {row_number(row)}: a validity is no date such as 2026-01-31"
            ) from error
        if len(days) == 2 and days[1] < days[0]:
            raise InputError(f"{source}: row {row_number(row)}: the validity ends before it begins")


def read_crosswalk(source: str) -> dict[str, dict[str, float]]:
    """Read the new codes of each old code, with their shares.

    An empty share is that of equal parts.

    Raises
    ------
    InputError
        If the table cannot be read, lacks a column, or a share is no number from 0 to 1.
    """
    table = read_table(source)
    cells = [column(table, name, source) for name in CROSSWALK_COLUMNS]
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for row, (old, new, share) in enumerate(zip(*cells, strict=True)):
        if not old.strip() and not new.strip():
            continue
        try:
            number = float(share) if share.strip() else 0.0
        except ValueError:
            number = -1.0
        if not 0.0 <= number <= 1.0:
            raise InputError(f"{source}: row {row_number(row)}: a share is a number from 0 to 1")
        found[plain_label(old)][plain_label(new)] = number
    return dict(found)
