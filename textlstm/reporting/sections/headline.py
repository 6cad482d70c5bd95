"""The result at a glance: the verdict, the main promise, and six numbers."""

from dataclasses import dataclass

from textlstm.metrics_file import (
    MeasuresJson,
    MetricsJson,
    PromiseJson,
    ProportionJson,
    UncodableJson,
)
from textlstm.reporting.public import public_promise, uncodable
from textlstm.reporting.sections.section import ReportInput, Section
from textlstm.reporting.sections.verdict import verdict


@dataclass(frozen=True)
class PublicHeadline:
    """The result at a glance.

    Attributes
    ----------
    sentence
        The verdict in one sentence.
    promise
        The promise that the report shows class by class.
    model
        The measures of the model.
    accuracy_of_all
        Accuracy over all records; a label that the model cannot predict counts as an error.
    uncodable
        Records whose class the model cannot predict.
    """

    sentence: str
    promise: PromiseJson
    model: MeasuresJson
    accuracy_of_all: ProportionJson
    uncodable: UncodableJson


class Headline(Section[PublicHeadline]):
    """The first screen of the report."""

    name = "headline"

    def public(self, source: ReportInput) -> PublicHeadline:
        """Return measures of all records, which give away no small count."""
        metrics = source.metrics
        return PublicHeadline(
            _first_sentence(metrics),
            public_promise(source),
            metrics["model"],
            metrics["all_records"]["accuracy"],
            uncodable(source),
        )

    def sentences(self, shown: PublicHeadline) -> list[str]:
        """Return the verdict in one sentence."""
        return [shown.sentence]


def _first_sentence(metrics: MetricsJson) -> str:
    """Return the verdict, or the accuracy where there are no baselines to compare with."""
    beside = metrics.get("beside_holdout")
    return verdict(metrics)[0] if beside is None else beside["sentence"]
