import numpy as np

from textlstm.inference.scoring import Scores
from textlstm.review.queue import build_queue, questions, text_id

FIELDS = [("Stroke", ""), ("=fall", "hip"), ("stroke.", ""), ("", "."), ("COPD", "")]
RECORDS = np.array([3, 2, 4, 9, 1])


def test_a_text_is_asked_once_and_no_text_not_at_all():
    asked = questions(FIELDS, RECORDS)
    assert asked.fields == [("Stroke", ""), ("=fall", "hip"), ("COPD", "")]
    assert asked.records.tolist() == [7, 2, 1]
    nothing = questions([("", "")], np.array([5]))
    assert nothing.texts == [] and len(nothing.records) == 0


def test_the_queue_starts_where_a_code_corrects_most_records(items):
    # Expected corrections: 7 x 0.1, 2 x 0.6, 1 x 0.5.
    assert [item.fields for item in items] == [("=fall", "hip"), ("Stroke", ""), ("COPD", "")]
    assert [item.records for item in items] == [2, 7, 1]
    first = items[0]
    assert first.text_id == text_id("fall <sep> hip")
    assert first.labels == ("External", "-Other", "Respiratory")
    assert first.probabilities == (0.4, 0.3, 0.2)
    assert first.deciding_words == ("-fall", "hip")


def test_with_two_classes_two_labels_are_offered():
    scores = Scores.of(np.array([[0.2, 0.8]]), np.array([True]))
    [item] = build_queue(questions([("a",)], np.array([1])), scores, ("x", "y"), [[]])
    assert item.labels == ("y", "x") and item.probabilities == (0.8, 0.2)


def test_an_empty_queue_has_no_items():
    scores = Scores.of(np.empty((0, 2)), np.empty(0, dtype=bool))
    assert build_queue(questions([], np.array([], int)), scores, ("x", "y"), []) == []
