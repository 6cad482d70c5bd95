"""The language: plain sentences without the banned phrases, and the field's words."""

import re

import pytest
from sources import PACKAGES, ROOT, comments, docstrings, messages, python_files

BANNED = (
    "so many", "so much of", "be it", "be none", "seen to", "known of", "goes on", "as it were",
    "as are to be",
    "(?<!not )at all",
    "(?<!each )(?<!some )(?<!few )(?<!most )(?<!none )(?<!one )(?<!any )(?<!, )of which",
)  # fmt: skip
"""Phrases that make a sentence a riddle, as patterns: the noun that is meant is clearer."""

BANNED_IN_CODE = (*BANNED, "what is")
"""Phrases banned in docstrings and comments; a title may ask "what is taken for what?"."""


def hits_of(phrases, text):
    """Yield the banned phrases of a text."""
    # White space is one blank, since the patterns look behind.
    return re.finditer(rf"\b({'|'.join(phrases)})\b", re.sub(r"\s+", " ", text), re.IGNORECASE)


DOCUMENTS = sorted(
    path for folder in ("", "docs", "data", "benchmarks") for path in (ROOT / folder).glob("*.md")
)

SEARCHES = {
    "resume": "textlstm/training/checkpoint.py",
    "early stopping": "textlstm/training/state.py",
    "deduplicat": "textlstm/data/distinct.py",
    "drift": "textlstm/inference/drift.py",
    "abstention": "textlstm/uncertainty/risk_control.py",
    "conformal": "textlstm/uncertainty/conformal.py",
    "confidence interval": "textlstm/uncertainty/intervals.py",
    "out-of-fold": "textlstm/uncertainty/out_of_fold.py",
    "atomic write": "textlstm/storage/atomic.py",
    "memory-map": "textlstm/storage/arrays.py",
    "class weight": "textlstm/training/class_weights.py",
}
"""Words that a newcomer would search for, and the file that docstrings must lead to."""


def folders():
    """Return the folders that hold Python files, as cases of a test."""
    return sorted({str(path.parent.relative_to(ROOT)) for path in python_files(*PACKAGES)})


@pytest.mark.parametrize("folder", folders())
def test_docstrings_and_comments_have_no_banned_phrase(folder):
    hits = [
        f"{path.relative_to(ROOT)}:{line}: {hit[0]}"
        for path in sorted((ROOT / folder).glob("*.py"))
        for line, text in docstrings(path) + comments(path)
        for hit in hits_of(BANNED_IN_CODE, text)
    ]
    assert not hits, "\n".join(hits)


@pytest.mark.parametrize("folder", folders())
def test_messages_have_no_banned_phrase(folder):
    hits = [
        f"{path.relative_to(ROOT)}:{line}: {hit[0]}"
        for path in sorted((ROOT / folder).glob("*.py"))
        for line, text in messages(path)
        for hit in hits_of(BANNED, text)
    ]
    assert not hits, "\n".join(hits)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_have_no_banned_phrase(path):
    hits = [
        f"{path.name}: ...{hit.string[hit.start() - 40 : hit.end()]}"
        for hit in hits_of(BANNED, path.read_text())
    ]
    assert not hits, "\n".join(hits)


@pytest.mark.parametrize("word", SEARCHES)
def test_a_search_leads_to_the_right_file(word):
    pattern = re.compile(re.sub("[ -]", r"[\\s-]+", word), re.IGNORECASE)
    hits = {
        str(path.relative_to(ROOT))
        for path in python_files("textlstm")
        if any(pattern.search(text) for _, text in docstrings(path))
    }
    assert SEARCHES[word] in hits, sorted(hits)
