import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from steps import killed_at_every_step

from textlstm.errors import InputError
from textlstm.storage.output_tables import write_table
from textlstm.storage.resumable import resumable_shards

TABLE = pa.table({"id": ["7", "8", "9", "10"], "text": ['a, "b"', "", "c\nd", "e"]})
JOB = {"columns": ["these"]}


def read(path):
    options = pa.csv.ConvertOptions(column_types={"id": pa.string()})
    if path.suffix == ".parquet":
        return pq.read_table(path)
    return pa.csv.read_csv(
        path, parse_options=pa.csv.ParseOptions(newlines_in_values=True), convert_options=options
    )


def write(out, job=JOB, stop_before=None):
    """Write the table, a shard a row, and return the numbers of the shards that were written."""
    written = []
    with resumable_shards(out, job) as shards, shards.concatenating() as append:
        for number in range(len(TABLE)):
            if number == stop_before:
                raise KeyboardInterrupt
            if number not in shards:
                shards.write(number, TABLE.slice(number, 1), {"row": number})
                written.append(number)
            assert shards.metadata(number) == {"row": number}
            if number % 2:
                append()
    return written


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_shards_make_the_whole_and_leave_nothing_else(tmp_path, ending):
    out = tmp_path / f"out{ending}"
    assert write(out) == [0, 1, 2, 3]
    assert read(out).equals(TABLE)
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_an_interruption_keeps_the_shards_and_the_old_output(tmp_path, ending):
    out, undisturbed = tmp_path / f"out{ending}", tmp_path / f"other{ending}"
    out.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write(out, stop_before=2)
    assert out.read_text() == "old"
    assert write(out) == [2, 3]
    write(undisturbed)
    assert out.read_bytes() == undisturbed.read_bytes()


def test_shards_of_another_job_are_not_resumed(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "out.csv", stop_before=2)
    assert write(tmp_path / "out.csv", {"columns": ["others"]}) == [0, 1, 2, 3]


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(ValueError), resumable_shards(tmp_path / "out.csv", JOB) as shards:
        shards.write(0, TABLE, {})
        raise ValueError
    assert not list(tmp_path.iterdir())


def test_a_column_that_a_format_cannot_hold_is_an_error(tmp_path):
    with (
        pytest.raises(InputError, match="parquet"),
        resumable_shards(tmp_path / "out.csv", JOB) as shards,
    ):
        shards.write(0, pa.table({"list": [[1], [2]]}), {})
    assert not list(tmp_path.iterdir())


def test_the_format_is_checked_before_any_work(tmp_path):
    with (
        pytest.raises(InputError, match=r"\.csv, \.parquet or \.xlsx"),
        resumable_shards(tmp_path / "o.xls", JOB),
    ):
        pass


def test_an_output_has_one_writer_at_a_time(tmp_path):
    with (
        resumable_shards(tmp_path / "out.csv", JOB),
        pytest.raises(InputError, match="another process"),
        resumable_shards(tmp_path / "out.csv", JOB),
    ):
        pass


def test_a_kill_at_any_step_leaves_the_old_output_or_the_new_one(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)  # needed after a power failure only; slow
    out, seen = tmp_path / "out.csv", set()
    write(out)
    new = out.read_bytes()
    out.write_bytes(b"old")
    for _ in killed_at_every_step(tmp_path, lambda: write(out)):
        seen.add(out.read_bytes())
        write(out)
        assert out.read_bytes() == new and list(tmp_path.iterdir()) == [out]
        out.write_bytes(b"old")
    assert seen == {b"old", new} and out.read_bytes() == new


@pytest.mark.parametrize("kind", ["link", "file", "files of others"])
def test_a_folder_of_parts_that_is_not_ours_is_refused_and_left(tmp_path, kind):
    elsewhere, shards = tmp_path / "elsewhere", tmp_path / ".out.csv.parts"
    elsewhere.mkdir()
    (elsewhere / "000000.csv").write_text("precious")
    if kind == "link":
        shards.symlink_to(elsewhere)
    elif kind == "file":
        shards.write_text("precious")
    else:
        shards.mkdir()
        (shards / "thesis.csv").write_text("precious")
    with pytest.raises(InputError, match=r"\.parts: textlstm works there.*move it away"):
        write(tmp_path / "out.csv")
    assert (elsewhere / "000000.csv").read_text() == "precious" and shards.exists()
    assert kind != "files of others" or (shards / "thesis.csv").read_text() == "precious"


def test_shards_are_for_their_owner_only_and_so_is_a_new_output(tmp_path):
    out, umask = tmp_path / "out.csv", os.umask(0)
    try:
        with pytest.raises(KeyboardInterrupt):
            write(out, stop_before=2)
        folder = tmp_path / ".out.csv.parts"
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
        write(out)
        assert out.stat().st_mode & 0o777 == 0o600
        out.chmod(0o640)
        write(out)
        assert out.stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(umask)


RACE = """
import sys, time
from pathlib import Path
import pyarrow as pa
from textlstm.errors import InputError
from textlstm.storage.resumable import resumable_shards
out, me, end = Path(sys.argv[1]), sys.argv[2], time.monotonic() + float(sys.argv[3])
won = lost = 0
while time.monotonic() < end:
    try:
        with resumable_shards(out, {"who": me}) as shards, shards.concatenating() as append:
            for number in range(3):
                shards.write(number, pa.table({"who": [me] * 50}), {})
                append()
        won += 1
    except InputError as error:
        assert "another process is writing it" in str(error), error
        lost += 1
    if out.exists():
        lines = out.read_text("utf-8-sig").splitlines()
        assert len(lines) == 151 and len(set(lines[1:])) == 1, lines
print(won, lost)
"""


def test_of_several_processes_one_makes_the_output_and_the_others_are_told(tmp_path):
    out = tmp_path / "out.csv"
    processes = [
        subprocess.Popen([sys.executable, "-c", RACE, out, str(who), "1.5"], stdout=subprocess.PIPE,
                         text=True)
        for who in range(3)
    ]  # fmt: skip
    counts = [process.communicate()[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sum(int(won) for won, _ in counts) >= 1 and sum(int(lost) for _, lost in counts) >= 1
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(("ending", "advice"), [("csv", "use .parquet"), ("parquet", "leave it")])
def test_the_error_about_a_column_says_what_to_do(ending, advice, tmp_path):
    odd = pa.table({"a": pa.nulls(1, pa.month_day_nano_interval())})
    with pytest.raises(InputError, match=f"cannot be written as .{ending}; {advice}"):
        write_table(odd, tmp_path / f"t.{ending}")
    assert not list(tmp_path.iterdir())
