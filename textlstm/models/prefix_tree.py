"""Texts read together: what begins alike is read once.

An LSTM's state depends on the words read so far alone, so that texts that begin alike share their
first states, and texts that end alike do so when read backwards. The beginnings of many texts form
a tree; of causes of death it has half as many nodes as the texts have words. No padding is read,
and each distinct word meets the input weights once.

Shapes: B texts, T tokens, U distinct words, N nodes of a step, M texts that end there, E embedding
dimensions, H hidden units, P pooled features.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from textlstm.encoding.prefixes import Level

MIN_GEMM_ROWS = 4
"""Rows from which on matrix products are made in one way."""


def run_tree(
    lstm: nn.LSTM, vectors: Tensor, steps: list[Level], lengths: Tensor, pooling: str
) -> Tensor:
    """Return the pooled states of each text (B, P).

    It gives what torch's own layer gives, but for rounding, and no gradients.

    Parameters
    ----------
    lstm
        One layer, one direction; its second bias is 0.
    vectors
        (U, E), of the distinct words.
    lengths
        (B,) int64, of the texts.
    pooling
        ``last``, or ``max_mean``, the maximum over the states and their mean.
    """
    size, weight = lstm.hidden_size, lstm.get_parameter
    # As tanh(x) = 2 sigmoid(2 x) - 1, all gates can be had of one function, a fast one.
    scale = vectors.new_ones(4 * size)  # gates: input, forget, candidate, output
    scale[2 * size : 3 * size] = 2.0
    inputs = (
        functional.linear(pad_rows(vectors), weight("weight_ih_l0"), weight("bias_ih_l0")) * scale
    )  # (U, 4H)
    recurrent = weight("weight_hh_l0").T * scale  # (H, 4H)
    hidden = cell = total = vectors.new_zeros(1, size)
    maximum = vectors.new_full((1, size), -1.0)  # all states lie above it
    pooled: list[list[Tensor]] = []
    for step in steps:
        words, parents = pad_rows(step.words), pad_rows(step.parents)
        # index_select is some times faster here than indexing.
        before, cell = hidden.index_select(0, parents), cell.index_select(0, parents)  # (N, H)
        gates = inputs.index_select(0, words).addmm_(before, recurrent).sigmoid_()  # (N, 4H)
        enter, forget, candidate, leave = gates.chunk(4, dim=1)  # (N, H) each
        cell.mul_(forget).addcmul_(enter, candidate, value=2).sub_(enter)
        hidden = (2 * cell).sigmoid_().mul_(2).sub_(1).mul_(leave)
        kept = [hidden]
        if pooling == "max_mean":
            maximum = maximum.index_select(0, parents)
            torch.maximum(maximum, hidden, out=maximum)
            total = total.index_select(0, parents).add_(hidden)
            kept = [maximum, total]
        pooled.append([state.index_select(0, step.ends) for state in kept])  # (M, H) each
    # Shorter texts have ended first.
    places = lengths.argsort(stable=True).argsort()
    ends = [torch.cat(some).index_select(0, places) for some in zip(*pooled, strict=True)]
    if pooling == "max_mean":
        ends[1] /= lengths[:, None]
    return torch.cat(ends, dim=1)


def pad_rows(rows: Tensor) -> Tensor:
    """Return rows, and zeros behind them if they are very few.

    Sums of products over fewer rows are summed in another order: a text's states would depend on
    how many others are read with it.
    """
    short = max(MIN_GEMM_ROWS - len(rows), 0)
    return torch.cat([rows, rows.new_zeros(short, *rows.shape[1:])]) if short else rows
