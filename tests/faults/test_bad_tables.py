"""Bad tables: wrong bytes, formats, columns and keys."""

import codecs
import contextlib
import csv
import gzip
import io
import json
import shutil
import socket
import struct
import sys
import time
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import (
    GOOD,
    SECRET,
    Faults,
    csv_of,
    dirty_texts,
    facts,
    told,
)

from textlstm.data import allowance
from textlstm.data.cells import column
from textlstm.data.readers import iter_tables, read_table
from textlstm.errors import InputError

fault = Faults()


@fault(1, "missing text column")
def _(desk):
    data = desk.file(csv_of(GOOD, "reason,category"))
    desk.refused_in_both(data, "records.csv", "no column 'cause'", "it has 'reason', 'category'")


@fault(2, "duplicate column names")
def _(desk):
    data = desk.file(csv_of([(*row, "") for row in GOOD], "cause,category,cause"))
    desk.refused_in_both(data, "records.csv", "'cause'", "twice")


@fault(3, "empty file or header only")
def _(desk):
    desk.refused(desk.learn(desk.file("")), "records.csv", "empty")
    desk.refused(desk.learn(desk.file("cause,category\n")), "records.csv", "no rows")
    assert list(desk.coded(desk.file(""))) == [
        "cause", "predicted_label", "probability", "second_label", "decision"
    ]  # fmt: skip
    assert len(pd.read_csv(desk.out)) == 0
    assert list(desk.coded(desk.file("cause,id\n"))) == [
        "cause", "id", "predicted_label", "probability", "second_label", "decision"
    ]  # fmt: skip
    assert len(pd.read_csv(desk.out)) == 0


@fault(4, "Latin-1 byte in UTF-8")
def _(desk):
    data = desk.file(b"cause,category\n" + "M\u00e9ni\u00e8re,A\n".encode("latin-1"))
    desk.refused_in_both(data, "records.csv", "byte 16", "--charset latin-1")
    assert desk.coded(data, "--charset", "latin-1")["cause"].tolist() == ["M\u00e9ni\u00e8re"]


@fault(5, "UTF-8 byte order mark")
def _(desk):
    data = desk.file(b"\xef\xbb\xbf" + csv_of(GOOD).encode())
    assert next(iter(desk.coded(data))) == "cause"
    assert desk.learn(data).status == 0 and desk.texts()[0] == "asthma"


@fault(6, "UTF-16 file")
def _(desk):
    data = desk.file(csv_of(GOOD).encode("utf-16"))
    desk.refused_in_both(data, "records.csv", "--charset utf-16")
    assert len(desk.coded(data, "--charset", "utf-16")) == len(GOOD)


@fault(7, "embedded NUL")
def _(desk):
    assert facts(desk)["handled"]["control_characters"] == 1
    assert "1 cell has control characters" in told(desk)
    assert "asthma attack" in dirty_texts(desk)


@fault(8, "unclosed quote")
def _(desk):
    data = desk.file(f'cause,category\nasthma,A\n"{SECRET},B\nfall,C\n')
    desk.refused_in_both(data, "records.csv", "row 3")


@fault(9, "too many fields")
def _(desk):
    data = desk.file(f"cause,category\nasthma,A\n{SECRET},B,C\n")
    desk.refused_in_both(data, "records.csv", "row 3", "3 fields", "header has 2")


@fault(10, "quoted newline")
def _(desk):
    rows = desk.coded(desk.file('cause,category\n"asthma\nattack",A\nfall,B\n'))
    assert rows["cause"].tolist() == ["asthma\nattack", "fall"]


@fault(11, "CRLF or lone CR")
def _(desk):
    for end in ("\r\n", "\r"):
        rows = desk.coded(desk.file(csv_of(GOOD).replace("\n", end)))
        assert rows["cause"].tolist() == [text for text, _ in GOOD]


@fault(12, "the texts NA, None, null")
def _(desk):
    rows = desk.coded(desk.file("cause,x\nNA,\nNone,null\nnull,NA\n"))
    assert rows[["cause", "x"]].to_numpy().tolist() == [
        ["NA", ""],
        ["None", "null"],
        ["null", "NA"],
    ]
    assert {"na", "none", "null"} <= dirty_texts(desk)


