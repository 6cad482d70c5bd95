"""Figures and numbers in, one self-contained HTML page out."""

import shlex
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import fields
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from textlstm.config import DataConfig, RunConfig
from textlstm.data.dataset import HUB
from textlstm.disclosure import SMALLEST_SHOWN, any_shown
from textlstm.errors import visible
from textlstm.evaluation.metrics import LINEAR, MODEL, SHARES
from textlstm.recipe import Recipe, load_recipe, shipped_recipes
from textlstm.reporting.verdict import MEASURES as COMPARED
from textlstm.reporting.verdict import winner
from textlstm.text.marked import Span
from textlstm.uncertainty.intervals import percent, tenths
from textlstm.uncertainty.risk_control import main_promise

MEASURE_NAMES = {
    "accuracy": ("accuracy", "share of records given their true label"),
    "macro_f1": ("macro-F1", "F1 averaged over classes, rare ones counting as much as common ones"),
    "weighted_f1": ("weighted F1", "F1 averaged over classes by their number of records"),
    "log_loss": ("log loss", "mean of -log(probability given to the true label), in nats; lower is "
                 "better"),
    "ece": ("ECE", "expected calibration error: how far probabilities are off, on average"),
    "brier": ("Brier", "mean squared distance of the probabilities to the truth; lower is better"),
    "accuracy_unseen_text": ("accuracy, unseen texts", "on texts that are not among the training "
                             "records"),
}  # fmt: skip
"""Name and explanation of each measure, in the order of the table."""

SECTIONS = {
    "comparison": "Comparison of models: which one won",
    "measures": "All measures: accuracy, F1, log loss, calibration error",
    "clouds": "Word clouds: the words of each class",
    "classes": "Precision, recall and F1, class by class",
    "confusion": "Confusion matrix: what is taken for what",
    "calibration": "Calibration and reliability: can the probabilities be believed?",
    "workload": "Workload and risk-coverage curve: what can be coded automatically?",
    "subgroups": "Subgroups: for whom, and for which texts, does it work?",
    "sets": "Prediction sets (conformal): which labels are possible?",
    "attribution": "Feature attribution: which words decide",
    "robustness": "Robustness: what makes it err",
    "training": "Training progress",
    "records": "Data: the records",
    "again": "Reproducibility: make it again",
}
"""Headings of the report's sections, in their order: the field's term first, to be searched for."""

POLICY = (
    "default-src 'none'; img-src data:; style-src 'sha256-{style}'; base-uri 'none'; "
    "form-action 'none'"
)
"""What a browser lets a page do: show its own pictures in its own style, and nothing else."""

STRENGTHS = 4
"""Shades of a marked word; what would be less than half of the first is not marked."""

LONGEST_ESCAPE = len(r"\U0010ffff")
"""Characters that stand for one that leaves no ink, at most."""

FILE_DESCRIPTIONS = ("data", "abbreviations")
"""Settings that name a file."""

NO_BREAK = "\u00a0"
"""Between a number and its unit."""


def render(
    config: RunConfig,
    metrics: Mapping[str, Any],
    pictures: Mapping[str, bytes],
    verdict: Sequence[str],
    clouds: Mapping[str, bytes] | None = None,
    made: str = "",
) -> str:
    """Return the report: no script, nothing loaded from elsewhere, every text escaped.

    Parameters
    ----------
    metrics
        As :func:`.public_metrics` gives them.
    pictures
        PNG bytes by name.
    verdict
        The result in words: in one sentence, then a sentence a measure.
    clouds
        PNG bytes of the word cloud of each class.
    made
        When the run was made, and by which version, in words.
    """
    models = {
        MODEL: metrics["model"],
        LINEAR: metrics["baselines"]["tfidf_logreg"],
        SHARES: metrics["baselines"]["majority"],
    }
    classes = sorted(metrics["per_class"].items(), key=lambda item: -(item[1]["support"] or 0))
    return _page(
        "report",
        config=config,
        metrics=metrics,
        models=models,
        measures=MEASURE_NAMES,
        sections=SECTIONS,
        made=made,
        classes=classes,
        measured=[(label, row) for label, row in classes if any_shown(row)],
        best={name: winner(metrics, name) for name in COMPARED},
        images={name: _embedded(content) for name, content in pictures.items()},
        clouds={name: _embedded(content) for name, content in (clouds or {}).items()},
        linear=LINEAR,
        source=Path(config.data.data).name,
        verdict=verdict,
        main_promise=main_promise(metrics["decisions"]),
        worst_change=_worst_change(metrics["robustness"]),
        confusions_shown=_any_confusion(metrics["confusion"]["counts"]),
        command=_command(config),
    )


def render_explanations(
    config: RunConfig, records: Sequence[Mapping[str, Any]], member: int | None = None
) -> str:
    """Return the explanations of single records as a page: it shows their texts.

    Parameters
    ----------
    records
        For each its ``name``, its ``tokens`` (the rows of :func:`.token_table`),
        its ``answers``, the most probable label first, the number of tokens that are ``unread``,
        the ``largest`` attribution, and with gates the PNG bytes of a ``picture`` of its states. Of
        an answer the ``label``, the ``probability``, the ``words`` that speak most for it, and
        ``fields``: for each column its pieces as :func:`.highlight` gives them.
    member
        The network whose gates are shown, from 1; None for no gates.
    """
    return _page("explain", config=config, records=records, member=member)


