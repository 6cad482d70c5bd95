"""Words that a word cloud leaves out: stop words of English and of other languages of registries.

Function words of another language ("por", "und", "de") stand in many records and name nothing. Some
are spelled like English words or like medical abbreviations ("die", "male", "OD"): these stay.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path

from wordcloud import STOPWORDS

LANGUAGES = ("da", "de", "es", "fr", "it", "nb", "nl", "pt", "sv")
"""Danish, German, Spanish, French, Italian, Norwegian, Dutch, Portuguese, Swedish."""

MORE_ENGLISH = frozenset({"due"})
"""Stands in most certificates ("due to") and is in no list."""

ENGLISH_WORDS = frozenset(
    """
    ante anterior aura bag bald bare bat bent bin bland car casa cent certain circa come comment
    contra die dies different dine diverse divers dock dog door embargo encore end era favor
    final fine fire folk font gross gut hare hen hit hue jag lad land later lite local logo
    male man men mere mil min mis net nova nun nuns ore par plus possible press primer prof pure
    quest relative sea sedan seize sent sept sex sin solo son state stop store tack tag tale
    tan tempo tenant tend tens toe ton total valor van want war zero
    """.split()
)
"""Stop words of another language that mean something in English."""

ABBREVIATIONS = frozenset("af als av co ed er gi ich io mi ob od os sah te vas vi".split())
"""Stop words of another language that abbreviate something in records: AF, atrial fibrillation;
ED, emergency department; ICH, intracerebral haemorrhage; OD, overdose ..."""


@cache
def stop_words() -> frozenset[str]:
    """Return the words that name nothing, in lower case.

    A word of another language's list is one of them unless it is in :data:`ENGLISH_WORDS` or in
    :data:`PHRASE_ABBREVIATIONS`. The lists are those of wordcloud (English) and spaCy (the others).

    >>> [word in stop_words() for word in ("the", "por", "und", "de", "die", "od", "fall")]
    [True, True, True, True, False, False, False]
    """
    in_doubt = ENGLISH_WORDS | ABBREVIATIONS
    others = set[str]().union(*map(_listed, LANGUAGES))
    return frozenset(others - in_doubt | set(STOPWORDS) | MORE_ENGLISH)


def _listed(language: str) -> set[str]:
    """Return spaCy's list of a language.

    The module that holds it is read by itself: the package of French alone takes two seconds to be
    imported, for rules of a tokenizer that clouds do not need.
    """
    spacy = find_spec("spacy")
    assert spacy is not None and spacy.origin is not None
    words: set[str] = run_path(
        str(Path(spacy.origin).parent / "lang" / language / "stop_words.py")
    )["STOP_WORDS"]
    return words
