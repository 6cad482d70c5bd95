"""From a table to split records, without a stage."""

import json

import pytest
from written_tables import write

from textlstm.config import DataConfig
from textlstm.data.preprocessing import prepare, read_labelled
from textlstm.data.records import SPLITS, read_splits
from textlstm.errors import InputError
from textlstm.monitor import Monitor

ROWS = [(f"Fall {n % 7}", "x\u200bb" if n % 2 else "b ", f"2021-01-{n % 28 + 1:02}")
        for n in range(60)]  # fmt: skip


class Recorder(Monitor):
    def __init__(self):
        self.lines, self.steps = [], []

    def log(self, message):
        self.lines.append(message)

    def track(self, items, step, unit="", size=lambda _: 1):
        self.steps.append(step)
        return iter(items)


@pytest.fixture
def config(tmp_path):
    rows = [f"{cause},{label},{day}\n" for cause, label, day in ROWS]
    path = write(tmp_path / "t.csv", "cause,category,day of death\n" + "".join(rows))
    return DataConfig(data=path)


def test_records_have_ids_texts_and_labels_and_are_kept_once(config):
    monitor = Recorder()
    table = read_labelled(config, monitor)
    assert table.records["record_id"].tolist()[:2] == ["1", "2"]
    assert table.records["text"].tolist() == [cause.lower() for cause, _, _ in ROWS]
    assert len(table.records["text"].cat.categories) == 7
    assert table.records["label"].tolist() == [label for _, label, _ in ROWS]
    assert table.date_column == "day of death" and table.repairs == {}
    assert monitor.steps == ["reading", "tokenizing"]


def test_a_table_of_no_rows_and_an_id_that_repeats_are_refused(config, tmp_path):
    with pytest.raises(InputError, match="has no rows"):
        read_labelled(DataConfig(data=write(tmp_path / "empty.csv", "cause,category\n")))
    with pytest.raises(InputError, match="'category' repeats an id in row 4"):
        read_labelled(DataConfig(data=config.data, id="category", label="day of death"))


def test_prepared_records_are_written_and_summed_up(config, tmp_path):
    monitor = Recorder()
    prepared = prepare(read_labelled(config), config, seed=0, monitor=monitor)
    assert monitor.lines == []
    prepared.write(tmp_path)
    splits = read_splits(tmp_path)
    sizes = [len(splits[name]) for name in SPLITS]
    assert sum(sizes) == 60 and sizes[2] == 18
    assert set(splits["train"]["label"]) == {"b", "xb"}
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["rows"] == 60 and summary["distinct_texts"] == 7
    assert summary["handled"]["labels_normalised"] == 60
    lines = list(prepared.messages(lambda name: f"[{name}]"))
    assert lines[0] == f"60 records read; {sizes[0]} train, {sizes[1]} validation, 18 holdout"
    assert "7 texts carry more than one label" in lines
    assert lines[-1].endswith("--date [day of death] holds out the latest of them, as records to "
                              "come will be")  # fmt: skip


def test_labels_that_are_seldom_meant_are_logged_before_anything_is_left_out(tmp_path):
    rows = "".join(f"fall,{label}\n" for label in ["NA"] * 3 + ["Fall"] * 2 + ["fall"])
    config = DataConfig(data=write(tmp_path / "t.csv", "cause,category\n" + rows))
    monitor = Recorder()
    with pytest.raises(InputError, match="leaves 0 classes"):
        prepare(read_labelled(config), config, seed=0, monitor=monitor)
    assert [line.partition(" ")[0] for line in monitor.lines] == ["3", "3"]
    assert "'Fall', 'fall'" in monitor.lines[0] and monitor.lines[1].endswith("'NA'")
