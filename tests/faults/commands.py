"""Bad input and faults, each with the right behaviour, tried on the real commands.

An error is one line that names the file, row or column, with status 2; nothing is half-written, and
no text of a record is shown. Other faults are handled: counted, and reported in the run's lines and
``metrics.json``. The table at the end of the tests says how many cases were tried, and how many
behaved. Here are the commands as the tests call them, and the folder that they work in.
"""

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from shared import preprocessed_here

from pipelines import (
    predict,
    preprocess,
    shell,
)  # fmt: skip
from pipelines import run as run_stage
from textlstm.storage.atomic import sha256


class Faults:
    """Faults of a file by their numbers, each with a name and a check."""

    def __init__(self):
        self.rows = {}

    def __call__(self, number, name):
        """Add a fault."""

        def enter(check):
            assert number not in self.rows
            self.rows[number] = name, check
            return check

        return enter

    def cases(self):
        """Return each fault as a parameter of a test."""
        return [pytest.param(n, id=f"{n} {self.rows[n][0]}") for n in sorted(self.rows)]

    def check(self, number, desk):
        self.rows[number][1](desk)


ROOT = Path(__file__).parent.parent.parent

SECRET = "zebedee"
"""A name in the records that no error may show."""

QUICK = (
    "--ensemble-size 1 --epochs 2 --embedding-size 8 --hidden-units 8 --batch-size 16 "
    "--min-steps 0 --linear-c 0 "
    "--embedding-init narrow-normal --device cpu"
).split()

EPOCHS = 30

LONG = (
    f"--ensemble-size 2 --epochs {EPOCHS} --embedding-size 8 --hidden-units 8 --batch-size 8 "
    "--min-steps 0 "
    "--linear-c 0 --patience 0 --restore-best"
).split()

GOOD = [("asthma", "Respiratory"), ("stroke", "Circulatory"), (f"{SECRET} fall", "External")] * 20


def csv_of(rows, header="cause,category"):
    return "\n".join([header, *(",".join(row) for row in rows)]) + "\n"


@dataclass
class Outcome:
    """Exit status and standard error of a command."""

    status: int
    told: str


def carried_out(main, *arguments):
    """Run a command in this process, texts included: another would import for a second."""
    told = io.StringIO()
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
        try:
            with preprocessed_here():
                status = shell.status(lambda _: main([str(argument) for argument in arguments]))
        except SystemExit as end:  # raised by the parser of flags
            status = end.code
    return Outcome(status, told.getvalue())


class Desk:
    """A folder to work in, and the runs that several faults share."""

    def __init__(self, folder, request):
        self.folder, self._request = folder, request
        self.run, self.out = folder / "run", folder / "out.csv"

    def shared(self, name):
        return self._request.getfixturevalue(name)

    def option(self, name):
        return self._request.config.getoption(name)

    def file(self, content, name="records.csv"):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def learn(self, data, *flags, stage=preprocess):
        return carried_out(
            stage.main, "--data", data, "--text", "cause", "--label", "category",
            "--run", self.run, *(QUICK if stage is run_stage else QUICK[:-2]), *flags,
        )  # fmt: skip

    def code(self, data, *flags, run=None, out=None):
        run = run or self.shared("dirty") / "run"
        return carried_out(
            predict.main, "--run", run, "--data", data, "--out", out or self.out,
            "--device", "cpu", *flags,
        )  # fmt: skip

    def coded(self, data, *flags):
        """Run predict, check that it succeeds, and return the rows of its output."""
        outcome = self.code(data, *flags)
        assert outcome.status == 0, outcome.told
        return pd.read_csv(self.out, dtype=str, keep_default_na=False)

    def refused(self, outcome, *words):
        """Check an error: status, its one line, and that it leaves nothing behind."""
        assert outcome.status == 2, outcome
        assert outcome.told.count("error") == 1, outcome.told
        assert outcome.told.splitlines()[-1].startswith("error: "), outcome.told
        assert all(word in outcome.told for word in words), outcome.told
        assert SECRET not in outcome.told and "Traceback" not in outcome.told
        assert not self.run.exists() and not self.out.exists()
        assert not list(self.folder.glob(".*[0-9]*"))

    def refused_in_both(self, data, *words):
        self.refused(self.learn(data), *words)
        self.refused(self.code(data), *words)

    def texts(self):
        """Return the cleaned texts in the order of the table."""
        parts = [pd.read_parquet(path) for path in (self.run / "records").glob("*.parquet")]
        return pd.concat(parts).assign(n=lambda rows: rows["record_id"].astype(int)).sort_values(
            "n", ignore_index=True
        )["text"].tolist()  # fmt: skip


def facts(desk):
    return json.loads((desk.shared("dirty") / "run" / "metrics.json").read_text())["data"]


def told(desk):
    return (desk.shared("dirty") / "told.txt").read_text()


def dirty_texts(desk):
    desk.run = desk.shared("dirty") / "run"
    return set(desk.texts())


def contents(folder):
    return {path: sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()}
