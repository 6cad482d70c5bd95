"""Why this label: what each word of a text adds to the log probability of a class.

The method is integrated gradients (Sundararajan, Taly and Yan 2017). Every word is read by a share
that grows from 0, where it stands for the unknown word, to 1; what the log probability gains on the
way is divided among the words. The gains are those of the whole model, networks and linear branch
and temperature, and add up to the difference between the text and the same text with no word read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.stats import bootstrap
from torch import Tensor

from textlstm.batches import Batch, Corpus, by_length
from textlstm.bundle import Bundle
from textlstm.encoding import PAD, UNKNOWN, WordEncoding
from textlstm.inside import Steps, token_steps
from textlstm.records import texts_by_class
from textlstm.text import SEPARATOR, word_records

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

CLASS_SAMPLE, FEWEST_EXPLAINED = 1500, 5
"""Records explained for the words of classes, and those of them a word must stand in."""

FAITHFULNESS_SAMPLE, MOST_TAKEN = 500, 3
"""Records looked at for faithfulness, and the words taken away from each."""


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
    corpus = Corpus(bundle.encoding.encode([text for text, _ in distinct]), bundle.encoding)
    targets = torch.tensor([number for _, number in distinct], dtype=torch.int64)
    found: dict[int, NDArray[np.float64]] = {}
    batches = by_length(corpus.lengths, max(1, TOKENS // (steps * bundle.encoding.length)))
    for rows in watch(batches):
        batch = corpus.batch_of_texts(corpus.places[rows])
        gains = _integrated_gradients(partly_read(bundle, batch), batch, targets[rows], steps)
        found |= dict(zip(rows.tolist(), gains.double().numpy(), strict=True))
    return [
        _of_tokens(words_read(bundle.encoding, text), found[distinct[text, number]],
                   left=bundle.encoding.padding == "left")
        for text, number in pairs
    ]  # fmt: skip


def words_read(encoding: WordEncoding, text: str) -> list[int]:
    """Return how many words each token of a preprocessed text is read as: 1, or what it means."""
    return [len(words.split()) for words in encoding.read_as(text)]


def _of_tokens(
    words: Sequence[int], gains: NDArray[np.float64], *, left: bool
) -> NDArray[np.float64]:
    """Return the gains of a text's tokens from those of its row of ids (T,).

    ``words`` says as how many words each token is read.
    """
    n = sum(words)
    own = gains[-n:] if left and n else gains[:n]
    return np.array([one.sum() for one in _of_each(words, np.pad(own, (0, n - len(own))))])


def _of_each(words: Sequence[int], values: NDArray[np.float64]) -> list[NDArray[np.float64]]:
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


def partly_read(bundle: Bundle, batch: Batch) -> Callable[[Tensor, Tensor], Tensor]:
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
    always = (ids == PAD) | (ids == bundle.encoding.separator)
    with torch.no_grad():
        spelt = ensemble.spelt(batch)
        vectors = [network.embed(batch, spelt, None) for network in ensemble.networks]
        votes = None if ensemble.linear is None else ensemble.linear.votes(batch)  # (B, T, C)

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
        return (ensemble.together(answers, linear) / bundle.temperature).log_softmax(dim=1)

    return log_probabilities


def deciding_words(
    bundle: Bundle,
    texts: Sequence[str],
    classes: Sequence[int],
    top: int = 3,
    *,
    watch: Watch = iter,
) -> list[list[tuple[str, float]]]:
    """Return, for each text, the words that speak most for its class, and by how many nats.

    A word that stands several times counts once, with the sum of what it adds. Words that speak
    against the class are left out. ``watch`` is as in :func:`attributions`.
    """
    decided = []
    gained = attributions(bundle, texts, classes, watch=watch)
    for text, gains in zip(texts, gained, strict=True):
        ranked = sorted(_by_word(text, gains).items(), key=lambda item: -item[1])
        decided.append([(word, gain) for word, gain in ranked[:top] if gain > 0])
    return decided


def class_words(bundle: Bundle, records: pd.DataFrame, min_records: int, seed: int) -> pd.DataFrame:
    """Return the words that speak for each class, and by how much, from attributions.

    Parameters
    ----------
    records
        text and label, the classes being those of the bundle. :data:`CLASS_SAMPLE` of them are
        explained, as many of each class as there are, at most.
    min_records
        Records of the class a word needs; :data:`FEWEST_EXPLAINED` of them must be drawn.

    Returns
    -------
    pandas.DataFrame
        ``label``, ``word``, ``records`` (of the class that have the word), and ``attribution``: the
        nats it adds to the log probability of the class, the mean over the drawn records with it.
        Classes by their number of records, words by falling attribution.
    """
    each = CLASS_SAMPLE // len(bundle.labels)
    chance = np.random.default_rng(seed)
    of_class = texts_by_class(records)
    drawn = [
        (label, texts[place])
        for label, texts in of_class.items()
        for place in chance.permutation(len(texts))[:each]
    ]
    classes = [bundle.labels.index(label) for label, _ in drawn]
    found: dict[tuple[str, str], list[float]] = {}
    explained = attributions(bundle, [text for _, text in drawn], classes)
    for (label, text), gains in zip(drawn, explained, strict=True):
        for word, gain in _by_word(text, gains).items():
            found.setdefault((label, word), []).append(gain)
    rows = []
    for label, texts in of_class.items():
        mine = [
            (label, word, n, float(np.mean(found[label, word])))
            for word, n in word_records(texts, min_records).items()
            if len(found.get((label, word), [])) >= FEWEST_EXPLAINED
        ]
        rows += sorted(mine, key=lambda row: -row[3])
    return pd.DataFrame(rows, columns=["label", "word", "records", "attribution"])


def faithfulness(bundle: Bundle, texts: Sequence[str], seed: int) -> dict[str, Any] | None:
    """Measure whether the words named as deciding do decide: take them away and look.

    From each of some texts, words are taken away one after the other, those of the highest
    attribution first, or at random, but never the last; and the probability of the label that the
    whole text gets is looked at (the deletion test of Samek et al. 2017).

    Parameters
    ----------
    texts
        Preprocessed texts of the holdout; :data:`FAITHFULNESS_SAMPLE` of those of two or more words
        are drawn.

    Returns
    -------
    dict
        ``records``; ``highest`` and ``random``, the mean probability without 0, 1 ... words; and
        ``difference``: by how much more one word of the highest attribution lowers it than a random
        one, with a 95 % bootstrap interval. None where there are under two such texts.
    """
    chance = np.random.default_rng(seed)
    several = [text for text in texts if len(_words(text)) > 1]
    drawn = [several[place] for place in chance.permutation(len(several))[:FAITHFULNESS_SAMPLE]]
    if len(drawn) < 2:
        return None
    classes = bundle.predict_proba(drawn).argmax(axis=1)
    highest, random = [], []
    for text, gains in zip(drawn, attributions(bundle, drawn, classes), strict=True):
        places = np.array(_words(text))
        highest.append(places[np.argsort(-gains[places], kind="stable")])
        random.append(chance.permutation(places))

    left = [
        _without(text, order[: min(n, len(order) - 1)])
        for orders in (highest, random)
        for n in range(MOST_TAKEN + 1)
        for text, order in zip(drawn, orders, strict=True)
    ]
    shape = 2, MOST_TAKEN + 1, len(drawn)
    after = bundle.predict_proba(left)[np.arange(len(left)), np.tile(classes, 2 * (MOST_TAKEN + 1))]
    curves = dict(zip(("highest", "random"), after.reshape(shape), strict=True))
    more = curves["random"][1] - curves["highest"][1]
    interval = bootstrap(
        (more,), np.mean, n_resamples=2000, method="percentile", random_state=chance
    ).confidence_interval
    return {
        "records": len(drawn),
        **{name: curve.mean(axis=1).tolist() for name, curve in curves.items()},
        "difference": {
            "estimate": float(more.mean()),
            "low": float(interval.low),
            "high": float(interval.high),
        },
    }


def _words(text: str) -> list[int]:
    """Return the places of a text's words, separators apart."""
    return [place for place, word in enumerate(text.split()) if word != SEPARATOR]


