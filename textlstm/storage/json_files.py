"""JSON files: written atomically, read strictly."""

import json
from pathlib import Path
from typing import Any

from textlstm.errors import InputError
from textlstm.storage.atomic import name_in_errors, write_bytes

MAX_JSON = 1 << 26
"""Bytes of a JSON file, at most; a vocabulary of some millions of words has as many."""


def to_json(value: Any) -> bytes:
    """Return ``value`` as JSON that a person can read and compare line by line.

    A byte of a path that is not valid UTF-8, a lone surrogate to Python, is written as an escape.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode("utf-8", "backslashreplace")


def write_json(path: Path, value: Any, *, private: bool = False) -> None:
    """Write ``value`` to ``path`` as JSON, as :func:`.atomic_write` does."""
    write_bytes(path, to_json(value), private=private)


def read_json(path: Path) -> Any:
    """Return the value that :func:`write_json` wrote.

    Raises
    ------
    InputError
        If the file is not JSON, or larger than :data:`MAX_JSON`.
    """
    if path.stat().st_size > MAX_JSON:
        raise InputError(f"{path}: larger than any file of a run")
    try:
        with name_in_errors(path):
            return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: damaged, not JSON; run the stage that writes it again"
        ) from error


def is_unicode(text: str) -> bool:
    """Return whether a text can be written as UTF-8: it has no half of a surrogate pair."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
