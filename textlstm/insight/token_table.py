"""Attributions and gates of texts, a row a token."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from textlstm.inference.bundle import Bundle
from textlstm.insight.activations import GateTrace, token_traces
from textlstm.insight.attributions import (
    ANSWERS,
    THOROUGH_STEPS,
    attributions,
    each_text,
    words_read,
)


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
    read = [word for text in texts for word in bundle.vocabulary.read_as(text)]
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
    steps = token_traces(bundle, texts, member)
    words = [words_read(bundle.vocabulary, text) for text in texts]
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


def _gates(steps: Mapping[str, GateTrace], words: Sequence[int]) -> pd.DataFrame:
    """Return the mean gates and cell states of each of a text's tokens; behind those read, none.

    ``words`` says as how many words each token is read.
    """
    columns = {}
    for direction, one in steps.items():
        for name, values in (("input_gate", one.input_gate), ("forget_gate", one.forget_gate),
                             ("cell", one.cell.abs())):  # fmt: skip
            means = values.mean(dim=1).double().numpy()
            means = np.pad(means, (0, sum(words) - len(means)), constant_values=np.nan)
            columns[f"{direction}_{name}"] = [one.mean() for one in each_text(words, means)]
    return pd.DataFrame(columns)
