"""What validation records say of a trained model: how far to trust it, and which part of it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

TEMPERATURE_RANGE = (0.05, 20.0)
"""Beyond it the validation part is too small or too easy to say more."""

PRIOR_SPREAD = 0.2
"""Standard deviation of the logarithm of the temperature, as expected before seeing any record.

Some fifty validation records say little about the temperature, and their say is weighed against
this; beside some hundred it hardly counts.
"""

SHARE_PRIOR = 0.5, 0.2
"""Mean and standard deviation of the linear branch's share, before seeing any record."""


def apply_temperature(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """Return the probabilities (n, C) of logits (n, C) divided by the temperature.

    >>> apply_temperature(np.array([[0.0, 2.0 * np.log(3.0)]]), temperature=2.0).round(6)
    array([[0.25, 0.75]])
    """
    return softmax(logits.astype(np.float64) / temperature)


def undo_temperature(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Return the probabilities (n, C) there were before the logits were divided.

    >>> undo_temperature(np.array([[0.25, 0.75]]), temperature=2.0).round(6)
    array([[0.1, 0.9]])
    """
    logarithms = np.log(np.clip(probabilities, np.finfo(np.float64).tiny, None))
    return softmax(temperature * logarithms)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities (n, C) of logits (n, C).

    As SciPy does it, which takes a tenth of a second to import.
    """
    odds = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    probabilities: NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
    return probabilities


def fit_temperature(
    logits: NDArray[np.float32],
    labels: NDArray[np.integer[Any]],
    weights: NDArray[np.float32] | None = None,
    places: NDArray[np.int32] | None = None,
) -> float:
    """Return the most probable temperature, given validation records and a prior around 1.

    One number cannot change which class is first. Guo et al. 2017, "On Calibration of Modern
    Neural Networks"; the prior is ours.

    Parameters
    ----------
    logits
        (B, C).
    labels
        (n,) class numbers.
    weights
        (n,) weights of the records, of mean 1; by default all are 1.
    places
        (n,) the row of the logits that each record has, many the same one, say; by default, its
        own.
    """
    # Imported late: prediction does without it.
    from scipy.optimize import minimize_scalar

    def misfit(log_temperature: float) -> float:
        loss = len(labels) * calibrated_loss(
            logits, labels, float(np.exp(log_temperature)), weights, places
        )
        return loss + 0.5 * (log_temperature / PRIOR_SPREAD) ** 2

    low, high = np.log(TEMPERATURE_RANGE)
    return float(np.exp(minimize_scalar(misfit, bounds=(low, high), method="bounded").x))


def fit_linear_weight(
    network_logits: NDArray[np.float32],
    linear_logits: NDArray[np.float32],
    labels: NDArray[np.integer[Any]],
    weights: NDArray[np.float32] | None = None,
    places: NDArray[np.int32] | None = None,
) -> float:
    """Return the share of the linear branch in the mean of log probabilities, from 0 to 1.

    It is the most probable one together with a temperature, which :func:`fit_temperature` then
    finds again; arguments as there.
    """
    from scipy.optimize import minimize

    mean, spread = SHARE_PRIOR

    def misfit(point: NDArray[np.float64]) -> float:
        share, log_temperature = point
        logits = mix_log_probs(network_logits, linear_logits, float(share))
        temperature = float(np.exp(log_temperature))
        loss = len(labels) * calibrated_loss(logits, labels, temperature, weights, places)
        priors = ((share - mean) / spread) ** 2 + (log_temperature / PRIOR_SPREAD) ** 2
        return float(loss + 0.5 * priors)

    bounds = [(0.0, 1.0), tuple(np.log(TEMPERATURE_RANGE))]
    return float(minimize(misfit, [mean, 0.0], bounds=bounds, method="L-BFGS-B").x[0])


def mix_log_probs(
    network_logits: NDArray[np.float32], linear_logits: NDArray[np.float32], share: float
) -> NDArray[np.float64]:
    """Return the mean of log probabilities (n, C) in which the linear ones have this share."""
    from scipy.special import log_softmax

    network, linear = (
        log_softmax(one.astype(np.float64), axis=1) for one in (network_logits, linear_logits)
    )
    mean: NDArray[np.float64] = (1 - share) * network + share * linear
    return mean


def calibrated_loss(
    logits: NDArray[np.floating[Any]],
    labels: NDArray[np.integer[Any]],
    temperature: float,
    weights: NDArray[np.float32] | None = None,
    places: NDArray[np.int32] | None = None,
) -> float:
    """Return the mean log loss, in nats, of logits (B, C) divided by the temperature.

    The other arguments are as those of :func:`fit_temperature`.
    """
    from scipy.special import logsumexp

    rows = np.arange(len(labels)) if places is None else places
    scaled = logits.astype(np.float64) / temperature
    losses = logsumexp(scaled, axis=1)[rows] - scaled[rows, labels]
    return float(np.average(losses, weights=weights))
