"""A user's table of abbreviations and their meanings."""

from collections import defaultdict
from collections.abc import Iterable

from textlstm.data.cells import column
from textlstm.data.readers import read_table
from textlstm.encoding.abbreviations import MOST_WORDS, is_word
from textlstm.errors import InputError, row_number
from textlstm.text.tokenizing import preprocess

COLUMNS = ("abbreviation", "meaning")
"""Those of a table of abbreviations."""

ROWS_IN_ERROR = 5


def read_abbreviations(source: str) -> dict[str, str]:
    """Return the abbreviations of a table and their meanings; see :func:`checked_abbreviations`.

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
    """Return abbreviations and their meanings, preprocessed as texts are.

    Abbreviations within meanings are written out. Rows of two empty cells are left out.

    Parameters
    ----------
    source
        Where they come from, for messages.

    Raises
    ------
    InputError
        If an abbreviation is not one word or has two meanings, a meaning is none or longer than
        :data:`MOST_WORDS`, or abbreviations stand for each other. The message names rows.

    >>> checked_abbreviations([("AKI", "acute kidney injury"), ("ESRD w/ AKI", "")], "t.csv")
    Traceback (most recent call last):
    textlstm.errors.InputError: t.csv: row 3: not one word and its meaning
    """
    rows = list(pairs)
    shorts, meanings = (preprocess([(row[place],) for row in rows]) for place in (0, 1))
    given: dict[str, str] = {}
    wrong: dict[str, list[int]] = defaultdict(list)
    for record, (short, meaning) in enumerate(zip(shorts, meanings, strict=True)):
        if not any(cell.strip() for cell in rows[record]):
            continue
        if not is_word(short) or not 0 < len(meaning.split()) <= MOST_WORDS:
            wrong["not one word and its meaning"].append(row_number(record))
        elif given.setdefault(short, meaning) != meaning:
            wrong["another meaning than above"].append(row_number(record))
    for what, numbers in wrong.items():
        more = f" and {len(numbers) - ROWS_IN_ERROR} more" if len(numbers) > ROWS_IN_ERROR else ""
        named = ", ".join(map(str, numbers[:ROWS_IN_ERROR]))
        raise InputError(f"{source}: row{'s' * (len(numbers) > 1)} {named}{more}: {what}")
    return _written_out(given, source)


def _written_out(given: dict[str, str], source: str) -> dict[str, str]:
    """Return abbreviations with those within meanings written out."""
    for _ in range(MOST_WORDS):
        given = {
            short: " ".join(given.get(word, word) for word in meaning.split())
            for short, meaning in given.items()
        }
        if any(len(meaning.split()) > MOST_WORDS for meaning in given.values()):
            break
        if all(given.keys().isdisjoint(meaning.split()) for meaning in given.values()):
            return given
    raise InputError(f"{source}: abbreviations stand for each other, or for too many words")
