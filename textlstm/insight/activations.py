"""Inside the network: gates and cells step by step, units that stay unused, neighbouring words.

Shapes: B texts, T tokens, E embedding dimensions, H hidden units.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from textlstm.encoding.abbreviations import Abbreviations
from textlstm.encoding.batching import Batch, length_batches
from textlstm.encoding.corpus import Corpus
from textlstm.encoding.prefixes import reverse_index
from textlstm.errors import InputError
from textlstm.inference.bundle import Bundle

TRACE_BATCH = 256
"""Texts looked at once."""

NEAR_ZERO, UNUSED_SHARE = 0.1, 0.95
"""A hidden unit is unused if in so many steps it is closer to zero; in use, it nears -1 or 1."""


class GateTrace(NamedTuple):
    """What an LSTM does at each step of texts: (B, T, H) each."""

    input_gate: Tensor  # 0...1, how much of the new word enters the cell
    forget_gate: Tensor  # 0...1, how much of the cell before is kept
    candidate: Tensor  # -1...1, what the new word would put into the cell
    output_gate: Tensor  # 0...1, how much of the cell shows
    cell: Tensor
    hidden: Tensor  # -1...1, what shows of it

    def gather(self, places: Tensor) -> "GateTrace":
        """Return the steps in another order (B, T)."""
        return GateTrace(*(one.gather(1, places[:, :, None].expand_as(one)) for one in self))


def lstm_trace(lstm: nn.LSTM, embedded: Tensor) -> GateTrace:
    """Return every gate and state of an LSTM over word vectors (B, T, E).

    These are the equations of Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al.
    (2000), as torch has them; torch itself shows but the hidden state.
    """
    kernel, recurrent, bias = (
        lstm.get_parameter(name) for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0")
    )
    entering = embedded @ kernel.T + bias + lstm.get_parameter("bias_hh_l0")  # (B, T, 4H)
    hidden = cell = embedded.new_zeros(len(embedded), lstm.hidden_size)  # (B, H)
    steps = []
    for word in entering.unbind(dim=1):
        parts = (word + hidden @ recurrent.T).chunk(4, dim=1)
        enter, keep, show = (parts[i].sigmoid() for i in (0, 1, 3))
        candidate = parts[2].tanh()
        cell = keep * cell + enter * candidate
        hidden = show * cell.tanh()
        steps.append(GateTrace(enter, keep, candidate, show, cell, hidden))
    return GateTrace(*(torch.stack(one, dim=1) for one in zip(*steps, strict=True)))


@torch.no_grad()
def trace(bundle: Bundle, batch: Batch, member: int = 0) -> dict[str, GateTrace]:
    """Return the steps of a member over a batch's texts, by direction, in reading order.

    The backward LSTM begins at the end of each text. Steps behind a text's end mean nothing.
    """
    ensemble = bundle.network.cpu()
    network = ensemble.networks[member]
    embedded = network.embed(batch, ensemble.subword_vectors(batch), None)  # (B, T, E)
    found = {"forward": lstm_trace(network.forward_lstm, embedded)}
    if network.backward_lstm is not None:
        reverse = reverse_index(batch.lengths, embedded.shape[1])  # (B, T), its own inverse
        backward = embedded.gather(1, reverse[:, :, None].expand_as(embedded))
        found["backward"] = lstm_trace(network.backward_lstm, backward).gather(reverse)
    return found


def token_traces(
    bundle: Bundle, texts: Sequence[str], member: int = 0
) -> list[dict[str, GateTrace]]:
    """Return, for each preprocessed text and direction, its steps with (tokens, H) each.

    Tokens are those that are read, abbreviations written out. Those behind the length the model
    reads have none.
    """
    corpus = Corpus(bundle.vocabulary.encode(texts), bundle.vocabulary)
    found: dict[int, dict[str, GateTrace]] = {}
    for rows in length_batches(corpus.lengths, TRACE_BATCH):
        batch = corpus.batch_of_texts(corpus.places[rows])
        words = batch.ids > 0  # (B, T), the first of the batch's words being padding
        directions = trace(bundle, batch, member)
        for place, row in enumerate(rows.tolist()):
            found[row] = {
                direction: GateTrace(*(one[place, words[place]] for one in steps))
                for direction, steps in directions.items()
            }
    return [found[row] for row in range(len(texts))]


@dataclass(frozen=True)
class UnitUsage:
    """How far the hidden units of a model are used.

    Attributes
    ----------
    near_zero
        (members, directions, H) the share of steps in which each unit is nearly zero.
    """

    near_zero: NDArray[np.float64]

    @property
    def hidden_units(self) -> int:
        """Return H."""
        return len(self.near_zero[0, 0])

    @property
    def unused(self) -> NDArray[np.int64]:
        """Return how many units of each LSTM (members, directions) stay unused."""
        counts: NDArray[np.int64] = (self.near_zero >= UNUSED_SHARE).sum(axis=2)
        return counts

    @property
    def size_to_try(self) -> int:
        """Return the number of units that the LSTM with the most in use has in use, at least 1."""
        return max(1, self.hidden_units - int(self.unused.min()))


@torch.no_grad()
def unit_usage(bundle: Bundle, texts: Sequence[str]) -> UnitUsage:
    """Return how far the hidden units are used in the steps of preprocessed texts."""
    corpus = Corpus(bundle.vocabulary.encode(texts), bundle.vocabulary)
    members = range(len(bundle.network.networks))
    counts, n_steps = None, 0
    for rows in length_batches(corpus.text_lengths, TRACE_BATCH):
        batch = corpus.batch_of_texts(rows)
        inside = torch.arange(batch.ids.shape[1]) < batch.lengths[:, None]  # (B, T)
        found = torch.stack([
            torch.stack([one.hidden[inside] for one in trace(bundle, batch, member).values()])
            for member in members
        ])  # (members, directions, steps, H)  # fmt: skip
        near_zero = (found.abs() < NEAR_ZERO).sum(dim=2)
        counts = near_zero if counts is None else counts + near_zero
        n_steps += found.shape[2]
    if counts is None:
        raise InputError("there are no texts to look at")
    return UnitUsage(counts.double().numpy() / n_steps)


@torch.no_grad()
def neighbours(
    bundle: Bundle, words: Sequence[str], top: int = 5
) -> dict[str, list[tuple[str, float]]]:
    """Return, for each of some distinct words, those of the others that the networks place closest.

    Parameters
    ----------
    words
        Words of the vocabulary, or not: a word has a vector by its spelling, too.

    Returns
    -------
    dict
        For each word the ``top`` others by falling similarity, the mean over the members of the
        cosine of the words' vectors, from -1 to 1.
    """
    vocabulary = replace(
        bundle.vocabulary, abbreviations=Abbreviations()
    )  # words as they are written
    corpus = Corpus(vocabulary.encode(words), vocabulary)
    batch = corpus.batch_of_texts(corpus.places)
    ensemble = bundle.network.cpu()
    subword_vectors = ensemble.subword_vectors(batch)
    similarity = torch.zeros(len(words), len(words))
    for network in ensemble.networks:
        vectors = network.embed(batch, subword_vectors, None)[batch.ids > 0]  # (words, E)
        vectors = functional.normalize(vectors, dim=1)
        similarity += vectors @ vectors.T / len(ensemble.networks)
    similarity.fill_diagonal_(-2.0)  # no word is its own neighbour
    values, places = similarity.topk(min(top, len(words) - 1), dim=1)
    return {
        word: [(words[i], value) for i, value in zip(near, mine, strict=True)]
        for word, near, mine in zip(words, places.tolist(), values.tolist(), strict=True)
    }
