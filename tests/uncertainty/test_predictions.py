import numpy as np
import pytest

from textlstm.uncertainty.predictions import Predictions

SHARED = Predictions(np.array([[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]]), np.array([0, 1, 0, 2]))


def test_records_that_share_a_row_are_as_if_each_had_its_own():
    own = Predictions.of(SHARED.probabilities[SHARED.rows])
    labels = np.array([1, 1, 0, -1])
    assert len(own) == len(SHARED) == 4 and own.n_classes == SHARED.n_classes == 2
    for values, expected in (
        (SHARED.predicted, own.predicted),
        (SHARED.confidence, own.confidence),
        (SHARED.correct(labels), own.correct(labels)),
        (SHARED.of_label(labels[:4]), own.of_label(labels[:4])),
    ):
        assert values.tolist() == expected.tolist()


def test_a_label_of_minus_one_is_never_correct():
    assert not SHARED.correct(np.full(4, -1)).any()


@pytest.mark.parametrize(
    "records", [np.array([0, 1]), np.array([True, True, False, False]), slice(2)]
)
def test_records_are_selected_by_numbers_flags_or_a_slice(records):
    selected = SHARED.take(records)
    assert selected.predicted.tolist() == [1, 0]
    assert selected.probabilities is SHARED.probabilities


def test_other_probabilities_keep_the_rows():
    other = SHARED.replace(1 - SHARED.probabilities)
    assert other.predicted.tolist() == [0, 1, 0, 0] and other.rows is SHARED.rows
