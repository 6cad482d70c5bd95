"""The base class of a section of the report: it measures, publishes, tabulates and draws."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

import pandas as pd
from matplotlib.figure import Figure

from textlstm.config import RunConfig
from textlstm.evaluation.outcomes import HOLDOUT, Sample
from textlstm.metrics_file import MetricsJson, SectionsJson

if TYPE_CHECKING:
    from textlstm.evaluation.results import Evaluation
    from textlstm.inference.bundle import Bundle

Shown = TypeVar("Shown")
"""What a section shows: a value made by :meth:`Section.public` alone."""

OnStep = Callable[[str], object]
"""Called with the name of each step of the work before it begins."""


@dataclass(frozen=True)
class ReportInput:
    """A measured model: what sections draw upon. It holds private counts.

    Attributes
    ----------
    splits
        ``train``, ``validation`` and ``holdout``: record_id, text, label.
    history
        As ``history.csv``.
    metrics
        As ``metrics.json``, without the timing.
    sample
        What the measured records are called.
    """

    config: RunConfig
    evaluation: "Evaluation"
    splits: Mapping[str, pd.DataFrame]
    history: pd.DataFrame
    metrics: MetricsJson
    sample: Sample = HOLDOUT


@dataclass(frozen=True)
class Measured:
    """What a section measured.

    Attributes
    ----------
    metrics
        New keys of ``metrics.json``.
    private_tables
        Tables with ids, labels or small counts, by file name without ending. They are written to
        ``tables/``, which is not to be published.
    """

    metrics: SectionsJson = field(default_factory=SectionsJson)
    private_tables: dict[str, pd.DataFrame] = field(default_factory=dict)


class Section(ABC, Generic[Shown]):
    """A question, and its answer in a table, a figure and a fragment of the page.

    Tables, figures and the page are made from what :meth:`public` returns and from nothing else: a
    count that ``public`` suppresses cannot be shown by mistake.
    """

    name: ClassVar[str]
    """Name of the section's module, its template, its figure and its table."""

    def applies(self, evaluation: "Evaluation") -> bool:
        """Return whether the section has something to say about a model of this kind."""
        del evaluation
        return True

    def measure(self, source: ReportInput, bundle: "Bundle", on_step: OnStep) -> Measured:
        """Measure what the evaluation does not hold yet, as far as the section needs it."""
        del source, bundle, on_step
        return Measured()

    @abstractmethod
    def public(self, source: ReportInput) -> Shown:
        """Return what may be published; small counts are suppressed."""

    def table(self, shown: Shown) -> pd.DataFrame | None:
        """Return the numbers behind the figure, for ``figures/NAME.csv``."""
        del shown
        return None

    def figure(self, shown: Shown) -> Figure | None:
        """Draw ``figures/NAME.png``, or return None if there is nothing to draw."""
        del shown
        return None

    def single_pictures(self, figure: Figure) -> dict[str, bytes]:
        """Return PNG files of the parts of a figure that the page arranges itself, by name."""
        del figure
        return {}

    def css_class(self, shown: Shown) -> str:
        """Return the CSS class of a chapter that begins with this section."""
        del shown
        return ""

    def sentences(self, shown: Shown) -> list[str]:
        """Return what the report stage says about the section in its log."""
        del shown
        return []
