"""The rooms hold: imports run one way, and what must start fast does not load torch."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ORDER = [
    "errors", "files", "folders", "swap", "spill", "parts", "config", "memory", "text", "marked",
    "preprocessor", "labels", "charsets", "delimited", "delimiters", "jsonlines", "allowance",
    "parquet", "columnar", "dataset", "tables", "records", "abbreviations", "encoding", "prefixes",
    "batches", "features", "lsa", "linear", "model", "calibration", "checkpoint", "training",
    "metrics", "baselines", "decisions", "bundle", "rare", "fitting", "classifier", "scoring",
    "inside", "explain", "review", "robustness", "suspects", "disclosure", "subgroups",
    "tabulation", "stopwords", "figures", "examination", "verdict", "reporting", "page",
]  # fmt: skip
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


def test_every_module_has_its_place():
    modules = {path.stem for path in (ROOT / "textlstm").glob("*.py")} - {"__init__"}
    assert modules == set(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_a_module_imports_only_those_above_it(name):
    ours = {
        module.split(".")[1]
        for module in imported(ROOT / "textlstm" / f"{name}.py")
        if module.startswith("textlstm.")
    }
    assert ours & set(ORDER) <= set(ORDER[: ORDER.index(name)])


def test_the_library_does_not_know_the_stages():
    for path in (ROOT / "textlstm").glob("*.py"):
        assert not any(module.startswith("pipelines") for module in imported(path))


@pytest.mark.parametrize("name", ["tables", "records", "text", "preprocessor", "figures", "page"])
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
    tests = "".join(path.read_text() for path in (ROOT / "tests").glob("*.py"))
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "SECURITY.md").read_text()))
    assert named
    assert not {name for name in named if f"def {name}(" not in tests}


def test_the_library_does_not_print():
    for path in (ROOT / "textlstm").glob("*.py"):
        calls = [
            node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
        ]
        assert not any(isinstance(c.func, ast.Name) and c.func.id == "print" for c in calls)


def test_the_stages_print_through_the_functions_that_show_names_escaped():
    for path in (ROOT / "pipelines").glob("*.py"):
        names = [node.id for node in ast.walk(ast.parse(path.read_text()))
                 if isinstance(node, ast.Name)]  # fmt: skip
        allowed = {"shell.py": 2, "flags.py": 1}  # say and hand_over; the version
        assert names.count("print") == allowed.get(path.name, 0), path


def test_pages_trust_no_value_but_their_own_style_and_policy():
    for path in (ROOT / "textlstm" / "templates").glob("*.j2"):
        trusted = re.findall(r"{{ *(\w+) *\| *safe *}}", path.read_text())
        assert trusted == ["policy", "style"] and path.read_text().count("safe") == 2
