"""Progress on terminals of given widths, and elsewhere."""

import re
import time

import pytest
from terminal import Terminal

from pipelines import console, progress

LONG = "a step whose name is longer than a terminal of eighty columns has room for beside a bar"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "TICK", 0.01)


def work():
    """Work of every kind that stages do; every step lasts until it was shown."""
    with progress.steps("report", 2) as step:
        for name in ("first", LONG):
            step(name)
            time.sleep(0.1)
    with progress.working("train", "preparing", 3, timely=True) as shown:
        for number in range(3):
            shown.count()
            shown.tell(f"train: epoch {number + 1} of 3: all of it", "loss 0.123, accuracy 0.987")
    for _ in progress.track(range(2), "predict", "coding"):
        time.sleep(0.1)
    console.log("report: a line")


@pytest.mark.parametrize("columns", [80, 110])
def test_a_bar_stays_readable(columns, monkeypatch):
    terminal = Terminal(columns, monkeypatch)
    work()
    shown = terminal.shown()
    bars = [re.search(r"\|(.*)\|", line) for line in shown if "/" in line]
    assert bars and all(bar and len(bar[1]) == progress.BAR for bar in bars)
    assert max(map(len, shown)) <= columns
    for text in ("| 1/2 [", "first", LONG[:30], "loss 0.123, accuracy 0.987]", "| 3/3 ", "coding"):
        assert any(text in line for line in shown), text
    assert "report: a line" in shown and not any("all of it" in line for line in shown)


def lines_of_work():
    lines = [f"report: {name}" for name in ("first", LONG)]
    lines += [f"train: epoch {number} of 3: all of it" for number in (1, 2, 3)]
    return [*lines, "predict: coding", "report: a line"]


@pytest.mark.parametrize(("columns", "kind"), [(0, "xterm"), (20, "xterm"), (80, "dumb")])
def test_a_terminal_without_room_for_a_bar_gets_lines(columns, kind, monkeypatch):
    terminal = Terminal(columns, monkeypatch)
    monkeypatch.setenv("TERM", kind)
    work()
    assert [line for line in terminal.shown() if "preparing" not in line] == lines_of_work()


def test_elsewhere_there_are_lines(capsys):
    work()
    logged = capsys.readouterr().err.splitlines()
    assert [line for line in logged if "preparing" not in line] == lines_of_work()


def test_a_long_step_is_logged_again_after_twice_the_time(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress, "PATIENCE", 2.0)
    shown = progress.Progress("predict", None, timely=True, unit="records")
    shown.at("coding")
    for now[0] in range(200):
        shown.count(2000)
        shown.tick()
    logged = capsys.readouterr().err.splitlines()
    assert logged == [
        "predict: coding",
        "predict: coding (62,000 records so far, 30 s)",
        "predict: coding (122,000 records so far, 60 s)",
        "predict: coding (242,000 records so far, 120 s)",
    ]


def test_a_bar_counts_the_units_of_items(monkeypatch):
    terminal = Terminal(80, monkeypatch)
    for _ in progress.track(iter(["ab", "c"]), "predict", "coding", "records", len):
        time.sleep(0.1)
    shown = terminal.shown()
    assert any(line.startswith("predict 0 records [") for line in shown), shown
    assert any(line.startswith("predict 2 records [") for line in shown), shown
