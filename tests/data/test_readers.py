import csv
import io
import itertools
import json
import time
from unittest import mock

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textlstm.data import dataset, delimited, plain_csv
from textlstm.data.cells import as_records, column, distinct_records
from textlstm.data.distinct import DistinctBuilder
from textlstm.data.options import LIMITS, Limits
from textlstm.data.parquet_pages import page_bytes
from textlstm.data.readers import iter_tables, read_table
from textlstm.errors import InputError


def read_all(path, **limits):
    """A whole table, read in chunks of other sizes than those of the stages."""
    return pa.concat_tables(iter_tables(path, limits=Limits(**limits)))


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


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


def test_tsv_json_lines_and_parquet(tmp_path):
    tsv = read_table(write(tmp_path / "t.tsv", "a\tb\n1\tx,y\n"))
    assert column(tsv, "b", "") == ["x,y"]
    lines = '{"a": 1, "b": null}\n\n{"a": "\\ud800", "c": [2]}\n'
    jsonl = read_table(write(tmp_path / "t.jsonl", lines))
    assert [column(jsonl, name, "") for name in "abc"] == [["1", "\ufffd"], ["", ""], ["", "[2]"]]
    pq.write_table(pa.table({"a": [1, None], "b": ["NA", None]}), tmp_path / "t.parquet")
    parquet = read_table(str(tmp_path / "t.parquet"))
    assert [column(parquet, name, "") for name in "ab"] == [["1", ""], ["NA", ""]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.jsonl", "{\n", "line 1"),
        ("t.jsonl", "[1]\n", "line 1"),
        ("t.parquet", "PAR0", "Parquet"),
        ("t.xlsx", "x", "unknown format.*save it as CSV in the spreadsheet program"),
    ],
)
def test_other_broken_files_are_refused(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message):
        read_table(write(tmp_path / name, content))


def test_a_missing_file_and_a_missing_column_are_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_table(str(tmp_path / "t.csv"))
    table = read_table(write(tmp_path / "t.csv", "cause,sex\nx,y\n"))
    with pytest.raises(InputError, match="no column 'label'; it has 'cause', 'sex'"):
        column(table, "label", "t.csv")


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


@pytest.mark.parametrize(
    "kind",
    [pa.month_day_nano_interval(), pa.struct([]), pa.list_(pa.struct([])), pa.binary(0)],
    ids=str,
)
def test_a_type_that_cannot_be_written_is_not_read(kind, tmp_path):
    table = pa.table({"cause": ["x"], "odd": pa.nulls(1, kind)})
    with pa.ipc.new_file(tmp_path / "t.arrow", table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(InputError, match="column 'odd' is of a type that is not read here"):
        read_table(str(tmp_path / "t.arrow"))


def test_bytes_are_no_text(tmp_path):
    with pytest.raises(InputError, match="bytes"):
        column(pa.table({"a": [b"x"]}), "a", "t")


def test_a_local_dataset_is_read_with_the_names_of_its_classes(tmp_path):
    features = datasets.Features(
        {"cause": datasets.Value("string"), "manner": datasets.ClassLabel(names=["no", "yes"])}
    )
    saved = datasets.Dataset.from_dict({"cause": ["x", "NA"], "manner": [1, 0]}, features=features)
    saved.save_to_disk(tmp_path / "saved")
    table = read_table(str(tmp_path / "saved"))
    assert column(table, "manner", "") == ["yes", "no"]
    assert column(table, "cause", "") == ["x", "NA"]


CONFIGS = "configs:\n- config_name: default\n  data_files: "


@pytest.mark.parametrize(
    "card",
    [
        f"---\n{CONFIGS}'http://127.0.0.1:9/x.csv'\n---\n",
        f"\n---\n{CONFIGS}'http://127.0.0.1:9/x.csv'\n---\n",
        f'---\n"configs"{CONFIGS[7:]}"http://127.0.0.1:9/x.csv"\n---\n',
        f"---\nconfigs {CONFIGS[7:]}'http://127.0.0.1:9/x.csv'\n---\n",
        f'---\n{CONFIGS}"http:\\x2f\\x2f127.0.0.1:9/x.csv"\n---\n',
        f"---\nx: |\n ---\ny: >\n  a\n---foo: 1\n{CONFIGS}'http://127.0.0.1:9/x.csv'\n---\n",
        *(
            f"---\n{CONFIGS}{place}\n---\n"
            for place in (
                "/etc/passwd", "../x.csv", "data/../../x.csv", "C:x.csv", "'C:\\x.csv'", "file:x",
                "'\\\\host\\x'", "~/x.csv", "zip://x.csv::http://h/x.zip",
                "\n  - split: train\n    path: [data/x.csv, /etc/passwd]",
            )
        ),
        f"---\n{CONFIGS}x.csv\n  data_dir: /etc\n---\n",
    ],
)  # fmt: skip
def test_a_card_that_names_other_files_is_refused(card, tmp_path):
    (tmp_path / "README.md").write_text(card)
    with pytest.raises(InputError, match=r"hub:a/b: its README\.md names files"):
        dataset._require_own_files(tmp_path / "README.md", "a/b")


@pytest.mark.parametrize("card", [
    "# No settings, but http://x", "---\nlicense: mit\nhomepage: http://x\n---\n",
    f"---\n{CONFIGS}data/train-*\n  sep: ';'\n  description: 'As: http://x'\n---\n",
    f"---\n{CONFIGS}\n  - split: train\n    path: ['**/x [1].csv']\n---\n",
])  # fmt: skip
def test_a_card_of_its_own_files_is_followed(card, tmp_path):
    (tmp_path / "README.md").write_text(card)
    dataset._require_own_files(tmp_path / "README.md", "a/b")


@pytest.mark.parametrize("files", [["x.csv", ".huggingface.yaml"], ["x.csv"]])
def test_a_data_set_that_has_others_files_copied_is_refused(files, tmp_path, monkeypatch):
    (tmp_path / "secret.png").write_bytes(b"x")
    column = datasets.Features({"cause": datasets.List(datasets.Image())})
    pictures = datasets.Dataset.from_dict({"cause": [[str(tmp_path / "secret.png")]]}, column)
    known = mock.Mock(sha="a", siblings=[mock.Mock(rfilename=name) for name in files])
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", lambda *_, **__: known)
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: pictures)
    with pytest.raises(InputError, match=r"hub:owner/name: (has pictures|its \.huggingface)"):
        read_table("hub:owner/name")