@fault(13, "missing text")
def _(desk):
    rows = desk.coded(desk.file("cause,x\n,1\nasthma,2\n"))
    assert rows["decision"][0] == "review" and rows["x"].tolist() == ["1", "2"]
    assert facts(desk)["dropped"]["empty_text"] == 4  # with the cases 20 and 21
    assert "4 records left out: empty text" in told(desk)


@fault(14, "numeric, mixed or binary text")
def _(desk):
    assert {"42", "4.5", "true"} <= dirty_texts(desk)
    data = desk.folder / "bytes.parquet"
    pq.write_table(pa.table({"cause": [SECRET.encode()], "category": ["A"]}), data)
    desk.run = desk.folder / "run"
    desk.refused_in_both(data, "bytes.parquet", "'cause'", "bytes")


@fault(50, "compressed bombs")
def _(desk):
    content = csv_of(GOOD).encode()
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("records.csv", content)
    for name in ("records.csv", "records.jsonl"):
        for packed in (gzip.compress(content), zipped.getvalue()):
            desk.refused_in_both(desk.file(packed, name), name, "compressed", "unpack")
    for name, packed in (
        ("records.csv.gz", gzip.compress(content)[:-9]),
        ("records.csv.gz", content),
        ("records.csv.zst", gzip.compress(content)),
    ):
        desk.refused_in_both(desk.file(packed, name), name, "damaged, or not packed as its name")
    for name in ("records.csv.bz2", "records.xlsx.gz", "records.gz"):
        desk.refused_in_both(desk.file(content, name), "unknown format")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(allowance, "MAX_UNPACKED", 1 << 12)
        packed = gzip.compress(csv_of(GOOD * 5000).encode(), 9)
        patch.setattr(allowance, "MAX_RATIO", 10)
        desk.refused_in_both(desk.file(packed, "records.csv.gz"), "records.csv.gz", "not a bomb")
    cells = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(1_000_000, dtype=np.int32)), pa.array(["x" * 10_000])
    )
    bomb = desk.folder / "bomb.parquet"
    pq.write_table(pa.table({"cause": cells, "category": cells}), bomb)
    desk.refused_in_both(bomb, "bomb.parquet", "1000 times its size")


@fault(53, "addresses in the place of files")
def _(desk):
    for address in ("http://127.0.0.1/x.csv", "http://169.254.169.254/", "file:/etc/passwd"):
        desk.refused_in_both(address, address, "not a file")


@fault(54, "download of another hash or size")
def _(desk):
    pytest.skip("does not apply: nothing is downloaded")


def unreadable(path, *words, **how):
    """Check that a table is refused in one line, which every command that reads it would show."""
    with pytest.raises(InputError) as caught:
        for table in iter_tables(str(path), **how):
            for name in table.column_names:
                column(table, name, str(path))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def forbidden(*_):
    raise AssertionError("a connection was made")


