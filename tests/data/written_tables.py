"""Tables as the tests write and read them."""

import struct

import pyarrow as pa

from textlstm.data.options import Limits
from textlstm.data.readers import iter_tables


def read_all(path, **limits):
    """A whole table, read in chunks of other sizes than those of the stages."""
    return pa.concat_tables(iter_tables(path, limits=Limits(**limits)))


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def sas7bdat(columns, rows, encoding=20):
    """A small SAS data set: one page with all metadata and rows, uncompressed, in 32 bits.

    `columns` are a name and a format each, and whether the column holds numbers; `encoding` is the
    number that SAS has for a character set, 20 for UTF-8 and 29 for Latin-1.
    """
    charset = {20: "utf-8", 29: "latin-1"}[encoding]
    page_bytes, width = 1 << 14, 24
    lengths = [8 if number else width for _, _, number in columns]
    starts = [sum(lengths[:n]) for n in range(len(columns))]
    texts, places = b"\0" * 64, {}
    for text in {part for name, of_column, _ in columns for part in (name, of_column)}:
        places[text] = len(texts), len(text.encode())
        texts += text.encode().ljust(-(-len(text.encode()) // 4) * 4, b"\0")
    sizes = bytearray(480)
    struct.pack_into("<4s", sizes, 0, b"\xf7" * 4)
    struct.pack_into("<2I", sizes, 20, sum(lengths), len(rows))
    struct.pack_into("<2I", sizes, 36, len(columns), 0)
    struct.pack_into("<I", sizes, 60, len(rows))
    count = struct.pack("<4sII", b"\xf6" * 4, len(columns), 0)
    text = b"\xfd\xff\xff\xff" + struct.pack("<H", len(texts)) + texts[2:] + bytes(8)
    names = b"\xff" * 4 + struct.pack("<H6x", 8 + 8 * len(columns))
    attributes = b"\xfc\xff\xff\xff" + struct.pack("<H6x", 8 + 12 * len(columns))
    formats = []
    for (name, of_column, number), start, length in zip(columns, starts, lengths, strict=True):
        names += struct.pack("<4H", 0, *places[name], 0)
        attributes += struct.pack("<IIHBB", start, length, 4, 1 if number else 2, 0)
        formats.append(b"\xfe\xfb\xff\xff" + bytes(30) + struct.pack(
            "<6H", 0, *places[of_column], 0, 0, 0) + bytes(6))  # fmt: skip
    parts = [bytes(sizes), count, text, names + bytes(8), attributes + bytes(8), *formats]
    data = b"".join(
        struct.pack("<d", float("nan") if cell is None else cell) if number
        else cell.encode(charset).ljust(width)[:width]
        for row in rows for cell, (_, _, number) in zip(row, columns, strict=True)
    )  # fmt: skip
    page, end, pointers = bytearray(page_bytes), page_bytes, b""
    for part in parts:
        end -= -(-len(part) // 8) * 8
        page[end : end + len(part)] = part
        pointers += struct.pack("<IIBBH", end, len(part), 0, 0, 0)
    struct.pack_into("<3H", page, 16, 0x200, len(parts) + len(rows), len(parts))
    page[24 : 24 + len(pointers)] = pointers
    start = -(-(24 + len(pointers)) // 8) * 8
    page[start : start + len(data)] = data
    header = bytearray(1024)
    header[:32] = bytes.fromhex("000000000000000000000000c2ea8160b31411cfbd92080009c7318c181f1011")
    header[32:40] = b"\x22\x22\x00\x32\x22\x01\x02\x31"
    header[70] = encoding
    header[84:92], header[92:100], header[156:164] = b"SAS FILE", b"RECORDS ", b"DATA    "
    struct.pack_into("<2d", header, 164, 0.0, 0.0)
    struct.pack_into("<3I", header, 196, len(header), page_bytes, 1)
    header[216:224] = b"9.0401M5"
    return bytes(header + page)
