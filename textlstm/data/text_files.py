"""Text files in blocks: decoded strictly, divided into lines."""

import codecs
import io
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from textlstm.data.charset import UTF8, codec_name, require_own_mark
from textlstm.data.options import LIMITS
from textlstm.data.unpacking import open_unpacked
from textlstm.errors import InputError
from textlstm.storage.atomic import name_in_errors

ARCHIVES = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf")
"""First bytes of gzip, zip, bzip2, xz, zstandard and 7z files."""


def byte_blocks(path: Path, charset: str, chunk_bytes: int = LIMITS.chunk_bytes) -> Iterator[bytes]:
    """Yield the bytes of a text file in blocks.

    Raises
    ------
    InputError
        If the file is compressed though its name does not say so, or begins with the mark of
        another character set.
    """
    codec_name(charset)  # refuses an unknown character set
    with name_in_errors(path), open_unpacked(path) as handle:
        block = handle.read(chunk_bytes)
        if block.startswith(ARCHIVES):
            raise InputError(f"{path}: this file is compressed; unpack it first")
        require_own_mark(block, path, charset)
        while block:
            yield block
            block = handle.read(chunk_bytes)


def decoded(path: Path, charset: str, chunk_bytes: int = LIMITS.chunk_bytes) -> Iterator[str]:
    """Yield the text of a file in blocks, without a byte order mark."""
    start = "\ufeff"
    for text in decode_blocks(byte_blocks(path, charset, chunk_bytes), path, charset):
        yield text.removeprefix(start)
        start = ""


def decode_blocks(
    blocks: Iterable[bytes], path: Path, charset: str, position: int = 0
) -> Iterator[str]:
    """Decode blocks of a file that begin at a position in it.

    Raises
    ------
    InputError
        If a byte is not in the character set; it names the position of the byte.
    """
    decoder = codecs.getincrementaldecoder(codec_name(charset))()
    for block in chain(blocks, [b""]):
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeError as error:
            wrong = position - pending + getattr(error, "start", 0)  # some codecs give no position
            raise InputError(
                f"{path}: byte {wrong} is not {charset}; "
                "give the file's own, for instance --charset latin-1"
            ) from error
        yield text
        position += len(block)


def lines(blocks: Iterable[str], path: Path, max_cell: int = LIMITS.max_cell) -> Iterator[str]:
    """Yield lines with their ends, which are line feeds, carriage returns or both.

    Raises
    ------
    InputError
        If a line is longer than ``max_cell`` characters.
    """
    rest = ""
    for block in blocks:
        if len(rest) > max_cell:
            raise InputError(f"{path}: a line of more than {max_cell:,} characters")
        # The last line may continue in the next block, and so may its end.
        *whole, rest = io.StringIO(rest + block, newline="").readlines() or [""]
        yield from whole
    if rest:
        yield rest


def presumed_charset(path: Path, usual: str) -> str:
    """Guess the character set of a text file from that of files like it.

    A file with a UTF-8 byte order mark is in UTF-8; any other is in ``usual``.

    Raises
    ------
    InputError
        If ``usual`` is not UTF-8 and the file has other characters than ASCII and is valid UTF-8:
        read as ``usual``, it would most probably be read wrongly, and nobody would notice.
    """
    with name_in_errors(path), open_unpacked(path) as handle:
        if handle.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
            return "utf-8"
    next(byte_blocks(path, usual), b"")  # refuses an unknown character set
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
