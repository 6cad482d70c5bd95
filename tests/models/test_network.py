import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from textlstm.encoding.corpus import Corpus
from textlstm.encoding.rare_words import hashed_ngrams
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.models import logits
from textlstm.models.dropout import dropout_mask
from textlstm.models.ensemble import Ensemble
from textlstm.models.logits import predict_logits
from textlstm.models.network import Network
from textlstm.network_config import NetworkConfig
from textlstm.recipe import load_recipe

WORDS = ("<pad>", "<unk>", *"abcdefgh")
TEXTS = ["a b c", "d", "a b c d e f", "h g", "", "x y a"]
NGRAMS = tuple(n for word in (*WORDS[2:], "x", "drowning") for n in hashed_ngrams(word))
CPU = torch.device("cpu")


def corpus_of(texts, padding="right", subwords=(), length=6):
    encoding = Vocabulary(WORDS, length, padding, subwords)
    return encoding, Corpus(encoding.encode(texts), encoding)


def made(config, padding="right", length=6):
    """One network, and the texts."""
    torch.manual_seed(0)
    return Network(config, len(WORDS), 3), corpus_of(TEXTS, padding, length=length)[1]


def together(config, subwords=(), texts=TEXTS, **encoded):
    """An ensemble, and the texts."""
    torch.manual_seed(0)
    encoding, corpus = corpus_of(texts, subwords=subwords, **encoded)
    return Ensemble(config, encoding, 3), corpus


def all_logits(network, corpus, rows):
    with torch.no_grad():
        return network(corpus.batch(torch.tensor(rows)))


def test_okut_table2_has_the_parameters_of_the_chapter():
    n_words, n_classes = 100, 7
    network = Network(load_recipe("okut-table2").network, n_words, n_classes)
    learned = sum(p.numel() for p in network.parameters() if p.requires_grad)
    # Embedding, four gates with one bias each, as MATLAB's lstmLayer has, and the output layer.
    assert learned == n_words * 30 + 4 * 200 * (30 + 200 + 1) + 200 * n_classes + n_classes


def test_okut_table2_starts_as_matlab_does():
    torch.manual_seed(0)
    network = Network(load_recipe("okut-table2").network, 5000, 7)
    weights = dict(network.encoder.forward_direction.cell.layer.named_parameters())
    assert network.embedding.weight[0].abs().sum() == 0
    assert float(network.embedding.weight[1:].detach().std()) == pytest.approx(0.01, rel=0.02)
    # Glorot: uniform within the root of 6 / (inputs + outputs).
    assert float(weights["weight_ih_l0"].detach().abs().max()) == pytest.approx(
        (6 / 830) ** 0.5, rel=0.01
    )
    recurrent = weights["weight_hh_l0"]
    torch.testing.assert_close(recurrent.T @ recurrent, torch.eye(200), atol=1e-4, rtol=0)
    bias = weights["bias_ih_l0"].view(4, 200)
    assert bias.sum(dim=1).tolist() == [0, 200, 0, 0]
    assert weights["bias_hh_l0"].abs().sum() == 0
    assert not weights["bias_hh_l0"].requires_grad


