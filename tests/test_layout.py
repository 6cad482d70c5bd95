"""The rooms hold: imports run one way, and what must start fast does not load torch."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WINGS = {
    "errors": [],
    "disclosure": [],
    "storage": [
        "atomic", "spreadsheet", "json_files", "folders", "swap", "arrays", "parallel", "resumable",
    ],
    "text": ["cleaning", "tokenizing", "marked", "worker"],
    "uncertainty": [
        "predictions", "intervals", "calibration", "out_of_fold", "risk_control", "conformal",
    ],
    "settings": [],
    "recipe": [],
    "config": [],
    "data": [
        "allowance", "labels", "charset", "chunks", "delimiters", "delimited", "json_lines",
        "parquet_pages", "arrow_messages", "class_names", "columnar", "dataset", "readers", "cells",
        "distinct", "dates", "groups", "records", "splits",
    ],
    "encoding": [
        "encoded", "abbreviations", "phrases", "abbreviation_table", "subwords", "vocabulary",
        "batching", "unique_rows", "terms", "corpus",
    ],
    "models": [
        "cells.cell", "cells.lstm", "cells.table", "memory", "pooling", "prefix_tree", "encoder",
        "dropout", "linear", "word_vectors", "network", "ensemble", "logits",
    ],
    "training": ["checkpoint", "optim", "folds", "state", "loop", "rare_classes"],
    "inference": [
        "bundle_files", "model_card", "bundle", "scoring", "drift", "score_table", "engines.local",
    ],
    "insight": [
        "activations", "attributions", "deletion", "class_words", "token_table", "robustness",
        "label_errors",
    ],
    "evaluation": ["metrics", "baselines", "subgroups", "outcomes", "decisions", "evaluate"],
    "review": ["queue"],
    "fitting": [],
    "reporting": [
        "stopwords", "tabulation", "figures", "tokens", "verdict", "examination", "published",
        "report", "page",
    ],
    "arguments": [],
    "classifier": [],
}  # fmt: skip
"""Wings, and the modules of each: one imports only those above it."""

ORDER = [
    f"{wing}.{module}" if module else wing
    for wing, modules in WINGS.items()
    for module in modules or [""]
]
WITHOUT_TORCH = (
    "errors",
    "disclosure",
    "storage",
    "text",
    "uncertainty",
    "config",
    "data",
)

STAGES = [
    "preprocess",
    "encode",
    "train",
    "report",
    "predict",
    "explain",
    "review",
    "run",
    "__main__",
]


def imported(path):
    """Modules of ours that a file imports, at its top or within functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from [node.module, *names]
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def name_of(path):
    return ".".join(path.relative_to(ROOT / "textlstm").with_suffix("").parts)


def path_of(name):
    return (ROOT / "textlstm" / name.replace(".", "/")).with_suffix(".py")


def test_every_module_has_its_place():
    found = {name_of(path) for path in (ROOT / "textlstm").rglob("*.py")}
    assert {name for name in found if not name.endswith("__init__")} == set(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_a_module_imports_only_those_above_it(name):
    ours = {module.removeprefix("textlstm.") for module in imported(path_of(name))}
    assert ours & set(ORDER) <= set(ORDER[: ORDER.index(name)])


@pytest.mark.parametrize("wings", [{"training", "inference"}])
def test_some_wings_do_not_know_each_other(wings):
    for name in ORDER:
        if (wing := name.partition(".")[0]) in wings:
            others = {module.split(".")[1] for module in imported(path_of(name))
                      if module.startswith("textlstm.")}  # fmt: skip
            assert not others & (wings - {wing}), name


def test_the_library_does_not_know_the_stages():
    for path in (ROOT / "textlstm").rglob("*.py"):
        assert not any(module.startswith("pipelines") for module in imported(path))


@pytest.mark.parametrize(
    "name", [name for name in ORDER if name.partition(".")[0] in WITHOUT_TORCH]
)
def test_torch_is_not_loaded_by(name):
    check = f"import sys, textlstm.{name}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True)


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_can_show_its_help_without_any_heavy_library(name):
    heavy = ("torch", "pandas", "sklearn", "spacy", "matplotlib", "pyarrow")
    check = (
        f"import sys, pipelines.{name}; loaded = set(sys.modules) & set({heavy}); "
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", check], check=True, cwd=ROOT)


def test_the_promises_of_security_name_tests_that_exist():
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "SECURITY.md").read_text()))
    assert named
    assert not {name for name in named if f"def {name}(" not in tests}


def test_the_library_does_not_print():
    for path in (ROOT / "textlstm").rglob("*.py"):
        calls = [
            node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
        ]
        assert not any(isinstance(c.func, ast.Name) and c.func.id == "print" for c in calls)


def test_the_stages_print_through_the_functions_that_show_names_escaped():
    for path in (ROOT / "pipelines").glob("*.py"):
        names = [node.id for node in ast.walk(ast.parse(path.read_text()))
                 if isinstance(node, ast.Name)]  # fmt: skip
        allowed = {"console.py": 2, "flags.py": 1}  # log and print_path; the version
        assert names.count("print") == allowed.get(path.name, 0), path


def test_pages_trust_no_value_but_their_own_style_and_policy():
    for path in (ROOT / "textlstm" / "reporting" / "templates").glob("*.j2"):
        trusted = re.findall(r"{{ *(\w+) *\| *safe *}}", path.read_text())
        assert trusted == ["policy", "style"] and path.read_text().count("safe") == 2


def test_every_fault_has_a_number_of_its_own():
    numbers = [
        int(number)
        for path in (ROOT / "tests" / "faults").glob("test_*.py")
        for number in re.findall(r"^@fault\((\d+),", path.read_text(), re.MULTILINE)
    ]
    assert sorted(numbers) == list(range(1, 99))
