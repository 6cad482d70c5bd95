"""The base class of a section of the report: it measures, publishes, tabulates and draws."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

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


class Caption(NamedTuple):
    """What stands with a figure on the page."""

    alternative: str
    """In place of the picture, for those who cannot see it."""
    text: str
    width: str = "plain"
    """CSS class: ``plain``, ``wide`` (scrolled on a small screen), ``square`` or ``cloud``."""


class Section(ABC, Generic[Shown]):
    """A question, and its answer in a table, a figure and a fragment of the page.

    Tables, figures and the page are made from what :meth:`public` returns and from nothing else: a
    count that ``public`` suppresses cannot be shown by mistake.

    The page shows :meth:`paragraphs`, then the figure with its :meth:`caption`. A section that
    needs more, such as a table, has a template of its name in ``templates/sections/``.
    """

    name: ClassVar[str]
    """Name of the section's module, and of its figure and its table."""

    def __init_subclass__(cls) -> None:
        if "name" not in vars(cls):
            cls.name = cls.__module__.rpartition(".")[2]

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

    def caption(self, shown: Shown, sample: Sample) -> Caption | None:
        """Return what stands with the figure on the page; ``sample`` names the records."""
        del shown, sample
        return None

    def paragraphs(self, shown: Shown) -> list[str]:
        """Return what the page says before the figure; by default, what the log says."""
        return self.sentences(shown)

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


def sections(*names: str) -> tuple[Section[Any], ...]:
    """Return the sections of these names, each from the module of its name."""
    modules = [import_module(f"textlstm.reporting.sections.{name}") for name in names]
    return tuple(_section_class(vars(module))() for module in modules)


def _section_class(names: Mapping[str, Any]) -> type[Section[Any]]:
    """Return the one section that a module defines, given its names."""
    classes = [value for value in names.values() if isinstance(value, type)]
    (own,) = (
        one for one in classes if issubclass(one, Section) and one.__module__ == names["__name__"]
    )
    return own