def test_a_folder_of_json_lines_is_a_dataset(tmp_path):
    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder" / "train.jsonl", json.dumps({"cause": "x"}) + "\n")
    assert column(read_table(str(tmp_path / "folder")), "cause", "") == ["x"]


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="no data file"):
        read_table(str(tmp_path))


@pytest.mark.parametrize(
    "texts",
    [
        [("a", "b"), ("c", "")],
        np.array([["a", "b"], ["c", None]], dtype=object),
        pd.DataFrame({"x": ["a", "c"], "y": ["b", None]}),
    ],
)
def test_several_fields_in_any_table(texts):
    assert list(as_records(texts)) == [("a", "b"), ("c", "")]


def test_one_field_in_any_sequence():
    expected = [("a",), ("1",), ("",)]
    assert list(as_records(["a", 1, None])) == expected
    assert list(as_records(pd.Series(["a", "1", pd.NA]))) == expected
    assert list(as_records(pd.Index(["a", "1", None]))) == expected
    assert list(as_records(np.array([]))) == list(as_records([])) == []


def test_a_frame_is_asked_for_its_cells_in_chunks():
    frame = pd.DataFrame({"x": list("abcde"), "y": [1, 2, None, 4.5, 5]}, index=[9, 9, 2, 1, 0])
    expected = [("a", "1.0"), ("b", "2.0"), ("c", ""), ("d", "4.5"), ("e", "5.0")]
    assert list(as_records(frame, chunk_rows=2)) == expected
    assert list(as_records(frame["x"], chunk_rows=2)) == [(one,) for one in "abcde"]


@pytest.mark.parametrize(
    "texts", ["one text", np.zeros((1, 1, 1)), [b"x"], 7, [("a", "b"), ("c",)]]
)
def test_what_is_no_table_of_texts_is_refused(texts):
    with pytest.raises(InputError):
        list(as_records(texts))


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


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_an_empty_table_has_columns(tmp_path, ending):
    path = tmp_path / f"t{ending}"
    if ending == ".parquet":
        pq.write_table(pa.table({"a": pa.array([], pa.string())}), path)
    else:
        path.write_text("a\n" if ending == ".csv" else "")
    table = read_table(str(path))
    assert len(table) == 0
    assert table.column_names == ([] if ending == ".jsonl" else ["a"])


def test_cells_of_a_dictionary_are_texts():
    cells = pa.array(["b", None, "a", "b"]).dictionary_encode()
    assert column(pa.table({"a": cells}), "a", "") == ["b", "", "a", "b"]


def test_distinct_records_give_the_rows_back():
    rows = [("x", "1"), ("", "2"), ("x", "1"), ("x", "2"), ("", "")]
    table = pa.table({"a": ["x", None, "x", "x", ""], "b": [1, 2, 1, 2, None]})
    records = distinct_records(table, ["a", "b"], "")
    assert list(records) == rows
    assert len(set(records.values)) == len(records.values) == 4


@pytest.mark.parametrize("size", [1, 7, 30])
def test_distinct_rows_of_parts_are_those_of_the_whole(size):
    cells, numbers = [None, "x", "y", "x", "1", "", "1"] * 4, [n % 3 for n in range(28)]
    rows = [(cell or "", str(number)) for cell, number in zip(cells, numbers, strict=True)]
    table = pa.table({"a": cells, "other": range(28), "b": numbers})
    builder = DistinctBuilder()
    for start in range(0, 28, size):
        builder.add(distinct_records(table.slice(start, size), ["a", "b"], ""))
    records = builder.build()
    assert len(builder) == len(records) == 28 and records.inverse.dtype == np.int32
    assert sorted(records.values) == sorted(set(rows))
    assert list(records) == rows


