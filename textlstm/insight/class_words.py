"""The words that decide for each class, over many texts."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from textlstm.data.records import texts_by_class
from textlstm.inference.bundle import Bundle
from textlstm.insight.attributions import Watch, attributions
from textlstm.insight.deletion import rows_by_word
from textlstm.text.tokenizing import word_document_counts

CLASS_SAMPLE, FEWEST_EXPLAINED = 1500, 5
"""Records explained for the words of classes, and those of them a word must stand in."""


def top_words(
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
        ranked = sorted(rows_by_word(text, gains).items(), key=lambda item: -item[1])
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
        for word, gain in rows_by_word(text, gains).items():
            found.setdefault((label, word), []).append(gain)
    rows = []
    for label, texts in of_class.items():
        mine = [
            (label, word, n, float(np.mean(found[label, word])))
            for word, n in word_document_counts(texts, min_records).items()
            if len(found.get((label, word), [])) >= FEWEST_EXPLAINED
        ]
        rows += sorted(mine, key=lambda row: -row[3])
    return pd.DataFrame(rows, columns=["label", "word", "records", "attribution"])
