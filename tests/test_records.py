import json

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.model_selection import train_test_split

from textlstm.config import DataConfig
from textlstm.errors import InputError
from textlstm.records import RARE_LABEL, as_records, column, divide, read_table, split, usable


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


# ------------------------------------------------------------------------------------ reading


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
        ("a,b\n1,2,3\n", "row 1"),
        ("a,b\n1,2\n1\n", "row 2"),
        ('a,b\n1,"x\n2,y\n', "row 1"),
        ('a,b\n1,"x\n2,"y\n3,z\n', "row 1"),
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
    assert [column(jsonl, name, "") for name in "abc"] == [["1", "?"], ["", ""], ["", "[2]"]]
    pq.write_table(pa.table({"a": [1, None], "b": ["NA", None]}), tmp_path / "t.parquet")
    parquet = read_table(str(tmp_path / "t.parquet"))
    assert [column(parquet, name, "") for name in "ab"] == [["1", ""], ["NA", ""]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.jsonl", "{\n", "line 1"),
        ("t.jsonl", "[1]\n", "line 1"),
        ("t.parquet", "PAR0", "Parquet"),
        ("t.xlsx", "x", "unknown format"),
    ],
)
def test_other_broken_files_are_refused(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message):
        read_table(write(tmp_path / name, content))


def test_a_missing_file_and_a_missing_column_are_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_table(str(tmp_path / "t.csv"))
    table = read_table(write(tmp_path / "t.csv", "cause,sex\nx,y\n"))
    with pytest.raises(InputError, match="no column 'label'; it has cause, sex"):
        column(table, "label", "t.csv")


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


def test_a_folder_of_json_lines_is_a_dataset(tmp_path):
    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder" / "train.jsonl", json.dumps({"cause": "x"}) + "\n")
    assert column(read_table(str(tmp_path / "folder")), "cause", "") == ["x"]


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="dataset"):
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
    assert as_records(texts) == [("a", "b"), ("c", "")]


def test_one_field_in_any_sequence():
    expected = [("a",), ("1",), ("",)]
    assert as_records(["a", 1, None]) == expected
    assert as_records(pd.Series(["a", "1", pd.NA])) == expected
    assert as_records(np.array([])) == as_records([]) == []


@pytest.mark.parametrize(
    "texts", ["one text", np.zeros((1, 1, 1)), [b"x"], 7, [("a", "b"), ("c",)]]
)
def test_what_is_no_table_of_texts_is_refused(texts):
    with pytest.raises(InputError):
        as_records(texts)


# ------------------------------------------------------------------------------------ checking


def frame(labels, texts=None):
    return pd.DataFrame({"text": texts or ["t"] * len(labels), "label": labels})


def test_records_without_label_or_text_are_left_out_and_counted():
    records = frame(["a", " ", "b", "b"], ["x", "y", "", "z"])
    kept, dropped = usable(records, DataConfig(rare="keep"))
    assert kept["label"].tolist() == ["a", "b"]
    assert dropped == {"empty_label": 1, "empty_text": 1, "rare_class": 0}


def test_white_space_in_labels_does_not_make_a_class():
    kept, _ = usable(frame([" Natural ", "Natural", "Other\tkind"]), DataConfig(rare="keep"))
    assert kept["label"].tolist() == ["Natural", "Natural", "Other kind"]


@pytest.mark.parametrize(
    ("rare", "labels"),
    [("drop", {"a", "b"}), ("merge", {"a", "b", RARE_LABEL}), ("keep", {"a", "b", "c", "d"})],
)
def test_rare_classes(rare, labels):
    records = frame(["a"] * 5 + ["b"] * 4 + ["c"] * 2 + ["d"])
    kept, dropped = usable(records, DataConfig(rare=rare, min_class_records=3))
    assert set(kept["label"]) == labels
    assert dropped["rare_class"] == (3 if rare == "drop" else 0)


def test_one_class_is_too_few():
    with pytest.raises(InputError, match="1 class"):
        usable(frame(["a"] * 20), DataConfig())


# ------------------------------------------------------------------------------------ splitting


def test_the_stratified_split_is_scikit_learns(table):
    records = table.rename(columns={"cause": "text", "category": "label"})
    parts = split(records, DataConfig(), seed=7)
    train, holdout = train_test_split(
        np.arange(len(records)), test_size=0.3, random_state=7, stratify=records["label"]
    )
    assert sorted(parts["holdout"].index) == sorted(holdout)
    assert sorted([*parts["train"].index, *parts["validation"].index]) == sorted(train)
    assert set(parts["train"].index).isdisjoint(parts["validation"].index)


def test_the_only_record_of_a_class_is_trained_on():
    records = frame(["a"] * 20 + ["b"] * 20 + ["c"])
    for seed in range(5):
        train, _ = divide(records, 0.3, "stratified", seed)
        assert "c" in set(train["label"])


def test_a_grouped_split_keeps_equal_texts_together():
    generator = np.random.default_rng(0)
    texts = [f"t{number}" for number in generator.zipf(1.5, size=500) % 90]
    records = frame(generator.choice(["a", "b"], size=500).tolist(), texts)
    parts = split(records, DataConfig(split="grouped"), seed=0)
    groups = [set(part["text"]) for part in parts.values()]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
    assert 0.2 < len(parts["holdout"]) / 500 < 0.4


def test_a_temporal_split_holds_out_the_latest():
    dates = [f"2021-01-{day:02}" for day in (3, 1, 2, 5, 4, 6, 7, 8, 9, 10)]
    records = frame(["a", "b"] * 5).assign(date=dates)
    parts = split(records, DataConfig(split="temporal", date="date"), seed=0)
    assert parts["holdout"]["date"].min() > parts["validation"]["date"].max()
    assert parts["validation"]["date"].min() > parts["train"]["date"].max()
    assert len(parts["holdout"]) == 3


def test_an_unreadable_date_is_counted():
    records = frame(["a", "b"]).assign(date=["2021-01-01", "soon"])
    with pytest.raises(InputError, match="1 usable record"):
        divide(records, 0.5, "temporal", 0)


def test_dates_that_can_be_read_in_two_ways_are_refused():
    records = frame(["a", "b"]).assign(date=["13/02/2021", "02/03/2021"])
    with pytest.raises(InputError, match="ISO 8601"):
        divide(records, 0.5, "temporal", 0)


@pytest.mark.parametrize(
    "labels", [["a"] * 7 + ["b"] * 3, ["a"] * 3 + ["b"] * 4 + ["c"] * 3, ["a"] * 8 + ["b"] * 2]
)
def test_a_split_that_leaves_nothing_to_learn_or_to_measure_is_refused(labels):
    records = frame(labels).assign(date=[f"2021-01-{day:02}" for day in range(1, 11)])
    with pytest.raises(InputError, match="temporal split leaves"):
        split(records, DataConfig(split="temporal", date="date"), seed=0)


@pytest.mark.parametrize("how", ["stratified", "grouped", "temporal"])
def test_too_few_records_to_split(how):
    records = frame(["a", "b"]).assign(date="2021-01-01")
    with pytest.raises(InputError):
        divide(records.iloc[:1], 0.3, how, 0)
