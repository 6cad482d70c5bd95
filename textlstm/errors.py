"""The one error a user can cause, and how what comes from outside is shown to a person.

Names of columns, files and labels, and cells of tables, may hold characters that a terminal obeys
(ESC, a new line), that turn a line round (bidirectional overrides), or that nobody sees. No such
character reaches a person: :func:`visible` shows it by its number. The stages' lines, every
:class:`InputError` and every value on a page go through it.
"""

import difflib
import re
import unicodedata
from collections.abc import Collection

LONGEST_LINE, LONGEST_NAME = 2000, 60
"""Characters of a message and of a name in it, at most: of longer ones the middle is left out."""

NAMES_LISTED = 20
"""So many names are listed at most."""

UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
"""Characters that Python counts as printable though they leave no ink."""


class InputError(ValueError):
    """A mistake in what the user gave: a file, a column, a value, a folder.

    The message is one :func:`visible` line that names the file, row or column and says what to do.
    It never quotes a record's text. The stages print it and exit with status 2.
    """

    def __init__(self, message: str) -> None:
        super().__init__(visible(message))


def visible(text: str, longest: int = LONGEST_LINE) -> str:
    r"""Return a text as one line that shows every character a terminal or a page would obey.

    Control, bidirectional and invisible characters and lone surrogates become escapes as Python
    writes them. Spaces of all widths stay. What is visible already stays as it is.

    >>> print(visible("\x1b[2Jred\nerror: \u202efdp.exe"))
    \x1b[2Jred\nerror: \u202efdp.exe
    >>> visible("a" * 50 + "b" * 50, longest=11)
    'aaaaa…bbbbb'
    """
    text = _cut(text, longest)
    if text.isprintable() and not UNSEEN.search(text):
        return text
    return _cut("".join(map(_visible_character, text)), longest)


def _visible_character(one: str) -> str:
    shown = one.isprintable() or unicodedata.category(one) == "Zs"
    if shown and not UNSEEN.match(one):
        return one
    return one.encode("unicode_escape").decode("ascii")


def _cut(text: str, longest: int) -> str:
    """Return a text of at most ``longest`` characters: its beginning and its end."""
    if len(text) <= longest:
        return text
    end = (longest - 1) // 2
    return f"{text[: longest - 1 - end]}…{text[len(text) - end :]}"


def quoted(name: object) -> str:
    """Return a name between quotes, so that blanks at its ends show; a long one is cut.

    A value that is no text is given as Python writes it.

    >>> print(quoted("Manner "), quoted("it's"), quoted(["a"]))
    'Manner ' "it's" ['a']
    """
    if not isinstance(name, str):
        return visible(repr(name), LONGEST_NAME)
    return visible(repr(_cut(str(name), LONGEST_NAME)))  # str: NumPy's texts have another repr


def listed(names: Collection[str]) -> str:
    """Return names as a list of quoted ones, :data:`NAMES_LISTED` at most.

    >>> listed(["a", "b "])
    "'a', 'b '"
    >>> listed([str(number) for number in range(100)])[-16:]
    "'19' and 80 more"
    """
    first = [name for name, _ in zip(names, range(NAMES_LISTED), strict=False)]
    more = len(names) - len(first)
    return ", ".join(map(quoted, first)) + (f" and {more} more" if more else "")


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number and the words for what it counts: ``many``, by default ``one`` and an s.

    >>> counted(1, "record"), counted(0, "record"), counted(2, "class has", "classes have")
    ('1 record', '0 records', '2 classes have')
    """
    return f"{number} {one if number == 1 else many or one + 's'}"


def row_number(record: int) -> int:
    """Return the row that a spreadsheet gives a record, from 0: the header is row 1.

    >>> row_number(0)
    2
    """
    return record + 2


def near(name: str, known: Collection[str]) -> str:
    """Return a question whether the nearest of the known names was meant; of none, nothing.

    >>> near("Manner", ["Age", "Manner "])
    "; did you mean 'Manner '?"
    """
    forms = {one.strip().lower(): one for one in known if len(one) <= LONGEST_NAME}
    # To compare takes time in proportion to the names: of a table of thousands, the first are.
    found = difflib.get_close_matches(_cut(name, LONGEST_NAME).strip().lower(), list(forms)[:1000])
    return f"; did you mean {quoted(forms[found[0]])}?" if found else ""


def missing(kind: str, name: str, known: Collection[str]) -> str:
    """Return what to say where something has no such name: which one was meant, and all.

    >>> missing("column", "Manner", ["Age", "Manner "])
    "no column 'Manner'; did you mean 'Manner '? It has 'Age', 'Manner '"
    >>> missing("column", "xyz", [])
    "no column 'xyz'; it has none"
    """
    question = near(name, known)
    it_has = f"{' It' if question else '; it'} has {listed(known) or 'none'}"
    return f"no {kind} {quoted(name)}{question}{it_has}"