def _without(text: str, places: NDArray[np.int64]) -> str:
    """Return a text without the tokens at these places."""
    gone = set(places.tolist())
    return " ".join(word for place, word in enumerate(text.split()) if place not in gone)


def _by_word(text: str, gains: NDArray[np.float64]) -> dict[str, float]:
    """Return the sum of the gains of each word of a text, separators apart."""
    words: dict[str, float] = {}
    for word, gain in zip(text.split(), gains.tolist(), strict=True):
        words[word] = words.get(word, 0.0) + gain
    words.pop(SEPARATOR, None)
    return words


def token_table(bundle: Bundle, texts: Sequence[str], member: int | None = 0) -> pd.DataFrame:
    """Return a row for each token of preprocessed texts: why this label, and what the gates did.

    Parameters
    ----------
    member
        The network whose gates are shown, from 0; None for no gates.

    Returns
    -------
    pandas.DataFrame
        ``row`` (of the texts, from 0), ``number`` (of the token, from 1), ``token``, ``read_as``
        (what an abbreviation is written out as; else nothing),
        ``predicted_label``, ``probability``, ``attribution`` (nats of log probability), the same of
        the next most probable label in ``second_label``, ``second_probability`` and
        ``second_attribution`` (missing where a model knows one label), and for each direction
        ``_input_gate`` and ``_forget_gate`` (means over the hidden units, 0 to 1) and ``_cell``
        (mean absolute cell state). A forget gate near 1 means that what came before was kept (Wang
        and Jiang 2016, "Learning Natural Language Inference with LSTM"). Tokens behind the length
        the model reads have the attribution 0 and no gates.
    """
    tokens = [text.split() for text in texts]
    lengths = [len(one) for one in tokens]
    read = [word for text in texts for word in bundle.encoding.read_as(text)]
    table = pd.DataFrame(
        {
            "row": np.repeat(np.arange(len(texts)), lengths),
            "number": [number + 1 for n in lengths for number in range(n)],
            "token": [token for one in tokens for token in one],
        }
    )
    table["read_as"] = np.where(table["token"] == read, "", read)
    table = table.assign(**_answers(bundle, texts, lengths))
    if member is None:
        return table
    steps = token_steps(bundle, texts, member)
    words = [words_read(bundle.encoding, text) for text in texts]
    gates = [_gates(one, n) for one, n in zip(steps, words, strict=True)]
    return pd.concat([table, pd.concat(gates, ignore_index=True)], axis=1)


