import os
import signal
import subprocess
import sys
import time

import pytest

from textlstm.text import worker
from textlstm.text.tokenizing import preprocess
from textlstm.text.worker import preprocessing_process

RECORDS = [
    ("Acute MI, due to (Type II) Diabetes; COVID-19.", "HTN"),
    ("two\nlines\r\n\u2028\x00 and half a \ud83d character", ""),
    ("M\u00e9ni\u00e8re", "\u6025\u6027\u5fc3\u7b4b\u6897\u585e \U0001f469"),
    ("", ""),
    ("don't :) =] i46.9,e11.9", "x" * 300),
]


@pytest.fixture(scope="module")
def other():
    """Another process that preprocesses."""
    with preprocessing_process() as preprocess:
        yield preprocess


def test_another_process_preprocesses_as_this_one_does(other):
    assert other(RECORDS) == preprocess(RECORDS)
    assert other([(first,) for first, _ in RECORDS]) == preprocess(
        [(first,) for first, _ in RECORDS]
    )
    assert other([]) == []


@pytest.fixture
def sent(monkeypatch):
    """Records that were sent to a process."""
    records, send = [], worker._send

    def recording(stream, value):
        records.extend(value)
        send(stream, value)

    monkeypatch.setattr(worker, "_send", recording)
    return records


def test_a_record_is_sent_once(other, sent):
    assert other([("One",), ("Two",)]) == ["one", "two"]
    assert other([("Two",), ("Three",), ("One",)]) == ["two", "three", "one"]
    assert sent == [("One",), ("Two",), ("Three",)]


def test_a_record_is_sent_again_after_the_cache_was_full(sent):
    with preprocessing_process(cache_size=1) as preprocess:
        for record in ("One", "Two", "Two", "One"):
            assert preprocess([(record,)]) == [record.lower()]
    assert sent == [("One",), ("Two",), ("Two",), ("One",)]


def test_the_process_does_not_import_torch():
    check = (
        "import io, sys, textlstm.text.worker as p; sys.stdin = io.TextIOWrapper(io.BytesIO()); "
        "p._serve(); assert 'spacy' in sys.modules and not sys.modules['torch']"
    )
    subprocess.run([sys.executable, "-c", check], check=True)


@pytest.fixture
def started(monkeypatch):
    """Processes that were started."""
    processes = []

    class Popen(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            processes.append(self)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    return processes


def test_the_process_ends_with_the_work(started):
    with pytest.raises(KeyError), preprocessing_process():
        raise KeyError
    assert started[0].returncode == -signal.SIGKILL


def test_a_process_that_has_ended_is_noticed(started):
    with preprocessing_process() as preprocess:
        started[0].kill()
        with pytest.raises(RuntimeError, match="has ended"):
            preprocess([("a",)])


@pytest.mark.parametrize("received", [b'[["a"]]\n', b'[["a'])
def test_the_process_is_silent_when_the_other_one_is_killed(received):
    read, write = os.pipe()
    os.close(read)  # nobody reads its answers
    done = subprocess.run(
        [sys.executable, "-m", "textlstm.text.worker"],
        input=received,
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_process_does_not_outlive_a_process_that_is_killed():
    work = (
        "import os, subprocess, textlstm.text.worker as p\n"
        "class Popen(subprocess.Popen):\n"
        "    def __init__(self, *args, **kwargs):\n"
        "        super().__init__(*args, **kwargs)\n"
        "        print(self.pid, flush=True)\n"
        "subprocess.Popen = Popen\n"
        "with p.preprocessing_process() as preprocess:\n"
        "    preprocess([('a',)])\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", work], stdout=subprocess.PIPE, check=False)
    assert done.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.kill(int(done.stdout), 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the process is still there")
