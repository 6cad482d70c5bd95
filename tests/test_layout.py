"""The layout: wings, one-way imports, limits of size, one name for one thing, light imports."""

import ast
import re
import subprocess
import sys
from collections import defaultdict

import pytest
from sources import (
    LIBRARY,
    ROOT,
    code_lines,
    defined_names,
    imported_modules,
    module_name,
    python_files,
    top_names,
    tree,
)

WINGS = {
    "array_types": [],
    "errors": [],
    "disclosure": [],
    "monitor": [],
    "codes": ["tree", "shipped"],
    "storage": [
        "atomic", "damage", "spreadsheet", "workbook_writer", "json_files", "folders", "swap",
        "arrays", "parallel", "output_tables", "resumable",
    ],
    "text": ["cleaning", "tokenizing", "stop_lists", "spans", "worker"],
    "uncertainty": [
        "predictions", "intervals", "calibration", "out_of_fold", "risk_coverage", "risk_control",
        "conformal", "back_off",
    ],
    "settings": [],
    "metrics_file": [],
    "summaries": [],
    "recipe_sections": [],
    "network_choices": [],
    "network_config": [],
    "recipe": [],
    "formats": [],
    "config": [],
    "data": [
        "allowance", "options", "labels", "charset", "unpacking", "text_files", "chunks",
        "delimiters", "plain_csv", "delimited", "json_lines", "plain_values", "workbooks",
        "statistics_files", "sas_files",
        "parquet_pages", "arrow_messages", "class_names", "columnar", "dataset", "databases",
        "readers",
        "distinct", "cells", "dates", "groups", "inputs", "records", "draws", "splits",
        "code_books", "coded_labels",
        "handled", "labelled", "preprocessing",
    ],
    "encoding": [
        "covariates", "encoded", "abbreviations", "phrases", "abbreviation_table", "rare_words",
        "text_counts", "vocabulary",
        "encoded_splits", "batching", "unique_rows", "corpus", "terms",
    ],
    "models": [
        "cells.cell", "cells.gated", "cells.lstm", "cells.gru", "cells.rnn", "cells.peephole_lstm",
        "cells.peephole_gru", "cells.multiplicative_lstm", "cells.qrnn", "cells.sru",
        "cells.update_gate_rnn", "cells.intersection_rnn", "cells.recurrent_highway",
        "cells.bag_of_words",
        "matlab_weights", "initialisers", "pooling", "attention", "choices",
        "prefix_tree", "dropout", "layers", "dense", "covariate_layer",
        "label_output",
        "encoder", "memory", "heads", "linear", "linear_fit", "word_vectors", "network",
        "ensemble", "logits",
    ],
    "tasks": [],
    "coded_task": [],
    "training": [
        "threads", "checkpoint", "optim", "evidence", "folds", "class_weights",
        "linear_branches", "state", "out_of_fold", "loop", "rare_classes", "inputs",
    ],
    "inference": [
        "rules", "bundle_files", "model_card", "bundle", "scoring", "drift", "score_table",
        "stateful", "engines.chunks", "engines.local", "engines.files",
    ],
    "insight": [
        "activations", "attributions", "deletion", "class_words", "token_table",
        "covariate_gains", "explained_inputs", "explanation_table", "robustness",
        "label_errors", "record_selection",
    ],
    "evaluation": [
        "ranking", "metrics", "bootstrap", "baselines", "subgroups", "outcomes", "scored_records",
        "decisions", "holdout", "data_facts", "levels", "results", "evaluate", "new_records",
        "new_evaluation",
    ],
    "review": ["queue", "sheet", "answers", "exporting", "importing"],
    "fitting": [],
    "arguments": [],
    "comparison": ["pairwise", "model_results", "measuring", "comparing", "searching"],
    "reporting": [
        "stopwords", "drawing", "clouds", "tokens", "filters", "sections.section", "public",
        "sections.header", "sections.verdict", "sections.headline", "sections.word_cloud",
        "sections.measures", "sections.word_clouds_by_class", "sections.per_class",
        "sections.confusion", "sections.reliability", "sections.workload",
        "sections.workload_curves", "sections.workload_by_class", "sections.groups",
        "sections.prediction_sets", "sections.words_taken_away", "sections.robustness",
        "sections.training_progress", "sections.hidden_units", "sections.data",
        "sections.reproduction", "sections.evaluated_header", "sections.evaluated_measures",
        "sections.drift", "sections.evaluated_data", "page",
        "explain_page", "explanation", "trade_offs",
        "learning_curve",
        "comparison_page", "report", "evaluated_report", "figures",
    ],
    "given_records": [],
    "deciding": [],
    "examining": [],
    "classifier": [],
}  # fmt: skip
"""Wings and their modules, in the order of imports: each module imports only those before it."""

