"""Character n-grams and hash buckets of words (Bojanowski et al. 2017)."""

import zlib

SUBWORD_LENGTHS = (3, 4, 5)
"""Lengths of the character n-grams of a word (Bojanowski et al. 2017 take 3 to 6)."""

BUCKETS = 4096
"""Places that the rare words share, each by its hash: few enough that many a word that no record
has would fall into a taken one, and enough to keep most rare words of a registry apart."""


def hash_bucket(word: str) -> str:
    """Return the name of the place that a rare word shares with others of like hash.

    It works as the out-of-vocabulary buckets of other tools do. In brackets, no word is called so.

    >>> hash_bucket("asthma")
    '<3636>'
    """
    return f"<{zlib.crc32(word.encode('utf-8')) % BUCKETS}>"


def hashed_ngrams(word: str) -> list[int]:
    """Return the hashes of a word's character n-grams of :data:`SUBWORD_LENGTHS`.

    As in Bojanowski et al. 2017 ("Enriching Word Vectors with Subword Information"), a word is
    bracketed by ``<`` and ``>``, so that prefixes and suffixes differ from the middle.

    >>> len(hashed_ngrams("mi"))  # <mi mi> <mi>
    3
    >>> hashed_ngrams("<sep>")
    []
    """
    if word.startswith("<"):  # no word: cleaning leaves none with a bracket
        return []
    word = f"<{word}>"
    return [
        zlib.crc32(word[start : start + size].encode("utf-8"))
        for size in SUBWORD_LENGTHS
        for start in range(len(word) - size + 1)
    ]
