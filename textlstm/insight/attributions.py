"""Why this label: what each word of a text adds to the log probability of a class.

The method is integrated gradients (Sundararajan, Taly and Yan 2017). Every word is read by a share
that grows from 0, where it stands for the unknown word, to 1; what the log probability gains on the
way is divided among the words. The gains are those of the whole model, networks and linear branch
and temperature, and add up to the difference between the text and the same text with no word read.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textlstm.encoding.batching import Batch, length_batches
from textlstm.encoding.corpus import Corpus
from textlstm.encoding.encoded import PAD, UNKNOWN
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.inference.bundle import Bundle

Watch = Callable[[Iterable[Tensor]], Iterator[Tensor]]

STEPS = 8
"""Points of the Gauss-Legendre rule along the way."""

THOROUGH_STEPS = 64
"""The same where single records are looked at."""

TOKENS = 16_384
"""Tokens that go through the networks at once, at most: all points of some texts."""

ANSWERS = (
    ("predicted_label", "probability", "attribution"),
    ("second_label", "second_probability", "second_attribution"),
)
"""Columns of :func:`token_table` for the most probable label of a text, and for the next."""


def attributions(
    bundle: Bundle,
    texts: Sequence[str],
    classes: Sequence[int],
    *,
    steps: int = STEPS,
    watch: Watch = iter,
) -> list[NDArray[np.float64]]:
    """Return, for each text, what each of its tokens adds to the log probability of a class.

    Parameters
    ----------
    texts
        (n,) preprocessed texts.
    classes
        (n,) the class number explained in each.
    steps
        Points at which the gradient is taken.
    watch
        Passes the batches of texts on, and sees so how far the work is.

    Returns
    -------
    list
        For each text (tokens,) nats, in the order of ``text.split()``. A separator of fields has
        0, as have the tokens behind the length the model reads. An abbreviation has the sum of the
        words that it is written out as.
    """
    pairs = list(zip(texts, map(int, classes), strict=True))
    # Most texts of a registry are repeats: each is explained once.
    distinct = {pair: row for row, pair in enumerate(dict.fromkeys(pairs))}
    corpus = Corpus(bundle.vocabulary.encode([text for text, _ in distinct]), bundle.vocabulary)
    targets = torch.tensor([number for _, number in distinct], dtype=torch.int64)
    found: dict[int, NDArray[np.float64]] = {}
    batches = length_batches(corpus.lengths, max(1, TOKENS // (steps * bundle.vocabulary.length)))
    for rows in watch(batches):
        batch = corpus.batch_of_texts(corpus.places[rows])
        gains = _integrated_gradients(
            interpolated_log_probs(bundle, batch), batch, targets[rows], steps
        )
        found |= dict(zip(rows.tolist(), gains.double().numpy(), strict=True))
    return [
        _of_tokens(words_read(bundle.vocabulary, text), found[distinct[text, number]],
                   left=bundle.vocabulary.padding == "left")
        for text, number in pairs
    ]  # fmt: skip


def words_read(vocabulary: Vocabulary, text: str) -> list[int]:
    """Return how many words each token of a preprocessed text is read as: 1, or what it means."""
    return [len(words.split()) for words in vocabulary.read_as(text)]


def _of_tokens(
    words: Sequence[int], gains: NDArray[np.float64], *, left: bool
) -> NDArray[np.float64]:
    """Return the gains of a text's tokens from those of its row of ids (T,).

    ``words`` says as how many words each token is read.
    """
    n = sum(words)
    own = gains[-n:] if left and n else gains[:n]
    return np.array([one.sum() for one in each_text(words, np.pad(own, (0, n - len(own))))])


def each_text(words: Sequence[int], values: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return the values of the words of each token."""
    return np.split(values, np.cumsum(words)[:-1]) if words else []


def _integrated_gradients(
    answer: Callable[[Tensor, Tensor], Tensor], batch: Batch, targets: Tensor, steps: int
) -> Tensor:
    """Return what each word adds to the log probability of the targets (B, T)."""
    # Imported late: only explanations need it.
    from captum.attr import IntegratedGradients

    gains: Tensor = IntegratedGradients(answer).attribute(
        torch.ones(batch.ids.shape),
        target=targets,
        additional_forward_args=(torch.arange(len(targets)),),
        n_steps=steps,
        method="gausslegendre",
    )
    return gains.detach()


def interpolated_log_probs(bundle: Bundle, batch: Batch) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the log probabilities of the model as a function of how far each word is read.

    It takes how far (N, T), from 0 to 1, and which of the batch's B texts each row is of (N,), and
    returns (N, C). A network sees a point between the vector of the unknown word and that of the
    word; the linear branch hears so much of its vote, the length of the text being held. Padding
    and separators are always read: they say where words stand.

    What is read of a word grows by the square. The way is the same, and so are the gains; but the
    networks decide early on it, and that is where the points then lie closer.
    """
    ensemble = bundle.network.cpu()
    ids = batch.words[batch.ids]  # (B, T)
    always = (ids == PAD) | (ids == bundle.vocabulary.separator)
    with torch.no_grad():
        subword_vectors = ensemble.subword_vectors(batch)
        vectors = [network.embed(batch, subword_vectors, None) for network in ensemble.networks]
        votes = None if ensemble.linear is None else ensemble.linear.term_scores(batch)  # (B, T, C)

    def log_probabilities(far: Tensor, texts: Tensor) -> Tensor:
        read = far.masked_fill(always[texts], 1.0).square()[:, :, None]  # (N, T, 1)
        answers = []
        for network, words in zip(ensemble.networks, vectors, strict=True):
            unread = network.embedding.weight[UNKNOWN].detach()  # (E,)
            embedded = unread + read * (words[texts] - unread)  # (N, T, E)
            features = network.features(embedded, batch.lengths[texts])
            answers.append(network.output(features))
        linear = None
        if ensemble.linear is not None and votes is not None:
            linear = ensemble.linear.bias + (read * votes[texts]).sum(dim=1)
        return (ensemble.combine(answers, linear) / bundle.temperature).log_softmax(dim=1)

    return log_probabilities
