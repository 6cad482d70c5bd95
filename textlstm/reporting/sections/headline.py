"""The result at a glance: the verdict, the main promise, and six numbers.

One of them is the share of records that is coded automatically: that of the holdout records whose
probability reaches the threshold of the main promise (``measure_decisions`` counts them).
"""

from dataclasses import dataclass
from typing import NamedTuple

from textlstm.metrics_file import MetricsJson, PromiseJson
from textlstm.reporting.filters import write_number, write_percent, write_tenths
from textlstm.reporting.public import public_promise, uncodable
from textlstm.reporting.sections.section import ReportInput, Section
from textlstm.reporting.sections.verdict import verdict


class Tile(NamedTuple):
    """A number of the first screen, and what it measures."""

    number: str
    meaning: str


@dataclass(frozen=True)
class PublicHeadline:
    """The result at a glance.

    Attributes
    ----------
    sentence
        The verdict in one sentence.
    promise
        Whether the promise that the report shows class by class was kept, or the promise.
    tiles
        Measures of all holdout records.
    """

    sentence: str
    promise: str
    tiles: list[Tile]


class Headline(Section[PublicHeadline]):
    """The first screen of the report."""

    def public(self, source: ReportInput) -> PublicHeadline:
        """Return measures of all records, which give away no small count."""
        promise = public_promise(source)
        return PublicHeadline(
            _first_sentence(source.metrics),
            promise["kept"] or promise["sentence"],
            tiles(source.metrics, promise, bool(uncodable(source)["records"])),
        )

    def sentences(self, shown: PublicHeadline) -> list[str]:
        """Return the verdict in one sentence."""
        return [shown.sentence]


def tiles(metrics: MetricsJson, promise: PromiseJson, has_uncodable: bool) -> list[Tile]:
    """Return the numbers of the first screen.

    Parameters
    ----------
    promise
        Of ``metrics``, as far as it may be shown.
    has_uncodable
        Whether some records are of classes that the model cannot give.
    """
    model = metrics["model"]
    accuracy = "of labels right (accuracy)"
    if has_uncodable:
        of_all = write_tenths(metrics["all_records"]["accuracy"]["share"])
        accuracy += f" in the classes that it learned; {of_all} of all records"
    promised = f"with at most {write_percent(promise['max_error'])} error promised"
    return [
        Tile(write_tenths(model["accuracy"]), accuracy),
        Tile(
            write_tenths(model["accuracy_unseen_text"]),
            "of labels right for texts that no training record has",
        ),
        Tile(write_tenths(promise["coded"]["share"]), f"coded automatically {promised}"),
        Tile(write_number(model["macro_f1"], 3), "macro-F1; 1 is best"),
        Tile(write_number(model["log_loss"], 3), "log loss in nats; 0 is best"),
        Tile(
            write_tenths(model["ece"]), "calibration error (ECE): mean error of the probabilities"
        ),
    ]


def _first_sentence(metrics: MetricsJson) -> str:
    """Return the verdict, or the accuracy where there are no baselines to compare with."""
    beside = metrics.get("beside_holdout")
    return verdict(metrics)[0] if beside is None else beside["sentence"]
