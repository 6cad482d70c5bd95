"""Character encodings: which ones a text file may be declared in, and what its first bytes say."""

import codecs
import io
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from textlstm.errors import InputError
from textlstm.storage.atomic import name_in_errors

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


def codec_name(charset: str) -> str:
    """Return what Python calls an encoding of text.

    Raises
    ------
    InputError
        If there is no such encoding, or none in which files of text are written.

    >>> codec_name("U16"), codec_name("UTF_8")
    ('utf-16', 'utf-8')
    """
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=charset)  # refuses what is no encoding of text
        name = codecs.lookup(charset).name
    except (LookupError, ValueError) as error:  # of an encoding that can be no name at all
        raise InputError(f"--charset {charset}: no such encoding") from error
    if name.replace("_", "-") in NOT_OF_FILES:
        raise InputError(
            f"--charset {charset}: no encoding of text files; give the file's own, for instance "
            "utf-8 or latin-1"
        )
    return name


def require_own_mark(start: bytes, path: Path, charset: str) -> None:
    """Raise an :class:`InputError` if a file begins with the mark of another encoding.

    Parameters
    ----------
    start
        The first bytes of the file, four at least unless it is shorter.
    """
    mark = next((mark for mark in MARKS if start.startswith(mark)), None)
    if mark and codec_name(charset) not in MARKS[mark]:
        right = MARKS[mark][0]
        raise InputError(f"{path}: this is {right.upper()}; give --charset {right}")


CHUNK_BYTES = 1 << 24
"""Bytes of a text file read at a time: some 100,000 rows, the unit of work of the stages."""

MAX_CELL = 1 << 27
"""Characters of a cell and of a line, at most: behind a longer one is a quote never closed."""

COMPRESSED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf")
"""How gzip, zip, bzip2, xz, zstandard and 7z files begin."""


def decoded(path: Path, charset: str) -> Iterator[str]:
    """Yield the text of a file, some at a time, without a byte order mark."""
    start = "\ufeff"
    for text in decode_blocks(byte_blocks(path, charset), path, charset):
        yield text.removeprefix(start)
        start = ""


def byte_blocks(path: Path, charset: str) -> Iterator[bytes]:
    """Yield the bytes of a text file, some at a time."""
    codec_name(charset)  # refuses what is none
    with name_in_errors(path), path.open("rb") as handle:
        block = handle.read(CHUNK_BYTES)
        if block.startswith(COMPRESSED):
            raise InputError(f"{path}: this file is compressed; unpack it first")
        require_own_mark(block, path, charset)
        while block:
            yield block
            block = handle.read(CHUNK_BYTES)


def decode_blocks(
    blocks: Iterable[bytes], path: Path, charset: str, position: int = 0
) -> Iterator[str]:
    """Yield the text of blocks of a file, which begin at a position in it."""
    decoder = codecs.getincrementaldecoder(codec_name(charset))()
    for block in chain(blocks, [b""]):
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeError as error:
            place = position - pending + getattr(error, "start", 0)  # some codecs tell no place
            raise InputError(
                f"{path}: byte {place} is not {charset}; "
                "give the file's own, for instance --charset latin-1"
            ) from error
        yield text
        position += len(block)


def presumed_encoding(path: Path, usual: str) -> str:
    """Return the encoding of a text file that nobody named, where files like it are in ``usual``.

    With a UTF-8 byte order mark, it is UTF-8.

    Raises
    ------
    InputError
        If ``usual`` is not UTF-8 and the file has other characters than ASCII and is valid UTF-8:
        read as ``usual``, it would most probably be read wrongly, and nobody would notice.
    """
    with name_in_errors(path), path.open("rb") as handle:
        if handle.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
            return "utf-8"
    next(byte_blocks(path, usual), b"")  # refuses what is no encoding
    if codec_name(usual) in UTF8:
        return usual
    try:
        ascii_only = all(map(str.isascii, decode_blocks(byte_blocks(path, "utf-8"), path, "utf-8")))
    except InputError:
        return usual
    if not ascii_only:
        raise InputError(
            f"{path}: this reads as UTF-8, and the training table was {usual}; give --charset"
        )
    return usual


def lines(blocks: Iterable[str], path: Path) -> Iterator[str]:
    """Yield lines with their ends, which are line feeds, carriage returns or both.

    Raises
    ------
    InputError
        If one is longer than :data:`MAX_CELL`; it names ``path``.
    """
    rest = ""
    for block in blocks:
        if len(rest) > MAX_CELL:
            raise InputError(f"{path}: a line of more than {MAX_CELL:,} characters")
        # The last line may go on in the next block, and so may its end.
        *whole, rest = io.StringIO(rest + block, newline="").readlines() or [""]
        yield from whole
    if rest:
        yield rest
