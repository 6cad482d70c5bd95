"""What holds for every section of the report, and what a new one costs."""

from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure
from report_source import METRICS, METRICS_OF_NEW_RECORDS, source_of

from textlstm.evaluation.outcomes import HOLDOUT
from textlstm.reporting import report
from textlstm.reporting.page import Chapter, render
from textlstm.reporting.report import CHAPTERS, FIRST_SCREEN, Report
from textlstm.reporting.sections.drift import Drift
from textlstm.reporting.sections.evaluated_data import EvaluatedData
from textlstm.reporting.sections.evaluated_header import EvaluatedHeader
from textlstm.reporting.sections.evaluated_measures import EvaluatedMeasures
from textlstm.reporting.sections.section import Caption, Measured, Section

FOLDER = Path(report.__file__).parent
SECTIONS = [
    *FIRST_SCREEN,
    *(section for chapter in CHAPTERS for section in chapter.sections),
    *(EvaluatedHeader(""), EvaluatedMeasures(None), Drift(), EvaluatedData()),
]
"""Those of the report of a run, and those that only a report on new records has."""


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_a_section_has_the_name_of_its_module_and_something_to_show(section):
    assert type(section).__module__ == f"textlstm.reporting.sections.{section.name}"
    shown = section.public(source_of(METRICS_OF_NEW_RECORDS))
    has_template = (FOLDER / "templates" / "sections" / f"{section.name}.html.j2").is_file()
    assert has_template or section.caption(shown, HOLDOUT) or section.paragraphs(shown)


def test_every_module_of_a_section_is_in_the_report_once():
    names = [section.name for section in SECTIONS]
    modules = {path.stem for path in (FOLDER / "sections").glob("*.py")}
    assert set(names) == modules - {"__init__", "section"} and len(set(names)) == len(names)
    templates = {path.name for path in (FOLDER / "templates" / "sections").iterdir()}
    assert templates <= {f"{name}.html.j2" for name in names}


class Plain(Section[str]):
    """A section of one file: two sentences and a figure, without a template."""

    name = "plain"

    def public(self, source):
        return f"<b>{len(source.splits['train'])}</b> records"

    def figure(self, shown):
        return Figure(figsize=(1, 1))

    def caption(self, shown, sample):
        return Caption("A figure", "What it shows & how.", "wide")

    def sentences(self, shown):
        return [shown, "They were trained on."]


def test_a_new_figure_needs_no_template():
    made = report_of(Plain())
    pictures = made.pictures(made.figures())
    source, chapter = source_of(), Chapter("x", "X", (Plain(),))
    first = {one.name: one.public(source) for one in FIRST_SCREEN}
    shown = first | {"plain": Plain().public(source)}
    page = render(source.config, FIRST_SCREEN, [chapter], shown, pictures, {})
    assert "<p>&lt;b&gt;" in page and "<p>They were trained on.</p>" in page
    assert 'class="wide" src="data:image/png' in page and 'alt="A figure"' in page
    assert "What it shows &amp; how.</figcaption>" in page


class Careless(Section[str]):
    """A section that would draw without saying what may be shown."""

    name = "careless"

    def figure(self, shown):
        return Figure()


def test_a_section_that_does_not_say_what_may_be_shown_cannot_be_drawn():
    with pytest.raises(TypeError, match=r"abstract method '?public"):
        Careless()


class Watched(Section[object]):
    """A section that notes what it is asked to show."""

    name = "training_progress"  # its template is not rendered here
    shown_to: list

    def __init__(self, applies=True):
        self.asked, self.is_asked = [], applies

    def applies(self, evaluation):
        return self.is_asked

    def measure(self, source, bundle, on_step):
        on_step("measuring")
        return Measured({"extra": 3}, {"secret": pd.DataFrame({"n": [source.metrics["n"]]})})

    def public(self, source):
        assert source.metrics["extra"] == 3
        return "public"

    def table(self, shown):
        self.asked.append(shown)
        return pd.DataFrame({"n": [1]})

    def figure(self, shown):
        self.asked.append(shown)
        return Figure()

    def sentences(self, shown):
        self.asked.append(shown)
        return [shown]


def report_of(*sections, on_step=str):
    source = source_of(METRICS | {"n": 12})
    return Report(source, None, on_step, (), [Chapter("x", "X", sections)])


def test_tables_figures_and_sentences_are_made_of_what_is_public_alone():
    section, steps = Watched(), []
    made = report_of(section, on_step=steps.append)
    assert list(made.tables()) == list(made.figures()) == ["training_progress"]
    assert made.sentences == ["public"] and section.asked == ["public"] * 3
    assert steps == ["measuring"]


def test_a_section_that_does_not_apply_is_not_measured_and_leaves_no_chapter():
    made = report_of(Watched(applies=False))
    assert made.tables() == made.figures() == {} and made.sentences == []


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_what_a_section_shows_holds_neither_the_run_nor_its_evaluation(section):
    source = source_of(METRICS_OF_NEW_RECORDS)
    shown = section.public(source)
    values = [getattr(shown, field.name) for field in fields(shown)]
    assert not any(value is source.evaluation or value is source.metrics for value in values)
    assert not any(value is split for value in values for split in source.splits.values())
