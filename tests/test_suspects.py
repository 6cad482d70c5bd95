import numpy as np

from textlstm.suspects import label_suspects


def test_a_label_against_all_probability_is_suspect():
    truth = np.array([0] * 20 + [1] * 20)
    probabilities = np.where(truth[:, None] == [0, 1], 0.9, 0.1)
    probabilities[3] = [0.02, 0.98]
    probabilities[30] = [0.95, 0.05]
    ids = [f"r{number}" for number in range(40)]
    found = label_suspects(ids, truth, probabilities, ["a", "b"])
    assert found.to_dict("records") == [
        {"record_id": "r3", "given_label": "a", "probability": 0.02, "likelier_label": "b",
         "likelier_probability": 0.98},
        {"record_id": "r30", "given_label": "b", "probability": 0.05, "likelier_label": "a",
         "likelier_probability": 0.95},
    ]  # fmt: skip


def test_a_class_without_records_is_no_obstacle():
    truth = np.array([0] * 10 + [2] * 10)
    probabilities = np.where(truth[:, None] == [0, 1, 2], 0.8, 0.1)
    assert label_suspects(["x"] * 20, truth, probabilities, ["a", "b", "c"]).empty


def test_of_one_class_nothing_is_suspected():
    found = label_suspects(["x"] * 3, np.zeros(3, dtype=int), np.full((3, 2), 0.5), ["a", "b"])
    assert len(found) == 0 and "given_label" in found
