import numpy as np
import pandas as pd
import pytest

from textlstm.decisions import HeldOut
from textlstm.metrics import per_class
from textlstm.reporting import Evaluation, measured_decisions, published
from textlstm.scoring import Scores

CONFUSION = np.array([[40, 0, 0, 0], [0, 30, 0, 0], [0, 0, 12, 0], [0, 0, 0, 4]])
LABELS = ("a", "b", "c", "d")


def evaluated(confusion, dropped):
    truth, predicted = np.repeat(np.argwhere(confusion + 1), confusion.ravel(), axis=0).T
    answers = np.eye(len(LABELS))[predicted]
    outcome = Scores(answers, truth < 3)  # what the last class has to say cannot be read
    held_out = HeldOut.of(answers, truth)
    metrics = {
        "per_class": per_class(truth, predicted, LABELS),
        "decisions": measured_decisions(held_out, outcome, truth, truth > 1, LABELS),
        "subgroups": {},
        "seen": {},
        "data": {"rows": 1000, "train": 900, "dropped": dropped},
    }
    return Evaluation(metrics, pd.DataFrame(), LABELS, truth, {"model": answers})


def test_what_is_promised_is_measured_class_by_class():
    found = evaluated(CONFUSION, {})
    one, two, five = found.metrics["decisions"]["promises"]
    assert [one["threshold"], two["threshold"], five["threshold"]] == [None, None, 1.0]
    assert five["coded"]["share"] == pytest.approx(82 / 86) and five["error"]["share"] == 0.0
    assert [row["coded"]["records"] for row in five["per_class"].values()] == [40, 30, 12, 4]
    assert five["per_class"]["d"]["coded"]["share"] == 0.0
    for sets in found.metrics["decisions"]["sets"]:
        assert sets["covered"]["share"] == 1.0 and sets["covered_unseen_text"]["records"] == 16
        # Four records have every label in their sets, the others their own.
        assert sets["labels"] == pytest.approx((82 + 4 * 4) / 86)


def test_small_classes_and_one_more_are_left_out_of_what_is_published():
    evaluation = evaluated(CONFUSION, {"empty_text": 0})
    np.testing.assert_array_equal(evaluation.confusion, CONFUSION)
    shown = published(evaluation)
    nothing = dict.fromkeys(("precision", "recall", "f1", "support"))
    assert shown["per_class"]["d"] == shown["per_class"]["c"] == nothing
    assert shown["per_class"]["a"] == evaluation.metrics["per_class"]["a"]
    for one in (*shown["decisions"]["promises"], *shown["decisions"]["sets"]):
        assert list(one["per_class"]) == ["a", "b"]
    assert shown["data"]["rows"] == 1000
    assert evaluation.metrics["per_class"]["d"]["support"] == 4  # what the house keeps is whole


@pytest.mark.parametrize(("number", "rows"), [(0, 1000), (1, None), (9, None), (10, 1000)])
def test_the_number_of_rows_does_not_tell_how_few_were_left_out(number, rows):
    evaluation = evaluated(CONFUSION, {"empty_text": number, "rare_class": 20})
    assert published(evaluation)["data"]["rows"] == rows
