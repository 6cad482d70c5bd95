"""The error of a user's mistake, and names from outside shown so that no terminal obeys them.

Names of columns, files and labels, and cells of tables, may hold characters that a terminal obeys
(ESC, a new line), that reverse the order of a text (bidirectional overrides), or that nobody sees.
No such character reaches a person: :func:`visible` shows it by its number. The stages' lines, every
:class:`InputError` and every value on a page go through it.
"""

import difflib
import re
import unicodedata
from collections.abc import Collection
from urllib.parse import unquote

LONGEST_LINE, LONGEST_NAME = 2000, 60
"""Characters of a message, and of a name in it, at most; the middle of a longer one is cut out."""

PASSWORD = re.compile(r"(?<=://)([^\s:/@?]*):(\S*)@|(?<=[?&]password=)([^&\s]*)")
"""A password in the address of a database: behind the user's name, or among the parameters."""

NAMES_LISTED = 20
"""Names in a list, at most."""

NAMES_COMPARED = 1000
"""Names that :func:`did_you_mean` compares, at most; comparing takes time in proportion."""

UNSEEN_CHARACTERS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
"""Characters that leave no ink though Python counts them as printable."""


class InputError(ValueError):
    """A mistake in the user's input: a file, a column, a value, a folder.

    The message is one :func:`visible` line that names the file, row or column and says what to do.
    It never quotes a record's text. The stages print it and exit with status 2.
    """

    def __init__(self, message: str) -> None:
        super().__init__(visible(message))


def visible(text: str, longest: int = LONGEST_LINE) -> str:
    r"""Return a text as one line that shows every character a terminal or a page would obey.

    Control, bidirectional and invisible characters and lone surrogates become escapes as Python
    writes them. Spaces of all widths stay. A text that is visible already does not change.

    >>> print(visible("\x1b[2Jred\nerror: \u202efdp.exe"))
    \x1b[2Jred\nerror: \u202efdp.exe
    >>> visible("a" * 50 + "b" * 50, longest=11)
    'aaaaa…bbbbb'
    """
    text = _cut(without_password(text), longest)
    if text.isprintable() and not UNSEEN_CHARACTERS.search(text):
        return text
    return _cut("".join(map(_visible_character, text)), longest)


def without_password(text: str) -> str:
    """Return a text whose addresses of databases have no password.

    >>> without_password("postgresql://ann:s3cret@host/deaths and sqlite:///deaths.db")
    'postgresql://ann:***@host/deaths and sqlite:///deaths.db'
    """
    return PASSWORD.sub(lambda found: "***" if found[1] is None else f"{found[1]}:***@", text)


def split_password(address: str) -> tuple[str, str]:
    """Return the address of a database without its password, and the password; "" if it has none.

    >>> split_password("postgresql://ann:s3%20cret@host/deaths")
    ('postgresql://ann@host/deaths', 's3 cret')
    """
    found = PASSWORD.search(address)
    if found is None:
        return address, ""
    password = unquote(found[3] if found[1] is None else found[2])
    return PASSWORD.sub(lambda found: f"{found[1]}@" if found[1] else "", address), password


def _visible_character(character: str) -> str:
    printable = character.isprintable() or unicodedata.category(character) == "Zs"
    if printable and not UNSEEN_CHARACTERS.match(character):
        return character
    return character.encode("unicode_escape").decode("ascii")


def _cut(text: str, longest: int) -> str:
    """Return a text with at most ``longest`` characters: its beginning and its end."""
    if len(text) <= longest:
        return text
    end = (longest - 1) // 2
    return f"{text[: longest - 1 - end]}…{text[len(text) - end :]}"


def quoted(name: object) -> str:
    """Return a name between quotes, so that blanks at its ends show; a long name is cut.

    A value that is not a string is shown as Python writes it.

    >>> print(quoted("Manner "), quoted("it's"), quoted(["a"]))
    'Manner ' "it's" ['a']
    """
    if not isinstance(name, str):
        return visible(repr(name), LONGEST_NAME)
    return visible(
        repr(_cut(without_password(str(name)), LONGEST_NAME))
    )  # str: NumPy's strings have another repr


def listed(names: Collection[str]) -> str:
    """Return a list of quoted names, :data:`NAMES_LISTED` at most.

    >>> listed(["a", "b "])
    "'a', 'b '"
    >>> listed([str(number) for number in range(100)])[-16:]
    "'19' and 80 more"
    """
    first = [name for name, _ in zip(names, range(NAMES_LISTED), strict=False)]
    n_more = len(names) - len(first)
    return ", ".join(map(quoted, first)) + (f" and {n_more} more" if n_more else "")


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return a number with its noun; the plural is by default the singular and an s.

    >>> counted(1, "record"), counted(0, "record"), counted(2, "class has", "classes have")
    ('1 record', '0 records', '2 classes have')
    """
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def row_number(record: int) -> int:
    """Return the row of a record in a spreadsheet; records count from 0, and row 1 is the header.

    >>> row_number(0)
    2
    """
    return record + 2


def did_you_mean(name: str, choices: Collection[str]) -> str:
    """Return a question that suggests the nearest of the choices; "" if none is near.

    >>> did_you_mean("Manner", ["Age", "Manner "])
    "; did you mean 'Manner '?"
    """
    by_form = {choice.strip().lower(): choice for choice in choices if len(choice) <= LONGEST_NAME}
    form = _cut(name, LONGEST_NAME).strip().lower()
    nearest = difflib.get_close_matches(form, list(by_form)[:NAMES_COMPARED])
    return f"; did you mean {quoted(by_form[nearest[0]])}?" if nearest else ""


def no_such(kind: str, name: str, choices: Collection[str]) -> str:
    """Return a message that a name does not exist, which one may be meant, and all that exist.

    >>> no_such("column", "Manner", ["Age", "Manner "])
    "no column 'Manner'; did you mean 'Manner '? It has 'Age', 'Manner '"
    >>> no_such("column", "xyz", [])
    "no column 'xyz'; it has none"
    """
    question = did_you_mean(name, choices)
    it_has = f"{' It' if question else '; it'} has {listed(choices) or 'none'}"
    return f"no {kind} {quoted(name)}{question}{it_has}"
