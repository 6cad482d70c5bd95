"""Messages of Arrow files: refuse compressed values before Arrow unpacks them."""

import struct
from pathlib import Path

import pyarrow as pa

from textlstm.errors import InputError

ARROW_FILE = b"ARROW1\0\0"
"""First bytes of an Arrow file; an Arrow stream follows them."""


def skip_marker(file: pa.NativeFile) -> None:
    """Go to the first message: behind the marker of an Arrow file, or to the start of a stream."""
    if file.read(len(ARROW_FILE)) != ARROW_FILE:
        file.seek(0)


def require_not_compressed(message: bytes, path: Path) -> None:
    """Raise an :class:`InputError` if the values of a message are compressed.

    Arrow unpacks compressed values before anybody can count them. The message is a FlatBuffers
    table, as Message.fbs and Schema.fbs of the Arrow format define it.
    """
    kind = _field(message, _root(message), 1)
    if kind is None or message[kind] == 1:  # a schema
        return
    body = _subtable(message, _root(message), 2)
    if message[kind] == 2:  # a dictionary, whose values are a record batch
        body = _subtable(message, body, 1)
    if _field(message, body, 3) is not None:
        raise InputError(f"{path}: its values are compressed; write them without compression")


def _root(message: bytes) -> int:
    """Return the position of the root table."""
    return int(struct.unpack_from("<I", message)[0])


def _subtable(message: bytes, table: int, number: int) -> int:
    """Return the position of the table in a field of a table."""
    position = _field(message, table, number)
    if position is None:
        raise ValueError("a message without its header")
    return position + int(struct.unpack_from("<I", message, position)[0])


def _field(message: bytes, table: int, number: int) -> int | None:
    """Return the position of a field of a table; None if the table lacks it."""
    layout = table - struct.unpack_from("<i", message, table)[0]
    entry = 4 + 2 * number
    if entry >= struct.unpack_from("<H", message, layout)[0]:
        return None
    offset = struct.unpack_from("<H", message, layout + entry)[0]
    return table + offset if offset else None
