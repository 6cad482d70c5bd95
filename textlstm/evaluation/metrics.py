"""Measures of a classifier's probabilities, and of the difference between two classifiers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support

ECE_BINS = 15
"""Bins of equal width for the expected calibration error (Guo et al. 2017)."""

SMALLEST_PROBABILITY = 1e-15
"""A probability of zero would make the log loss infinite."""

MODEL, LINEAR, SHARES = "textlstm", "TF-IDF + logistic regression", "class shares alone"
"""What the models compared in every run are called; the last gives every record the shares of the
classes among the training records, whatever its text."""

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Places = NDArray[np.integer[Any]]


def scores(
    labels: Numbers,
    probabilities: Floats,
    unseen: NDArray[np.bool_],
    places: Places | None = None,
) -> dict[str, Any]:
    """Return the overall measures of a model.

    Parameters
    ----------
    labels
        (n,) true class numbers.
    probabilities
        (B, C).
    unseen
        (n,) whether the text is absent from the training records.
    places
        (n,) the row of the probabilities that each record has, records of one text the same one,
        say; by default, its own.
    """
    predicted = probabilities.argmax(axis=1)[_rows(labels, places)]
    return {
        "accuracy": float(accuracy_score(labels, predicted)),
        "macro_f1": _f1(labels, predicted, "macro"),
        "weighted_f1": _f1(labels, predicted, "weighted"),
        "log_loss": float(log_losses(labels, probabilities, places).mean()),
        "ece": expected_calibration_error(labels, probabilities, places),
        "brier": brier_score(labels, probabilities, places),
        "accuracy_unseen_text": (
            float(accuracy_score(labels[unseen], predicted[unseen])) if unseen.any() else None
        ),
    }


def _f1(labels: Numbers, predicted: Numbers, average: str) -> float:
    return float(f1_score(labels, predicted, average=average, zero_division=0.0))


def _rows(labels: Numbers, places: Places | None) -> Places:
    return np.arange(len(labels)) if places is None else places


def log_losses(labels: Numbers, probabilities: Floats, places: Places | None = None) -> Floats:
    """Return each record's log loss in nats (n,); arguments as of :func:`scores`."""
    chosen = probabilities[_rows(labels, places), labels]
    losses: Floats = -np.log(np.clip(chosen, SMALLEST_PROBABILITY, None))
    return losses


def brier_score(labels: Numbers, probabilities: Floats, places: Places | None = None) -> float:
    """Return the mean squared distance to the truth, summed over classes, 0 to 2 (Brier 1950).

    Arguments are as those of :func:`scores`.
    """
    n_classes = probabilities.shape[1]
    # Records of one text and one label are equally far.
    pairs, pair = np.unique(_rows(labels, places) * n_classes + labels, return_inverse=True)
    rows, classes = np.divmod(pairs, n_classes)
    distances = ((probabilities[rows] - np.eye(n_classes)[classes]) ** 2).sum(axis=1)
    return float(distances[pair].mean())


def reliability(
    labels: Numbers, probabilities: Floats, places: Places | None = None, bins: int = ECE_BINS
) -> dict[str, Floats]:
    """Return confidence, accuracy and number of records in each bin of the top probability.

    Bins are of equal width and closed on the right; empty ones are left out. The first arguments
    are as those of :func:`scores`.
    """
    rows = _rows(labels, places)
    confidence = probabilities.max(axis=1)[rows]
    hits = probabilities.argmax(axis=1)[rows] == labels
    numbers = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(numbers, minlength=bins)
    filled = counts > 0
    return {
        "confidence": np.bincount(numbers, confidence, bins)[filled] / counts[filled],
        "accuracy": np.bincount(numbers, hits, bins)[filled] / counts[filled],
        "records": counts[filled].astype(np.float64),
    }


def expected_calibration_error(
    labels: Numbers, probabilities: Floats, places: Places | None = None
) -> float:
    """Return the mean distance of confidence and accuracy over bins, by records.

    Naeini et al. 2015, for the top class; 15 bins of equal width. Arguments are as those of
    :func:`scores`.
    """
    bins = reliability(labels, probabilities, places)
    gaps = np.abs(bins["confidence"] - bins["accuracy"])
    return float(np.average(gaps, weights=bins["records"]))


def per_class(
    labels: Numbers, predicted: Numbers, names: Sequence[str]
) -> dict[str, dict[str, float | int]]:
    """Return precision, recall, F1 and support of each class."""
    columns = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(len(names)), zero_division=0.0
    )
    return {
        name: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
        for name, p, r, f, n in zip(names, *columns, strict=True)
    }


def bootstrap_mean(values: Floats, seed: int, draws: int = 1000) -> dict[str, float]:
    """Return the mean of values (n,) with the 95 % percentile interval of means drawn anew."""
    n, generator = len(values), np.random.default_rng(seed)
    means = [values[generator.integers(n, size=n)].mean() for _ in range(draws)]
    low, high = np.percentile(means, [2.5, 97.5])
    return {"estimate": float(values.mean()), "low": float(low), "high": float(high)}


def paired_bootstrap(
    labels: Numbers,
    first: Floats,
    second: Floats,
    seed: int,
    draws: int = 2000,
    places: Places | None = None,
) -> dict[str, dict[str, float]]:
    """Return the difference of two models on the same records, with a 95 % interval.

    Records are drawn with replacement, the same ones for both models, and the percentiles of the
    differences taken (Efron and Tibshirani 1993).

    Parameters
    ----------
    labels
        (n,) true class numbers.
    first, second
        (B, C) probabilities; the difference is first minus second.
    places
        As of :func:`scores`.
    """
    n, n_classes = len(labels), first.shape[1]
    cells, losses, hits = [], [], []
    for probabilities in (first, second):
        predicted = probabilities.argmax(axis=1)[_rows(labels, places)]
        cells.append(labels * n_classes + predicted)
        losses.append(log_losses(labels, probabilities, places))
        hits.append((predicted == labels).astype(np.float64))
    gain_accuracy, gain_loss = hits[0] - hits[1], losses[0] - losses[1]

    def difference(times: Numbers) -> tuple[float, float, float]:
        f1 = [_macro_f1(np.bincount(one, times, n_classes**2), n_classes) for one in cells]
        return (
            float(gain_accuracy @ times) / n,
            f1[0] - f1[1],
            float(gain_loss @ times) / n,
        )

    generator = np.random.default_rng(seed)
    estimate = difference(np.ones(n, dtype=np.int64))
    resampled = [
        difference(np.bincount(generator.integers(n, size=n), minlength=n)) for _ in range(draws)
    ]
    low, high = np.percentile(resampled, [2.5, 97.5], axis=0)
    return {
        name: {"estimate": estimate[i], "low": float(low[i]), "high": float(high[i])}
        for i, name in enumerate(("accuracy", "macro_f1", "log_loss"))
    }


def _macro_f1(cells: NDArray[Any], n_classes: int) -> float:
    """Return macro-F1 from the flat confusion matrix, over classes true or predicted at all."""
    confusion = cells.reshape(n_classes, n_classes)
    either = confusion.sum(axis=0) + confusion.sum(axis=1)
    return float((2 * confusion.diagonal()[either > 0] / either[either > 0]).mean())
