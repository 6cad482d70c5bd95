"""Tiny records all tests share."""

import pandas as pd
import pytest
from hypothesis import settings

# The same examples each time, however busy the machine is.
settings.register_profile("tests", deadline=None, derandomize=True)
settings.load_profile("tests")

CAUSES = {
    "Circulatory": ["acute myocardial infarction", "ASCVD", "Congestive heart failure", "stroke"],
    "Respiratory": ["COPD", "pneumonia", "Acute asthma", "respiratory failure due to COPD"],
    "External": ["gunshot wound of head", "fall", "drug overdose, fentanyl", "drowning"],
}


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=2, help="trainings killed at a random step")


def pytest_generate_tests(metafunc):
    if "kill" in metafunc.fixturenames:
        metafunc.parametrize("kill", range(metafunc.config.getoption("kills")))


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
