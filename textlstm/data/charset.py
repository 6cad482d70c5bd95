"""Character sets: which ones a text file may be declared in, and byte order marks."""

import codecs
import io
from pathlib import Path

from textlstm.errors import InputError

UTF8 = ("utf-8", "utf-8-sig")
"""Python's names of UTF-8, without and with a byte order mark."""

NOT_OF_FILES = (
    "charmap", "idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined",
    "unicode-escape",
)  # fmt: skip
"""Python's codecs of text in which no text file is written."""

MARKS = {  # the longer ones first: the mark of UTF-32 begins as that of UTF-16 does
    codecs.BOM_UTF32_LE: ("utf-32", "utf-32-le"),
    codecs.BOM_UTF32_BE: ("utf-32", "utf-32-be"),
    codecs.BOM_UTF16_LE: ("utf-16", "utf-16-le"),
    codecs.BOM_UTF16_BE: ("utf-16", "utf-16-be"),
    codecs.BOM_UTF8: UTF8,
}
"""Character sets that may be declared for a file, by the byte order mark at its beginning."""


def codec_name(charset: str) -> str:
    """Return Python's name of a character set.

    Raises
    ------
    InputError
        If there is no such character set, or text files are never written in it.

    >>> codec_name("U16"), codec_name("UTF_8")
    ('utf-16', 'utf-8')
    """
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=charset)  # refuses codecs that are not of text
        name = codecs.lookup(charset).name
    except (LookupError, ValueError) as error:  # ValueError: of a name that no codec can have
        raise InputError(f"--charset {charset}: no such encoding") from error
    if name.replace("_", "-") in NOT_OF_FILES:
        raise InputError(
            f"--charset {charset}: no encoding of text files; give the file's own, for instance "
            "utf-8 or latin-1"
        )
    return name


def require_own_mark(start: bytes, path: Path, charset: str) -> None:
    """Raise an :class:`InputError` if a file begins with the mark of another character set.

    Parameters
    ----------
    start
        The first bytes of the file, four at least unless it is shorter.
    """
    mark = next((mark for mark in MARKS if start.startswith(mark)), None)
    if mark and codec_name(charset) not in MARKS[mark]:
        right = MARKS[mark][0]
        raise InputError(f"{path}: this is {right.upper()}; give --charset {right}")
