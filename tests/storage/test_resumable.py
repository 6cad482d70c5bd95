import contextlib
import os
import subprocess
import sys
import threading
import time

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from steps import killed_at_every_step

from textlstm.errors import InputError
from textlstm.storage.parallel import map_ordered, prefetch, thread_pool
from textlstm.storage.resumable import resumable_shards, write_table

TABLE = pa.table({"id": ["7", "8", "9", "10"], "text": ['a, "b"', "", "c\nd", "e"]})
JOB = {"of": ["these", "columns"]}


def read(path):
    options = pa.csv.ConvertOptions(column_types={"id": pa.string()})
    if path.suffix == ".parquet":
        return pq.read_table(path)
    return pa.csv.read_csv(
        path, parse_options=pa.csv.ParseOptions(newlines_in_values=True), convert_options=options
    )


def make(out, job=JOB, stop_before=None):
    """Make the table, a part a row, and return the numbers of the parts that were written."""
    written = []
    with resumable_shards(out, job) as parts, parts.concatenating() as join:
        for number in range(len(TABLE)):
            if number == stop_before:
                raise KeyboardInterrupt
            if number not in parts:
                parts.write(number, TABLE.slice(number, 1), {"row": number})
                written.append(number)
            assert parts.metadata(number) == {"row": number}
            if number % 2:
                join()
    return written


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_parts_make_the_whole_and_leave_nothing_else(tmp_path, ending):
    out = tmp_path / f"out{ending}"
    assert make(out) == [0, 1, 2, 3]
    assert read(out).equals(TABLE)
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_an_interruption_keeps_the_parts_and_the_old_output(tmp_path, ending):
    out, undisturbed = tmp_path / f"out{ending}", tmp_path / f"other{ending}"
    out.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        make(out, stop_before=2)
    assert out.read_text() == "old"
    assert make(out) == [2, 3]
    make(undisturbed)
    assert out.read_bytes() == undisturbed.read_bytes()


def test_parts_of_another_job_are_not_taken(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "out.csv", stop_before=2)
    assert make(tmp_path / "out.csv", {"of": ["others"]}) == [0, 1, 2, 3]


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(ValueError), resumable_shards(tmp_path / "out.csv", JOB) as parts:
        parts.write(0, TABLE, {})
        raise ValueError
    assert not list(tmp_path.iterdir())


def test_what_a_format_cannot_hold_is_said(tmp_path):
    with (
        pytest.raises(InputError, match="parquet"),
        resumable_shards(tmp_path / "out.csv", JOB) as parts,
    ):
        parts.write(0, pa.table({"list": [[1], [2]]}), {})
    assert not list(tmp_path.iterdir())


def test_the_format_is_checked_before_any_work(tmp_path):
    with (
        pytest.raises(InputError, match=r"\.csv or \.parquet"),
        resumable_shards(tmp_path / "o.xlsx", JOB),
    ):
        pass


def test_an_output_has_one_writer(tmp_path):
    with (
        resumable_shards(tmp_path / "out.csv", JOB),
        pytest.raises(InputError, match="another process"),
        resumable_shards(tmp_path / "out.csv", JOB),
    ):
        pass


def test_a_kill_at_any_step_leaves_the_old_output_or_the_new_one(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)  # for a loss of power alone; it takes time
    out, seen = tmp_path / "out.csv", set()
    make(out)
    new = out.read_bytes()
    out.write_bytes(b"old")
    for _ in killed_at_every_step(tmp_path, lambda: make(out)):
        seen.add(out.read_bytes())
        make(out)
        assert out.read_bytes() == new and list(tmp_path.iterdir()) == [out]
        out.write_bytes(b"old")
    assert seen == {b"old", new} and out.read_bytes() == new


@pytest.mark.parametrize("kind", ["link", "file", "files of others"])
def test_a_folder_of_parts_that_is_not_ours_is_refused_and_left(tmp_path, kind):
    elsewhere, place = tmp_path / "elsewhere", tmp_path / ".out.csv.parts"
    elsewhere.mkdir()
    (elsewhere / "000000.csv").write_text("precious")
    if kind == "link":
        place.symlink_to(elsewhere)
    elif kind == "file":
        place.write_text("precious")
    else:
        place.mkdir()
        (place / "thesis.csv").write_text("precious")
    with pytest.raises(InputError, match=r"\.parts: textlstm works there.*move it away"):
        make(tmp_path / "out.csv")
    assert (elsewhere / "000000.csv").read_text() == "precious" and place.exists()
    assert kind != "files of others" or (place / "thesis.csv").read_text() == "precious"


