"""The source files as the tests of layout and language read them."""

import ast
import io
import tokenize
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "textlstm"
PACKAGES = "textlstm", "pipelines", "benchmarks"


def python_files(*packages):
    """Return the Python files of packages, sorted."""
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def module_name(path):
    """Return the dotted name of a module of the library, without ``textlstm``."""
    return ".".join(path.relative_to(LIBRARY).with_suffix("").parts)


@cache
def tree(path):
    """Parse a Python file, once."""
    return ast.parse(path.read_text())


def imported_modules(path):
    """Yield the names that a file imports, at its top or within functions."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _documented(path):
    """Return the nodes of the docstrings of a file, those of constants included."""
    bodies = (ast.Module, ast.ClassDef, ast.FunctionDef)
    return [
        statement.value
        for node in ast.walk(tree(path))
        if isinstance(node, bodies)
        for statement in node.body
        if isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    ]


def docstrings(path):
    """Return the docstrings of a file, with their line numbers."""
    return [(node.lineno, node.value) for node in _documented(path)]


def comments(path):
    """Return the comments of a file, consecutive lines joined, with their first line numbers."""
    joined = []
    last = None
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type == tokenize.COMMENT:
            line, text = token.start[0], token.string.lstrip("# ")
            if last == line - 1:
                joined[-1] = joined[-1][0], f"{joined[-1][1]} {text}"
            else:
                joined.append((line, text))
            last = line
    return joined


def messages(path):
    """Return the other strings of a file, with their line numbers."""
    documented = {id(node) for node in _documented(path)}
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in documented
    ]


def code_lines(path):
    """Return the numbers of the lines that are no docstring, comment or blank line."""
    documented = {
        line for node in _documented(path) for line in range(node.lineno, node.end_lineno + 1)
    }
    return {
        number
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if line.strip() and not line.strip().startswith("#") and number not in documented
    }


def top_names(path):
    """Return the functions, classes and constants that a module defines at its top.

    Type variables are left out: they mean nothing outside of the signatures that use them.
    """
    names = []
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and not _is_type_variable(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names += [name.id for target in targets for name in ast.walk(target)
                      if isinstance(name, ast.Name)]  # fmt: skip
    return set(names)


def _is_type_variable(value):
    return isinstance(value, ast.Call) and getattr(value.func, "id", "") == "TypeVar"


def defined_names(path):
    """Return the constants at the top of a module, and its functions and classes at any depth."""
    definitions = ast.FunctionDef | ast.ClassDef
    nested = {node.name for node in ast.walk(tree(path)) if isinstance(node, definitions)}
    return top_names(path) | nested
