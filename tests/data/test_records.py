import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from textlstm.config import RARE_LABEL, DataConfig
from textlstm.data.distinct import interned
from textlstm.data.records import (
    SPLIT_COLUMN,
    learned_labels,
    read_rare,
    read_records,
    read_splits,
    select_usable,
    texts_by_class,
    write_records,
)
from textlstm.errors import InputError


def frame(labels, texts=None):
    return pd.DataFrame({"text": texts or ["t"] * len(labels), "label": labels})


def test_records_without_label_or_text_are_left_out_and_counted():
    records = frame(["a", " ", "b", "b"], ["x", "y", "", "z"]).assign(date=["1", "2", "3", "4"])
    found = select_usable(records, DataConfig(rare="keep"))
    expected = pd.DataFrame({"text": ["x", "z"], "label": ["a", "b"], "date": ["1", "4"]})
    pd.testing.assert_frame_equal(found.records.astype({"label": str}), expected)
    assert found.dropped == {"empty_label": 1, "empty_text": 1, "rare_class": 0}


def test_white_space_in_labels_does_not_make_a_class():
    found = select_usable(frame([" Natural ", "Natural", "Other\tkind"]), DataConfig(rare="keep"))
    assert found.records["label"].tolist() == ["Natural", "Natural", "Other kind"]


@pytest.mark.parametrize(
    ("rare", "labels"),
    [("drop", {"a", "b"}), ("merge", {"a", "b", RARE_LABEL}), ("keep", {"a", "b", "c", "d"})],
)
def test_rare_classes(rare, labels):
    records = frame(["a"] * 5 + ["b"] * 3 + ["c"] * 2 + ["d"])
    found = select_usable(records, DataConfig(rare=rare, min_class_records=3))
    assert set(found.records["label"]) == labels
    assert found.dropped["rare_class"] == len(found.rare) == (3 if rare == "drop" else 0)
    assert set(found.rare["label"]) == ({"c", "d"} if rare == "drop" else set())
    assert found.uncodable == (0 if rare == "keep" else 3)
    assert found.uncodable_share == (0 if rare == "keep" else 3 / 11)
    assert found.borderline == ([] if rare == "keep" else ["b"])


def test_a_single_record_of_a_rare_class_is_dropped_rather_than_merged():
    found = select_usable(frame(["a"] * 20 + ["b"] * 20 + ["c"]), DataConfig(rare="merge"))
    assert set(found.records["label"]) == {"a", "b"} and found.dropped["rare_class"] == 1


def test_the_name_of_merged_classes_is_never_a_class_to_be_coded():
    records = frame(["a"] * 20 + ["b"] * 20 + [RARE_LABEL] * 20)
    assert select_usable(records, DataConfig(rare="keep")).uncodable == 20
    assert set(select_usable(records, DataConfig(rare="merge")).records["label"]) == {
        "a",
        "b",
        RARE_LABEL,
    }
    assert len(select_usable(records, DataConfig()).rare) == 20


def test_one_class_is_too_few():
    left_out = "2 empty label, 1 empty text, 3 rare class"
    records = frame(["a"] * 20 + ["", "", "a", *"bbb"], ["t"] * 22 + ["", *"ttt"])
    with pytest.raises(InputError, match=rf"1 class.*20 usable records; left out: {left_out}\)"):
        select_usable(records, DataConfig())


def test_records_survive_the_disk_as_text_and_are_read_as_categoricals(tmp_path):
    records = pd.DataFrame({"record_id": ["1", "2", "3"], "text": ["x", "y", "x"]})
    write_records(records.astype({"text": "category"})[1:], tmp_path / "part.parquet")
    assert pq.read_schema(tmp_path / "part.parquet").types == [pa.string(), pa.string()]
    whole = pd.read_parquet(tmp_path / "part.parquet")
    assert whole.to_dict("list") == {"record_id": ["2", "3"], "text": ["y", "x"]}
    read = read_records(tmp_path / "part.parquet", ["text"])
    assert list(read) == ["text"] and read["text"].dtype == "category"
    assert read["text"].tolist() == ["y", "x"]


