"""Tiny records all tests share."""

import math
import mmap

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from pipelines import progress

# The same examples each time, however busy the machine is.
settings.register_profile("tests", deadline=None, derandomize=True)
settings.load_profile("tests")

# Nor are lines told of what lasts because the machine is busy.
progress.PATIENCE = math.inf

CAUSES = {
    "Circulatory": ["acute myocardial infarction", "ASCVD", "Congestive heart failure", "stroke"],
    "Respiratory": ["COPD", "pneumonia", "Acute asthma", "respiratory failure due to COPD"],
    "External": ["gunshot wound of head", "fall", "drug overdose, fentanyl", "drowning"],
}


@pytest.fixture
def in_a_file():
    """Tells whether an array is in a file."""

    def found(array):
        while isinstance(array, np.ndarray):
            array = array.base
        return isinstance(array, memoryview | mmap.mmap)

    return found


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=2, help="trainings killed at a random step")


def pytest_terminal_summary(terminalreporter):
    """Tell how many of the faults were tried, how many behaved, and why others did not."""
    reports = {
        outcome: [
            one for one in terminalreporter.getreports(outcome) if "::test_fault[" in one.nodeid
        ]
        for outcome in ("passed", "failed", "error", "skipped")
    }
    if not any(reports.values()):
        return
    behaved = sum(one.when == "call" for one in reports.pop("passed"))
    others = [(outcome, one) for outcome, some in reports.items() for one in some]
    tried = behaved + len(others) - len(reports["skipped"])
    terminalreporter.section("faults")
    known = tried + len(reports["skipped"])
    terminalreporter.line(f"{tried} of {known} cases tried, {behaved} behaved")
    for outcome, one in others:
        reason = one.longrepr[2] if outcome == "skipped" else "see above"
        name = one.nodeid.partition("[")[2].rstrip("]")
        terminalreporter.line(f"{outcome}: {name}: {reason.removeprefix('Skipped: ')}")


@pytest.fixture(scope="session")
def table() -> pd.DataFrame:
    """120 records of three classes with repeats, Part II in every third."""
    rows = [
        {
            "record_id": f"r{number:03}",
            "date": f"2022-{1 + number % 12:02}-{1 + number % 28:02}",
            "cause": causes[number % 4],
            "other": "hypertension" if number % 3 == 0 else "",
            "category": label,
        }
        for label, causes in CAUSES.items()
        for number in range(40)
    ]
    frame = pd.DataFrame(rows).sample(frac=1.0, random_state=0, ignore_index=True)
    return frame.assign(record_id=[f"r{number:03}" for number in range(len(frame))])
