"""CSV and TSV files."""

import csv
import io
import time
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from written_tables import read_all, write

from textlstm.data import delimited, plain_csv
from textlstm.data.cells import column
from textlstm.data.options import LIMITS, Limits
from textlstm.data.readers import iter_tables, read_table
from textlstm.errors import InputError


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("a,b\n0123,NA\n", [("0123", "NA")]),
        ("a,b\n1,None\n2,null\n", [("1", "None"), ("2", "null")]),
        ("\ufeffa,b\n1,x\n", [("1", "x")]),
        ('a,b\n1,"two\nlines"\n', [("1", "two\nlines")]),
        ("a,b\r\n1,x\r\n", [("1", "x")]),
        ("a,b\r1,x\r", [("1", "x")]),
        ("a,b\n1,x\n\n2,y\n", [("1", "x"), ("2", "y")]),
        ('a,b\n1,"say ""x"""\n', [("1", 'say "x"')]),
        ("a,b\n", []),
        ("a,b\n1,x\0y\n", [("1", "x\0y")]),
    ],
)
def test_csv_is_read_as_text(tmp_path, content, rows):
    table = read_table(write(tmp_path / "t.csv", content))
    assert list(zip(column(table, "a", ""), column(table, "b", ""), strict=True)) == rows


def test_a_blank_line_of_a_single_column_is_an_empty_cell(tmp_path):
    assert column(read_table(write(tmp_path / "t.csv", "a\nx\n\ny\n")), "a", "") == ["x", "", "y"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ("a,b\n1,2,3\n", "row 2"),
        ("a,b\n1,2\n1\n", "row 3"),
        ('a,b\n1,"x\n2,y\n', "row 2"),
        ('a,b\n1,"x\n2,"y\n3,z\n', "row 2"),
        ("a,a\n1,2\n", "twice"),
        (b"a,b\n1,caf\xe9\n", "byte 9"),
        ("a,b\n".encode("utf-16"), "utf-16"),
    ],
)
def test_a_broken_csv_is_refused_by_place_without_its_text(tmp_path, content, message):
    with pytest.raises(InputError, match=message) as caught:
        read_table(write(tmp_path / "t.csv", content))
    assert "caf" not in str(caught.value)


def test_another_encoding_can_be_declared(tmp_path):
    path = write(tmp_path / "t.csv", b"a\ncaf\xe9\n")
    assert column(read_table(path, "latin-1"), "a", "") == ["café"]
    with pytest.raises(InputError, match="klingon"):
        read_table(path, "klingon")


def test_a_long_name_of_a_column_is_read(tmp_path):
    csv.field_size_limit(1 << 17)  # as a new process has it
    name = "h" * (1 << 18)
    for header in (f"{name},b", f'"{name}",b'):
        table = read_table(write(tmp_path / "t.csv", f"{header}\n1,2\n"))
        assert table.column_names == [name, "b"]
    with pytest.raises(InputError, match="larger than field limit"):
        read_all(str(tmp_path / "t.csv"), max_cell=1 << 17)


@given(st.lists(st.sampled_from(["\n", '"', "a", ","]), max_size=12).map("".join))
def test_a_row_ends_at_the_last_line_feed_out_of_quotes(text):
    ends = [n + 1 for n, one in enumerate(text) if one == "\n" and text[:n].count('"') % 2 == 0]
    quotes = np.flatnonzero(np.frombuffer(text.encode(), np.uint8) == ord('"'))
    assert plain_csv._end_of_rows(text.encode(), quotes) == max(ends, default=0)


def test_line_feeds_within_quotes_are_passed_over_at_once():
    part = b'cause\n"' + b"\n" * 2_000_000
    started = time.process_time()
    chunks = list(plain_csv.whole_rows([part], ",", LIMITS.chunk_bytes))
    assert time.process_time() - started < 1
    assert chunks == [(b"cause\n", True), (part[6:], False)]


# Cells and their ends in any order, most of it no valid table, and some of it no text.
PIECES = st.lists(
    st.sampled_from([*'"",,\n\n\raé \0', "\r\n", "\ufeff", "\udcc3"]).map(
        lambda piece: piece.encode("utf-8", "surrogateescape")
    )
)


def as_python_reads(content):
    """The rows of a text in UTF-8, or None if Python's reader refuses it."""
    try:
        content = content.decode().removeprefix("\ufeff")
        header, *rows = csv.reader(io.StringIO(content, newline=""), strict=True)
    except (csv.Error, ValueError):
        return None
    if len(header) != len(set(header)):
        return None
    rows = [row or [""] for row in rows if row or len(header) == 1]
    return [header, *rows] if header and all(len(row) == len(header) for row in rows) else None


@given(pieces=PIECES, chunk=st.integers(3, 12), header=st.sampled_from([b"", b"x,y\n", b"x\n"]))
def test_a_csv_reads_alike_whatever_reads_it_and_in_whatever_chunks(
    tmp_path_factory, pieces, chunk, header
):
    content = header + b"".join(pieces)
    path = write(tmp_path_factory.getbasetemp() / "t.csv", content)
    expected = as_python_reads(content)
    if expected is None:
        with pytest.raises(InputError):
            read_all(path, chunk_bytes=chunk, chunk_rows=2)
    else:
        table = read_all(path, chunk_bytes=chunk, chunk_rows=2)
        cells = [column.to_pylist() for column in table.columns]
        assert [table.column_names, *map(list, zip(*cells, strict=True))] == expected


def test_plain_rows_are_left_to_the_fast_reader(tmp_path):
    path = write(tmp_path / "t.csv", 'a,b\n1,"x, ""y"""\n2,"line\nline"\n\n3,z')
    with mock.patch.object(delimited, "_StrictReader", side_effect=AssertionError):
        assert column(read_table(path), "b", "") == ['x, "y"', "line\nline", "z"]


def test_a_table_comes_in_chunks_and_an_error_still_names_its_row(tmp_path):
    rows = [f"{number},x{number}\n" for number in range(1000)]
    path = write(tmp_path / "t.csv", "a,b\n" + "".join(rows))
    chunks = list(iter_tables(path, limits=Limits(chunk_bytes=1000)))
    assert len(chunks) > 5
    assert sum(map(len, chunks)) == 1000
    path = write(tmp_path / "t.csv", "a,b\n" + "".join(rows) + "1,2,3\n")
    with pytest.raises(InputError, match=r"row 1002 \(line 1002\) has 3 fields"):
        read_all(path, chunk_bytes=1000)
    path = write(tmp_path / "t.csv", ("a,b\n" + "".join(rows)).encode() + b"\xff,1\n")
    with pytest.raises(InputError, match=f"byte {len('a,b') + 1 + len(''.join(rows))} "):
        read_all(path, chunk_bytes=1000)
