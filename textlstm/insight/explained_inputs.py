"""Explain inputs: what each word, and each number and category beside a text, adds to a label."""

from collections.abc import Sequence

import pandas as pd

from textlstm.data.inputs import Input
from textlstm.errors import InputError, counted
from textlstm.inference.bundle import Bundle
from textlstm.insight.covariate_gains import covariate_table
from textlstm.insight.token_table import token_table


def require_member(bundle: Bundle, member: int) -> None:
    """Raise an :class:`InputError` if the ensemble has no network of this number, from 1."""
    if not 1 <= member <= bundle.recipe.network.ensemble_size:
        networks = counted(bundle.recipe.network.ensemble_size, "network")
        raise InputError(f"--member {member}: the model has {networks}; they are counted from 1")


def explain_inputs(
    bundle: Bundle, inputs: Sequence[Input], member: int | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables of tokens and of covariates of n inputs.

    They are as :func:`.token_table` and :func:`.covariate_table` give them.

    Parameters
    ----------
    member
        The network whose gates are shown, from 1; None for no gates.
    """
    tokens = token_table(bundle, inputs, None if member is None else member - 1)
    return tokens, covariate_table(bundle, inputs)
