"""The documents: files and tests that they name exist, and the picture is that of the imports."""

import ast
import importlib
import importlib.util
import json
import re
import tomllib

import pytest
from sources import LIBRARY, ROOT, tree

import textlstm

DRAWING = ROOT / "docs" / "draw_architecture.py"
WINGS = sorted(path.parent.name for path in LIBRARY.glob("*/__init__.py"))


def drawing():
    """Import the script that draws the picture."""
    spec = importlib.util.spec_from_file_location("draw_architecture", DRAWING)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_has_an_arrow_for_each_import_that_follows_from_no_other():
    picture = (ROOT / "docs" / "architecture.svg").read_text("utf-8")
    shown = set(re.findall(r'data-from="(\w+)" data-to="(\w+)"', picture))
    script = drawing()
    imports = script.read_imports()
    assert shown == script.arrows(imports), "run python docs/draw_architecture.py"
    # Through the arrows, each wing reaches the wings that it imports, and no wing reaches itself.
    arrows = {name: {end for start, end in shown if start == name} for name in imports}
    for name, targets in imports.items():
        assert targets <= script.reachable(arrows, name)
        assert name not in script.reachable(arrows, name)
    assert picture == script.draw(shown)


def test_every_wing_is_in_the_picture():
    assert set(WINGS) <= set(drawing().BOXES)


def test_the_readme_maps_every_wing_and_every_other_module():
    table = (ROOT / "README.md").read_text().partition("## Where to look")[2]
    modules = [path.name for path in LIBRARY.glob("*.py") if path.name != "__init__.py"]
    assert not [wing for wing in WINGS if f"`textlstm/{wing}/`" not in table]
    assert not [name for name in modules if f"`textlstm/{name}`" not in table]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_files_that_documents_name_exist(name):
    text = (ROOT / name).read_text()
    paths = re.findall(r"`((?:textlstm|pipelines|benchmarks|tests|docs|notebooks)/[\w./-]*)`", text)
    assert paths and not [path for path in paths if not (ROOT / path).exists()]
    linked = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert not [link for link in linked if not ((ROOT / name).parent / link).exists()]


def test_the_promises_of_security_name_tests_that_exist():
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "SECURITY.md").read_text()))
    assert named
    assert not {name for name in named if f"def {name}(" not in tests}


def public_names():
    """Return the public names of the library by wing; those of ``textlstm`` itself under ``""``."""
    names = {"": set(textlstm.__all__)}
    for wing in WINGS:
        text = ast.get_docstring(tree(LIBRARY / wing / "__init__.py"))
        names[wing] = {entry.rpartition(".")[2] for entry in re.findall(r"``([^`]+)``", text)}
    return names


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem)
def test_notebooks_use_only_public_names_that_exist(path):
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    code = "\n".join(line for cell in cells for line in "".join(cell["source"]).splitlines()
                     if not line.startswith("%"))  # fmt: skip
    public = public_names()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            assert not [one.name for one in node.names if one.name.startswith("textlstm.")]
        elif isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] == "textlstm":
            _, *parts = node.module.split(".")
            names = {alias.name for alias in node.names}
            assert len(parts) in (0, 2), f"{node.module} is no module of a wing"
            assert names <= public[parts[0] if parts else ""], node.module
            defined = importlib.import_module(node.module)
            assert not [name for name in names if not hasattr(defined, name)], node.module
        elif isinstance(node, ast.Attribute | ast.Name):
            name = node.attr if isinstance(node, ast.Attribute) else node.id
            assert name == "_" or not name.startswith("_"), name


def test_files_that_the_mutation_tests_name_exist():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]
    named = settings["only_mutate"] + settings["pytest_add_cli_args_test_selection"]
    assert not [name for name in named if not (ROOT / name).exists()]
