"""Scoring files: what is answered before anything slow is started."""

import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from pipelines.source import Source
from textlstm.errors import InputError
from textlstm.inference.engines.chunks import BEGINNING, read_beginning, read_chunks
from textlstm.inference.engines.files import FileJob, predict_file
from textlstm.inference.rules import DecisionRequest
from textlstm.storage.resumable import resumable_shards

ROOT = Path(__file__).parent.parent.parent

POISONED = """
import subprocess, sys
from pathlib import Path

def no_process(*_, **__):
    raise AssertionError("a process is started")

subprocess.Popen = no_process
sys.modules["torch"] = None  # importing it fails

from pipelines.source import Source
from textlstm.errors import InputError
from textlstm.inference.engines.files import FileJob, predict_file
from textlstm.inference.rules import DecisionRequest

data, out, charset, delimiter = sys.argv[1:]
job = FileJob(Source(data), Path(out), ("cause",), charset, delimiter, Path("nowhere"),
              DecisionRequest(), "cpu", {})
try:
    predict_file(job)
except InputError as error:
    print(error)
"""
"""Scores a file in a process in which torch cannot be imported and no process can be started."""


@pytest.mark.parametrize(
    ("content", "flags", "message"),
    [
        ("causes,id\nfall,1\n", ["utf-8", ""], "no column 'cause'; did you mean 'causes'"),
        ("cause;id\nfall;1\n", ["utf-8", ","], "no column 'cause'"),
        ("cause,id\nfall,1,2\n", ["utf-8", ""], "row 2"),
        ("cause,decision\nfall,accept\n", ["utf-8", ""], "a column 'decision' already"),
        ("cause\nfall\n", ["utf-77", ""], "--charset utf-77: no such encoding"),
        (None, ["utf-8", ""], "no such file"),
    ],
)
def test_a_wrong_table_is_answered_before_torch_or_a_process(tmp_path, content, flags, message):
    data = tmp_path / "new.csv"
    if content is not None:
        data.write_text(content)
    command = [sys.executable, "-c", POISONED, data, tmp_path / "out.csv", *flags]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert message in done.stdout and not (tmp_path / "out.csv").exists()


def job_of(folder, out):
    (folder / "new.csv").write_text("cause\nfall\n")
    return FileJob(Source(str(folder / "new.csv")), folder / out, ("cause",), "utf-8", "",
                   folder / "nowhere", DecisionRequest(), "cpu", {})  # fmt: skip


def test_an_output_that_is_taken_is_answered_before_a_process_is_started(tmp_path):
    def forbidden():
        raise AssertionError("preprocessing is started")

    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="this is a folder"):
        predict_file(job_of(tmp_path, "folder.csv"), preprocessing=forbidden)
    with pytest.raises(InputError, match=r"out\.txt: the output must end in"):
        predict_file(job_of(tmp_path, "out.txt"), preprocessing=forbidden)
    job = job_of(tmp_path, "out.csv")
    with (
        resumable_shards(job.out, {}),
        pytest.raises(InputError, match="another process is writing it"),
    ):
        predict_file(job, preprocessing=forbidden)
    assert not (tmp_path / ".out.csv.lock").exists()


def test_a_missing_bundle_is_told(tmp_path):
    with pytest.raises(InputError, match="no complete bundle here"):
        predict_file(job_of(tmp_path, "out.csv"), preprocessing=lambda: nullcontext(list))


def test_chunks_have_at_most_so_many_rows(tmp_path):
    data = tmp_path / "new.csv"
    data.write_text("cause,id\n" + "".join(f"fall {n % 2},{n}\n" for n in range(5)))
    chunks = list(read_chunks(str(data), ("cause",), rows=2))
    assert [len(chunk.table) for chunk in chunks] == [2, 2, 1]
    assert list(chunks[1].records) == [("fall 0",), ("fall 1",)]
    data.write_text("")
    (empty,) = read_chunks(str(data), ("cause",))
    assert empty.table.column_names == ["cause"] and len(empty.records) == 0


def test_the_columns_are_checked_at_the_beginning_of_a_table(tmp_path):
    # The beginning is in order, the end is not UTF-8: it is not read for the check.
    data = tmp_path / "new.csv"
    data.write_bytes(b"cause,id\n" + b"fall,1\n" * (BEGINNING.chunk_bytes // 4) + b"\xff,2\n")
    first = read_beginning(str(data), ("cause",))
    assert first.column_names == ["cause", "id"] and len(first) < BEGINNING.chunk_bytes
    with pytest.raises(InputError, match="no column"):
        read_beginning(str(data), ("causes",))
    with pytest.raises(InputError, match="is not utf-8"):
        list(read_chunks(str(data), ("cause",)))
