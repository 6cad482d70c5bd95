"""Calibration: temperature scaling, and the mixing weight of the linear model.

Both are fitted on validation records, which the model was not trained on.
"""

import numpy as np
from numpy.typing import NDArray

from textlstm.array_types import Floats, Integers, Numbers

TEMPERATURE_RANGE = (0.05, 20.0)
"""Temperatures, the lowest and the highest; at an end, the validation records are too few or too
easy to tell more."""

PRIOR_SPREAD = 0.2
"""Standard deviation of the logarithm of the temperature, by the prior.

Fifty validation records say little about the temperature, and the prior has weight beside them; at
several hundred records it hardly counts.
"""

SHARE_PRIOR = 0.5, 0.2
"""Mean and standard deviation of the mixing weight of the linear model, by the prior."""


def apply_temperature(logits: Numbers, temperature: float) -> Floats:
    """Return the probabilities (n, C) of logits (n, C) divided by the temperature.

    >>> apply_temperature(np.array([[0.0, 2.0 * np.log(3.0)]]), temperature=2.0).round(6)
    array([[0.25, 0.75]])
    """
    return softmax(logits.astype(np.float64) / temperature)


def undo_temperature(probabilities: Floats, temperature: float) -> Floats:
    """Return the probabilities (n, C) before temperature scaling, given those after it (n, C).

    >>> undo_temperature(np.array([[0.25, 0.75]]), temperature=2.0).round(6)
    array([[0.1, 0.9]])
    """
    logarithms = np.log(np.clip(probabilities, np.finfo(np.float64).tiny, None))
    return softmax(temperature * logarithms)


def softmax(logits: Floats) -> Floats:
    """Return the probabilities (n, C) of logits (n, C), as `scipy.special.softmax` does.

    Written by hand, since every prediction needs it and importing SciPy takes a tenth of a second.
    """
    odds = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    probabilities: Floats = odds / odds.sum(axis=1, keepdims=True)
    return probabilities


def fit_temperature(
    logits: Numbers,
    labels: Integers,
    weights: Numbers | None = None,
    rows: Integers | None = None,
    spans: Integers | None = None,
) -> float:
    """Fit the temperature to validation records: the most probable one, with a prior around 1.

    Temperature scaling never changes which class is the most probable one. Guo et al. 2017, "On
    Calibration of Modern Neural Networks"; the prior is ours.

    Parameters
    ----------
    logits
        (B, C) of the distinct texts.
    labels
        (n,) class numbers of the records.
    weights
        (n,) weights of the records, of mean 1; by default, all are 1.
    rows
        (n,) row of ``logits`` of each record; by default, record i has row i.
    spans
        (N, 2) first class and the one behind the last of each label, where a label stands for
        several classes and has the sum of their probabilities.
    """
    # Imported late: prediction does without it.
    from scipy.optimize import minimize_scalar

    def negative_log_posterior(log_temperature: float) -> float:
        temperature = float(np.exp(log_temperature))
        loss = calibrated_loss(logits, labels, temperature, weights, rows, spans)
        loss *= len(labels)
        return loss + 0.5 * (log_temperature / PRIOR_SPREAD) ** 2

    bounds = np.log(TEMPERATURE_RANGE)
    fitted = minimize_scalar(negative_log_posterior, bounds=tuple(bounds), method="bounded")
    return float(np.exp(fitted.x))


def fit_linear_weight(
    network_logits: NDArray[np.float32],
    linear_logits: NDArray[np.float32],
    labels: Integers,
    weights: Numbers | None = None,
    rows: Integers | None = None,
    spans: Integers | None = None,
) -> float:
    """Fit the mixing weight of the linear model, from 0 to 1, to validation records.

    It is the most probable weight together with a temperature, which :func:`fit_temperature` then
    fits again. The other arguments are those of :func:`fit_temperature`.
    """
    from scipy.optimize import minimize

    mean, spread = SHARE_PRIOR

    def negative_log_posterior(point: Floats) -> float:
        share, log_temperature = point
        logits = mix_log_probs(network_logits, linear_logits, float(share))
        temperature = float(np.exp(log_temperature))
        loss = calibrated_loss(logits, labels, temperature, weights, rows, spans)
        loss *= len(labels)
        priors = ((share - mean) / spread) ** 2 + (log_temperature / PRIOR_SPREAD) ** 2
        return float(loss + 0.5 * priors)

    bounds = [(0.0, 1.0), tuple(np.log(TEMPERATURE_RANGE))]
    fitted = minimize(negative_log_posterior, [mean, 0.0], bounds=bounds, method="L-BFGS-B")
    return float(fitted.x[0])


def mix_log_probs(
    network_logits: NDArray[np.float32], linear_logits: NDArray[np.float32], weight: float
) -> Floats:
    """Return the weighted mean of log probabilities (n, C) of the network and the linear model.

    ``weight`` is that of the linear model, from 0 to 1.
    """
    from scipy.special import log_softmax

    network, linear = (
        log_softmax(logits.astype(np.float64), axis=1) for logits in (network_logits, linear_logits)
    )
    mean: Floats = (1 - weight) * network + weight * linear
    return mean


def calibrated_loss(
    logits: Numbers,
    labels: Integers,
    temperature: float,
    weights: Numbers | None = None,
    rows: Integers | None = None,
    spans: Integers | None = None,
) -> float:
    """Return the mean log loss of records, in nats, with logits (B, C) divided by the temperature.

    The other arguments are those of :func:`fit_temperature`.
    """
    from scipy.special import logsumexp

    rows = np.arange(len(labels)) if rows is None else rows
    scaled = logits.astype(np.float64) / temperature
    own = scaled[rows, labels] if spans is None else _span_sums(scaled, rows, spans[labels])
    losses = logsumexp(scaled, axis=1)[rows] - own
    return float(np.average(losses, weights=weights))


def _span_sums(logits: Floats, rows: Integers, spans: Integers) -> Floats:
    """Return the logarithm of the summed odds of each record's span (n, 2) of classes (n,)."""
    from scipy.special import logsumexp

    sums: Floats = logits[rows, spans[:, 0]]
    wide = np.flatnonzero(spans[:, 1] - spans[:, 0] > 1)
    distinct, numbers = np.unique(spans[wide], axis=0, return_inverse=True)
    for number, (first, end) in enumerate(distinct):
        records = wide[numbers.ravel() == number]
        sums[records] = logsumexp(logits[rows[records], first:end], axis=1)
    return sums
