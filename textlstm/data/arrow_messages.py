"""Messages of Arrow files: compressed ones are found before Arrow unpacks them."""

import struct
from pathlib import Path

import pyarrow as pa

from textlstm.errors import InputError

ARROW_FILE = b"ARROW1\0\0"
"""How an Arrow file begins; what follows is what an Arrow stream consists of."""


def to_first_message(file: pa.NativeFile) -> None:
    """Skip the marker that an Arrow file begins with; a stream has none."""
    if file.read(len(ARROW_FILE)) != ARROW_FILE:
        file.seek(0)


def require_not_compressed(message: bytes, path: Path) -> None:
    """Raise an :class:`InputError` if the values behind a message are compressed.

    Arrow unpacks them before anybody can count. The message is a table of FlatBuffers, as
    Message.fbs and Schema.fbs of the Arrow format lay it down.
    """
    kind = _field(message, _root(message), 1)
    if kind is None or message[kind] == 1:  # a schema
        return
    body = _table(message, _root(message), 2)
    if message[kind] == 2:  # a dictionary, whose values are a batch of records
        body = _table(message, body, 1)
    if _field(message, body, 3) is not None:
        raise InputError(f"{path}: its values are compressed; write them without compression")


def _root(message: bytes) -> int:
    return int(struct.unpack_from("<I", message)[0])


def _table(message: bytes, table: int, number: int) -> int:
    """Return where the table lies that is a field of a table."""
    place = _field(message, table, number)
    if place is None:
        raise ValueError("a message without its header")
    return place + int(struct.unpack_from("<I", message, place)[0])


def _field(message: bytes, table: int, number: int) -> int | None:
    """Return where a field of a table lies, if the table has it."""
    layout = table - struct.unpack_from("<i", message, table)[0]
    entry = 4 + 2 * number
    if entry >= struct.unpack_from("<H", message, layout)[0]:
        return None
    offset = struct.unpack_from("<H", message, layout + entry)[0]
    return table + offset if offset else None
