"""The report of a run: every section is measured, tabulated, drawn and written.

A new figure is a new module in ``sections/``, named in :data:`CHAPTERS`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.figure import Figure

from textlstm.config import RunConfig
from textlstm.reporting.drawing import png
from textlstm.reporting.page import Chapter, Pictures, render
from textlstm.reporting.sections.section import OnStep, ReportInput, Section, sections
from textlstm.storage.atomic import write_bytes
from textlstm.storage.json_files import to_json, write_json
from textlstm.storage.spreadsheet import csv_bytes, write_csv
from textlstm.summaries import RecordsSummary
from textlstm.uncertainty.out_of_fold import DECIMALS

if TYPE_CHECKING:
    from textlstm.inference.bundle import Bundle

FIRST_SCREEN: tuple[Section[Any], ...] = sections("header", "headline", "word_cloud")
"""Sections that the page shows before its first chapter."""

CHAPTERS = (
    Chapter("comparison", "Comparison of models: which one won", sections("verdict")),
    Chapter("measures", "All measures: accuracy, F1, log loss, calibration error",
            sections("measures")),
    Chapter("clouds", "Word clouds: the words of each class", sections("word_clouds_by_class")),
    Chapter("classes", "Precision, recall and F1, class by class", sections("per_class")),
    Chapter("confusion", "Confusion matrix: what is taken for what", sections("confusion")),
    Chapter("calibration", "Calibration and reliability: can the probabilities be believed?",
            sections("reliability")),
    Chapter("workload", "Workload and risk-coverage curve: what can be coded automatically?",
            sections("workload", "workload_curves", "workload_by_class")),
    Chapter("subgroups", "Subgroups: for whom, and for which texts, does it work?",
            sections("groups")),
    Chapter("sets", "Prediction sets (conformal): which labels are possible?",
            sections("prediction_sets")),
    Chapter("attribution", "Feature attribution: which words decide", sections("words_taken_away")),
    Chapter("robustness", "Robustness: what makes it err", sections("robustness")),
    Chapter("training", "Training progress", sections("training_progress", "hidden_units")),
    Chapter("records", "Data: the records", sections("data")),
    Chapter("again", "Reproducibility: make it again", sections("reproduction")),
)  # fmt: skip
"""Chapters of the report with their sections, in their order."""


class Report:
    """The report of a run.

    Parameters
    ----------
    source
        The run, measured on its holdout.
    bundle
        The model, for sections that measure more.
    on_step
        Called with the name of each step before it begins.
    """

    def __init__(
        self,
        source: ReportInput,
        bundle: "Bundle",
        on_step: OnStep = str,
        first_screen: Sequence[Section[Any]] = FIRST_SCREEN,
        chapters: Sequence[Chapter] = CHAPTERS,
    ) -> None:
        self._first_screen, self._chapters = first_screen, chapters
        candidates = (*first_screen, *(one for chapter in chapters for one in chapter.sections))
        self._sections = [one for one in candidates if one.applies(source.evaluation)]
        self._private_tables: dict[str, pd.DataFrame] = {}
        metrics = source.metrics
        for section in self._sections:
            measured = section.measure(source, bundle, on_step)
            metrics = {**metrics, **measured.metrics}
            self._private_tables |= measured.private_tables
        self._source = replace(source, metrics=metrics)
        self._shown = {section.name: section.public(self._source) for section in self._sections}

    @property
    def sentences(self) -> list[str]:
        """Return the result in words, for the log of the stage."""
        return [
            sentence
            for section in self._sections
            for sentence in section.sentences(self._shown[section.name])
        ]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the numbers behind the figures, by name of the section."""
        tables = {one.name: one.table(self._shown[one.name]) for one in self._sections}
        return {name: table for name, table in tables.items() if table is not None and len(table)}

    def figures(self) -> dict[str, Figure]:
        """Draw the figures, by name of the section."""
        figures = {one.name: one.figure(self._shown[one.name]) for one in self._sections}
        return {name: figure for name, figure in figures.items() if figure is not None}

    def pictures(self, figures: Mapping[str, Figure]) -> Pictures:
        """Return the figures as PNG files."""
        drawn = [section for section in self._sections if section.name in figures]
        return Pictures(
            {section.name: png(figures[section.name]) for section in drawn},
            {section.name: section.single_pictures(figures[section.name]) for section in drawn},
        )

    def page(self, pictures: Pictures, timing: Mapping[str, float], made: str = "") -> str:
        """Return the page; the arguments are those of :func:`.render`."""
        return render(
            self._source.config,
            self._first_screen,
            self._chapters,
            self._shown,
            pictures,
            timing,
            made,
            self._source.sample,
        )

    def files(self, made: str = "") -> dict[str, bytes]:
        """Return metrics, predictions and the page, by file name; figures are in the page alone."""
        pictures = self.pictures(self.figures())
        return {
            "metrics.json": to_json(self._source.metrics),
            "predictions.csv": csv_bytes(self._source.evaluation.predictions),
            "report.html": self.page(pictures, {}, made).encode("utf-8"),
        }

    def write(
        self,
        folder: Path,
        timing: Callable[[], Mapping[str, float]],
        made: str = "",
        on_step: OnStep = str,
    ) -> None:
        """Write metrics, predictions, tables, figures and the page to the folder of a run.

        Parameters
        ----------
        timing
            Returns the seconds of each stage so far.
        made
            When the run was made, and by which version, in words.
        """
        on_step("writing tables")
        write_csv(folder / "predictions.csv", self._source.evaluation.predictions)
        for name, table in self._private_tables.items():
            write_csv(folder / "tables" / f"{name}.csv", table, for_people=True)
        for name, table in self.tables().items():
            write_csv(folder / "figures" / f"{name}.csv", table.round(DECIMALS))
        on_step("drawing")
        figures = self.figures()
        on_step("writing pictures")
        pictures = self.pictures(figures)
        for name, content in pictures.whole.items():
            write_bytes(folder / "figures" / f"{name}.png", content)
        on_step("writing the page")
        seconds = timing()
        write_json(folder / "metrics.json", {**self._source.metrics, "timing": seconds})
        write_bytes(folder / "report.html", self.page(pictures, seconds, made).encode("utf-8"))


def measured_report(
    bundle: "Bundle",
    config: RunConfig,
    splits: Mapping[str, pd.DataFrame],
    rare: pd.DataFrame,
    summary: RecordsSummary,
    history: pd.DataFrame,
    on_step: OnStep = str,
) -> Report:
    """Measure a model and its baselines on the holdout, and every section of the report.

    Parameters
    ----------
    splits
        ``train``, ``validation`` and ``holdout``: record_id, text, label.
    rare
        Records of the holdout whose classes are too rare to be learned.
    summary
        What ``preprocess`` wrote about the table.
    history
        As ``history.csv``.
    on_step
        Called with the name of each step before it begins.
    """
    # Imported late, since it loads torch.
    from textlstm.evaluation.evaluate import evaluate

    evaluation = evaluate(bundle, splits, summary, config.seed, rare, on_step)
    if evaluation.levels:
        from textlstm.evaluation.levels import leaf_labelled

        splits = leaf_labelled(splits, bundle.labels)
    source = ReportInput(config, evaluation, splits, history, evaluation.to_dict())
    return Report(source, bundle, on_step)
