"""Messages on standard error, paths on standard output, and streams that nobody reads."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import console


def test_a_message_is_one_visible_line_on_standard_error(capsys):
    console.log("a name: \x1b[2J\nfake line")
    console.log_for("train")("epoch 1")
    console.log_warning(UserWarning("old"), UserWarning, "file.py", 7)
    captured = capsys.readouterr()
    lines = ["a name: \\x1b[2J\\nfake line", "train: epoch 1", "warning: old"]
    assert captured.err.splitlines() == lines and captured.out == ""


def test_the_path_of_an_output_is_alone_on_standard_output(capsys):
    console.print_path(Path("runs/\x07"))
    captured = capsys.readouterr()
    assert captured.out == "runs/\\x07\n" and captured.err == ""


@pytest.mark.parametrize(
    ("program", "command"),
    [("/usr/bin/textlstm", "textlstm train"), ("train.py", "python -m pipelines.train")],
)
def test_a_command_is_shown_as_the_user_called_it(program, command, monkeypatch):
    monkeypatch.setattr(sys, "argv", [program])
    assert console.as_called("python -m pipelines.train") == command


def test_a_reader_that_has_gone_does_not_end_the_work(monkeypatch):
    class Broken(io.StringIO):
        def write(self, _=""):
            raise BrokenPipeError

        flush = write

        def reconfigure(self, **_):
            pass

    monkeypatch.setattr(sys, "stdout", Broken())
    monkeypatch.setattr(sys, "stderr", Broken())
    console.open_standard_streams()
    console.log("nobody reads this")
    console.print_path(Path("nor this"))
    assert sys.stdout.write("abc") == 3


def test_a_closed_stream_does_not_receive_the_next_file(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from pipelines import console\n"
        "os.close(1); sys.stdout = None; console.open_standard_streams()\n"
        "with open(sys.argv[1], 'w') as file:\n"
        "    assert file.fileno() > 2\n"
        "    console.print_path(Path('lost')); file.write('content')\n"
    )
    command = [sys.executable, "-c", code, tmp_path / "a"]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    assert (tmp_path / "a").read_text() == "content"
