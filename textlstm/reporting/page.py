"""The page of a report: what its sections show in, one self-contained HTML file out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from textlstm.config import RunConfig
from textlstm.evaluation.outcomes import HOLDOUT, Sample
from textlstm.reporting.filters import embed_png, environment, render_page
from textlstm.reporting.sections.section import Section


@dataclass(frozen=True)
class Pictures:
    """The pictures of the sections.

    Attributes
    ----------
    whole
        The PNG file of each figure, by name of the section.
    single
        PNG files of the parts of a figure that the page arranges itself, by name of the section.
    """

    whole: Mapping[str, bytes] = field(default_factory=dict)
    single: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)


@dataclass(frozen=True)
class Chapter:
    """A part of the report under one heading.

    Attributes
    ----------
    id
        What links to the chapter name.
    heading
        The field's term first, since readers search for it.
    sections
        In their order.
    """

    id: str
    heading: str
    sections: tuple[Section[Any], ...]


@dataclass(frozen=True)
class RenderedChapter:
    """A chapter as the page shows it."""

    id: str
    heading: str
    css_class: str
    fragments: Sequence[Markup]


def render(
    config: RunConfig,
    first_screen: Sequence[Section[Any]],
    chapters: Sequence[Chapter],
    shown: Mapping[str, object],
    pictures: Pictures,
    timing: Mapping[str, float],
    made: str = "",
    sample: Sample = HOLDOUT,
) -> str:
    """Return the report: no script, nothing loaded from elsewhere, every text escaped.

    Parameters
    ----------
    first_screen
        The header, the result, and what stands beside it.
    shown
        What each section's ``public`` returned, by its name; other sections are left out.
    timing
        Seconds of each stage.
    made
        When the run was made, and by which version, in words.
    sample
        What the measured records are called.
    """
    jinja = environment()
    jinja.globals |= {"config": config, "timing": timing, "made": made, "sample": sample}

    def fragment(section: Section[Any]) -> Markup:
        image = pictures.whole.get(section.name)
        single = pictures.single.get(section.name, {})
        template = jinja.select_template([f"sections/{section.name}.html.j2", "section.html.j2"])
        return Markup(
            template.render(
                shown=shown[section.name],
                paragraphs=section.paragraphs(shown[section.name]),
                caption=section.caption(shown[section.name], sample),
                image=None if image is None else embed_png(image),
                pictures={name: embed_png(content) for name, content in single.items()},
            )
        )

    rendered = []
    for chapter in chapters:
        if sections := [section for section in chapter.sections if section.name in shown]:
            css_class = sections[0].css_class(shown[sections[0].name])
            fragments = [fragment(section) for section in sections]
            rendered.append(RenderedChapter(chapter.id, chapter.heading, css_class, fragments))
    header, headline, *beside = map(fragment, first_screen)
    return render_page(
        "report",
        config=config,
        header=header,
        headline=headline,
        beside=Markup("").join(beside),
        chapters=rendered,
    )
