import numpy as np
import pytest
import torch
from torch import nn

from textlstm import TextLSTMClassifier
from textlstm.encoding.corpus import Corpus
from textlstm.errors import InputError
from textlstm.insight.activations import (
    UnitUsage,
    neighbours,
    token_traces,
    trace,
    unit_usage,
)
from textlstm.insight.attributions import attributions
from textlstm.models.cells.lstm import LSTM
from textlstm.models.ensemble import Ensemble

TEXTS = ["acute mi", "mi of heart <sep> copd", "copd", "acute asthma copd", ""]


@pytest.fixture(scope="module")
def bundle():
    return TextLSTMClassifier(epochs=2, embedding_size=6, hidden_units=5, ensemble_size=2).fit(
        [["acute mi", ""], ["mi of heart", "copd"], ["copd", ""], ["asthma", "copd"]] * 6,
        ["heart", "heart", "lung", "lung"] * 6,
    ).bundle_  # fmt: skip


def test_the_steps_are_those_of_torch():
    torch.manual_seed(0)
    cell = LSTM(4, 3).double()
    embedded = torch.randn(5, 7, 4, dtype=torch.float64)
    found, (hidden, (_, last)) = cell.trace(embedded), cell.layer(embedded)
    torch.testing.assert_close(found["hidden"], hidden, atol=1e-12, rtol=0)
    torch.testing.assert_close(found["cell"][:, -1], last[0], atol=1e-12, rtol=0)


def test_a_forget_gate_of_one_keeps_what_came_before():
    cell = LSTM(1, 1)
    for name, parameter in cell.layer.named_parameters():
        nn.init.zeros_(parameter)
        if name == "bias_ih_l0":
            parameter.data[:] = torch.tensor([-50.0, 50.0, 0.0, 0.0])  # nothing in, all kept
    found = cell.trace(torch.ones(1, 3, 1))
    assert found["forget_gate"].flatten().tolist() == [1, 1, 1]
    assert found["input_gate"].max() < 1e-20 and found["cell"].abs().max() == 0


def test_the_hidden_states_give_the_features_that_are_classified(bundle):
    """Through pooling, both directions of a member come to what the member itself computes."""
    corpus = Corpus(bundle.vocabulary.encode(TEXTS), bundle.vocabulary)
    batch = corpus.batch_of_texts(corpus.inverse)
    network = bundle.network.networks[1]
    with torch.no_grad():
        embedded = network.embed(batch, bundle.network.subword_vectors(batch), None)
        expected = network.encoder(embedded, batch.lengths)
    directions = network.encoder.directions
    pooled = [
        directions[name].pooling(found["hidden"], batch.lengths)
        for name, found in trace(bundle, batch, member=1).items()
    ]
    torch.testing.assert_close(torch.cat(pooled, dim=1), expected, atol=1e-6, rtol=0)


def test_the_backward_lstm_begins_at_the_end_of_each_text(bundle):
    alone, among = token_traces(bundle, ["copd"])[0], token_traces(bundle, TEXTS)[3]
    np.testing.assert_allclose(
        among["backward"]["hidden"][-1], alone["backward"]["hidden"][0], atol=1e-6
    )
    assert not np.allclose(among["forward"]["hidden"][-1], alone["forward"]["hidden"][0], atol=1e-3)


def test_each_token_has_its_step(bundle):
    assert [len(one["forward"]["cell"]) for one in token_traces(bundle, TEXTS)] == [2, 5, 1, 3, 0]
    long = token_traces(bundle, ["copd " * 50])[0]
    assert len(long["backward"]["cell"]) == bundle.vocabulary.length


def test_left_padding_is_not_among_the_tokens():
    model = TextLSTMClassifier("okut-table2", epochs=1).fit(["a b", "b c"] * 10, ["x", "y"] * 10)
    steps = token_traces(model.bundle_, ["c b a"])[0]
    assert list(steps) == ["forward"] and steps["forward"]["hidden"].shape == (3, 200)


def test_unused_units_are_counted(bundle):
    with torch.no_grad():
        for direction in bundle.network.networks[0].encoder.directions.values():
            direction.cell.layer.bias_ih_l0[
                15:17
            ] = -50.0  # the output gates of units 0 and 1 are shut
    use = unit_usage(bundle, TEXTS)
    assert use.near_zero.shape == (2, 2, 5) and use.hidden_units == 5
    assert (use.near_zero[0, :, :2] == 1).all()
    np.testing.assert_array_equal(use.unused[0], (use.near_zero[0] >= 0.95).sum(axis=1))


def test_the_size_to_try_is_that_of_the_lstm_with_the_most_in_use():
    near_zero = np.array([[[1.0, 0.95, 0.2, 0.94], [1.0, 0.0, 0.0, 0.0]]])
    assert UnitUsage(near_zero).unused.tolist() == [[2, 1]]
    assert UnitUsage(near_zero).size_to_try == 3
    assert UnitUsage(np.ones((1, 1, 4))).size_to_try == 1


def test_a_question_does_not_move_the_network(bundle, monkeypatch):
    def moved(*_):
        raise AssertionError("moved")

    monkeypatch.setattr(Ensemble, "_apply", moved)
    monkeypatch.setattr(torch.Tensor, "cpu", lambda values: values)
    assert bundle.network.device == torch.device("cpu")
    assert unit_usage(bundle, TEXTS).hidden_units == 5
    assert len(token_traces(bundle, TEXTS)) == len(TEXTS)
    assert neighbours(bundle, ["mi", "heart"]).keys() == {"mi", "heart"}
    assert len(attributions(bundle, TEXTS[:2], [0, 1])) == 2


def test_without_texts_there_is_nothing_to_count(bundle):
    with pytest.raises(InputError, match="no texts"):
        unit_usage(bundle, [])


def test_neighbours_are_the_closest_vectors(bundle):
    with torch.no_grad():
        for network in bundle.network.networks:
            rows = [bundle.vocabulary.index[word] for word in ("mi", "heart", "copd")]
            network.embedding.weight[rows[1]] = 2 * network.embedding.weight[rows[0]]
            network.embedding.weight[rows[2]] = -network.embedding.weight[rows[0]]
        bundle.network.subword_embedding.weight.zero_()
    near = neighbours(bundle, ["mi", "heart", "copd"], top=2)
    assert [word for word, _ in near["mi"]] == ["heart", "copd"]
    np.testing.assert_allclose([value for _, value in near["mi"]], [1.0, -1.0], atol=1e-6)
    assert neighbours(bundle, ["mi"]) == {"mi": []}
