"""Packed text files: the same rows as unpacked ones, and nothing from damaged ones."""

import gzip

import pyarrow as pa
import pytest
from written_tables import read_all, write

from textlstm.data.readers import iter_tables, read_table
from textlstm.data.text_files import presumed_charset
from textlstm.errors import InputError

CONTENT = "cause;age\n" + "".join(f'"fall; at ""home"" {n}";{n}\n' for n in range(500))


def zstd_file(path, content):
    with pa.CompressedOutputStream(str(path), "zstd") as stream:
        stream.write(content)


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_packed_files_have_the_rows_of_unpacked_ones(tmp_path, ending):
    plain, packed = tmp_path / "t.csv", tmp_path / f"T.CSV{ending.upper()}"
    plain.write_text(CONTENT)
    if ending == ".gz":
        write(packed, gzip.compress(CONTENT.encode()))
    else:
        zstd_file(packed, CONTENT.encode())
    expected = read_table(str(plain))
    lines = []
    assert pa.concat_tables(iter_tables(str(packed), log=lines.append)).equals(expected)
    assert [line.partition(": ")[2] for line in lines] == [
        "read as divided by semicolons (--delimiter, if it is not)"
    ]
    assert read_all(str(packed), chunk_bytes=64).equals(expected)


def test_several_members_are_one_file(tmp_path):
    parts = [gzip.compress(part.encode()) for part in (CONTENT, '"x";1\n', "", '"y";2\n')]
    table = read_table(write(tmp_path / "t.csv.gz", b"".join(parts)))
    assert table["cause"].to_pylist()[-2:] == ["x", "y"] and len(table) == 502


def test_packed_json_lines_and_tabs(tmp_path):
    lines = gzip.compress(b'{"a": 1}\n{"b": "x"}\n')
    table = read_table(write(tmp_path / "t.jsonl.gz", lines))
    assert table.to_pydict() == {"a": ["1", ""], "b": ["", "x"]}
    table = read_table(write(tmp_path / "t.tsv.gz", gzip.compress(b"a\tb\nx\ty\n")))
    assert table.to_pydict() == {"a": ["x"], "b": ["y"]}


def test_the_character_set_is_that_of_the_text(tmp_path):
    path = tmp_path / "t.csv.gz"
    table = read_table(write(path, gzip.compress("a\ncaf\u00e9\n".encode("latin-1"))), "latin-1")
    assert table["a"].to_pylist() == ["caf\u00e9"]
    assert presumed_charset(path, "latin-1") == "latin-1"
    write(path, gzip.compress("\ufeffa\ncaf\u00e9\n".encode()))
    assert presumed_charset(path, "latin-1") == "utf-8"
    assert read_table(str(path)).to_pydict() == {"a": ["caf\u00e9"]}


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_damaged_files_are_refused(tmp_path, ending):
    path = tmp_path / f"t.csv{ending}"
    if ending == ".gz":
        write(path, gzip.compress(CONTENT.encode()))
    else:
        zstd_file(path, CONTENT.encode())
    whole = path.read_bytes()
    twice = gzip.compress(gzip.compress(CONTENT.encode()))
    broken = [whole[:-3], whole[: len(whole) // 2], b"a,b\n1,2\n"]
    for content in broken:
        with pytest.raises(InputError, match="damaged, or not packed as its name says"):
            read_table(write(path, content))
    if ending == ".gz":
        with pytest.raises(InputError, match="compressed; unpack it"):
            read_table(write(path, twice))
