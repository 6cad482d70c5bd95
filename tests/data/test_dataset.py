"""Folders and data sets of the hub."""

import json
from unittest import mock

import datasets
import pytest
from written_tables import write

from textlstm.data import dataset
from textlstm.data.cells import column
from textlstm.data.readers import read_table
from textlstm.errors import InputError


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
