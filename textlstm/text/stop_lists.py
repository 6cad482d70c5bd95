"""spaCy's lists of stop words, without importing spaCy."""

from importlib.util import find_spec
from pathlib import Path
from runpy import run_path


def spacy_stop_words(language: str) -> set[str]:
    """Return spaCy's stop words of a language, by its code.

    The module is executed without its package: importing spaCy takes a second, and the tokenizer
    rules of French alone two more.

    >>> {"and", "due"} <= spacy_stop_words("en")
    True
    """
    spacy = find_spec("spacy")
    assert spacy is not None and spacy.origin is not None
    words: set[str] = run_path(
        str(Path(spacy.origin).parent / "lang" / language / "stop_words.py")
    )["STOP_WORDS"]
    return words
