"""Parquet and Arrow files."""

import itertools
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from written_tables import write

from textlstm.data.cells import column
from textlstm.data.options import Limits
from textlstm.data.parquet_pages import page_bytes
from textlstm.data.readers import iter_tables, read_table
from textlstm.errors import InputError


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
