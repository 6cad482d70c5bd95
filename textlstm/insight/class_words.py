"""The words that decide for each class, by their attributions over many texts."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from textlstm.data.inputs import Input, as_inputs
from textlstm.data.records import texts_by_class
from textlstm.inference.bundle import Bundle
from textlstm.insight.attributions import WatchBatches, attributions, gains_by_word
from textlstm.text.tokenizing import word_document_counts

CLASS_SAMPLE = 1500
"""Records that are explained for the words of classes, at most, over all classes."""

MIN_EXPLAINED = 5
"""Explained records of a class that a word must stand in, at least."""


def top_words(
    bundle: Bundle,
    inputs: Sequence[Input | str],
    classes: Sequence[int],
    top: int = 3,
    *,
    watch: WatchBatches = iter,
) -> list[list[tuple[str, float]]]:
    """Find the words of each text that speak most for its class, with their nats.

    A word that occurs several times counts once, with the sum of its attributions. Words that speak
    against the class are left out. ``watch`` is as in :func:`attributions`.
    """
    words_of_texts = []
    inputs = as_inputs(inputs)
    gains_of_inputs = attributions(bundle, inputs, classes, watch=watch)
    for (text, _), gains in zip(inputs, gains_of_inputs, strict=True):
        ranked = sorted(gains_by_word(text, gains).items(), key=lambda item: -item[1])
        words_of_texts.append([(word, gain) for word, gain in ranked[:top] if gain > 0])
    return words_of_texts


def class_words(bundle: Bundle, records: pd.DataFrame, min_records: int, seed: int) -> pd.DataFrame:
    """Find the words that speak for each class, with their mean attribution.

    Parameters
    ----------
    records
        text and label, the labels being those of the bundle. :data:`CLASS_SAMPLE` records are drawn
        and explained, an equal number of each class where it has that many.
    min_records
        Records of the class that a word must stand in, :data:`MIN_EXPLAINED` drawn ones among
        these.

    Returns
    -------
    pandas.DataFrame
        ``label``, ``word``, ``records`` (those of the class that have the word), and
        ``attribution``: the nats that the word adds to the log probability of the class, averaged
        over the drawn records that have it. Classes are sorted by their number of records, words by
        falling attribution.
    """
    texts_of_class = texts_by_class(records)
    sample = _draw(texts_of_class, CLASS_SAMPLE // len(bundle.labels), seed)
    classes = [bundle.labels.index(label) for label, _ in sample]
    attributed = attributions(bundle, [text for _, text in sample], classes)
    gains_of_word: dict[tuple[str, str], list[float]] = {}
    for (label, text), gains in zip(sample, attributed, strict=True):
        for word, gain in gains_by_word(text, gains).items():
            gains_of_word.setdefault((label, word), []).append(gain)
    rows = []
    for label, texts in texts_of_class.items():
        rows_of_class = [
            (label, word, n_records, float(np.mean(gains_of_word[label, word])))
            for word, n_records in word_document_counts(texts, min_records).items()
            if len(gains_of_word.get((label, word), [])) >= MIN_EXPLAINED
        ]
        rows += sorted(rows_of_class, key=lambda row: -row[3])
    return pd.DataFrame(rows, columns=["label", "word", "records", "attribution"])


def _draw(texts_of_class: dict[str, list[str]], per_class: int, seed: int) -> list[tuple[str, str]]:
    """Draw up to ``per_class`` texts of each class at random, as pairs of label and text."""
    generator = np.random.default_rng(seed)
    return [
        (label, texts[row])
        for label, texts in texts_of_class.items()
        for row in generator.permutation(len(texts))[:per_class]
    ]
