"""Stop words: words that a word cloud leaves out, in English and in other languages of registries.

Function words of another language ("por", "und", "de") stand in many records and name nothing. A
function word that is spelled like an English word or a medical abbreviation ("die", "male", "OD")
is kept in the cloud.
"""

from functools import cache

from wordcloud import STOPWORDS

from textlstm.text.stop_lists import spacy_stop_words

LANGUAGES = ("da", "de", "es", "fr", "it", "nb", "nl", "pt", "sv")
"""Codes of the languages beside English: Danish, German, Spanish, French, Italian, Norwegian,
Dutch, Portuguese, Swedish."""

MORE_ENGLISH = frozenset({"due"})
"""English words that are in no list; "due to" stands in most certificates."""

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
"""Stop words of another language that are English words with a meaning."""

ABBREVIATIONS = frozenset("af als av co ed er gi ich io mi ob od os sah te vas vi".split())
"""Stop words of another language that are abbreviations in records: AF, atrial fibrillation;
ED, emergency department; ICH, intracerebral haemorrhage; OD, overdose ..."""


@cache
def stop_words() -> frozenset[str]:
    """Return the stop words, in lower case.

    The lists are those of wordcloud (English) and spaCy (other languages), without the words in
    :data:`ENGLISH_WORDS` and :data:`ABBREVIATIONS`.

    >>> [word in stop_words() for word in ("the", "por", "und", "de", "die", "od", "fall")]
    [True, True, True, True, False, False, False]
    """
    ambiguous = ENGLISH_WORDS | ABBREVIATIONS
    others = set[str]().union(*map(spacy_stop_words, LANGUAGES))
    return frozenset(others - ambiguous | set(STOPWORDS) | MORE_ENGLISH)