ORDER = [
    f"{wing}.{module}" if module else wing
    for wing, modules in WINGS.items()
    for module in modules or [""]
]
PACKAGED = [wing for wing, modules in WINGS.items() if modules]

WITHOUT_TORCH = (
    "errors",
    "disclosure",
    "storage",
    "text",
    "uncertainty",
    "config",
    "data",
    "reporting",
)
"""Wings that must be imported fast."""

HEAVY = "torch", "pandas", "sklearn", "spacy", "matplotlib", "pyarrow"
"""Libraries that no stage imports before its flags are read."""

STAGES = (
    "preprocess", "encode", "train", "report", "predict", "explain", "review", "run", "compare",
    "evaluate",
)  # fmt: skip

MODULE_LINES, FUNCTION_LINES, STAGE_LINES = 250, 40, 60
"""Lines of a module; code lines of a function and of a stage, without docstrings and comments."""

EXCEPTIONS: dict[str, str] = {}
"""What may be longer, and why: five at most."""

HOMONYMS: dict[str, str] = {}
"""Names that two modules may define, and why."""


def path_of(name):
    return (LIBRARY / name.replace(".", "/")).with_suffix(".py")


def run_python(code):
    """Run code in a process of its own and return what it prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True).stdout


def test_every_module_has_a_place_in_the_order():
    names = {module_name(path) for path in python_files("textlstm")}
    assert {name for name in names if not name.endswith("__init__")} == set(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_a_module_imports_only_those_before_it(name):
    ours = {module.removeprefix("textlstm.") for module in imported_modules(path_of(name))}
    assert ours & set(ORDER) <= set(ORDER[: ORDER.index(name)])


def test_training_and_inference_do_not_import_each_other():
    wings = {"training", "inference"}
    for name in ORDER:
        if (wing := name.partition(".")[0]) in wings:
            others = {module.split(".")[1] for module in imported_modules(path_of(name))
                      if module.startswith("textlstm.")}  # fmt: skip
            assert not others & (wings - {wing}), name


def test_the_library_does_not_import_the_stages():
    for path in python_files("textlstm"):
        assert not any(module.startswith("pipelines") for module in imported_modules(path))


@pytest.mark.parametrize("wing", WITHOUT_TORCH)
def test_torch_is_not_loaded_by(wing):
    modules = [f"textlstm.{name}" for name in ORDER if name.partition(".")[0] == wing]
    blamed = run_python(
        "import sys, importlib\n"
        f"for name in {modules}:\n"
        "    importlib.import_module(name)\n"
        "    if 'torch' in sys.modules: print(name); break"
    )
    assert not blamed


def test_a_stage_can_show_its_help_without_any_heavy_library():
    modules = [f"pipelines.{stage}" for stage in (*STAGES, "__main__")]
    blamed = run_python(
        "import sys, importlib\n"
        f"for name in {modules}:\n"
        "    importlib.import_module(name)\n"
        f"    if heavy := set(sys.modules) & set({HEAVY}): print(name, heavy); break"
    )
    assert not blamed


def too_long():
    """Yield what is over a limit, as the path and, for a function, its name."""
    for path in python_files("textlstm", "pipelines"):
        file, code = str(path.relative_to(ROOT)), code_lines(path)
        if len(path.read_text().splitlines()) > MODULE_LINES:
            yield file
        if path.parent.name == "pipelines" and path.stem in STAGES and len(code) > STAGE_LINES:
            yield f"{file} as a stage"
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef):
                lines = code.intersection(range(node.lineno, node.end_lineno + 1))
                if len(lines) > FUNCTION_LINES:
                    yield f"{file}: {node.name}"


def test_modules_functions_and_stages_keep_to_their_limits():
    assert len(EXCEPTIONS) <= 5 and all(EXCEPTIONS.values())
    longer = set(too_long())
    assert set(EXCEPTIONS) <= longer, "no exception is needed any more"
    assert not longer - set(EXCEPTIONS)


def test_no_name_is_defined_in_two_modules():
    modules = defaultdict(list)
    for path in python_files("textlstm"):
        for name in top_names(path) - {"__all__"}:
            modules[name].append(module_name(path))
    twice = {name: sorted(of) for name, of in modules.items() if len(of) > 1}
    assert {name: of for name, of in twice.items() if name not in HOMONYMS} == {}


def test_no_name_is_that_of_a_module_elsewhere():
    # A section of the report may have the name of the measure that it shows.
    modules = [name for name in ORDER if not name.startswith("reporting.sections.")]
    stems = {name.rpartition(".")[2] for name in modules} | set(PACKAGED)
    elsewhere = {
        f"{module_name(path)}.{name}"
        for path in python_files("textlstm")
        for name in top_names(path) & stems
        if path.stem != name
    }
    assert not elsewhere


@pytest.mark.parametrize("wing", PACKAGED)
def test_a_wing_imports_nothing_and_lists_names_that_exist(wing):
    init = LIBRARY / wing / "__init__.py"
    assert [type(node) for node in tree(init).body] == [ast.Expr], "a docstring and nothing else"
    modules = sorted((LIBRARY / wing).rglob("*.py"))
    folders = {path.parent.name for path in modules}
    defined = folders.union({path.stem for path in modules}, *map(defined_names, modules))
    listed = re.findall(r"``([^`]+)``", ast.get_docstring(tree(init)))
    assert listed, "the public names of the wing"
    entries = [re.sub(r"^textlstm\.|\(.*", "", entry) for entry in listed]
    assert not [entry for entry in entries if not set(entry.split(".")) <= defined]


def test_the_library_does_not_print():
    for path in python_files("textlstm"):
        calls = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
        assert not any(isinstance(c.func, ast.Name) and c.func.id == "print" for c in calls)


def test_the_stages_print_through_the_functions_that_show_names_escaped():
    for path in python_files("pipelines"):
        names = [node.id for node in ast.walk(tree(path)) if isinstance(node, ast.Name)]
        allowed = {"console.py": 2, "flags.py": 1}  # log and print_path; the version
        assert names.count("print") == allowed.get(path.name, 0), path


def test_pages_trust_no_value_but_their_own_style_and_policy():
    pages = "report.html.j2", "explain.html.j2", "comparison.html.j2"
    for path in (LIBRARY / "reporting" / "templates").rglob("*.j2"):
        trusted = re.findall(r"{{ *(\w+) *\| *safe *}}", path.read_text())
        assert trusted == (["policy", "style"] if path.name in pages else []), path
        assert path.read_text().count("safe") == len(trusted), path


def test_every_fault_has_a_number_of_its_own():
    numbers = [
        int(number)
        for path in (ROOT / "tests" / "faults").glob("test_*.py")
        for number in re.findall(r"^@fault\((\d+),", path.read_text(), re.MULTILINE)
    ]
    assert sorted(number for number in numbers if number < 200) == list(range(1, 99))
    assert len(set(numbers)) == len(numbers)


def test_no_two_test_files_share_a_name():
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names))
