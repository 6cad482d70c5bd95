"""Figures of a single text: hidden states and gates, token by token."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from textlstm.reporting.drawing import FIRST, SECOND, SOFT, plain_axes, shorten

DIVERGING = LinearSegmentedColormap.from_list("diverging", [SECOND, "#ffffff", FIRST])
"""Colours from -1 to 1: the two colours of all figures, with white in the middle."""


def activation_map(
    tokens: Sequence[str], hidden: Mapping[str, NDArray[np.floating[Any]]]
) -> Figure:
    """Draw the hidden states of a text, units by tokens: orange below zero, blue above.

    Units are sorted by the token at which they are furthest from zero, which shows the words that
    they respond to.

    Parameters
    ----------
    tokens
        The tokens of the text.
    hidden
        (tokens, H) by direction, in reading order, from -1 to 1.
    """
    width = float(np.clip(0.35 * len(tokens), 2.4, 4.6))
    figure = Figure(figsize=(width * len(hidden) + 1.2, 4.2), layout="constrained")
    grid = figure.subplots(1, len(hidden), squeeze=False)[0]
    for axes, (direction, states) in zip(grid, hidden.items(), strict=True):
        peaks = np.abs(states).argmax(axis=0)
        signs = np.sign(states[peaks, np.arange(states.shape[1])])
        axes.imshow(states[:, np.lexsort((signs, peaks))].T, cmap=DIVERGING, vmin=-1, vmax=1,
                    aspect="auto", interpolation="nearest")  # fmt: skip
        _token_axis(axes, tokens)
        axes.set(title=direction, yticks=[])
    grid[0].set_ylabel(f"{states.shape[1]} hidden units")
    figure.colorbar(grid[0].images[0], ax=list(grid), shrink=0.8, label="hidden state")
    return figure


def token_gates(tokens: pd.DataFrame) -> Figure:
    """Draw the attribution of each token, and below it the means of the input and forget gates.

    Parameters
    ----------
    tokens
        The rows of one text as :func:`.token_table` returns them.
    """
    gates = [name.removeprefix("forward_") for name in tokens.columns
             if name.startswith("forward_") and name.endswith("_gate")]  # fmt: skip
    directions = [direction for direction in ("forward", "backward")
                  if gates and f"{direction}_{gates[0]}" in tokens]  # fmt: skip
    figure = Figure(
        figsize=(float(np.clip(0.6 * len(tokens) + 2, 5, 12)), 2.2 + 1.5 * len(directions)),
        layout="constrained",
    )
    grid = figure.subplots(1 + len(directions), 1, sharex=True, squeeze=False)[:, 0]
    positions, gains = np.arange(len(tokens)), tokens["attribution"].to_numpy()
    grid[0].bar(positions, gains, color=np.where(gains < 0, SECOND, FIRST), width=0.6)
    grid[0].axhline(0, color=SOFT, linewidth=0.8)
    grid[0].set(ylabel="attribution\n(nats)")
    for axes, direction in zip(grid[1:], directions, strict=True):
        # The gate that keeps the memory is the last one, and is drawn first.
        for gate, colour, marker in zip(gates[::-1], (FIRST, SECOND), ("o", "s"), strict=False):
            axes.plot(positions, tokens[f"{direction}_{gate}"], color=colour, marker=marker,
                      markersize=5, linewidth=1, label=gate.replace("_", " "))  # fmt: skip
        axes.set(ylim=(0, 1.02), ylabel=direction)
    if directions:
        grid[1].legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1),
                       borderaxespad=0)  # fmt: skip
    for axes in grid:
        plain_axes(axes)
    _token_axis(grid[-1], tokens["token"].tolist())
    return figure


def _token_axis(axes: Axes, tokens: Sequence[str]) -> None:
    """Label the lower axis with the tokens."""
    axes.set_xticks(range(len(tokens)), [shorten(token, 18) for token in tokens], rotation=60,
                    ha="right", rotation_mode="anchor", fontsize=8)  # fmt: skip
