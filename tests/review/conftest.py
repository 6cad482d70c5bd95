"""A review queue that the tests of the wing share, and its answers."""

import numpy as np
import pyarrow as pa
import pytest

from textlstm.inference.scoring import Scores
from textlstm.review.queue import build_queue, questions
from textlstm.review.sheet import queue_frame, read_answers

FIELDS = [("Stroke", ""), ("=fall", "hip"), ("stroke.", ""), ("", "."), ("COPD", "")]
RECORDS = np.array([3, 2, 4, 9, 1])
LABELS = ("Circulatory", "External", "-Other", "Respiratory")
COLUMNS = ("cause", "other")


@pytest.fixture
def items():
    asked = questions(FIELDS, RECORDS)
    probabilities = np.array([[0.9, 0.05, 0.04, 0.01], [0.1, 0.4, 0.3, 0.2], [0.2, 0.1, 0.2, 0.5]])
    scores = Scores.of(probabilities, np.ones(3, dtype=bool))
    return build_queue(asked, scores, LABELS, [["stroke"], ["-fall", "hip"], []])


@pytest.fixture
def queue(items):
    """The queue as a spreadsheet shows it."""
    return queue_frame(items, COLUMNS, len(LABELS))


@pytest.fixture
def answered(queue):
    """Fills in codes, and reads the answers."""

    def fill(codes, **changes):
        table = queue.assign(code=codes, **changes).astype(str)
        table = pa.Table.from_pandas(table, preserve_index=False)
        return read_answers(table, "q.csv", COLUMNS, set(LABELS))

    return fill
