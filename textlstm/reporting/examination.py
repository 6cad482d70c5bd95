"""The examination of a run: what the model's answers rest on, and what makes it err."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from textlstm.data.distinct import interned
from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.inference.bundle import Bundle
from textlstm.insight.activations import UnitUsage, unit_usage
from textlstm.insight.class_words import class_words
from textlstm.insight.deletion import deletion_test
from textlstm.insight.label_errors import conflicting_labels, label_suspects
from textlstm.insight.robustness import robustness
from textlstm.reporting import figures, tabulation
from textlstm.uncertainty.predictions import Predictions

UNITS_SAMPLE = 2000
"""Training records over which the hidden units are watched."""


SHOWN_WORDS, LEAST_SHOWN = 5, 0.1
"""Words shown of a class, and the nats each must add: less than a tenth decides nothing."""

LEAST_DECIDED = 0.01
"""Probability that the word of the highest attribution takes along, beyond that of a random word,
from which on it is said to decide."""


@dataclass(frozen=True)
class Examination:
    """A model, examined.

    Attributes
    ----------
    metrics
        ``faithfulness``, ``deciding_words``, ``robustness``, ``hidden_units`` and
        ``doubtful_labels`` of ``metrics.json``.
    class_words
        As :func:`.class_words` gives them.
    suspects, conflicts
        As the functions of :mod:`.label_errors` give them.
    """

    metrics: dict[str, Any]
    class_words: pd.DataFrame
    suspects: pd.DataFrame
    conflicts: pd.DataFrame

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables by file name without ending; none has the text of a record."""
        return {
            "class_words": self.class_words.round({"attribution": 6}),
            "label_suspects": self.suspects,
            "conflicting_labels": self.conflicts,
        }

    def tabulate(self) -> dict[str, pd.DataFrame]:
        """Return the numbers behind the figures, by file name without ending."""
        curves = self.metrics["faithfulness"] or {"highest": [], "random": []}
        kept = {name: curves[name] for name in ("highest", "random")}
        tables = {
            "words_taken_away": pd.DataFrame(kept).rename_axis("words").reset_index(),
            "robustness": tabulation.robustness(self.metrics["robustness"]),
        }
        return {name: table for name, table in tables.items() if len(table)}

    @property
    def sentences(self) -> list[str]:
        """Return what was found of the explanations and of the hidden units, in words."""
        found = self.metrics["faithfulness"], self.metrics["hidden_units"]
        return [one["sentence"] for one in found if one]

    def draw(self) -> dict[str, Figure]:
        """Draw the figures, by file name without ending."""
        curves = self.metrics["faithfulness"]
        drawn = {
            "words_taken_away": curves and figures.words_taken_away(curves),
            "robustness": figures.robustness_bars(self.metrics["robustness"]),
        }
        return {name: figure for name, figure in drawn.items() if figure is not None}


def examine(
    bundle: Bundle,
    parts: Mapping[str, pd.DataFrame],
    truth: NDArray[np.int64],
    predictions: Predictions,
    seed: int,
    on_step: Callable[[str], object] = str,
) -> Examination:
    """Examine a bundle: explanations on its training records, everything else on the holdout.

    Parameters
    ----------
    parts
        ``train``, ``validation`` and ``holdout``: record_id, text, label.
    truth, predictions
        Class numbers (n,) and the model's predictions of the holdout's records whose label is
        known, in their order.
    on_step
        Is told the name of each step before it begins.
    """
    on_step("watching hidden units")
    holdout = parts["holdout"][parts["holdout"]["label"].isin(bundle.labels)]
    texts, train = interned(holdout["text"]), parts["train"]
    watched = train["text"].sample(min(len(train), UNITS_SAMPLE), random_state=seed)
    use = unit_usage(bundle, watched.tolist())
    on_step("doubting labels")
    suspects = label_suspects(holdout["record_id"], truth, predictions, bundle.labels)
    conflicts = conflicting_labels(pd.concat(parts.values()))
    on_step("words that decide")
    words = class_words(bundle, train, SMALLEST_SHOWN, seed)
    on_step("taking words away")
    measured = deletion_test(bundle, texts, seed)
    on_step("changing texts")
    metrics = {
        "faithfulness": measured and measured | {"sentence": on_faithfulness(measured)},
        "deciding_words": _deciding(words),
        "robustness": robustness(bundle, texts, truth, seed),
        "hidden_units": {
            "size": use.hidden_units,
            "unused": use.unused.tolist(),
            "size_to_try": use.size_to_try,
            "sentence": on_hidden_units(use),
        },
        "doubtful_labels": {
            "suspects": len(suspects),
            "conflicting_texts": int(conflicts["text"].nunique()),
            "conflicting_records": len(conflicts),
        },
    }
    return Examination(metrics, words, suspects, conflicts)


def _deciding(words: pd.DataFrame) -> dict[str, list[tuple[str, float]]]:
    """Return the words that speak most for each class, and by how many nats."""
    strong = words[words["attribution"] >= LEAST_SHOWN]
    return {
        str(label): list(zip(mine["word"], mine["attribution"].tolist(), strict=True))
        for label, mine in strong.groupby("label", sort=False)
        .head(SHOWN_WORDS)
        .groupby("label", sort=False)
    }


def on_faithfulness(measured: Mapping[str, Any]) -> str:
    """Say in words whether the words named as deciding do decide."""
    highest, random = measured["highest"], measured["random"]
    difference = measured["difference"]
    if difference["low"] <= 0:
        judged = "that is within chance: do not rely on the words named as deciding"
    elif difference["estimate"] < LEAST_DECIDED:
        judged = "that is next to nothing: no single word decides"
    else:
        judged = "the words named as deciding do decide"
    return (
        "Without the word of the highest attribution, the probability of the label falls by "
        f"{highest[0] - highest[1]:.3f} on average, without a random word by "
        f"{random[0] - random[1]:.3f} (difference {difference['estimate']:.3f}, 95 % interval "
        f"{difference['low']:.3f} to {difference['high']:.3f}; {measured['records']:,} texts of "
        f"the holdout): {judged}."
    )


def on_hidden_units(use: UnitUsage) -> str:
    """Say in words how many hidden units stay unused, and which size to try."""
    least, most = int(use.unused.min()), int(use.unused.max())
    if not most:
        return f"All {use.hidden_units} hidden units of each LSTM are in use."
    some = f"{least} to {most}" if least < most else f"{least}"
    advice = f"try --hidden-units {use.size_to_try}" if least else "one LSTM needs them all"
    return f"Of the {use.hidden_units} hidden units of an LSTM, {some} stay near zero: {advice}."