def _page(name: str, **values: Any) -> str:
    """Return the page of a template, with the style that stands beside it."""
    style = (resources.files("textlstm.reporting") / "templates" / f"{name}.css").read_text("utf-8")
    digest = b64encode(sha256(style.encode("utf-8")).digest()).decode("ascii")
    template = _environment().get_template(f"{name}.html.j2")
    return template.render(style=style, policy=POLICY.format(style=digest), **values)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("textlstm.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": _write_number,
        "count": _write_count,
        "percent": _percent,
        "points": _points,
        "interval": _interval,
        "between": _between,
        "embedded": _embedded,
        "two_lines": _two_lines,
        "as_written": _as_written,
    }
    return environment


def _visible(value: Any) -> Any:
    """Return a value as a page shows it: all texts visible, but those that we wrote as HTML."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _embedded(picture: bytes) -> Markup:
    return Markup("data:image/png;base64,") + b64encode(picture).decode("ascii")


def _as_written(pieces: Sequence[Span], largest: float) -> Markup:
    """Write a text with its words marked: for a label or against it, the more the stronger.

    Parameters
    ----------
    largest
        The value of the strongest mark, above zero.
    """
    written = []
    for piece in pieces:
        text, value = _visible_lines(piece.text), piece.value or 0.0
        if strength := round(STRENGTHS * abs(value) / largest):
            side = "against" if value < 0 else "for"
            text = Markup('<mark class="{} {}{}">{}</mark>').format(side, side, strength, text)
        written.append(text)
    return Markup("").join(written)


def _visible_lines(text: str) -> Markup:
    """Write a text whole and line by line, all else that leaves no ink being shown escaped."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return Markup("\n").join(visible(line, longest=LONGEST_ESCAPE * len(line)) for line in lines)


def _two_lines(value: str) -> Markup:
    """Write an estimate, and its interval in a line below it."""
    return Markup(escape(visible(value)).replace(" (", "\n("))


def _command(config: RunConfig) -> str:
    """Return the command that makes the run again, flags that change nothing left out.

    A recipe from a file is spelled out, since the file may have changed. Of a file, the name alone
    is told: its path would tell of the computer, and the report is made to be shown.

    >>> _command(RunConfig(DataConfig(label="manner of death"), load_recipe("default"), seed=1))
    "python -m pipelines.run --run RUN --seed 1 --recipe default --label 'manner of death'"
    """
    words = ["python", "-m", "pipelines.run", "--run", "RUN", "--seed", str(config.seed)]
    recipe = Recipe()
    if config.recipe_name in shipped_recipes():
        recipe = load_recipe(config.recipe_name)
        words += ["--recipe", config.recipe_name]
    pairs = [(config.data, DataConfig())] + [
        (getattr(config.recipe, section.name), getattr(recipe, section.name))
        for section in fields(Recipe)
    ]
    for used, default in pairs:
        for name in used.names():
            if (value := getattr(used, name)) != getattr(default, name):
                words += _flag(name, _name_of(value) if name in FILE_DESCRIPTIONS else value)
    return shlex.join(words)


def _name_of(table: str) -> str:
    """Return the name of a file or folder without the folders that it is in; a hub name whole."""
    return table if table.startswith(HUB) else Path(table).name


def _flag(name: str, value: Any) -> list[str]:
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    values = value if isinstance(value, tuple) else (value,)
    return [f"--{flag}", *map(str, values)]


def _any_confusion(counts: Sequence[Sequence[int | None]]) -> bool:
    """Return whether a published matrix shows how often some class is taken for another."""
    return any(n for i, row in enumerate(counts) for j, n in enumerate(row) if i != j)


def _worst_change(changes: Mapping[str, Mapping[str, float]]) -> tuple[str, Any] | None:
    """Return the change of the texts that costs most accuracy, if one costs any."""
    costs = {name: one["before"] - one["after"] for name, one in changes.items()}
    worst = max(costs, key=lambda name: costs[name], default=None)
    return None if worst is None or costs[worst] <= 0 else (worst, changes[worst])


def _write_count(number: int | None) -> str:
    """Write a number of records; where it is withheld, a dash."""
    if number is None:
        return "–"
    return f"fewer than {SMALLEST_SHOWN}" if 0 < number < SMALLEST_SHOWN else f"{number:,}"


def _write_number(value: float | None, digits: int = 4) -> str:
    """Write a measure; where there is none, a dash."""
    return "–" if value is None else f"{value:.{digits}f}"


def _percent(share: float | None) -> str:
    """Write a share that was named, in percent; where there is none, a dash."""
    return "–" if share is None else percent(share).replace(" ", NO_BREAK)


def _points(share: float | None) -> str:
    """Write a share that was measured, to a tenth of a percent; where there is none, a dash."""
    return "–" if share is None else tenths(share).replace(" ", NO_BREAK)


def _between(bounds: Mapping[str, float] | None, estimate: float | None) -> str:
    """Write a measure with its interval; where there is none, a dash."""
    if bounds is None:
        return "–"
    return f"{estimate:.3f} ({bounds['low']:.3f}–{bounds['high']:.3f})"


def _interval(counted: Mapping[str, Any]) -> str:
    """Write a share with its interval; of no records, a dash."""
    if counted["share"] is None:
        return "–"
    low, high = (100 * counted[end] for end in ("low", "high"))
    return f"{_points(counted['share'])} ({low:.1f}–{high:.1f})"
