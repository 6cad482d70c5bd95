"""The user's table of abbreviations and their meanings, read and checked."""

from collections import defaultdict
from collections.abc import Iterable

from textlstm.data.cells import column
from textlstm.data.readers import read_table
from textlstm.encoding.abbreviations import MOST_WORDS, is_word
from textlstm.errors import InputError, row_number
from textlstm.text.tokenizing import preprocess

COLUMNS = ("abbreviation", "meaning")
"""Columns of the table."""

ROWS_IN_ERROR = 5
"""Rows that a message names, at most."""


def read_abbreviations(source: str) -> dict[str, str]:
    """Read a table of abbreviations and their meanings; see :func:`checked_abbreviations`.

    Raises
    ------
    InputError
        If the table cannot be read or lacks one of :data:`COLUMNS`, or as
        :func:`checked_abbreviations` raises.
    """
    table = read_table(source)
    cells = [column(table, name, source) for name in COLUMNS]
    return checked_abbreviations(zip(*cells, strict=True), source)


def checked_abbreviations(pairs: Iterable[tuple[str, str]], source: str) -> dict[str, str]:
    """Check abbreviations and their meanings; return them preprocessed as texts are.

    Abbreviations within meanings are expanded. Rows of two empty cells are left out.

    Parameters
    ----------
    source
        Where the abbreviations come from, for messages.

    Raises
    ------
    InputError
        If an abbreviation is not one word or has two meanings, a meaning is empty or longer than
        :data:`MOST_WORDS`, or abbreviations stand for each other. The message names rows.

    >>> checked_abbreviations([("AKI", "acute kidney injury"), ("ESRD w/ AKI", "")], "t.csv")
    Traceback (most recent call last):
    textlstm.errors.InputError: t.csv: row 3: not one word and its meaning
    """
    rows = list(pairs)
    shorts, texts = (preprocess([(row[number],) for row in rows]) for number in (0, 1))
    meanings: dict[str, str] = {}
    wrong: dict[str, list[int]] = defaultdict(list)
    for record, (short, meaning) in enumerate(zip(shorts, texts, strict=True)):
        if not any(cell.strip() for cell in rows[record]):
            continue
        if not is_word(short) or not 0 < len(meaning.split()) <= MOST_WORDS:
            wrong["not one word and its meaning"].append(row_number(record))
        elif meanings.setdefault(short, meaning) != meaning:
            wrong["another meaning than above"].append(row_number(record))
    for reason, numbers in wrong.items():
        more = f" and {len(numbers) - ROWS_IN_ERROR} more" if len(numbers) > ROWS_IN_ERROR else ""
        named = ", ".join(map(str, numbers[:ROWS_IN_ERROR]))
        raise InputError(f"{source}: row{'s' * (len(numbers) > 1)} {named}{more}: {reason}")
    return _expanded(meanings, source)


def _expanded(meanings: dict[str, str], source: str) -> dict[str, str]:
    """Expand the abbreviations within meanings."""
    for _ in range(MOST_WORDS):
        meanings = {
            short: " ".join(meanings.get(word, word) for word in meaning.split())
            for short, meaning in meanings.items()
        }
        if any(len(meaning.split()) > MOST_WORDS for meaning in meanings.values()):
            break
        if all(meanings.keys().isdisjoint(meaning.split()) for meaning in meanings.values()):
            return meanings
    raise InputError(f"{source}: abbreviations stand for each other, or for too many words")
