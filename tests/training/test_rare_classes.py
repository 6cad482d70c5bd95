"""Promises hold where some records have classes that the model cannot predict."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import binom

from textlstm.config import DataConfig
from textlstm.data.records import SPLIT_COLUMN, select_usable
from textlstm.data.splits import split
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.fitting import train_bundle
from textlstm.recipe import Recipe
from textlstm.tasks import SingleLabel
from textlstm.training.folds import as_examples
from textlstm.training.inputs import TrainingInputs
from textlstm.training.rare_classes import RareClasses
from textlstm.uncertainty.conformal import conformal_threshold
from textlstm.uncertainty.out_of_fold import OutOfFold
from textlstm.uncertainty.predictions import Predictions
from textlstm.uncertainty.risk_control import promise

CPU = torch.device("cpu")
TEXTS = ["acute mi", "mi", "stroke", "acute stroke", "copd", "asthma", "copd asthma", "acute copd"]
LABELS = np.repeat([0, 1], 4)
VOCABULARY = Vocabulary.fit(TEXTS, Recipe().with_fields(min_count=1).encoding)


def examples_of(n, split="stratified", validation=0.1):
    texts = [TEXTS[row % 8] for row in range(n)]
    in_validation = np.arange(n) >= n - round(validation * n)
    labels = LABELS[np.arange(n) % 8]
    return as_examples(VOCABULARY.encode(texts), labels, VOCABULARY, in_validation, split=split)


def rare_classes(texts, validation=None, borderline=()):
    validation = np.zeros(len(texts), bool) if validation is None else np.array(validation)
    return RareClasses(VOCABULARY.encode(texts), validation, 0.1, borderline)


def test_folds_have_the_same_share_of_rare_records_as_of_others():
    examples, rare = examples_of(800), rare_classes(["stroke", "fall"] * 100)
    folds = rare.assign_folds(examples, 1, seed=0)
    assert len(folds) == 1 and len(folds[0]) == 20 and len(set(folds[0])) == 20
    in_folds = dataclasses.replace(examples, folds=torch.arange(800, dtype=torch.int16) % 10 - 1)
    first, second = rare.assign_folds(in_folds, 2, seed=0)
    assert len(first) == len(second) == 20 and not set(first) & set(second)


def test_after_a_temporal_split_the_latest_rare_records_are_in_the_first_fold():
    rare = rare_classes(["fall"] * 5, [False, True, True, False, True])
    first, second = rare.assign_folds(examples_of(80, "temporal"), 2, seed=0)
    assert first.tolist() == [1, 2, 4] and not len(second)


def test_after_a_grouped_split_all_rare_records_of_a_text_are_in_one_fold():
    rare = rare_classes([f"fall {number // 10}" for number in range(400)])
    (rows,) = rare.assign_folds(examples_of(80, "grouped", 0.5), 1, seed=0)
    texts, counts = np.unique(rare.texts.inverse[rows], return_counts=True)
    assert len(texts) == 20 and set(counts) == {10}


@pytest.mark.parametrize("linear", [0.0, 1.0])
@pytest.mark.parametrize("split", ["stratified", "grouped", "temporal"])
def test_a_bundle_promises_less_where_records_have_rare_classes(linear, split):
    recipe = Recipe().with_fields(
        embedding_size=8,
        hidden_units=8,
        epochs=3,
        ensemble_size=2,
        linear_c=linear,
        min_count=1,
        batch_size=16,
    )
    bundles = []
    for rare in (None, rare_classes(["stroke", "unheard of"] * 40, [True] * 80, (1,))):
        inputs = TrainingInputs(
            VOCABULARY, SingleLabel(("a", "b")), examples_of(240, split, 0.4), rare
        )
        bundles.append(
            train_bundle(recipe, inputs, seed=0, device=CPU, on_epoch=lambda epoch: None)
        )
    without, with_rare = (bundle.out_of_fold for bundle in bundles)
    assert without.known.all() and without.gain == pytest.approx(with_rare.gain, abs=0.5)
    n_rare = len(with_rare.top) - len(without.top)
    assert n_rare > 10
    # Records of the borderline class count as records of a class that the model cannot predict.
    borderline = (~with_rare.known).sum() - n_rare
    assert 0.4 < borderline / len(without.top) < 0.6
    assert not with_rare.correct[~with_rare.known].any()
    assert (with_rare.top == 0).sum() >= n_rare // 4  # these have no known word
    assert with_rare.unknown_share > 0.4 and bundles[1].summary[
        "share of records whose class the model cannot give"
    ] == pytest.approx(0.1)


# ------------------------------------------------------------------------------ many tables


def table(chance, rare_share, n):
    """Records of three frequent classes and many rare ones; the text is one of twelve values."""
    n_rare = max(1, round(rare_share * n / 4))
    shares = np.append((1 - rare_share) * np.array([0.5, 0.3, 0.2]),
                       rare_share * chance.dirichlet(np.full(n_rare, 5.0)))  # fmt: skip
    like = np.append([0, 1, 2], chance.integers(3, size=n_rare))

    def draw(n):
        classes = chance.choice(len(shares), n, p=shares)
        told = like[classes] * 4 + np.minimum(chance.geometric(0.6, n) - 1, 3)
        told = np.where(chance.random(n) < 0.03, chance.integers(12, size=n), told)
        return pd.DataFrame({"text": told.astype(str), "label": classes.astype(str)})

    return draw(n), draw(10_000)


def class_shares(parts, labels):
    """Probabilities of each text: the shares of the classes among its records."""
    counts = np.ones((12, len(labels))) * 0.1
    for part in (parts["train"], parts["validation"]):
        np.add.at(counts, (part["text"].astype(int), labels.get_indexer(part["label"])), 1)
    return counts / counts.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("how", ["drop", "merge"])
def test_over_many_tables_with_rare_classes_promises_are_kept_and_sets_cover(how):
    broken, given, coverages = 0, 0, []
    for seed in range(50):
        chance = np.random.default_rng(seed)
        records, new = table(chance, chance.uniform(0, 0.3), 2000)
        config = DataConfig(rare=how, validation=0.4)
        found = select_usable(records, config)
        parts, rare = split(found, config, seed)
        labels = pd.Index(sorted(parts["train"]["label"].unique()))
        probabilities = class_shares(parts, labels)
        codable = np.array([not label.startswith("(") for label in labels])
        judged = pd.concat([parts["validation"], rare[rare[SPLIT_COLUMN] == "validation"]])
        judged_labels = labels.get_indexer(judged["label"])
        judged_labels[judged["label"].isin(found.borderline)] = -1
        out_of_fold = OutOfFold.of(
            Predictions(probabilities, judged["text"].astype(int).to_numpy()), judged_labels, seed,
            codable=codable,
        )  # fmt: skip
        top = probabilities.max(axis=1).round(6) * codable[probabilities.argmax(axis=1)]
        mine, truth = new["text"].astype(int), labels.get_indexer(new["label"])
        right = labels[probabilities.argmax(axis=1)][mine] == new["label"]
        for max_error in (0.05, 0.1, 0.2):
            threshold = promise(out_of_fold, max_error).threshold
            accepted = (top[mine] >= threshold) & (top[mine] > 0)
            given += bool(accepted.any())
            broken += bool(accepted.any()) and (~right[accepted]).mean() > max_error
        threshold = conformal_threshold(out_of_fold, 0.8)
        inside = probabilities.round(6)[mine, truth] >= threshold
        coverages.append((inside & (truth >= 0) & codable[truth]).mean() if threshold else np.nan)
    assert given > 30 and broken <= binom.ppf(0.99, given, 0.05)
    assert 0.79 < np.nanmean(coverages) < 0.95


def test_without_rare_records_among_the_out_of_fold_ones_promises_would_be_broken():
    chance = np.random.default_rng(0)
    records, new = table(chance, 0.2, 2500)
    config = DataConfig(validation=0.4)
    parts, _ = split(select_usable(records, config), config, 0)
    labels = pd.Index(sorted(parts["train"]["label"].unique()))
    probabilities = class_shares(parts, labels)
    out_of_fold = OutOfFold.of(
        Predictions(probabilities, parts["validation"]["text"].astype(int).to_numpy()),
        labels.get_indexer(parts["validation"]["label"]),
    )  # fmt: skip
    mine = new["text"].astype(int)
    accepted = probabilities.max(axis=1).round(6)[mine] >= promise(out_of_fold, 0.1).threshold
    wrong = labels[probabilities.argmax(axis=1)][mine] != new["label"]
    assert accepted.any() and wrong[accepted].mean() > 0.15