def test_parts_are_for_their_owner_alone_and_so_is_a_new_output(tmp_path):
    out, umask = tmp_path / "out.csv", os.umask(0)
    try:
        with pytest.raises(KeyboardInterrupt):
            make(out, stop_before=2)
        folder = tmp_path / ".out.csv.parts"
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {one.stat().st_mode & 0o777 for one in folder.iterdir()} == {0o600}
        make(out)
        assert out.stat().st_mode & 0o777 == 0o600
        out.chmod(0o640)
        make(out)
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
        with resumable_shards(out, {"who": me}) as parts, parts.concatenating() as join:
            for number in range(3):
                parts.write(number, pa.table({"who": [me] * 50}), {})
                join()
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
    told = [process.communicate()[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sum(int(won) for won, _ in told) >= 1 and sum(int(lost) for _, lost in told) >= 1
    assert list(tmp_path.iterdir()) == [out]


def test_results_come_in_order_and_items_are_taken_as_needed():
    taken = []

    def items():
        for number in range(9):
            taken.append(number)
            yield number

    def slow_if_even(number):
        time.sleep(0.02 * (number % 2 == 0))
        return number, threading.get_ident()

    results = map_ordered(slow_if_even, items(), workers=2)
    assert next(results)[0] == 0
    assert len(taken) == 3
    rest = list(results)
    assert [number for number, _ in rest] == list(range(1, 9))
    assert len({thread for _, thread in rest}) == 2


def test_what_is_done_is_given_before_more_is_taken():
    done = threading.Event()

    def items():
        yield 0
        done.wait()
        time.sleep(0.02)  # the future is told of it a little later
        yield 1
        raise AssertionError

    def work(number):
        done.set()
        return number

    with contextlib.closing(map_ordered(work, items(), workers=5)) as results:
        assert next(results) == 0


def test_an_interruption_does_not_wait_for_what_nobody_needs_any_more():
    go_on = threading.Event()
    with pytest.raises(KeyboardInterrupt), thread_pool(1) as pool:
        running, queued = (pool.submit(go_on.wait, 20) for _ in range(2))
        raise KeyboardInterrupt
    assert not running.done() and queued.cancelled()
    with pytest.raises(KeyboardInterrupt), prefetch(iter(lambda: go_on.wait(20), None), 2):
        raise KeyboardInterrupt

    def items():
        yield 0
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(map_ordered(lambda _: go_on.wait(20), items(), workers=1))
    assert not go_on.is_set()
    go_on.set()


def test_an_interruption_has_what_is_to_be_kept_finished():
    kept, go_on = [], threading.Event()

    def items():
        yield from "ab"
        go_on.set()
        raise KeyboardInterrupt

    def keep(item):
        go_on.wait()
        kept.append(item)

    with pytest.raises(KeyboardInterrupt):
        list(map_ordered(keep, items(), workers=2, finish=True))
    assert sorted(kept) == ["a", "b"]


def test_items_are_taken_ahead_and_no_further():
    taken = []

    def items():
        for number in range(9):
            taken.append(number)
            yield number
        raise ValueError

    def settled(number):
        while len(taken) < number:
            time.sleep(0.001)
        time.sleep(0.01)
        return len(taken) == number

    with prefetch(items(), 3) as numbers:
        assert settled(3)
        found = [next(numbers), next(numbers)]
        assert settled(3)
        found.append(next(numbers))
        assert settled(4)
        with pytest.raises(ValueError):
            for number in numbers:
                found.append(number)
        assert found == list(range(9))


def test_what_is_taken_ahead_ends_with_the_work():
    with pytest.raises(KeyError), prefetch(iter(range(9)), 2) as numbers:
        raise KeyError(next(numbers))
    assert not [one for one in threading.enumerate() if one.name.startswith("ThreadPool")]


@pytest.mark.parametrize(("ending", "advice"), [("csv", "use .parquet"), ("parquet", "leave it")])
def test_a_column_that_cannot_be_written_is_told(ending, advice, tmp_path):
    odd = pa.table({"a": pa.nulls(1, pa.month_day_nano_interval())})
    with pytest.raises(InputError, match=f"cannot be written as .{ending}; {advice}"):
        write_table(odd, tmp_path / f"t.{ending}")
    assert not list(tmp_path.iterdir())
