"""The deletion test: whether the words named as deciding do decide."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap

from textlstm.inference.bundle import Bundle
from textlstm.insight.attributions import attributions
from textlstm.text.tokenizing import SEPARATOR

FAITHFULNESS_SAMPLE, MOST_TAKEN = 500, 3
"""Records looked at for faithfulness, and the words taken away from each."""


def deletion_test(bundle: Bundle, texts: Sequence[str], seed: int) -> dict[str, Any] | None:
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


def rows_by_word(text: str, gains: NDArray[np.float64]) -> dict[str, float]:
    """Return the sum of the gains of each word of a text, separators apart."""
    words: dict[str, float] = {}
    for word, gain in zip(text.split(), gains.tolist(), strict=True):
        words[word] = words.get(word, 0.0) + gain
    words.pop(SEPARATOR, None)
    return words
