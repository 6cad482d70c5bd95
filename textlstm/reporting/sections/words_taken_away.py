"""Feature attribution: the words that decide for each class, and whether they do decide.

Whether they do is a question of faithfulness: words are deleted, and the probability is measured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from textlstm.data.inputs import record_inputs
from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.metrics_file import FaithfulnessJson
from textlstm.reporting.drawing import FIRST, SECOND, plain_axes
from textlstm.reporting.sections.section import Measured, OnStep, ReportInput, Section

if TYPE_CHECKING:
    from textlstm.inference.bundle import Bundle

MAX_CLASS_WORDS, MIN_GAIN = 5, 0.1
"""Words shown for a class, at most; and nats that a shown word adds, at least."""

MIN_EFFECT = 0.01
"""Probability by which the loss of the first word exceeds that of a random word, at least, for the
word to be called deciding."""

ATTRIBUTION_DECIMALS = 6
"""Digits after the point in the table of words."""


@dataclass(frozen=True)
class PublicWordsTakenAway:
    """Deciding words, and the deletion test.

    Attributes
    ----------
    words_by_class
        The words that add most to the log probability of each class, with these nats.
    faithfulness
        Mean probabilities as words are taken away, and a sentence; None without enough texts.
    """

    words_by_class: Mapping[str, Sequence[tuple[str, float]]]
    faithfulness: FaithfulnessJson | None


class WordsTakenAway(Section[PublicWordsTakenAway]):
    """Deciding words, and the deletion test."""

    def measure(self, source: ReportInput, bundle: "Bundle", on_step: OnStep) -> Measured:
        """Attribute predictions on training records; delete words from texts of the holdout."""
        from textlstm.insight.class_words import class_words
        from textlstm.insight.deletion import deletion_test

        splits, seed = source.splits, source.config.seed
        on_step("words that decide")
        words = class_words(bundle, splits["train"], SMALLEST_SHOWN, seed)
        on_step("taking words away")
        holdout = splits["holdout"][splits["holdout"]["label"].isin(bundle.labels)]
        test = deletion_test(bundle, list(record_inputs(holdout)), seed)
        return Measured(
            {
                "faithfulness": test and test | {"sentence": faithfulness_sentence(test)},
                "deciding_words": deciding_words(words),
            },
            {"class_words": words.round({"attribution": ATTRIBUTION_DECIMALS})},
        )

    def public(self, source: ReportInput) -> PublicWordsTakenAway:
        """Return words that stand in enough records of their class, and means over many texts."""
        return PublicWordsTakenAway(
            source.metrics["deciding_words"], source.metrics["faithfulness"]
        )

    def table(self, shown: PublicWordsTakenAway) -> pd.DataFrame | None:
        """Return the mean probability of the label after 0, 1 ... words are taken away."""
        if not shown.faithfulness:
            return None
        test = shown.faithfulness
        curves = {"highest": test["highest"], "random": test["random"]}
        return pd.DataFrame(curves).rename_axis("words").reset_index()

    def figure(self, shown: PublicWordsTakenAway) -> Figure | None:
        """Draw the mean probability of the label as words are taken away."""
        if not shown.faithfulness:
            return None
        return draw_words_taken_away(shown.faithfulness)

    def sentences(self, shown: PublicWordsTakenAway) -> list[str]:
        """Return whether the words named as deciding do decide."""
        return [shown.faithfulness["sentence"]] if shown.faithfulness else []


def draw_words_taken_away(test: FaithfulnessJson) -> Figure:
    """Draw the curves ``highest`` and ``random`` of :func:`.deletion_test`."""
    curves = {"highest": test["highest"], "random": test["random"]}
    figure = Figure(figsize=(5.4, 3.4), layout="constrained")
    axes = figure.subplots()
    styles = ("random", "at random", SECOND, "s"), ("highest", "highest attribution", FIRST, "o")
    for name, label, colour, marker in styles:
        axes.plot(curves[name], color=colour, marker=marker, label=label)
    axes.set(ylim=(0, 1.02), xlabel="words taken away", ylabel="mean probability of the label")
    axes.set_xticks(range(len(curves["random"])))
    axes.legend(frameon=False, loc="lower left")
    plain_axes(axes)
    return figure


def deciding_words(words: pd.DataFrame) -> dict[str, list[tuple[str, float]]]:
    """Return the words that add most to each class, with the nats they add.

    Parameters
    ----------
    words
        As :func:`.class_words` returns them.
    """
    strong = words[words["attribution"] >= MIN_GAIN]
    first = strong.groupby("label", sort=False).head(MAX_CLASS_WORDS)
    return {
        str(label): list(zip(rows["word"], rows["attribution"].tolist(), strict=True))
        for label, rows in first.groupby("label", sort=False)
    }


def faithfulness_sentence(test: FaithfulnessJson) -> str:
    """Say whether the words named as deciding do decide, from :func:`.deletion_test`."""
    highest, random = test["highest"], test["random"]
    difference = test["difference"]
    if difference["low"] <= 0:
        conclusion = "that is within chance: do not rely on the words named as deciding"
    elif difference["estimate"] < MIN_EFFECT:
        conclusion = "that is next to nothing: no single word decides"
    else:
        conclusion = "the words named as deciding do decide"
    return (
        "Without the word of the highest attribution, the probability of the label falls by "
        f"{highest[0] - highest[1]:.3f} on average, without a random word by "
        f"{random[0] - random[1]:.3f} (difference {difference['estimate']:.3f}, 95 % interval "
        f"{difference['low']:.3f} to {difference['high']:.3f}; {test['records']:,} texts of "
        f"the holdout): {conclusion}."
    )
