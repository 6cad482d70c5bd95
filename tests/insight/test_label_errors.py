import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cleanlab.filter import find_label_issues

from textlstm.insight.label_errors import label_suspects

README = (Path(__file__).parent.parent.parent / "README.md").read_text()


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


@pytest.mark.parametrize("seed", range(10))
def test_suspects_are_those_of_cleanlab(seed):
    chance = np.random.default_rng(seed)
    n_classes, n_texts, n = (int(chance.integers(*ends)) for ends in ((2, 9), (20, 300), (50, 900)))
    probabilities = chance.dirichlet(np.full(n_classes, 0.5), size=n_texts)
    places = chance.integers(n_texts, size=n)
    truth = np.array([chance.choice(n_classes, p=one) for one in probabilities[places]])
    wrong = chance.random(n) < 0.1
    truth[wrong] = chance.integers(n_classes, size=wrong.sum())
    classes = [str(number) for number in range(n_classes)]
    ids = pd.Series(map(str, range(n)))
    found = label_suspects(ids, truth, probabilities, classes, places)
    expected = find_label_issues(
        truth, probabilities[places], return_indices_ranked_by="self_confidence", n_jobs=1
    )
    assert len(found) and found["record_id"].tolist() == list(map(str, expected))


def test_a_class_without_records_is_no_obstacle():
    truth = np.array([0] * 10 + [2] * 10)
    probabilities = np.where(truth[:, None] == [0, 1, 2], 0.8, 0.1)
    assert label_suspects(["x"] * 20, truth, probabilities, ["a", "b", "c"]).empty


def test_of_one_class_nothing_is_suspected():
    found = label_suspects(["x"] * 3, np.zeros(3, dtype=int), np.full((3, 2), 0.5), ["a", "b"])
    assert len(found) == 0 and "given_label" in found


def test_the_readme_finds_wrong_labels_among_all_records(table, tmp_path, monkeypatch):
    recipe = next(code for code in re.findall("```python\n(.*?)```", README, re.DOTALL)
                  if "label_suspects" in code)  # fmt: skip
    wrong, other = ["r007", "r050", "r099"], {"Accident": "Natural", "Natural": "Accident"}
    records = table.set_index("record_id", drop=False)
    records["manner"] = np.where(records["category"] == "External", "Accident", "Natural")
    records.loc[wrong, "manner"] = records.loc[wrong, "manner"].map(other)
    records.loc["r003", "manner"] = ""
    records.to_csv(tmp_path / "deaths.csv", index=False)
    monkeypatch.chdir(tmp_path)
    exec(recipe, {})
    found = pd.read_csv("suspects.csv").set_index("record_id")
    assert set(found.index) == set(wrong)
    assert (found["likelier_label"] == found["given_label"].map(other)).all()
