"""Interruptions: signals become exceptions with an exit status and a hint."""

import os
import signal

import pytest

from pipelines import interrupts, shell
from pipelines.interrupts import Interrupted, interruptible, on_interrupt
from textlstm.errors import InputError

SIGNALS = [signal.SIGINT, signal.SIGTERM]


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_raises_an_exception_with_the_status_of_a_shell(number):
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as raised, interruptible():
        send(number)
    assert raised.value.status == 128 + number and raised.value.hint == interrupts.RESUME_HINT
    assert signal.getsignal(number) is before


def test_work_that_ends_by_itself_is_not_cut_off():
    steps = []
    with pytest.raises(Interrupted) as raised, interruptible(lambda: True):
        send(signal.SIGTERM)
        steps.append("finished")
        raise KeyboardInterrupt  # as the work does when its step is kept
    assert steps == ["finished"] and raised.value.status == 143


def test_a_stop_that_takes_long_is_logged(monkeypatch, capsys):
    monkeypatch.setattr(interrupts, "STOPPING_AFTER", 0.0)
    lines = ""
    with pytest.raises(Interrupted), interruptible(lambda: True):
        send(signal.SIGINT)
        while interrupts.STOPPING not in lines:
            lines += capsys.readouterr().err
        raise KeyboardInterrupt


@pytest.mark.parametrize("hint", ["nothing is kept", lambda: "nothing is kept"])
def test_the_hint_of_an_interruption_can_be_set(hint):
    with pytest.raises(Interrupted) as raised, on_interrupt(hint):
        raise Interrupted(signal.SIGINT)
    assert raised.value.hint == "nothing is kept"


def test_the_status_says_how_a_stage_ended(capsys):
    def ending(error):
        def main(_):
            if error:
                raise error

        return shell.status(main), capsys.readouterr().err

    assert ending(None) == (0, "")
    assert ending(InputError("no file")) == (2, "error: no file\n")
    assert ending(PermissionError(13, "Permission denied", "a.csv")) == (
        2, "error: a.csv: Permission denied\n",
    )  # fmt: skip
    status, line = ending(Interrupted(signal.SIGTERM))
    assert status == 143 and line == f"interrupted; {interrupts.RESUME_HINT}\n"
    status, line = ending(ModuleNotFoundError("no", name="captum"))
    assert status == 2 and "'captum' is not installed" in line
    status, line = ending(MemoryError())
    assert status == 2 and "not enough memory" in line
    for defect in (ZeroDivisionError(), ModuleNotFoundError("no", name="textlstm.lost")):
        with pytest.raises(type(defect)):
            ending(defect)
