"""Every cell with every pooling: read as a prefix tree, as a padded batch, and text by text."""

import pytest
import safetensors.torch
import torch

from textlstm import TextLSTMClassifier
from textlstm.encoding.corpus import Corpus
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.inference.bundle import Bundle
from textlstm.inference.bundle_files import read_network
from textlstm.models.choices import CELLS, POOLINGS
from textlstm.models.encoder import Encoder
from textlstm.models.ensemble import Ensemble
from textlstm.models.network import Network
from textlstm.models.prefix_tree import PrefixTrees
from textlstm.recipe import NetworkConfig

WORDS = ("<pad>", "<unk>", *"abcdefgh")
TEXTS = ["a b c", "d", "a b c d e f", "h g", "", "a b", "c b a", "a b c", "b c d e f"]
FAMILY = [(cell, pooling) for cell in CELLS for pooling in POOLINGS]
family = pytest.mark.parametrize(("cell", "pooling"), FAMILY)


def made(cell, pooling, padding="right", **fields):
    """A network with weights far from its start, and the texts."""
    torch.manual_seed(0)
    config = NetworkConfig(cell=cell, pooling=pooling, embedding_size=8, hidden_units=5, **fields)
    network = Network(config, len(WORDS), 3)
    with torch.no_grad():
        network.embedding.weight.normal_()
    vocabulary = Vocabulary(WORDS, 7, padding, ())
    return network, Corpus(vocabulary.encode(TEXTS), vocabulary)


def close(one, other):
    torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


READINGS = [("right", True), ("right", False), ("left", True), ("left", False)]
"""Side of the padding, and whether texts are read in both directions."""


@pytest.mark.parametrize(
    ("cell", "pooling", "padding", "bidirectional"),
    [(*one, *reading) for one in FAMILY for reading in READINGS[: 4 if one[0] == "lstm" else 1]],
)
def test_trees_batches_and_single_texts_give_the_same(cell, pooling, padding, bidirectional):
    network, corpus = made(cell, pooling, padding, bidirectional=bidirectional)
    rows = torch.arange(len(TEXTS))
    dense = network(corpus.batch(rows))
    assert dense.requires_grad
    with torch.inference_mode():
        trees = network(corpus.batch(rows))
        alone = torch.cat([network(corpus.batch(row[None])) for row in rows])
    with torch.no_grad():
        by_itself = []
        for row in corpus.inverse.tolist():
            length = int(corpus.text_lengths[row])
            vectors = network.embedding.weight[corpus.words[corpus.text_ids[row, :length]]][None]
            by_itself.append(network.output(network.encoder(vectors, torch.tensor([length]))))
    for other in (trees, alone, torch.cat(by_itself)):
        close(other, dense.detach())


@family
def test_gradients_reach_every_weight_that_is_trained(cell, pooling):
    network, corpus = made(cell, pooling)
    logits = network(
        corpus.batch(torch.arange(len(TEXTS))), generator=torch.Generator().manual_seed(0)
    )
    logits.square().sum().backward()
    for name, weight in network.named_parameters():
        if weight.requires_grad:
            assert weight.grad is not None and weight.grad.any(), name


@family
def test_padding_is_not_read(cell, pooling):
    network, corpus = made(cell, pooling)
    batch = corpus.batch_of_texts(corpus.inverse)
    embedded = network.embed(batch, None, None).detach()
    behind = torch.arange(embedded.shape[1]) >= batch.lengths[:, None]
    other = torch.where(behind[:, :, None], torch.tensor(9.0), embedded)
    assert network.encoder(other, batch.lengths).equal(network.encoder(embedded, batch.lengths))


@family
@torch.no_grad()
def test_the_features_are_those_of_the_traced_states(cell, pooling):
    network, corpus = made(cell, pooling)
    batch = corpus.batch_of_texts(corpus.inverse)
    embedded = network.embed(batch, None, None)
    traces = network.encoder.trace(embedded, batch.lengths)
    states = {name: trace["hidden"] for name, trace in traces.items()}
    for row, length in enumerate(batch.lengths.tolist()):
        states["backward"][row, :length] = states["backward"][row, :length].flip(0)
    features = [
        direction.pooling(states[name], batch.lengths)
        for name, direction in network.encoder.directions.items()
    ]
    close(torch.cat(features, dim=1), network.encoder(embedded, batch.lengths))


@family
def test_weights_are_saved_and_loaded(cell, pooling, tmp_path):
    config = NetworkConfig(cell=cell, pooling=pooling, embedding_size=8, hidden_units=5)
    vocabulary = Vocabulary(WORDS, 7, "right", ())
    ensemble = Ensemble(config, vocabulary, 3)
    safetensors.torch.save_file(ensemble.state_dict(), tmp_path / "weights")
    loaded = read_network(tmp_path / "weights", config, vocabulary, 3)
    for name, weight in ensemble.state_dict().items():
        assert loaded.state_dict()[name].equal(weight), name


@family
def test_a_network_of_other_names_is_refused(cell, pooling, tmp_path):
    config = NetworkConfig(cell=cell, pooling=pooling, embedding_size=8, hidden_units=5)
    vocabulary = Vocabulary(WORDS, 7, "right", ())
    other = NetworkConfig(cell=cell, pooling=pooling, embedding_size=8, hidden_units=6)
    weights = Ensemble(other, vocabulary, 3).state_dict()
    safetensors.torch.save_file(weights, tmp_path / "weights")
    with pytest.raises(ValueError, match="not those of the recipe"):
        read_network(tmp_path / "weights", config, vocabulary, 3)


class Trees(PrefixTrees):
    """Counts how often trees are asked for."""

    asked = 0

    def _levels(self, ids):
        type(self).asked += 1
        return super()._levels(ids)


def test_the_network_chooses_how_texts_are_read(monkeypatch):
    network, corpus = made("lstm", "max_mean")
    batch = corpus.batch(torch.arange(len(TEXTS)))
    trees = Trees(batch.ids, batch.lengths)
    dense = network(batch, trees=trees)
    assert not trees.asked
    with torch.no_grad():
        network(batch, None, torch.Generator().manual_seed(0), trees)
        assert not trees.asked
        found = network(batch, trees=trees)
        assert trees.asked == 2  # forward and backward
        assert network(batch, trees=trees).equal(found) and trees.asked == 2
        # An encoder whose states depend on more than the words before reads token by token.
        monkeypatch.setattr(Encoder, "shares_prefixes", False)
        trees = Trees(batch.ids, batch.lengths)
        Trees.asked = 0
        # Some processors compute a step otherwise where no gradient is asked for.
        torch.testing.assert_close(network(batch, trees=trees), dense, rtol=1e-5, atol=1e-6)
        assert not trees.asked
    close(found, dense.detach())


def test_a_gru_with_attention_is_trained_saved_and_loaded(tmp_path):
    """Which of two words comes first decides: no bag of words can tell."""
    texts = [f"{one} {two} {word}" for word in "pqrstu" for one, two in ("ab", "ba")] * 6
    labels = ["first" if text.startswith("a") else "second" for text in texts]
    model = TextLSTMClassifier(
        "okut-table2", cell="gru", pooling="attention", bidirectional=True, hidden_units=16,
        learning_rate=0.01, epochs=12, batch_size=8, device="cpu", random_state=0,
    ).fit(texts, labels)  # fmt: skip
    assert (model.predict(texts) == labels).mean() == 1.0
    model.save(tmp_path)
    probabilities = Bundle.load(tmp_path).predict_proba(texts)
    assert (probabilities == model.predict_proba(texts)).all()
    assert Bundle.load(tmp_path).recipe.network.cell == "gru"
