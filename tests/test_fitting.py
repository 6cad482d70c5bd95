"""Fitting a bundle; its promises with rare classes are in training/test_rare_classes."""

import numpy as np
import torch

from textlstm.encoding.vocabulary import Vocabulary
from textlstm.fitting import train_bundle
from textlstm.recipe import load_recipe
from textlstm.storage import arrays
from textlstm.tasks import SingleLabel
from textlstm.training.folds import as_examples
from textlstm.training.inputs import TrainingInputs

TEXTS = ["acute mi", "mi", "stroke", "acute stroke", "copd", "asthma", "fall", "gunshot wound"]
LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2])


def test_memory_mapped_records_give_the_same_weights(monkeypatch):
    recipe = load_recipe("default").with_fields(epochs=2, batch_size=4, class_weight="balanced")
    texts, labels = [f"{text} {extra}" for text in TEXTS for extra in "abc"], LABELS.repeat(3)
    vocabulary = Vocabulary.fit(texts, recipe.encoding)

    def weights():
        validation = np.arange(24) % 3 == 0
        examples = as_examples(vocabulary.encode(texts), labels, vocabulary, validation)
        bundle = train_bundle(
            recipe,
            TrainingInputs(vocabulary, SingleLabel(tuple("abc")), examples),
            seed=0,
            device=torch.device("cpu"),
            on_epoch=lambda _: None,
        )
        return bundle.network.state_dict()

    expected = weights()
    monkeypatch.setattr(arrays, "MEMMAP_FROM", 0)
    monkeypatch.setattr(arrays, "BLOCK_ROWS", 5)
    files, unlinked_file = [], arrays.unlinked_file
    monkeypatch.setattr(arrays, "unlinked_file", lambda: files.append(1) or unlinked_file())
    found = weights()
    assert len(files) > 20
    assert all(found[name].equal(expected[name]) for name in expected)
