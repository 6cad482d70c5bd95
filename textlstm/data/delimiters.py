"""What separates the cells of a delimited file: as given, or as its first rows show."""

import codecs
import csv
import io
import re
from pathlib import Path

from textlstm.data.charset import codec_name
from textlstm.errors import InputError, quoted

SIGNS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
"""What is looked for in a header, and how it is called."""

SPELLED = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
"""Names for what is hard to type in a shell."""

SAMPLE_BYTES = 1 << 16
"""So much of a file is looked at."""

_DECLARATION = re.compile('"?sep=.?"?')


def delimiter_of(path: Path, charset: str, usual: str, given: str = "") -> str:
    r"""Return what separates the cells of a file.

    Where none is given, it is ``usual`` if that divides the header, and most rows alike. Otherwise
    it is the one of :data:`SIGNS` that does so, if there is one, else ``usual``.

    Parameters
    ----------
    usual
        That of files whose name ends as this one's.
    given
        One character, or one of :data:`SPELLED`; empty: none.

    Raises
    ------
    InputError
        If two signs divide the rows alike, what is given is no delimiter, or the first line
        declares one to spreadsheets instead of naming the columns.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "deaths.csv"
    ...     _ = path.write_text("cause;manner\nfall, at home;accident\n")
    ...     delimiter_of(path, "utf-8", ",")
    ';'
    """
    with path.open("rb") as handle:
        start, whole = handle.read(SAMPLE_BYTES), not handle.read(1)
    try:
        text = codecs.getincrementaldecoder(codec_name(charset))("replace").decode(start)
    except UnicodeError:  # of UTF-16 without a mark, which whoever reads the file will refuse
        return usual
    text = text.removeprefix("\ufeff")
    if _DECLARATION.fullmatch(text[:100].split("\n")[0].strip()):
        raise InputError(
            f"{path}: its first line does not name the columns but declares a delimiter, to "
            "spreadsheets alone; remove that line"
        )
    if given:
        return _delimiter(given)
    dividing = [sign for sign in SIGNS if _divides(text, sign, whole=whole)]
    if usual in dividing or not dividing:
        return usual
    if len(dividing) > 1:
        named = " and ".join(SIGNS[sign] for sign in dividing)
        raise InputError(f"{path}: {named} divide its rows alike; give --delimiter")
    return dividing[0]


def _delimiter(given: str) -> str:
    """Return the character that ``--delimiter`` gives."""
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
        Whether this is all of the file: otherwise, its last row goes on.
    """
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=sign) if row]
    except csv.Error:
        return False
    header, *others = (rows if whole else rows[:-1] or rows) or [[]]
    same_width = sum(len(row) == len(header) for row in others)
    return len(header) > 1 and 2 * same_width >= len(others)
