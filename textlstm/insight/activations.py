"""Activations: gates and states token by token, hidden units that stay unused, neighbouring words.

Shapes: B texts, T tokens, E embedding dimensions, H hidden units.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from textlstm.encoding.abbreviations import Abbreviations
from textlstm.encoding.batching import Batch, length_batches
from textlstm.encoding.corpus import Corpus
from textlstm.errors import InputError
from textlstm.inference.bundle import Bundle
from textlstm.models.cells.cell import Trace

TRACE_BATCH = 256
"""Texts traced at once."""

NEAR_ZERO, UNUSED_SHARE = 0.1, 0.95
"""A hidden unit is unused if its state is closer to zero than the first at this share of tokens."""


@torch.no_grad()
def trace(bundle: Bundle, batch: Batch, member: int = 0) -> dict[str, Trace]:
    """Return the gates and states of a member over a batch's texts, by direction, on the CPU.

    Each value is (B, T, H), in reading order. The backward cell begins at the end of each text.
    Values behind a text's end mean nothing.
    """
    ensemble = bundle.network
    network, batch = ensemble.networks[member], batch.to(ensemble.device)
    embedded = network.embed(batch, ensemble.subword_vectors(batch), None)  # (B, T, E)
    traces = network.encoder.trace(embedded, batch.lengths)
    return {
        direction: {name: values.cpu() for name, values in trace.items()}
        for direction, trace in traces.items()
    }


def token_traces(bundle: Bundle, texts: Sequence[str], member: int = 0) -> list[dict[str, Trace]]:
    """Return the gates and states of each preprocessed text, by direction: (tokens, H) each.

    Tokens are those that are read, abbreviations written out. Those behind the length the model
    reads have none.
    """
    corpus = Corpus(bundle.vocabulary.encode(texts), bundle.vocabulary)
    traces: dict[int, dict[str, Trace]] = {}
    for rows in length_batches(corpus.lengths, TRACE_BATCH):
        batch = corpus.batch_of_texts(corpus.inverse[rows])
        words = batch.ids > 0  # (B, T), the first of the batch's words being padding
        directions = trace(bundle, batch, member)
        for text, row in enumerate(rows.tolist()):
            traces[row] = {
                direction: {name: values[text, words[text]] for name, values in of_texts.items()}
                for direction, of_texts in directions.items()
            }
    return [traces[row] for row in range(len(texts))]


@dataclass(frozen=True)
class UnitUsage:
    """How far the hidden units of a model are used.

    Attributes
    ----------
    near_zero
        (members, directions, H) the share of tokens at which each unit is nearly zero.
    """

    near_zero: NDArray[np.float64]

    @property
    def hidden_units(self) -> int:
        """Return H."""
        return len(self.near_zero[0, 0])

    @property
    def unused(self) -> NDArray[np.int64]:
        """Return the number of unused units of each cell (members, directions)."""
        counts: NDArray[np.int64] = (self.near_zero >= UNUSED_SHARE).sum(axis=2)
        return counts

    @property
    def size_to_try(self) -> int:
        """Return the number of used units of the cell that uses the most, at least 1."""
        return max(1, self.hidden_units - int(self.unused.min()))


@torch.no_grad()
def unit_usage(bundle: Bundle, texts: Sequence[str]) -> UnitUsage:
    """Return how far the hidden units are used over the tokens of preprocessed texts."""
    corpus = Corpus(bundle.vocabulary.encode(texts), bundle.vocabulary)
    members = range(len(bundle.network.networks))
    counts, n_tokens = None, 0
    for rows in length_batches(corpus.text_lengths, TRACE_BATCH):
        batch = corpus.batch_of_texts(rows)
        inside = torch.arange(batch.ids.shape[1]) < batch.lengths[:, None]  # (B, T)
        states = torch.stack([
            torch.stack([one["hidden"][inside] for one in trace(bundle, batch, member).values()])
            for member in members
        ])  # (members, directions, tokens, H)  # fmt: skip
        near_zero = (states.abs() < NEAR_ZERO).sum(dim=2)
        counts = near_zero if counts is None else counts + near_zero
        n_tokens += states.shape[2]
    if counts is None:
        raise InputError("there are no texts to look at")
    return UnitUsage(counts.double().numpy() / n_tokens)


@torch.no_grad()
def neighbours(
    bundle: Bundle, words: Sequence[str], top: int = 5
) -> dict[str, list[tuple[str, float]]]:
    """Return the nearest neighbours of words among these words, by their word vectors.

    Parameters
    ----------
    words
        Distinct words, of the vocabulary or not: a word has a vector by its spelling, too.

    Returns
    -------
    dict
        For each word the ``top`` others by falling similarity: the cosine of the words' vectors,
        from -1 to 1, as a mean over the members.
    """
    vocabulary = replace(bundle.vocabulary, abbreviations=Abbreviations())  # words as written
    corpus, ensemble = Corpus(vocabulary.encode(words), vocabulary), bundle.network
    batch = corpus.batch_of_texts(corpus.inverse).to(ensemble.device)
    subword_vectors = ensemble.subword_vectors(batch)
    similarity = torch.zeros(len(words), len(words), device=ensemble.device)
    for network in ensemble.networks:
        vectors = network.embed(batch, subword_vectors, None)[batch.ids > 0]  # (words, E)
        vectors = functional.normalize(vectors, dim=1)
        similarity += vectors @ vectors.T / len(ensemble.networks)
    similarity.fill_diagonal_(-2.0)  # no word is its own neighbour
    cosines, nearest = similarity.topk(min(top, len(words) - 1), dim=1)
    return {
        word: [(words[i], cosine) for i, cosine in zip(others, row, strict=True)]
        for word, others, row in zip(words, nearest.tolist(), cosines.tolist(), strict=True)
    }