def test_of_a_folder_the_files_of_one_table_are_read_by_name(tmp_path):
    def rows():
        return column(read_table(str(tmp_path)), "a", "")

    for name in ("b.csv", "a.csv", "_SUCCESS.csv", ".hidden.csv"):
        write(tmp_path / name, f"a,b\n{name},1\n")
    write(tmp_path / "LICENSE", "free")
    assert rows() == ["a.csv", "b.csv"]
    write(tmp_path / "train-accidents.csv", "b,a\n2,t\n")  # not a part: the others are none
    assert rows() == ["a.csv", "b.csv", "t"]
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).rename(tmp_path / f"test-{name}")
    logged = []
    assert column(read_table(str(tmp_path), log=logged.append), "a", "") == ["t"]
    assert logged == [f"{tmp_path}: read of this folder: 'train-accidents.csv'"]


def test_the_folders_that_datasets_saves_are_read(tmp_path):
    rows = datasets.Dataset.from_dict({"cause": [f"x{n}" for n in range(20)]})
    rows.save_to_disk(tmp_path / "many", num_shards=3)
    datasets.DatasetDict(test=rows.select([0]), train=rows).save_to_disk(tmp_path / "both")
    (tmp_path / "hub" / "data").mkdir(parents=True)
    rows.to_parquet(tmp_path / "hub" / "data" / "train-00000-of-00001.parquet")
    rows.to_parquet(tmp_path / "hub" / "data" / "test-00000-of-00001.parquet")
    for name in ("many", "both", "hub"):
        assert column(read_table(str(tmp_path / name)), "cause", "") == rows["cause"][:]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("packed", ["none", "snappy", "zstd"])
def test_the_pages_of_parquet_files_are_counted(packed, version, tmp_path):
    path, none = tmp_path / "t.parquet", pa.nulls(500)
    texts = pa.table({"a": [f"w{n % 50}" for n in range(500)], "b": range(500), "c": none})
    for rows, group in itertools.product((texts, texts[:1], texts[:0]), (100, 500)):
        with pq.ParquetWriter(path, texts.schema, compression=packed, data_page_version=version,
                              data_page_size=200) as writer:  # fmt: skip
            writer.write_table(texts[:0])
            writer.write_table(rows, row_group_size=group)
        known = pq.ParquetFile(path).metadata
        groups = map(known.row_group, range(known.num_row_groups))
        said = sum(one.column(n).total_uncompressed_size for one in groups for n in range(3))
        assert said * (0.2 if rows is texts else 0) <= page_bytes(path) <= said  # with headers
        assert read_table(str(path)).equals(rows)


def test_names_of_classes_that_do_not_fit_are_refused(tmp_path):
    info = {"info": {"features": {"a": {"_type": "ClassLabel", "names": ["no", "yes"]}}}}
    for numbers, message in (
        ([0, -1, None, 1], ""),
        *(([wrong], "do not fit") for wrong in (2, -2, "x", 0.5)),
    ):
        table = pa.table({"a": numbers}).replace_schema_metadata({"huggingface": json.dumps(info)})
        pq.write_table(table, tmp_path / "t.parquet")
        if message:
            with pytest.raises(InputError, match=message):
                read_table(str(tmp_path / "t.parquet"))
        else:
            assert column(read_table(str(tmp_path / "t.parquet")), "a", "") == ["no", "", "", "yes"]


@pytest.mark.parametrize("names", ["ab", {"a": 1, "b": 2}, ["a", 1], [["a"], "b"], None, 1])
def test_names_of_classes_are_a_list_of_texts(names, tmp_path):
    info = {"info": {"features": {"a": {"_type": "ClassLabel", "names": names}}}}
    table = pa.table({"a": [0, 1]}).replace_schema_metadata({"huggingface": json.dumps(info)})
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(InputError, match="do not fit"):
        read_table(str(tmp_path / "t.parquet"))


def test_a_view_a_category_and_a_wide_table_are_read(tmp_path):
    cells = pa.array(["a", None, "b" * 40])
    table = pa.table({"v": cells.cast(pa.string_view()), "c": cells.dictionary_encode()})
    pq.write_table(table, tmp_path / "t.parquet")
    with pa.ipc.new_file(tmp_path / "t.arrow", table.schema) as writer:
        writer.write_table(table)
    for ending in ("parquet", "arrow"):
        read = read_table(str(tmp_path / f"t.{ending}"))
        assert read.schema.types == [pa.string(), pa.string()]
        assert column(read, "v", "") == column(read, "c", "") == ["a", "", "b" * 40]
    wide = ",".join(f"c{number}" for number in range(300))
    path = write(tmp_path / "t.csv", f"{wide}\n" + f'{wide}"\n' * 20)
    chunks = iter_tables(path, limits=Limits(chunk_cells=3000))
    assert [len(chunk) for chunk in chunks] == [10, 10]
