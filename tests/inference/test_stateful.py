"""Documents that are read piece by piece."""

import numpy as np
import pytest
import torch

from textlstm.encoding.vocabulary import Vocabulary
from textlstm.errors import InputError
from textlstm.inference.bundle import Bundle
from textlstm.inference.stateful import StatefulClassifier
from textlstm.models.choices import CELLS, POOLINGS
from textlstm.models.ensemble import Ensemble
from textlstm.recipe import Recipe
from textlstm.tasks import SingleLabel
from textlstm.uncertainty.out_of_fold import OutOfFold

TEXT = "acute renal failure due to septic shock following pneumonia of unknown cause"
LABELS = ("a", "b", "c")


def bundle(length=20, **fields):
    recipe = Recipe().with_fields(
        **{"embedding_size": 6, "hidden_units": 5, "bidirectional": False, "max_length": length,
           "min_count": 1, "ensemble_size": 2, **fields}
    )  # fmt: skip
    vocabulary = Vocabulary.fit([TEXT, "old shock"], recipe.encoding)
    torch.manual_seed(0)
    network = Ensemble(recipe.network, vocabulary, len(LABELS))
    for name, values in network.named_parameters():
        if "bias_hh" not in name:  # torch's second bias is zero, but in a GRU
            torch.nn.init.normal_(values, std=0.5)
    network.requires_grad_(False)
    nothing = np.zeros(0)
    out_of_fold = OutOfFold(*[nothing] * 5)
    return Bundle(recipe, vocabulary, SingleLabel(LABELS), network, 1.5, out_of_fold, {})


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", CELLS)
def test_pieces_come_to_the_same_as_the_whole(cell, pooling):
    model = bundle(cell=cell, pooling=pooling)
    words, reader = TEXT.split(), StatefulClassifier(model)
    for start, end in ((0, 1), (1, 5), (5, 5), (5, len(words))):
        found = reader.predict_and_update_state(" ".join(words[start:end]))
        whole = model.predict_proba([" ".join(words[:end])])[0]
        np.testing.assert_allclose(found, whole, atol=1e-6)


def test_a_document_may_be_longer_than_the_length():
    short, long = bundle(length=3), bundle(length=20)
    reader = StatefulClassifier(short)
    found = [reader.predict_and_update_state(piece) for piece in (TEXT, "shock", TEXT)][-1]
    expected = long.predict_proba([f"{TEXT} shock {TEXT}"])[0]
    assert len(TEXT.split()) > 3
    longer = bundle(length=60).predict_proba([f"{TEXT} shock {TEXT}"])[0]
    np.testing.assert_allclose(found, longer, atol=1e-6)
    assert np.abs(expected - longer).max() > 1e-6  # twenty words are not all of it


def test_after_a_reset_a_document_begins():
    model = bundle()
    reader = StatefulClassifier(model)
    reader.predict_and_update_state("shock")
    reader.reset_state()
    found = reader.predict_and_update_state("acute pneumonia")
    np.testing.assert_allclose(found, model.predict_proba(["acute pneumonia"])[0], atol=1e-6)


def test_before_the_first_word_a_document_is_empty():
    model = bundle()
    found = StatefulClassifier(model).predict_and_update_state("")
    np.testing.assert_array_equal(found, model.predict_proba([""])[0])


@pytest.mark.parametrize(
    ("fields", "flag"),
    [
        ({"bidirectional": True}, "--no-bidirectional"),
        ({"linear_c": 1.0}, "--linear-c 0"),
        ({"lower_layers": (4,)}, "no --lower-layers"),
        ({"convolution_width": 3}, "--convolution-width 0"),
        ({"padding": "left"}, "--padding right"),
    ],
)
def test_models_that_need_whole_texts_are_refused(fields, flag):
    with pytest.raises(InputError, match=f"has {flag} in its recipe"):
        StatefulClassifier(bundle(**fields))
