"""Fixtures that all tests share, and the summary of the faults."""

import math
import mmap

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from pipelines import progress

# The same examples each time, without a deadline: the machine may be busy.
settings.register_profile("tests", deadline=None, derandomize=True)
settings.load_profile("tests")

# No step is logged because it lasts long on a busy machine.
progress.PATIENCE = math.inf

CAUSES = {
    "Circulatory": ["acute myocardial infarction", "ASCVD", "Congestive heart failure", "stroke"],
    "Respiratory": ["COPD", "pneumonia", "Acute asthma", "respiratory failure due to COPD"],
    "External": ["gunshot wound of head", "fall", "drug overdose, fentanyl", "drowning"],
}


@pytest.fixture
def in_a_file():
    """Return a function that tells whether an array is memory-mapped."""

    def is_mapped(array):
        while isinstance(array, np.ndarray):
            array = array.base
        return isinstance(array, memoryview | mmap.mmap)

    return is_mapped


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=2, help="trainings killed at a random step")


def pytest_terminal_summary(terminalreporter):
    """Print how many of the faults were tried, how many passed, and why others did not."""
    outcomes = ("passed", "failed", "error", "skipped")
    reports = {
        outcome: [
            report
            for report in terminalreporter.getreports(outcome)
            if "::test_fault[" in report.nodeid
        ]
        for outcome in outcomes
    }
    if not any(reports.values()):
        return
    n_passed = sum(report.when == "call" for report in reports.pop("passed"))
    others = [(outcome, report) for outcome, group in reports.items() for report in group]
    n_skipped = len(reports["skipped"])
    n_faults = n_passed + len(others)
    terminalreporter.section("faults")
    terminalreporter.line(f"{n_faults - n_skipped} of {n_faults} cases tried, {n_passed} behaved")
    for outcome, report in others:
        reason = report.longrepr[2] if outcome == "skipped" else "see above"
        name = report.nodeid.partition("[")[2].rstrip("]")
        terminalreporter.line(f"{outcome}: {name}: {reason.removeprefix('Skipped: ')}")


@pytest.fixture(scope="session")
def table() -> pd.DataFrame:
    """120 records of three classes with repeated texts; every third has a second text field."""
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
