"""What each number and category beside a text adds to the log probability of its label."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from textlstm.array_types import Floats, Integers
from textlstm.data.inputs import Input
from textlstm.inference.bundle import Bundle


def covariate_gains(
    bundle: Bundle, inputs: Sequence[Input], classes: Sequence[int] | Integers
) -> Floats:
    """Return what the log probability of a class loses without each covariate (n, V), in nats.

    Parameters
    ----------
    inputs
        (n,) inputs.
    classes
        (n,) class number to explain, for each input.

    Returns
    -------
    numpy.ndarray
        A column for each of the V covariates of the model, in their order; 0 where it is missing.
    """
    n_covariates = len(bundle.vocabulary.covariates.names)
    rows, numbers = np.arange(len(inputs)), np.asarray(classes)
    gains = np.zeros((len(inputs), n_covariates))
    if not len(inputs) or not n_covariates:
        return gains
    whole = np.log(bundle.predict_proba(inputs)[rows, numbers])
    for covariate in range(n_covariates):
        without = [_without(one, covariate) for one in inputs]
        gains[:, covariate] = whole - np.log(bundle.predict_proba(without)[rows, numbers])
    return gains


def covariate_table(bundle: Bundle, inputs: Sequence[Input]) -> pd.DataFrame:
    """Tabulate the covariates of inputs: what each adds to the most probable label.

    Returns
    -------
    pandas.DataFrame
        ``row`` (of the inputs, from 0), ``covariate``, ``value`` (normalised) and ``attribution``
        (nats), for each covariate that an input has.
    """
    classes = bundle.predict_proba(inputs).argmax(axis=1) if len(inputs) else []
    gains = covariate_gains(bundle, inputs, classes)
    rows = [
        (row, name, value, gain)
        for row, one in enumerate(inputs)
        for name, value, gain in zip(
            bundle.vocabulary.covariates.names, one.values, gains[row].tolist(), strict=False
        )
        if value
    ]
    return pd.DataFrame(rows, columns=["row", "covariate", "value", "attribution"])


def _without(one: Input, covariate: int) -> Input:
    """Return an input in which a covariate is missing."""
    values = ("" if n == covariate else value for n, value in enumerate(one.values))
    return one._replace(values=tuple(values))
