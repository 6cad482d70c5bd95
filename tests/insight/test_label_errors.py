import re
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cleanlab.filter import find_label_issues

from textlstm import TextLSTMClassifier
from textlstm.insight.label_errors import label_suspects
from textlstm.uncertainty.predictions import Predictions

README = (Path(__file__).parent.parent.parent / "README.md").read_text()


def test_an_improbable_label_is_suspect():
    truth = np.array([0] * 20 + [1] * 20)
    probabilities = np.where(truth[:, None] == [0, 1], 0.9, 0.1)
    probabilities[3] = [0.02, 0.98]
    probabilities[30] = [0.95, 0.05]
    ids = [f"r{number}" for number in range(40)]
    suspects = label_suspects(ids, truth, probabilities, ["a", "b"])
    assert suspects.to_dict("records") == [
        {"record_id": "r3", "given_label": "a", "probability": 0.02, "likelier_label": "b",
         "likelier_probability": 0.98},
        {"record_id": "r30", "given_label": "b", "probability": 0.05, "likelier_label": "a",
         "likelier_probability": 0.95},
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(10))
def test_suspects_are_those_of_cleanlab(seed):
    generator = np.random.default_rng(seed)
    n_classes, n_texts, n = (
        int(generator.integers(*ends)) for ends in ((2, 9), (20, 300), (50, 900))
    )
    probabilities = generator.dirichlet(np.full(n_classes, 0.5), size=n_texts)
    rows = generator.integers(n_texts, size=n)
    truth = np.array([generator.choice(n_classes, p=row) for row in probabilities[rows]])
    wrong = generator.random(n) < 0.1
    truth[wrong] = generator.integers(n_classes, size=wrong.sum())
    classes = [str(number) for number in range(n_classes)]
    ids = pd.Series(map(str, range(n)))
    suspects = label_suspects(ids, truth, Predictions(probabilities, rows), classes)
    expected = find_label_issues(
        truth, probabilities[rows], return_indices_ranked_by="self_confidence", n_jobs=1
    )
    assert len(suspects) and suspects["record_id"].tolist() == list(map(str, expected))


def test_a_class_may_have_no_records():
    truth = np.array([0] * 10 + [2] * 10)
    probabilities = np.where(truth[:, None] == [0, 1, 2], 0.8, 0.1)
    assert label_suspects(["x"] * 20, truth, probabilities, ["a", "b", "c"]).empty


def test_one_class_alone_has_no_suspects():
    probabilities = np.full((3, 2), 0.5)
    suspects = label_suspects(["x"] * 3, np.zeros(3, dtype=int), probabilities, ["a", "b"])
    assert len(suspects) == 0 and "given_label" in suspects


def test_the_code_of_the_readme_finds_wrong_labels_among_all_records(table, tmp_path, monkeypatch):
    recipe = next(code for code in re.findall("```python\n(.*?)```", README, re.DOTALL)
                  if "label_suspects" in code)  # fmt: skip
    wrong, other = ["r007", "r050", "r099"], {"Accident": "Natural", "Natural": "Accident"}
    records = table.set_index("record_id", drop=False)
    records["manner"] = np.where(records["category"] == "External", "Accident", "Natural")
    records.loc[wrong, "manner"] = records.loc[wrong, "manner"].map(other)
    records.loc["r003", "manner"] = ""
    records.to_csv(tmp_path / "deaths.csv", index=False)
    monkeypatch.chdir(tmp_path)
    # One network for three: the code is the same, and takes a third of the time.
    monkeypatch.setattr("textlstm.TextLSTMClassifier", partial(TextLSTMClassifier, ensemble_size=1))
    exec(recipe, {})
    suspects = pd.read_csv("suspects.csv").set_index("record_id")
    assert set(suspects.index) == set(wrong)
    assert (suspects["likelier_label"] == suspects["given_label"].map(other)).all()