@fault(71, "a dataset folder that leads elsewhere")
def _(desk):
    folder, secret = desk.folder / "dataset", desk.file(csv_of([(SECRET, "a")]), "secret.csv")
    folder.mkdir()
    (folder / "x.csv").write_text(csv_of(GOOD))
    for target in (
        "http://127.0.0.1:1/x.csv",
        "ftp://127.0.0.1/x.csv",
        str(secret),
        "../secret.csv",
    ):
        configs = f"configs:\n- config_name: default\n  data_files: '{target}'\n"
        (folder / "README.md").write_text(f"---\n{configs}---\n")
        (folder / ".huggingface.yaml").write_text(configs)
        (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": target}]}))
        (folder / "dataset_info.json").write_text(json.dumps({"download_checksums": {target: {}}}))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("socket.socket.connect", forbidden)
            patch.setitem(sys.modules, "datasets", None)  # importing it fails: it would follow them
            table = read_table(str(folder))
        assert column(table, "cause", "") == [text for text, _ in GOOD]
    (folder / "y.csv").symlink_to(secret)
    desk.refused_in_both(folder, "y.csv", "a link")
    (folder / "y.csv").unlink()
    (folder / "y.csv.gz").write_bytes(gzip.compress(csv_of(GOOD).encode()))
    assert len(read_table(str(folder))) == 2 * len(GOOD)
    (folder / "y.csv.gz").rename(folder / "y.csv.bz2")
    unreadable(folder, "y.csv.bz2", "compressed")
    (folder / "y.csv.bz2").unlink()
    (folder / "y.jsonl").write_text('{"cause": "x", "category": "a"}\n')
    unreadable(folder, "several kinds")
    (folder / "y.jsonl").rename(folder / "y.csv")
    desk.refused_in_both(folder, "y.csv", "other columns than in", "x.csv")


def changed(content, at, value):
    """Return the content of a file with one byte changed."""
    return content[:at] + bytes([value]) + content[at + 1 :]


@fault(72, "damaged Arrow and Parquet files")
def _(desk):
    texts = pa.table({"cause": [f"asthma {n}" for n in range(40)], "category": ["a", "b"] * 20})
    arrow, parquet = desk.folder / "x.arrow", desk.folder / "x.parquet"
    with pa.ipc.new_stream(arrow, texts.schema) as writer:
        writer.write_table(texts)
    pq.write_table(texts, parquet, compression="none", store_schema=False)
    for path in (arrow, parquet):
        whole = path.read_bytes()
        assert len(read_table(str(path))) == 40
        for at in range(0, len(whole), 3):  # may raise nothing but InputError
            path.write_bytes(changed(whole, at, (whole[at] + 128) % 256))
            with contextlib.suppress(InputError):
                table = read_table(str(path))
                assert all(column(table, name, "") is not None for name in table.column_names)
        path.write_bytes(whole[: len(whole) // 2])
        unreadable(path, path.name, "not a readable")
    # An offset in the middle that points far beyond the file.
    with pa.ipc.new_stream(arrow, texts.schema) as writer:
        writer.write_table(texts)
    offsets = struct.pack("<3i", 0, 8, 16)
    at = arrow.read_bytes().index(offsets) + 80
    arrow.write_bytes(
        arrow.read_bytes()[:at] + struct.pack("<i", 2**30) + arrow.read_bytes()[at + 4 :]
    )
    desk.refused_in_both(arrow, "x.arrow", "column 'cause' is damaged")
    no_text = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(struct.pack("<2i", 0, 1)), pa.py_buffer(b"\xff")]
    )
    days = pa.array([2**30], pa.int32()).cast(pa.date32())
    mars = pa.array([1], pa.timestamp("us", tz="Mars/Phobos"))
    for cells, words in ((no_text, "not UTF-8"), (days, "out of range"), (mars, "time zone")):
        pq.write_table(pa.table({"cause": cells, "category": cells}), parquet)
        unreadable(parquet, "x.parquet", "column 'cause'", words)
    with pa.ipc.new_file(
        arrow, texts.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")
    ) as w:
        w.write_table(texts)
    unreadable(arrow, "x.arrow", "compressed")


@fault(73, "a mistyped name of a table, and the hub")
def _(desk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("socket.socket.connect", forbidden)
        patch.setattr("socket.getaddrinfo", forbidden)
        for name in ("recrods.csv", "owner/name", "squad", "nosuch"):
            desk.refused_in_both(name, name, "no such file or folder", "hub:owner/name")
        for name in ("hub:", "hub:../x", "hub:a/b/c", "hub:https://x"):
            desk.refused_in_both(name, name, "hub:owner/name")
    with socket.socket() as silent, pytest.MonkeyPatch.context() as patch:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        patch.setattr("textlstm.data.dataset.HUB_SECONDS", 0.2)
        patch.setattr(
            "huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}"
        )
        started = time.monotonic()
        desk.refused_in_both("hub:owner/name", "hub:owner/name", "cannot be had from the hub")
        assert time.monotonic() - started < 15


@fault(74, "files whose few bytes are many rows or cells")
def _(desk):
    path, n = desk.folder / "x.parquet", allowance.MAX_ROWS + 1
    nothing, folder = pa.nulls(n), desk.folder / "dataset"
    pq.write_table(pa.table({"cause": nothing, "category": nothing}), path)
    desk.refused_in_both(path, "x.parquet", f"{n:,} rows", "so small a file")
    folder.mkdir()
    with pa.ipc.new_file(
        folder / "x.arrow", pa.schema({"cause": pa.null(), "category": pa.null()})
    ) as writer:
        writer.write_batch(pa.record_batch({"cause": nothing, "category": nothing}))
    desk.refused_in_both(folder, "x.arrow", f"{n:,} rows")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(allowance, "MAX_CELLS", 10_000)
        patch.setattr(allowance, "MAX_CELLS_PER_BYTE", 0)
        wide = pa.array(["x"] * 101).dictionary_encode()
        pq.write_table(pa.table({f"c{n}": wide for n in range(100)}), path)
        unreadable(path, "x.parquet", "10,100 cells")
        lists = pa.array([[None] * 10_001], pa.list_(pa.int8()))
        pq.write_table(pa.table({"cause": [{"a": lists[0]}], "category": [1]}), path)
        unreadable(path, "x.parquet", "column 'cause' is of a type that is not read")
        pq.write_table(pa.table({"cause": wide[:100], "category": wide[:100]}), path)
        assert len(read_table(str(path))) == 100
    refused_before_it_is_unpacked(desk)


def understated(path):
    """Forge the footer of a Parquet file: each column claims one byte, unpacked."""
    content = path.read_bytes()
    group = pq.ParquetFile(path).metadata.row_group(0)
    sizes = {group.column(n).total_uncompressed_size for n in range(group.num_columns)}
    for size in sizes:
        said, written = 2 * size, b""
        while said:  # as Thrift writes an integer
            said, low = divmod(said, 128)
            written += bytes([low + 128 * bool(said)])
        one = b"\x82" + b"\x80" * (len(written) - 2) + b"\0"
        assert written in content
        content = content.replace(written, one)
    path.write_bytes(content)
    group = pq.ParquetFile(path).metadata.row_group(0)
    assert all(group.column(n).total_uncompressed_size == 1 for n in range(group.num_columns))


def refused_before_it_is_unpacked(desk):
    """Check that headers of pages, types and class names reveal a file that is too large."""
    path, text = desk.folder / "x.parquet", "x" * 400_000
    names = {"info": {"features": {"category": {"_type": "ClassLabel", "names": [text]}}}}
    named = pa.table({"cause": ["x"] * 10, "category": pa.array([0] * 10, pa.int8())})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(allowance, "MAX_UNPACKED", 1 << 20)
        patch.setattr(allowance, "MAX_RATIO", 1)
        known = named.replace_schema_metadata({"huggingface": json.dumps(names)})
        pq.write_table(known[:1], path)
        assert read_table(str(path))["category"].to_pylist() == [text]
        pq.write_table(known, path)
        unreadable(path, "x.parquet", "unpacks to more than")
        with pa.ipc.new_file(path.with_suffix(".arrow"), known.schema) as writer:
            writer.write_table(known)
        unreadable(path.with_suffix(".arrow"), "x.arrow", "unpacks to more than")
        patch.setattr(pq.ParquetFile, "iter_batches", forbidden)
        for version in ("1.0", "2.0"):
            pq.write_table(
                pa.table({f"c{n}": [text] for n in range(3)}), path, compression="zstd",
                data_page_version=version,
            )  # fmt: skip
            unreadable(path, "x.parquet", "bytes, more than the 1,048,576 that are read of so")
            understated(path)
            unreadable(path, "x.parquet", "bytes, more than the 1,048,576 that are read of so")
        pq.write_table(pa.table({"cause": pa.array([b"x" * 4096] * 300, pa.binary(4096))}), path)
        unreadable(path, "x.parquet", "1,228,800 bytes, more than")


@fault(75, "columns and keys without number")
def _(desk):
    keys = "".join(f'{{"{n}": 1}}\n' for n in range(4_000))
    desk.refused_in_both(desk.file(keys, "x.jsonl"), "x.jsonl", "different keys", "larger than")
    keys = json.dumps(dict.fromkeys(map(str, range(60_000)), 1))
    desk.refused_in_both(desk.file(keys, "x.jsonl"), "x.jsonl", "16,384 columns")
    wide = ",".join(f"c{n}" for n in range(60_000)) + "\n"
    desk.refused_in_both(desk.file(wide + '"' * 3), "60,000 columns", "16,384")
    fewer = ",".join(f"c{n}" for n in range(5_000)) + "\n"
    for content in (fewer, "1\n"):
        outcome = desk.learn(desk.file(fewer + content))
        desk.refused(outcome)
        assert len(outcome.told) < 500
    assert outcome.told.count("'c") <= 22 or "fields" in outcome.told


@fault(76, "odd JSON")
def _(desk):
    row = '{"cause": "x", "category": "a"'
    for odd, words in [
        (row + ', "cause": "y"}', "a key twice"),
        (row + ', "more": {"a": 1, "a": 2}}', "a key twice"),
        (row + ', "more": ' + "[" * 100_000 + "]" * 100_000 + "}", "deeply"),
        (row + ', "more": 1' + "0" * 5000 + "}", "not JSON"),
        (row + ', "\\ud800": 1, "\\udfff": 2}', "stands there twice"),
        (f"[{row}}}]", "not a JSON object"),
    ]:
        data = desk.file(f"{row}}}\n{odd}\n", "x.jsonl")
        unreadable(data, "x.jsonl", words)
    desk.refused_in_both(data, "x.jsonl", words)
    for depth in range(900, 1000, 3):  # the limit depends on the caller's stack
        data = desk.file(row + ', "more": ' + "[" * depth + "]" * depth + "}", "x.jsonl")
        with contextlib.suppress(InputError):
            assert len(read_table(str(data))) == 1
    data = desk.file(row + ', "\\ud800": "y", "list": ["\\u00e9\\ud800"]}\n', "x.jsonl")
    out = desk.coded(data)
    assert out["\ufffd"].tolist() == ["y"] and out["list"].tolist() == ['["\u00e9\ufffd"]']


@fault(77, "character encodings")
def _(desk):
    for name in ("utf-32", "utf-16", "U16", "utf-32-be"):
        written = csv_of([*GOOD, ("caf\u00e9", "External")]).encode(name)
        data = desk.file(written if "be" not in name else codecs.BOM_UTF32_BE + written)
        assert column(read_table(str(data), name), "cause", "")[-1] == "caf\u00e9"
        right = "UTF-32" if "32" in name else "UTF-16"
        unreadable(data, f"this is {right}; give --charset {right.lower()}")
    desk.refused(desk.code(data, "--charset", "utf-16"), "this is UTF-32")
    desk.refused_in_both(data, "this is UTF-32; give --charset utf-32")
    unreadable(desk.file(csv_of(GOOD)), "byte 0 is not utf-16", charset="utf-16")
    data = desk.file(csv_of(GOOD))
    none = "undefined idna punycode unicode_escape raw_unicode_escape charmap rot13 base64 hex zlib"
    for name in (*none.split(), "klingon", "a\0b", "\ud800"):
        unreadable(data, "--charset", charset=name)
        unreadable(desk.file("{}", "x.jsonl"), "--charset", charset=name)
    desk.refused(desk.learn(data, "--charset", "undefined"), "no encoding of text files")
    desk.refused(desk.code(data, "--charset", "undefined"), "no encoding of text files")


@fault(78, "cells divided by other signs than commas")
def _(desk):
    rows = [("fall, at home", "External"), ('say "x; y"', "Respiratory")] * 20
    wanted = [text for text, _ in rows]
    for sign, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")):
        told = io.StringIO()
        writer = csv.writer(told, delimiter=sign)
        writer.writerows([("cause", "category"), *rows])
        outcome = desk.code(data := desk.file(told.getvalue()))
        assert outcome.status == 0 and f"records.csv: read as divided by {name}" in outcome.told
        # Output is divided by commas, whatever divides the input.
        assert pd.read_csv(desk.out)["cause"].tolist() == wanted
        assert column(read_table(str(data), delimiter=sign, log=forbidden), "cause", "") == wanted
    assert "read as" not in desk.code(data, "--delimiter", "pipe").told
    outcome = desk.learn(data)
    assert outcome.status == 0 and f"preprocess: {data}: read as divided by" in outcome.told
    shutil.rmtree(desk.run)
    desk.out.unlink()
    one = desk.file("cause; other\nfall\na; b; c\n\n")  # a column whose name has a semicolon
    assert column(read_table(str(one)), "cause; other", "") == ["fall", "a; b; c", ""]
    both = desk.file("cause;x|category\na;b|c\n")
    desk.refused_in_both(both, "semicolons and vertical bars", "--delimiter")
    for given in (";;", "a", '"', "\u00a6", "\n", " "):
        unreadable(both, "--delimiter", delimiter=given)
    spelled = desk.file(csv_of(GOOD).replace(",", "~"))
    assert desk.learn(spelled, "--delimiter", "~").status == 0
    shutil.rmtree(desk.run)
    desk.refused_in_both(desk.file("sep=;\ncause;category\nfall;External\n"), "remove that line")


@pytest.mark.parametrize("number", fault.cases())
def test_fault(number, desk):
    fault.check(number, desk)
