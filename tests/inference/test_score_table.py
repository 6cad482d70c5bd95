"""Pure scoring, beside the engine that scores files."""

import threading
from contextlib import nullcontext

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.source import Source
from textlstm.classifier import TextLSTMClassifier
from textlstm.errors import InputError
from textlstm.inference.bundle import Bundle
from textlstm.inference.engines.files import FileJob, predict_file
from textlstm.inference.rules import DecisionRequest
from textlstm.inference.score_table import score_table
from textlstm.text.tokenizing import preprocess

COLUMNS = ("cause", "other")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, table):
    """The bundle of a small network, and a table with repeats, gaps and unknown words."""
    folder = tmp_path_factory.mktemp("scored")
    small = {"epochs": 2, "ensemble_size": 2, "embedding_size": 8, "hidden_units": 8}
    classifier = TextLSTMClassifier(**small).fit(table[list(COLUMNS)], table["category"])
    classifier.save(folder / "bundle")
    rows = table.assign(cause=table["cause"].where(table.index % 7 > 0, ""), n=range(len(table)))
    rows.loc[rows.index % 5 == 0, "cause"] += " xyzzy"
    pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), folder / "new.parquet")
    return folder


def predicted(folder, request_, rows=1 << 15):
    """Score the file with the local engine."""
    job = FileJob(
        Source(str(folder / "new.parquet")), folder / "out.parquet", COLUMNS, "utf-8", "",
        folder / "bundle", request_, "cpu", {}, rows,
    )  # fmt: skip
    predict_file(job, preprocessing=lambda: nullcontext(preprocess))
    return pq.read_table(folder / "out.parquet")


@pytest.mark.parametrize(
    "request_",
    [DecisionRequest(), DecisionRequest(0.4), DecisionRequest(None, 0.5, 0.8)],
    ids=["default", "lowest", "promised"],
)
def test_it_equals_the_file_that_predict_writes_in_chunks_of_any_size(folder, request_):
    bundle, table = Bundle.load(folder / "bundle"), pq.read_table(folder / "new.parquet")
    rule = request_.rule(bundle.out_of_fold)
    expected = predicted(folder, request_)
    assert expected.column_names == [*table.column_names, *rule.columns]
    assert expected.select(table.column_names).equals(table)
    for size in (1, 7, len(table)):
        starts = range(0, len(table), size)
        chunks = [score_table(bundle, rule, table.slice(start, size), COLUMNS) for start in starts]
        assert pa.concat_tables(chunks).equals(expected), size
        assert predicted(folder, request_, size).equals(expected), size


def test_it_starts_no_thread_and_keeps_the_number_of_torchs_threads(folder, monkeypatch):
    import torch

    bundle, table = Bundle.load(folder / "bundle"), pq.read_table(folder / "new.parquet")
    rule, before = DecisionRequest().rule(bundle.out_of_fold), torch.get_num_threads()

    def forbidden(_):
        raise AssertionError("a thread is started")

    monkeypatch.setattr(threading.Thread, "start", forbidden)
    score_table(bundle, rule, table, COLUMNS)
    assert torch.get_num_threads() == before


def test_a_table_without_rows_gets_the_columns(folder):
    bundle, table = Bundle.load(folder / "bundle"), pq.read_table(folder / "new.parquet")
    rule = DecisionRequest().rule(bundle.out_of_fold)
    empty = score_table(bundle, rule, table.slice(0, 0), COLUMNS)
    assert empty.schema == score_table(bundle, rule, table, COLUMNS).schema and len(empty) == 0


def test_a_wrong_table_is_refused_by_its_name(folder):
    bundle, table = Bundle.load(folder / "bundle"), pq.read_table(folder / "new.parquet")
    rule = DecisionRequest().rule(bundle.out_of_fold)
    with pytest.raises(InputError, match=r"^new: no column 'causes'; did you mean 'cause'"):
        score_table(bundle, rule, table, ("causes", "other"), source="new")
    scored = score_table(bundle, rule, table, COLUMNS)
    with pytest.raises(InputError, match="already"):
        score_table(bundle, rule, scored, COLUMNS)
