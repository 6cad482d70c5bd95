import numpy as np
import pandas as pd
import pytest

from textlstm.metrics import per_class
from textlstm.reporting import Evaluation, published

CONFUSION = np.array([[40, 0, 0, 0], [0, 30, 0, 0], [0, 0, 12, 0], [0, 0, 0, 4]])
LABELS = ("a", "b", "c", "d")


def evaluated(confusion, dropped):
    truth, predicted = np.repeat(np.argwhere(confusion + 1), confusion.ravel(), axis=0).T
    metrics = {
        "per_class": per_class(truth, predicted, LABELS),
        "data": {"rows": 1000, "train": 900, "dropped": dropped},
    }
    answers = {"model": np.eye(len(LABELS))[predicted]}
    return Evaluation(metrics, pd.DataFrame(), LABELS, truth, answers)


def test_small_classes_and_one_more_are_left_out_of_what_is_published():
    evaluation = evaluated(CONFUSION, {"empty_text": 0})
    np.testing.assert_array_equal(evaluation.confusion, CONFUSION)
    shown = published(evaluation)
    nothing = dict.fromkeys(("precision", "recall", "f1", "support"))
    assert shown["per_class"]["d"] == shown["per_class"]["c"] == nothing
    assert shown["per_class"]["a"] == evaluation.metrics["per_class"]["a"]
    assert shown["data"]["rows"] == 1000
    assert evaluation.metrics["per_class"]["d"]["support"] == 4  # what the house keeps is whole


@pytest.mark.parametrize(("number", "rows"), [(0, 1000), (1, None), (9, None), (10, 1000)])
def test_the_number_of_rows_does_not_tell_how_few_were_left_out(number, rows):
    evaluation = evaluated(CONFUSION, {"empty_text": number, "rare_class": 20})
    assert published(evaluation)["data"]["rows"] == rows
