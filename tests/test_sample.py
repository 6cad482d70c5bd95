"""The invented records of the demonstration, and what the default recipe makes of them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from textlstm import TextLSTMClassifier
from textlstm.data.cells import as_records
from textlstm.evaluation.baselines import majority, tfidf_logreg
from textlstm.evaluation.metrics import Measures
from textlstm.text.tokenizing import preprocess
from textlstm.uncertainty.predictions import Predictions

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture(scope="module")
def sample():
    return pd.read_csv(DATA / "sample.csv", dtype=str, keep_default_na=False)


def test_the_script_gives_the_same_bytes(tmp_path):
    command = [sys.executable, str(DATA / "make_sample.py"), "--out", str(tmp_path / "sample.csv")]
    subprocess.run(command, check=True, capture_output=True)
    assert (tmp_path / "sample.csv").read_bytes() == (DATA / "sample.csv").read_bytes()


def test_it_is_as_its_readme_says(sample):
    assert list(sample) == [
        "record_id", "date_of_death", "sex", "age", "age_group", "cause", "other_conditions",
        "manner", "category",
    ]  # fmt: skip
    assert len(sample) == 6000 and sample["record_id"].is_unique
    texts = preprocess(as_records(sample["cause"]))
    assert 0.22 < len(set(texts)) / len(texts) < 0.30
    conflicting = sample.assign(text=texts).groupby("text")["category"].nunique() > 1
    assert 10 < conflicting.sum() < 200
    assert (sample["category"].value_counts() < 10).any()
    female_only = sample["cause"].str.contains("ovarian|uterine|cervical cancer", case=False)
    assert (sample["sex"][female_only] == "Female").all()
    age = sample["age"].astype(int)
    infants = sample["category"] == "Perinatal"
    assert age.between(0, 104).all() and (age[infants] == 0).all()


def test_the_default_recipe_beats_majority_and_the_linear_models_log_loss(sample):
    sample = sample[:2000]  # a third of the records shows it, in a third of the time
    counts = sample["category"].value_counts()
    usable = sample[sample["category"].map(counts) >= 10]
    train, held = train_test_split(
        usable, test_size=0.3, stratify=usable["category"], random_state=0
    )
    texts = [preprocess(as_records(part["cause"])) for part in (train, held)]
    truth = np.searchsorted(np.unique(usable["category"]), held["category"])
    unseen = ~np.isin(texts[1], texts[0])
    network = TextLSTMClassifier(device="cpu").fit(train["cause"], train["category"])
    ours = Measures.of(Predictions.of(network.predict_proba(held["cause"])), truth, unseen)
    for make in (majority(), tfidf_logreg(texts[0])):
        fitted = make.fit(texts[0], train["category"])
        theirs = Measures.of(Predictions.of(fitted.predict_proba(texts[1])), truth, unseen)
        assert ours.log_loss < theirs.log_loss
        assert ours.accuracy > theirs.accuracy - 0.01
