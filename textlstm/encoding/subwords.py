"""Subwords and rare words: hashed character n-grams, and hash buckets (Bojanowski et al. 2017).

A word that stands in fewer than ``min_count`` records is a rare word: the vocabulary keeps no
spelling of it, but the number of its hash bucket and the hashes of its frequent n-grams.
"""

import zlib

SUBWORD_LENGTHS = (3, 4, 5)
"""Letters of the character n-grams of a word (Bojanowski et al. 2017 take 3 to 6)."""

BUCKETS = 4096
"""Hash buckets that the rare words share: few enough that many words that no record has would fall
into an occupied bucket, and enough to keep most rare words of a registry apart."""


def hash_bucket(word: str) -> str:
    """Return the name of the hash bucket of a rare word.

    It works as the out-of-vocabulary buckets of other tools do. No word has such a name, which
    stands in angle brackets.

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
    if word.startswith("<"):  # no word: cleaning removes angle brackets
        return []
    word = f"<{word}>"
    return [
        zlib.crc32(word[start : start + size].encode("utf-8"))
        for size in SUBWORD_LENGTHS
        for start in range(len(word) - size + 1)
    ]