def test_parts_are_read_with_the_categories_of_all(tmp_path):
    texts = {"train": ["x", "y", "x"], "validation": ["z"], "holdout": ["y", "new"]}
    for name, mine in texts.items():
        records = pd.DataFrame({"record_id": mine, "text": mine, "by:sex": "F"})
        write_records(records.astype({"text": "category"}), tmp_path / f"{name}.parquet")
    parts = read_splits(tmp_path)
    assert {name: part["text"].tolist() for name, part in parts.items()} == texts
    whole = pd.concat(parts.values())
    assert whole["text"].dtype == parts["train"]["text"].dtype == "category"
    assert whole["by:sex"].dtype == "category" and whole["record_id"].dtype != "category"


@pytest.mark.parametrize("kind", ["str", "category"])
def test_texts_stand_by_class_the_largest_first_and_equal_ones_once(kind):
    table = {"text": ["b", "a", "b", "c", "a"], "label": ["z", "y", "y", "z", "x"]}
    found = texts_by_class(pd.DataFrame(table).astype(kind)[:5])
    assert list(found.items()) == [("z", ["b", "c"]), ("y", ["a", "b"]), ("x", ["a"])]
    first, _, again = interned(pd.Series(["mi", "fall", "mi"], dtype=kind))
    assert first is again


def test_a_label_as_long_as_a_text_is_none():
    records = pd.DataFrame({"text": ["a", "b"] * 20, "label": ["x", "y" * 1000] * 20})
    select_usable(records, DataConfig(data="t.csv", text=("text",), label="label"))
    with pytest.raises(InputError, match="column 'label': a label has 1,001 characters"):
        select_usable(records.assign(label=["x", "y" * 1001] * 20), DataConfig(label="label"))


def test_splits_come_back_by_name_with_categories_in_common(tmp_path):
    sizes = {"train": 3, "validation": 2, "holdout": 1}
    for name, size in sizes.items():
        part = pd.DataFrame({"record_id": [f"{name}{n}" for n in range(size)], "text": "t",
                             "label": [name[:1]] * size})  # fmt: skip
        write_records(part, tmp_path / f"{name}.parquet")
    splits = read_splits(tmp_path)
    assert {name: len(part) for name, part in splits.items()} == sizes
    assert list(splits) == ["train", "validation", "holdout"]
    assert splits["validation"]["record_id"].tolist() == ["validation0", "validation1"]
    categories = {tuple(part["label"].cat.categories) for part in splits.values()}
    assert categories == {("t", "v", "h")}
    assert not isinstance(splits["train"]["record_id"].dtype, pd.CategoricalDtype)
    assert learned_labels(splits) == ["t", "v"]


def test_dropped_records_come_back_with_the_split_they_belong_to(tmp_path):
    rare = pd.DataFrame({"text": ["a", "b"], SPLIT_COLUMN: ["train", "holdout"]})
    write_records(rare, tmp_path / "rare.parquet")
    assert read_rare(tmp_path).astype(str).equals(rare.astype(str))
    assert list(read_rare(tmp_path).columns) == ["text", SPLIT_COLUMN]


def test_a_table_of_one_class_is_refused_with_its_counts():
    with pytest.raises(InputError) as error:
        select_usable(frame(["a", "a", "b", ""]), DataConfig(label="manner", min_class_records=2))
    assert str(error.value) == (
        "column 'manner' leaves 1 class to learn (2 usable records; left out: 1 empty label, "
        "0 empty text, 1 rare class); two are needed"
    )


def test_rare_records_are_numbered_anew():
    found = select_usable(frame(["a", "c", "b", "a", "b"]), DataConfig(min_class_records=2))
    assert found.rare.index.tolist() == [0] and list(found.rare) == ["text", "label"]
