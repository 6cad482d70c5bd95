"""Attributions: what each word of a text adds to the log probability of a class.

The method is integrated gradients (Sundararajan, Taly and Yan 2017). Every word is interpolated
from the unknown word (share 0) to itself (share 1), and the change of the log probability on this
path is divided among the words. It is the log probability of the whole model: networks, linear
branch, adjustment and temperature. The attributions of a text sum to the difference between its log
probability and that of the same text with every word unknown.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textlstm.array_types import Integers
from textlstm.data.distinct import Distinct
from textlstm.data.inputs import Input, as_inputs
from textlstm.encoding.batching import Batch, length_batches
from textlstm.encoding.encoded import PAD, UNKNOWN
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.inference.bundle import Bundle
from textlstm.text.tokenizing import SEPARATOR

WatchBatches = Callable[[Iterable[Tensor]], Iterator[Tensor]]
"""Wraps an iterable of batches, as a progress bar does."""

POINTS = 8
"""Points of the Gauss-Legendre rule on the path from the unknown words to the words."""

FINE_POINTS = 64
"""Points of the same rule where single records are explained."""

BATCH_TOKENS = 16_384
"""Tokens in one pass of the networks, at most, the points of each text counted apart."""

ANSWERS = (
    ("predicted_label", "probability", "attribution"),
    ("second_label", "second_probability", "second_attribution"),
)
"""Columns of :func:`.token_table` for the most probable label of a text, and for the second."""


def attributions(
    bundle: Bundle,
    inputs: Sequence[Input | str],
    classes: Sequence[int] | Integers,
    *,
    points: int = POINTS,
    watch: WatchBatches = iter,
) -> list[NDArray[np.float64]]:
    """Attribute the log probability of a class to the tokens of each text, given its covariates.

    Parameters
    ----------
    inputs
        (n,) texts, and the covariates beside them, which stay as they are.
    classes
        (n,) class number to explain, for each input.
    points
        Points at which the gradient is taken; more are slower and more exact.
    watch
        Wraps the iterable of batches, as a progress bar does.

    Returns
    -------
    list
        For each text (tokens,) nats, in the order of ``text.split()``. Separators of fields and
        tokens that the model does not read get 0. An abbreviation gets the sum over the words
        of its expansion.
    """
    # Most records of a registry repeat others: each distinct pair is explained once.
    inputs = as_inputs(inputs)
    pairs = Distinct.of(zip(inputs, map(int, classes), strict=True))
    corpus = bundle.corpus([one for one, _ in pairs.values])
    targets = torch.tensor([number for _, number in pairs.values], dtype=torch.int64)
    gains_of_pair: dict[int, NDArray[np.float64]] = {}
    size = max(1, BATCH_TOKENS // (points * bundle.vocabulary.length))
    for rows in watch(length_batches(corpus.lengths, size)):
        batch = corpus.record_batch(rows).to(bundle.network.device)
        gains = _integrated_gradients(
            interpolated_log_probs(bundle, batch), batch, targets[rows], points
        )
        gains_of_pair |= dict(zip(rows.tolist(), gains.double().numpy(), strict=True))
    return [
        _sum_by_token(bundle.vocabulary, text, gains_of_pair[row])
        for (text, _), row in zip(inputs, pairs.inverse.tolist(), strict=True)
    ]


def word_counts(vocabulary: Vocabulary, text: str) -> list[int]:
    """Count the words that the model reads for each token of a preprocessed text.

    A token is one word; an abbreviation is read as the words of its expansion.
    """
    return [len(words.split()) for words in vocabulary.expanded_words(text)]


def _sum_by_token(
    vocabulary: Vocabulary, text: str, gains: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sum the gains of a padded row of words (T,) over the words of each token (tokens,)."""
    counts = word_counts(vocabulary, text)
    n_words = sum(counts)
    unpadded = gains[-n_words:] if vocabulary.padding == "left" and n_words else gains[:n_words]
    gains_of_words = vocabulary.fill_unread(unpadded, n_words, 0.0)
    return np.array([values.sum() for values in split_by_token(counts, gains_of_words)])


def split_by_token(counts: Sequence[int], values: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Split the values of a text's words into those of each token."""
    return np.split(values, np.cumsum(counts)[:-1]) if counts else []


def gains_by_word(text: str, gains: NDArray[np.float64]) -> dict[str, float]:
    """Sum the gains of a text's tokens over the occurrences of each word, without separators.

    >>> gains_by_word("mi <sep> old mi", np.array([0.5, 0.0, -0.25, 0.25]))
    {'mi': 0.75, 'old': -0.25}
    """
    words: dict[str, float] = {}
    for word, gain in zip(text.split(), gains.tolist(), strict=True):
        words[word] = words.get(word, 0.0) + gain
    words.pop(SEPARATOR, None)
    return words


def _integrated_gradients(
    log_probs: Callable[[Tensor, Tensor], Tensor], batch: Batch, targets: Tensor, points: int
) -> Tensor:
    """Integrate the gradient of the targets' log probability over the shares of words (B, T)."""
    # Imported late: only explanations need it.
    from captum.attr import IntegratedGradients

    device = batch.ids.device
    # On a GPU, cuDNN has no gradients of recurrent layers outside of training; torch itself has.
    with torch.backends.cudnn.flags(enabled=False):
        gains: Tensor = IntegratedGradients(log_probs).attribute(
            torch.ones(batch.ids.shape, device=device),
            target=targets.to(device),
            additional_forward_args=(torch.arange(len(targets), device=device),),
            n_steps=points,
            method="gausslegendre",
        )
    return gains.detach().cpu()


def interpolated_log_probs(bundle: Bundle, batch: Batch) -> Callable[[Tensor, Tensor], Tensor]:
    """Build the model's log probabilities as a function of alpha, each word's interpolation share.

    The function takes alpha (N, T), from 0 (unknown word) to 1 (the word itself), and the text of
    the batch that each row belongs to (N,), and returns log probabilities (N, C). The networks read
    a vector between that of the unknown word and that of the word; the linear branch counts the
    same share of the word's score and keeps the length of the text. Padding and separators are
    never interpolated: they say where words stand.

    The share is alpha squared. The path is the same, and so are the attributions, but the networks
    decide early on it, and there the points then lie closer together.
    """
    ensemble = bundle.network
    batch = batch.to(ensemble.device)
    ids = batch.words[batch.ids]  # (B, T)
    fixed = (ids == PAD) | (ids == bundle.vocabulary.separator)
    with torch.no_grad():
        subword_vectors = ensemble.subword_vectors(batch)
        vectors = [network.embed(batch, subword_vectors, None) for network in ensemble.networks]
        scores = None if ensemble.linear is None else ensemble.linear.term_scores(batch)  # (B,T,C)

    def log_probabilities(alpha: Tensor, texts: Tensor) -> Tensor:
        share = alpha.masked_fill(fixed[texts], 1.0).square()[:, :, None]  # (N, T, 1)
        logits = []
        for network, words in zip(ensemble.networks, vectors, strict=True):
            unknown = network.embedding.weight[UNKNOWN].detach()  # (E,)
            embedded = unknown + share * (words[texts] - unknown)  # (N, T, E)
            features = network.encoder(embedded, batch.lengths[texts])
            logits.append(network.with_covariates(network.classify(features), batch, texts))
        linear = None
        if ensemble.linear is not None and scores is not None:
            linear = ensemble.linear.bias + (share * scores[texts]).sum(dim=1)
            linear = ensemble.linear.with_covariates(linear, batch, texts)
        return ensemble.head.log_probs(ensemble.combine(logits, linear), bundle.temperature)

    return log_probabilities
