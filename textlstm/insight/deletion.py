"""The deletion test: whether the words named as deciding do decide (faithfulness)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap

from textlstm.data.distinct import Distinct
from textlstm.data.inputs import Input, as_inputs
from textlstm.inference.bundle import Bundle
from textlstm.insight.attributions import attributions
from textlstm.metrics_file import FaithfulnessJson
from textlstm.text.tokenizing import SEPARATOR

SAMPLE_TEXTS = 500
"""Texts that the deletion test draws, at most."""

MAX_DELETED = 3
"""Words deleted from each text, at most."""


def deletion_test(
    bundle: Bundle, inputs: Sequence[Input | str], seed: int
) -> FaithfulnessJson | None:
    """Measure faithfulness: delete words by their attribution, and at random, and compare.

    Words are deleted one after the other, the highest attribution first, or in random order, but
    never the last word of a text. What counts is the probability of the label that the whole text
    is given (the deletion test of Samek et al. 2017).

    Parameters
    ----------
    inputs
        Of the holdout, with preprocessed texts; :data:`SAMPLE_TEXTS` of those with two or more
        words are drawn.

    Returns
    -------
    dict
        ``records``; ``highest`` and ``random``, the mean probability without 0, 1 ... words; and
        ``difference``: by how much more the deletion of the word of the highest attribution lowers
        the probability than that of a random word, with a 95 % bootstrap interval. None where there
        are fewer than two texts to draw.
    """
    generator = np.random.default_rng(seed)
    eligible = [one for one in as_inputs(inputs) if len(_word_positions(one.text)) > 1]
    sample = [eligible[row] for row in generator.permutation(len(eligible))[:SAMPLE_TEXTS]]
    if len(sample) < 2:
        return None
    classes = bundle.predict(Distinct[Input].of(sample)).predicted
    orders: dict[str, list[NDArray[np.int64]]] = {"highest": [], "random": []}
    for (text, _), gains in zip(sample, attributions(bundle, sample, classes), strict=True):
        positions = np.array(_word_positions(text))
        orders["highest"].append(positions[np.argsort(-gains[positions], kind="stable")])
        orders["random"].append(generator.permutation(positions))
    curves = dict(zip(orders, _probabilities(bundle, sample, classes, orders), strict=True))
    excess = curves["random"][1] - curves["highest"][1]
    interval = bootstrap(
        (excess,), np.mean, n_resamples=2000, method="percentile", random_state=generator
    ).confidence_interval
    return {
        "records": len(sample),
        "highest": curves["highest"].mean(axis=1).tolist(),
        "random": curves["random"].mean(axis=1).tolist(),
        "difference": {
            "estimate": float(excess.mean()),
            "low": float(interval.low),
            "high": float(interval.high),
        },
    }


def _probabilities(
    bundle: Bundle,
    inputs: Sequence[Input],
    classes: NDArray[np.intp],
    orders: dict[str, list[NDArray[np.int64]]],
) -> NDArray[np.float64]:
    """Return the class's probability by order, number of deleted words and text."""
    shortened = [
        one._replace(text=_delete(one.text, positions[: min(n_deleted, len(positions) - 1)]))
        for order in orders.values()
        for n_deleted in range(MAX_DELETED + 1)
        for one, positions in zip(inputs, order, strict=True)
    ]
    shape = len(orders), MAX_DELETED + 1, len(inputs)
    targets = np.tile(classes, len(orders) * (MAX_DELETED + 1))
    probabilities: NDArray[np.float64] = bundle.predict_proba(shortened)
    return probabilities[np.arange(len(shortened)), targets].reshape(shape)


def _word_positions(text: str) -> list[int]:
    """Return the positions of a text's words, without separators."""
    return [position for position, word in enumerate(text.split()) if word != SEPARATOR]


def _delete(text: str, positions: NDArray[np.int64]) -> str:
    """Delete the tokens at these positions from a text."""
    deleted = set(positions.tolist())
    return " ".join(word for i, word in enumerate(text.split()) if i not in deleted)
