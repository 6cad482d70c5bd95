import threading
import time

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from textlstm.errors import InputError
from textlstm.parts import ahead, in_order, parts_of

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
    with parts_of(out, job) as parts, parts.joining() as join:
        for number in range(len(TABLE)):
            if number == stop_before:
                raise KeyboardInterrupt
            if number not in parts:
                parts.write(number, TABLE.slice(number, 1), {"row": number})
                written.append(number)
            assert parts.note(number) == {"row": number}
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
    with pytest.raises(ValueError), parts_of(tmp_path / "out.csv", JOB) as parts:
        parts.write(0, TABLE, {})
        raise ValueError
    assert not list(tmp_path.iterdir())


def test_what_a_format_cannot_hold_is_said(tmp_path):
    with (
        pytest.raises(InputError, match="parquet"),
        parts_of(tmp_path / "out.csv", JOB) as parts,
    ):
        parts.write(0, pa.table({"list": [[1], [2]]}), {})
    assert not list(tmp_path.iterdir())


def test_the_format_is_checked_before_any_work(tmp_path):
    with pytest.raises(InputError, match=r"\.csv or \.parquet"), parts_of(tmp_path / "o.xlsx", JOB):
        pass


def test_an_output_has_one_writer(tmp_path):
    with (
        parts_of(tmp_path / "out.csv", JOB),
        pytest.raises(InputError, match="another process"),
        parts_of(tmp_path / "out.csv", JOB),
    ):
        pass


def test_results_come_in_order_and_items_are_taken_as_needed():
    taken = []

    def items():
        for number in range(9):
            taken.append(number)
            yield number

    def slow_if_even(number):
        time.sleep(0.02 * (number % 2 == 0))
        return number, threading.get_ident()

    results = in_order(slow_if_even, items(), workers=2)
    assert next(results)[0] == 0
    assert len(taken) == 3
    rest = list(results)
    assert [number for number, _ in rest] == list(range(1, 9))
    assert len({thread for _, thread in rest}) == 2


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

    with ahead(items(), 3) as numbers:
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
    with pytest.raises(KeyError), ahead(iter(range(9)), 2) as numbers:
        raise KeyError(next(numbers))
    assert not [one for one in threading.enumerate() if one.name.startswith("ThreadPool")]
