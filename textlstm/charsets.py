"""Character encodings: which ones a text file may be declared in, and what its first bytes say."""

import codecs
import io
from pathlib import Path

from textlstm.errors import InputError

UTF8 = ("utf-8", "utf-8-sig")
"""What Python calls UTF-8, without and with a byte order mark."""

NOT_OF_FILES = (
    "charmap", "idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined",
    "unicode-escape",
)  # fmt: skip
"""Encodings to Python in which no file of text is written."""

MARKS = {  # the longer ones first: that of UTF-32 begins as that of UTF-16 does
    codecs.BOM_UTF32_LE: ("utf-32", "utf-32-le"),
    codecs.BOM_UTF32_BE: ("utf-32", "utf-32-be"),
    codecs.BOM_UTF16_LE: ("utf-16", "utf-16-le"),
    codecs.BOM_UTF16_BE: ("utf-16", "utf-16-be"),
    codecs.BOM_UTF8: UTF8,
}
"""Byte order marks, and the encodings that may be declared for a file that begins with one."""


def codec_name(encoding: str) -> str:
    """Return what Python calls an encoding of text.

    Raises
    ------
    InputError
        If there is no such encoding, or none in which files of text are written.

    >>> codec_name("U16"), codec_name("UTF_8")
    ('utf-16', 'utf-8')
    """
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=encoding)  # refuses what is no encoding of text
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:  # of an encoding that can be no name at all
        raise InputError(f"--encoding {encoding}: no such encoding") from error
    if name.replace("_", "-") in NOT_OF_FILES:
        raise InputError(
            f"--encoding {encoding}: no encoding of text files; give the file's own, for instance "
            "utf-8 or latin-1"
        )
    return name


def require_own_mark(start: bytes, path: Path, encoding: str) -> None:
    """Raise an :class:`InputError` if a file begins with the mark of another encoding.

    Parameters
    ----------
    start
        The first bytes of the file, four at least unless it is shorter.
    """
    mark = next((mark for mark in MARKS if start.startswith(mark)), None)
    if mark and codec_name(encoding) not in MARKS[mark]:
        right = MARKS[mark][0]
        raise InputError(f"{path}: this is {right.upper()}; give --encoding {right}")
