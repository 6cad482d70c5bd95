"""The token table: attributions and gates of texts, with a row for each token."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from textlstm.data.inputs import Input, as_inputs
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.inference.bundle import Bundle
from textlstm.insight.activations import token_traces
from textlstm.insight.attributions import (
    ANSWERS,
    FINE_POINTS,
    attributions,
    split_by_token,
    word_counts,
)
from textlstm.models.cells.cell import Cell, Trace
from textlstm.models.choices import CELLS


def token_table(
    bundle: Bundle, inputs: Sequence[Input | str], member: int | None = 0
) -> pd.DataFrame:
    """Tabulate the tokens of preprocessed texts: why this label, and what the gates did.

    Parameters
    ----------
    member
        Number of the network whose gates are shown, from 0; None for no gates.

    Returns
    -------
    pandas.DataFrame
        ``row`` (of the texts, from 0), ``number`` (of the token, from 1), ``token``, ``read_as``
        (the expansion of an abbreviation, else empty), ``predicted_label``, ``probability``,
        ``attribution`` (nats of log probability), the same of the second most probable label in
        ``second_label``, ``second_probability`` and ``second_attribution`` (missing where a model
        has one label), and for each direction the gates of the network's cell (means over the
        hidden units, 0 to 1) and the state they write to (mean absolute values); for an LSTM,
        ``_input_gate``, ``_forget_gate`` and ``_cell``. A forget gate near 1 means that the cell
        kept its state (Wang and Jiang 2016, "Learning Natural Language Inference with LSTM").
        Tokens that the model does not read have the attribution 0 and no gates.
    """
    inputs = as_inputs(inputs)
    texts = [text for text, _ in inputs]
    tokens = [text.split() for text in texts]
    lengths = [len(tokens_of_text) for tokens_of_text in tokens]
    read_as = [words for text in texts for words in bundle.vocabulary.expanded_words(text)]
    table = pd.DataFrame(
        {
            "row": np.repeat(np.arange(len(texts)), lengths),
            "number": [number + 1 for length in lengths for number in range(length)],
            "token": [token for tokens_of_text in tokens for token in tokens_of_text],
        }
    )
    table["read_as"] = np.where(table["token"] == read_as, "", read_as)
    table = pd.concat([table, _answer_columns(bundle, inputs, lengths)], axis=1)
    if member is None:
        return table
    cell = CELLS[bundle.recipe.network.cell]
    gates = [
        _gate_columns(cell, traces, bundle.vocabulary, text)
        for text, traces in zip(texts, token_traces(bundle, texts, member), strict=True)
    ]
    return pd.concat([table, pd.concat(gates, ignore_index=True)], axis=1)


def _answer_columns(
    bundle: Bundle, inputs: Sequence[Input], lengths: Sequence[int]
) -> pd.DataFrame:
    """Return :data:`ANSWERS` of each token: labels and probabilities of its text, its share."""
    probabilities = bundle.predict_proba(inputs)
    ranked = np.argsort(-probabilities, axis=1, kind="stable")  # (B, C)
    rows, n_tokens = np.arange(len(inputs)), sum(lengths)
    columns: dict[str, object] = {}
    for rank, (label, probability, attribution) in enumerate(ANSWERS):
        if rank == len(bundle.labels):
            columns |= {label: None, probability: np.nan, attribution: np.full(n_tokens, np.nan)}
            continue
        classes = ranked[:, rank]
        gains = attributions(bundle, inputs, classes.tolist(), points=FINE_POINTS)
        columns[label] = np.repeat(np.array(bundle.labels, dtype=object)[classes], lengths)
        columns[probability] = np.repeat(probabilities[rows, classes], lengths)
        columns[attribution] = np.concatenate([np.zeros(0), *gains])
    return pd.DataFrame(columns)


def _gate_columns(
    cell: type[Cell], traces: Mapping[str, Trace], vocabulary: Vocabulary, text: str
) -> pd.DataFrame:
    """Average the gates and the memory of a text over the hidden units and words of each token.

    Words that are not read have no gates.
    """
    counts = word_counts(vocabulary, text)
    columns = {}
    for direction, trace in traces.items():
        shown = {gate: trace[gate] for gate in cell.GATES} | {cell.MEMORY: trace[cell.MEMORY].abs()}
        for name, values in shown.items():
            means = values.mean(dim=1).double().numpy()
            means = vocabulary.fill_unread(means, sum(counts), np.nan)
            of_tokens = split_by_token(counts, means)
            columns[f"{direction}_{name}"] = [of_token.mean() for of_token in of_tokens]
    return pd.DataFrame(columns)
