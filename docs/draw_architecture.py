"""Draw docs/architecture.svg: the wings of the library and their imports.

An arrow leads from a wing to one that it imports. Arrows that follow from others are left out: if
reporting imports evaluation and evaluation imports inference, reporting may import inference too.

    python docs/draw_architecture.py
"""

import ast
from html import escape
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = "textlstm", "pipelines", "benchmarks"
JOINED = {
    "settings": "config",
    "recipe": "config",
    "recipe_sections": "config",
    "network_choices": "config",
    "network_config": "config",
    "formats": "config",
    "arguments": "fitting",
    "tasks": "training",
    "coded_task": "training",
    "monitor": "errors",
    "array_types": "errors",
    "metrics_file": "errors",
    "summaries": "errors",
}
"""Single modules that are drawn within the box of another."""

WIDTH, HEIGHT = 960, 1200
BOX_WIDTH, BOX_HEIGHT = 178, 54
BOXES = {
    "benchmarks": (660, 90, "accuracy, speed, promises"),
    "pipelines": (385, 180, "the stages: flags, call, save"),
    "reporting": (165, 262, "tables, figures, page"),
    "comparison": (112, 345, "differences, trade-offs"),
    "classifier": (790, 290, "scikit-learn estimator"),
    "evaluation": (165, 428, "metrics, baselines, groups"),
    "insight": (385, 410, "attributions, label errors"),
    "review": (385, 290, "queue and answers"),
    "fitting": (790, 410, "records to bundle"),
    "inference": (345, 520, "bundle, scoring, decisions"),
    "training": (640, 600, "task, loop, checkpoints"),
    "models": (480, 690, "cells, pooling, ensemble"),
    "encoding": (480, 780, "vocabulary, ids, batches"),
    "data": (480, 870, "readers, records, splits"),
    "text": (150, 970, "cleaning, tokens"),
    "storage": (370, 970, "files whole or absent"),
    "config": (556, 970, "settings, recipes, formats"),
    "uncertainty": (850, 970, "calibration, promises"),
    "codes": (650, 1060, "trees of code books"),
    "disclosure": (850, 1060, "counts that may be shown"),
    "errors": (480, 1150, "errors, progress, types"),
}
"""Centre and purpose of each box."""

STYLE = """
  text { font-family: system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1c2733; }
  .page { fill: #ffffff; }
  .box { fill: #eef3f8; stroke: #7b8fa3; stroke-width: 1.2; }
  .outer { fill: #fbf3e4; stroke: #b58f4a; }
  .base { fill: #edf5ee; stroke: #6f9a77; }
  .name { font-size: 16px; font-weight: 600; text-anchor: middle; }
  .purpose { font-size: 12px; text-anchor: middle; fill: #4a5a6a; }
  .caption { font-size: 13px; fill: #4a5a6a; }
  .import { fill: none; stroke: #52667a; stroke-width: 1.4; marker-end: url(#arrow); }
  .head { fill: #52667a; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e8edf2; }
    .page { fill: #12181f; }
    .box { fill: #1d2935; stroke: #6f8599; }
    .outer { fill: #33291a; stroke: #b58f4a; }
    .base { fill: #1b2c20; stroke: #6f9a77; }
    .purpose, .caption { fill: #a9b8c6; }
    .import { stroke: #9fb2c4; }
    .head { fill: #9fb2c4; }
  }
"""
OUTER = {"pipelines", "benchmarks", "classifier"}
BASE = {"errors", "disclosure", "text", "storage", "config", "uncertainty"}


def wing_of(module: str) -> str | None:
    """Return the box of a dotted module name, or None for other libraries."""
    first, _, rest = module.partition(".")
    if first != "textlstm":
        return first if first in PACKAGES else None
    name = rest.partition(".")[0]
    return JOINED.get(name, name) if JOINED.get(name, name) in BOXES else None


def imported_modules(path: Path) -> set[str]:
    """Return the modules that a file imports, at its top or within functions."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    return modules


def read_imports() -> dict[str, set[str]]:
    """Return the boxes that each box imports."""
    imports: dict[str, set[str]] = {name: set() for name in BOXES}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            box = wing_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
            if box is not None:
                imports[box] |= {wing_of(module) for module in imported_modules(path)} - {None, box}
        if package != "textlstm":  # the doors of the library are those of its modules
            text = "".join(path.read_text("utf-8") for path in (ROOT / package).rglob("*.py"))
            if "from textlstm import TextLSTMClassifier" in text:
                imports[package].add("classifier")
    return imports


def reachable(imports: dict[str, set[str]], name: str) -> set[str]:
    """Return the boxes that one imports, itself or through others."""
    found: set[str] = set()
    waiting = list(imports[name])
    while waiting:
        box = waiting.pop()
        if box not in found:
            found.add(box)
            waiting += imports[box]
    return found


def arrows(imports: dict[str, set[str]]) -> set[tuple[str, str]]:
    """Return the imports that do not follow from others."""
    return {
        (name, target)
        for name, targets in imports.items()
        for target in targets
        if not any(target in reachable(imports, other) for other in targets - {target})
    }


def port(name: str, ends: list[str], end: str) -> float:
    """Return where an arrow touches a box: its place among the others, from left to right."""
    ordered = sorted(ends, key=lambda other: BOXES[other][:2])
    step = min(44, (BOX_WIDTH - 30) / max(1, len(ordered)))
    return BOXES[name][0] + (ordered.index(end) - (len(ordered) - 1) / 2) * step


def draw(edges: set[tuple[str, str]]) -> str:
    """Return the picture as SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-labelledby="title">',
        '<title id="title">The wings of textlstm and their imports, from foundations (bottom) to '
        "commands (top)</title>",
        f"<style>{STYLE}</style>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path class="head" d="M0 0 L8 4 L0 8 z"/></marker></defs>',
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
        '<text class="caption" x="24" y="30">An arrow leads from a wing to one that it imports; '
        "arrows that follow from others are left out.</text>",
    ]
    for source, target in sorted(edges):
        x1 = port(source, [end for start, end in edges if start == source], target)
        x2 = port(target, [start for start, end in edges if end == target], source)
        y1, y2 = BOXES[source][1] + BOX_HEIGHT / 2, BOXES[target][1] - BOX_HEIGHT / 2
        bend = (y2 - y1) / 2
        parts.append(
            f'<path class="import" data-from="{source}" data-to="{target}" '
            f'd="M{x1:g} {y1:g} C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"/>'
        )
    for name, (x, y, purpose) in BOXES.items():
        kind = "outer" if name in OUTER else "base" if name in BASE else ""
        parts.append(
            f'<rect class="box {kind}" x="{x - BOX_WIDTH / 2:g}" y="{y - BOX_HEIGHT / 2:g}" '
            f'width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8"/>'
            f'<text class="name" x="{x}" y="{y - 4}">{escape(name)}</text>'
            f'<text class="purpose" x="{x}" y="{y + 15}">{escape(purpose)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    picture = draw(arrows(read_imports()))
    (ROOT / "docs" / "architecture.svg").write_text(picture, "utf-8")
