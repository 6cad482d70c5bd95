"""CPU and GPU agree; skipped where there is no GPU."""

import numpy as np
import pytest
import torch

from textlstm import TextLSTMClassifier
from textlstm.models.choices import CELLS, POOLINGS

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")

TEXTS = ["acute mi", "gunshot wound of head", "mi", "fall at home", "head wound", "copd"] * 20
LABELS = ["natural", "injury", "natural", "injury", "injury", "natural"] * 20
SMALL = {"embedding_size": 8, "hidden_units": 8, "epochs": 2, "min_steps": 0, "max_ngrams": 64}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_reads_the_same(name):
    torch.manual_seed(0)
    cell, embedded = CELLS[name](6, 5), torch.randn(4, 9, 6)
    cell.reset_parameters()
    # cuDNN, which computes torch's own layers, multiplies in TF32 unless it is told otherwise.
    exact = 1e-3 if hasattr(cell, "layer") else 1e-5
    there = cell.cuda()(embedded.cuda()).cpu()
    torch.testing.assert_close(there, cell.cpu()(embedded), atol=exact, rtol=exact)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", ["lstm", "gru", "qrnn-fo", "recurrent-highway"])
def test_a_model_trained_on_a_gpu_gives_the_same_probabilities_on_a_cpu(cell, pooling, tmp_path):
    trained = TextLSTMClassifier(device="cuda", cell=cell, pooling=pooling, **SMALL)
    there = trained.fit(TEXTS, LABELS).predict_proba(TEXTS)
    trained.save(tmp_path / "bundle")
    here = TextLSTMClassifier.load(tmp_path / "bundle", device="cpu").predict_proba(TEXTS)
    np.testing.assert_allclose(here, there, atol=1e-5)
    assert (trained.predict(TEXTS) == np.array(LABELS)).mean() > 0.9


def test_training_on_a_gpu_comes_to_the_same_weights_again():
    first, second = (
        TextLSTMClassifier(device="cuda", random_state=1, **SMALL).fit(TEXTS, LABELS)
        for _ in range(2)
    )
    np.testing.assert_allclose(first.predict_proba(TEXTS), second.predict_proba(TEXTS), atol=1e-5)
