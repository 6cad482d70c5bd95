import pytest

from textlstm.inference.drift import InputStatistics

USUAL = {"share of unknown words": 0.01, "mean probability": 0.90}


@pytest.mark.parametrize(
    ("found", "reasons"),
    [
        (InputStatistics(10_000, 0, 0, 100, 2, 8_800.0), 0),
        (InputStatistics(10_000, 0, 0, 100, 20, 8_800.0), 1),
        (InputStatistics(20_000, 10_000, 0, 100, 20, 6_000.0), 2),
        (InputStatistics(10_000, 0, 0, 100, 0, 9_900.0), 0),
        (InputStatistics(4, 0, 0, 100, 50, 1.6), 0),  # four records may look strange by chance
        (InputStatistics(9, 9, 9, 0, 0, 0.0), 0),
    ],
)
def test_records_unlike_those_of_the_training_are_noticed(found, reasons):
    assert len(found.drift_warnings(USUAL)) == reasons
