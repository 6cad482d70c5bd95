"""Size of the network: hidden units that stay near zero."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textlstm.metrics_file import HiddenUnitsJson
from textlstm.reporting.sections.section import Measured, OnStep, ReportInput, Section

if TYPE_CHECKING:
    from textlstm.inference.bundle import Bundle
    from textlstm.insight.activations import UnitUsage

MAX_TRACED = 2000
"""Training records over which the hidden units are traced, at most."""


@dataclass(frozen=True)
class PublicHiddenUnits:
    """How many hidden units are unused, in a sentence."""

    sentence: str


class HiddenUnits(Section[PublicHiddenUnits]):
    """Unused hidden units, and the size to try."""

    def measure(self, source: ReportInput, bundle: "Bundle", on_step: OnStep) -> Measured:
        """Trace the hidden units over training records."""
        from textlstm.insight.activations import unit_usage

        on_step("watching hidden units")
        train = source.splits["train"]
        sample = train["text"].sample(min(len(train), MAX_TRACED), random_state=source.config.seed)
        usage = unit_usage(bundle, sample.tolist())
        units: HiddenUnitsJson = {
            "size": usage.hidden_units,
            "unused": usage.unused.tolist(),
            "size_to_try": usage.size_to_try,
            "sentence": hidden_units_sentence(usage, bundle.recipe.network.cell_name),
        }
        return Measured({"hidden_units": units})

    def public(self, source: ReportInput) -> PublicHiddenUnits:
        """Return the sentence, which tells of the network alone."""
        return PublicHiddenUnits(source.metrics["hidden_units"]["sentence"])

    def sentences(self, shown: PublicHiddenUnits) -> list[str]:
        """Return the sentence."""
        return [shown.sentence]


def hidden_units_sentence(usage: "UnitUsage", cell: str = "LSTM") -> str:
    """Say how many hidden units of the cells stay unused, and which size to try."""
    least, most = int(usage.unused.min()), int(usage.unused.max())
    if not most:
        return f"All {usage.hidden_units} hidden units of each {cell} are in use."
    article = "an" if cell == "LSTM" else "a"
    number = f"{least} to {most}" if least < most else f"{least}"
    advice = f"try --hidden-units {usage.size_to_try}" if least else f"one {cell} needs them all"
    units = f"{usage.hidden_units} hidden units of {article} {cell}"
    return f"Of the {units}, {number} stay near zero: {advice}."