def test_okut_table2_by_the_equations_of_the_lstm():
    """The chapter's equations in NumPy, padding read as MATLAB does, give the same logits."""
    network, corpus = made(load_recipe("okut-table2").network, padding="left", length=10)
    batch = corpus.batch(torch.arange(len(TEXTS)))
    weights = {name: w.detach().double().numpy() for name, w in network.named_parameters()}

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    embedded = weights["embedding.weight"][
        batch.words[batch.ids[batch.inverse]].numpy()
    ]  # (B, T, E)
    hidden = cell = np.zeros((len(TEXTS), 200))
    for step in range(10):
        gates = (
            embedded[:, step] @ weights["encoder.forward_direction.cell.layer.weight_ih_l0"].T
            + hidden @ weights["encoder.forward_direction.cell.layer.weight_hh_l0"].T
            + weights["encoder.forward_direction.cell.layer.bias_ih_l0"]
        )
        entry, forget, candidate, exit_ = np.split(gates, 4, axis=1)
        cell = sigmoid(forget) * cell + sigmoid(entry) * np.tanh(candidate)
        hidden = sigmoid(exit_) * np.tanh(cell)
    expected = hidden @ weights["output.weight"].T + weights["output.bias"]
    with torch.no_grad():
        np.testing.assert_allclose(network(batch).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("pooling", ["max_mean", "last"])
def test_two_directions_are_those_of_torch_on_packed_texts(pooling):
    network, corpus = made(NetworkConfig(embedding_size=8, hidden_units=5, pooling=pooling))
    batch = corpus.batch(torch.arange(len(TEXTS)))
    oracle = nn.LSTM(8, 5, batch_first=True, bidirectional=True)
    for name, parameter in network.encoder.forward_direction.cell.layer.named_parameters():
        oracle.get_parameter(name).data = parameter.data
    for name, parameter in network.encoder.backward_direction.cell.layer.named_parameters():
        oracle.get_parameter(f"{name}_reverse").data = parameter.data
    packed = pack_padded_sequence(
        network.embed(batch, None, None), batch.lengths, batch_first=True, enforce_sorted=False
    )
    steps, lengths = pad_packed_sequence(oracle(packed)[0], batch_first=True)
    pooled = []
    for direction, last in ((slice(0, 5), lengths - 1), (slice(5, 10), lengths * 0)):
        own = [text[:n, direction] for text, n in zip(steps, lengths, strict=True)]
        if pooling == "last":
            pooled.append(torch.stack([text[i] for text, i in zip(own, last, strict=True)]))
        else:
            pooled.append(torch.stack([text.amax(0) for text in own]))
            pooled.append(torch.stack([text.mean(0) for text in own]))
    expected = network.output(torch.cat(pooled, dim=1))[batch.inverse]
    torch.testing.assert_close(network(batch), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("padding", ["left", "right"])
def test_alone_equals_batched(padding):
    config = NetworkConfig(embedding_size=8, hidden_units=5, ensemble_size=2, linear_c=1.0)
    network, corpus = together(config, NGRAMS, padding=padding)
    batched = all_logits(network, corpus, range(len(TEXTS)))
    alone = torch.cat([all_logits(network, corpus, [row]) for row in range(len(TEXTS))])
    torch.testing.assert_close(batched, alone, atol=1e-6, rtol=1e-5)


def test_padded_equals_unpadded():
    config = NetworkConfig(embedding_size=8, hidden_units=5)
    short, long = made(config, length=6), made(config, length=30)
    rows = range(len(TEXTS))
    assert all_logits(*short, rows).equal(all_logits(*long, rows))


def test_unknown_words_differ_by_their_letters_if_there_are_subwords():
    for subwords, same in (((), True), (NGRAMS, False)):
        network, corpus = together(
            NetworkConfig(embedding_size=8), subwords, ["pneumonia", "drowning"]
        )
        logits = predict_logits(network, corpus, CPU)
        assert logits[0].equal(logits[1]) == same


def test_only_learned_weights_are_trained():
    network, _ = together(NetworkConfig(embedding_size=8), NGRAMS)
    fixed = {name for name, p in network.named_parameters() if not p.requires_grad}
    biases = {
        f"members.0.encoder.{direction}_direction.cell.layer.bias_hh_l0"
        for direction in ("forward", "backward")
    }
    assert fixed == {"subword_embedding.weight", *biases}


def embedded(counts, **dropouts):
    """One text of two words, with embeddings of ones and an unknown word of twos, in training."""
    ensemble, corpus = together(NetworkConfig(embedding_size=50, **dropouts))
    ensemble.set_word_vectors(
        torch.ones(len(WORDS), 50).index_fill(0, torch.tensor([1]), 2.0), torch.empty(0)
    )
    network, chance = ensemble.networks[0], torch.Generator().manual_seed(0)
    batch = corpus.batch(torch.zeros(1, dtype=torch.int64))._replace(counts=torch.tensor(counts))
    return torch.stack([network.embed(batch, None, chance)[0] for _ in range(400)])  # (400, T, E)


def test_rare_words_are_read_as_unknown_more_often():
    vectors = embedded([99, 1, 3, 9], word_dropout=0.1, rare_word_dropout=1.0)
    shares = (vectors[:, :, 0] == 2.0).float().mean(dim=0)
    np.testing.assert_allclose(shares, [0.6, 0.35, 0.2], atol=0.08)


def test_embedding_dimensions_are_dropped_throughout_a_text():
    vectors = embedded([1] * 4, embedding_dropout=0.4)
    assert (vectors == vectors[:, :1]).all()
    assert float((vectors == 0).float().mean()) == pytest.approx(0.4, abs=0.02)
    assert float(vectors.detach().max()) == pytest.approx(1 / 0.6)


def test_features_are_dropped_by_chance_alone():
    network, corpus = made(NetworkConfig(embedding_size=8, dropout=0.5, embedding_dropout=0.5))
    batch = corpus.batch(torch.arange(len(TEXTS)))
    first, again, other = (
        network(batch, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert first.equal(again)
    assert not first.equal(other)
    assert network(batch).equal(network(batch))


def test_what_is_kept_has_the_mean_of_all():
    values = dropout_mask(torch.empty(100_000), 0.3, torch.Generator().manual_seed(0))
    assert sorted(set(values.tolist())) == pytest.approx([0.0, 1 / 0.7])
    assert float(values.mean()) == pytest.approx(1.0, abs=0.01)
    assert (dropout_mask(torch.empty(9), 0.0, torch.Generator()) == 1.0).all()


def test_prediction_keeps_the_order():
    network, corpus = made(NetworkConfig(embedding_size=8))
    expected = all_logits(network, corpus, range(len(TEXTS)))
    found = predict_logits(network, corpus, CPU)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


def test_an_ensemble_answers_with_the_mean_log_probability():
    ensemble, corpus = together(NetworkConfig(embedding_size=8, ensemble_size=2))
    parts = [predict_logits(one, corpus, CPU).log_softmax(dim=1) for one in ensemble.networks]
    assert not parts[0].equal(parts[1])
    found = predict_logits(ensemble, corpus, CPU)
    torch.testing.assert_close(found, (parts[0] + parts[1]) / 2)
    assert predict_logits(ensemble.member_log_probs(1), corpus, CPU).equal(parts[1])


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_linear_branch_has_its_share(share):
    ensemble, corpus = together(NetworkConfig(embedding_size=8, linear_c=1.0))
    ensemble.linear.words.uniform_(generator=torch.Generator().manual_seed(0))
    ensemble.linear_weight.fill_(share)
    parts = ensemble.networks[0], ensemble.linear
    network, linear = (predict_logits(one, corpus, CPU).log_softmax(dim=1) for one in parts)
    found = predict_logits(ensemble, corpus, CPU)
    torch.testing.assert_close(found, (1 - share) * network + share * linear)


def test_the_adjustment_is_added_to_the_logits():
    ensemble, corpus = together(NetworkConfig(embedding_size=8, ensemble_size=2, linear_c=1.0))
    before = predict_logits(ensemble, corpus, CPU)
    ensemble.logit_adjustment[1] = 2.0
    gained = predict_logits(ensemble, corpus, CPU) - before
    assert gained.argmax(dim=1).eq(1).all() and gained[:, 1].allclose(torch.tensor(2.0))


@pytest.mark.parametrize("size", [1, 2, 100])
def test_prediction_does_not_depend_on_the_size_of_batches(size):
    ensemble, corpus = together(NetworkConfig(embedding_size=8, ensemble_size=2), subwords=NGRAMS)
    expected = predict_logits(ensemble, corpus, CPU)
    found = predict_logits(ensemble, corpus, CPU, batch_size=size)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_prediction_does_not_depend_on_order_and_repetition():
    config = NetworkConfig(embedding_size=8, ensemble_size=2, linear_c=1.0)
    rows = [5, 3, 3, 0, 1, 5, 4, 2, 2]
    some = [TEXTS[row] for row in rows]
    expected, found = (
        predict_logits(*together(config, subwords=NGRAMS, texts=texts), CPU)
        for texts in (TEXTS, some)
    )
    torch.testing.assert_close(found, expected[rows], atol=1e-6, rtol=0)


def test_prediction_does_not_depend_on_the_number_of_threads(monkeypatch):
    ensemble, corpus = together(NetworkConfig(embedding_size=8), subwords=NGRAMS)
    found = []
    for workers in (1, 3):
        monkeypatch.setattr(logits, "usable_cpus", lambda workers=workers: workers)
        found.append(predict_logits(ensemble, corpus, CPU, batch_size=2))
    assert found[0].equal(found[1])
