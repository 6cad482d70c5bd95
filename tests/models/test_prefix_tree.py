import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from textlstm.models.cells.lstm import LSTM
from textlstm.models.choices import POOLINGS
from textlstm.models.prefix_tree import MIN_GEMM_ROWS, PrefixTrees, build_tree, pad_rows, run_tree


def padded(texts):
    """Ids (B, T) and lengths (B,)."""
    lengths = torch.tensor([len(text) for text in texts])
    return torch.tensor([text + [0] * (max(lengths) - len(text)) for text in texts]), lengths


TEXTS = st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=5), min_size=1, max_size=20)


@given(TEXTS)
def test_there_is_a_node_for_each_distinct_beginning(texts):
    found = build_tree(*padded(texts))
    beginnings = {tuple(text[:n]) for text in texts for n in range(1, len(text) + 1)}
    assert sum(len(step.words) for step in found) == len(beginnings)


@given(TEXTS)
def test_going_back_from_its_node_gives_the_text(texts):
    ids, lengths = padded(texts)
    readings = PrefixTrees(ids, lengths)
    for found, backwards in ((readings.forward, False), (readings.backward, True)):
        for length, step in enumerate(found, start=1):
            subword_vectors = []
            for node in step.ends.tolist():
                words = []
                for earlier in reversed(found[:length]):
                    words.append(int(earlier.words[node]))
                    node = int(earlier.parents[node])
                subword_vectors.append(words if backwards else words[::-1])
            assert subword_vectors == [text for text in texts if len(text) == length]


@pytest.mark.parametrize("scale", [0.3, 5.0])
def test_it_reads_as_torch_does(scale):
    torch.manual_seed(0)
    cell = LSTM(6, 5)
    lstm = cell.layer
    for parameter in lstm.parameters():
        parameter.data.mul_(scale)
    lstm.bias_hh_l0.data.zero_()
    texts = [[1], [1, 2], [1, 2, 3], [2, 2], [3], [1, 2, 2, 1], [1, 2, 3]]
    ids, lengths = padded(texts)
    vectors = 3 * torch.randn(4, 6)
    with torch.inference_mode():
        found = [
            run_tree(cell, POOLINGS[name](5), vectors, build_tree(ids, lengths), lengths)
            for name in ("last", "max_mean")
        ]
        states = lstm(vectors[ids])[0]
    own = [text[:n] for text, n in zip(states, lengths, strict=True)]
    last, maximum, mean = (
        torch.stack([how(text) for text in own])
        for how in (lambda t: t[-1], lambda t: t.amax(0), lambda t: t.mean(0))
    )
    expected = [last, torch.cat([maximum, mean], dim=1)]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("n", range(MIN_GEMM_ROWS + 2))
def test_very_few_rows_are_filled_up(n):
    rows = torch.arange(1.0, 2 * n + 1).reshape(n, 2)
    filled = pad_rows(rows)
    assert filled[:n].equal(rows) and not filled[n:].any()
    assert len(filled) == max(n, MIN_GEMM_ROWS)