def _answers(bundle: Bundle, texts: Sequence[str], lengths: Sequence[int]) -> dict[str, Any]:
    """Return the labels of each token's text, their probabilities, and what the token adds."""
    probabilities = bundle.predict_proba(texts)
    ranked = np.argsort(-probabilities, axis=1, kind="stable")  # (B, C)
    rows, n_tokens = np.arange(len(texts)), sum(lengths)
    columns: dict[str, Any] = {}
    for place, (label, probability, attribution) in enumerate(ANSWERS):
        if place == len(bundle.labels):
            columns |= {label: None, probability: np.nan, attribution: np.full(n_tokens, np.nan)}
            continue
        classes = ranked[:, place]
        gains = attributions(bundle, texts, classes.tolist(), steps=THOROUGH_STEPS)
        columns[label] = np.repeat(np.array(bundle.labels, dtype=object)[classes], lengths)
        columns[probability] = np.repeat(probabilities[rows, classes], lengths)
        columns[attribution] = np.concatenate([np.zeros(0), *gains])
    return columns


def _gates(steps: Mapping[str, Steps], words: Sequence[int]) -> pd.DataFrame:
    """Return the mean gates and cell states of each of a text's tokens; behind those read, none.

    ``words`` says as how many words each token is read.
    """
    columns = {}
    for direction, one in steps.items():
        for name, values in (("input_gate", one.input_gate), ("forget_gate", one.forget_gate),
                             ("cell", one.cell.abs())):  # fmt: skip
            means = values.mean(dim=1).double().numpy()
            means = np.pad(means, (0, sum(words) - len(means)), constant_values=np.nan)
            columns[f"{direction}_{name}"] = [one.mean() for one in _of_each(words, means)]
    return pd.DataFrame(columns)
