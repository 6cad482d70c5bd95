"""Delimiters: the sign that separates the cells of a file, as given or as its first rows show."""

import codecs
import csv
import io
import re
from pathlib import Path

from textlstm.data.charset import codec_name
from textlstm.data.unpacking import open_unpacked
from textlstm.errors import InputError, quoted

SIGNS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
"""Delimiters that are looked for in a header, and their names in messages."""

SPELLED = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
"""Names of delimiters that are hard to type in a shell."""

SAMPLE_BYTES = 1 << 16
"""Bytes at the beginning of a file in which the delimiter is looked for."""

_DECLARATION = re.compile('"?sep=.?"?')


def delimiter_of(path: Path, charset: str, usual: str, given: str = "") -> str:
    r"""Return the delimiter of a file.

    Unless one is given, it is ``usual`` if that sign divides the header and most rows into as many
    cells; otherwise the sign of :data:`SIGNS` that does so, if there is one, else ``usual``.

    Parameters
    ----------
    usual
        The delimiter of files with this ending.
    given
        One character, or one of :data:`SPELLED`; empty: none.

    Raises
    ------
    InputError
        If two signs divide the rows alike, ``given`` is no delimiter, or the first line declares a
        delimiter to spreadsheets instead of naming the columns.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "deaths.csv"
    ...     _ = path.write_text("cause;manner\nfall, at home;accident\n")
    ...     delimiter_of(path, "utf-8", ",")
    ';'
    """
    with open_unpacked(path) as handle:
        start, whole = handle.read(SAMPLE_BYTES), not handle.read(1)
    try:
        text = codecs.getincrementaldecoder(codec_name(charset))("replace").decode(start)
    except UnicodeError:  # of UTF-16 without a mark, which the reader will refuse
        return usual
    text = text.removeprefix("\ufeff")
    if _DECLARATION.fullmatch(text[:100].split("\n")[0].strip()):
        raise InputError(
            f"{path}: its first line does not name the columns but declares a delimiter, to "
            "spreadsheets alone; remove that line"
        )
    if given:
        return _as_character(given)
    dividing = [sign for sign in SIGNS if _divides(text, sign, whole=whole)]
    if usual in dividing or not dividing:
        return usual
    if len(dividing) > 1:
        named = " and ".join(SIGNS[sign] for sign in dividing)
        raise InputError(f"{path}: {named} divide its rows alike; give --delimiter")
    return dividing[0]


def _as_character(given: str) -> str:
    """Return the character that ``--delimiter`` names."""
    sign = SPELLED.get(given, given)
    # Arrow's reader takes a single byte.
    usable = len(sign) == 1 and sign.isascii() and (sign.isprintable() or sign == "\t")
    if not usable or sign.isalnum() or sign in "\"'. -":
        raise InputError(
            f"--delimiter {quoted(given)}: no delimiter; give a sign such as ';', or one of "
            f"{', '.join(SPELLED)}"
        )
    return sign


def _divides(text: str, sign: str, *, whole: bool) -> bool:
    """Return whether a sign divides the header, and at least half of the rows into as many cells.

    Parameters
    ----------
    whole
        Whether the text is the whole file; otherwise, its last row is incomplete.
    """
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=sign) if row]
    except csv.Error:
        return False
    header, *others = (rows if whole else rows[:-1] or rows) or [[]]
    same_width = sum(len(row) == len(header) for row in others)
    return len(header) > 1 and 2 * same_width >= len(others)
