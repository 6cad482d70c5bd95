"""Word encoding: a vocabulary from the training texts, and texts as padded rows of word ids."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import count, islice
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textlstm.encoding.abbreviations import Abbreviations
from textlstm.encoding.encoded import RESERVED, UNKNOWN, EncodedTexts
from textlstm.encoding.phrases import common_phrases
from textlstm.encoding.subwords import hash_bucket, hashed_ngrams
from textlstm.errors import InputError
from textlstm.recipe import MAX_LENGTH, EncodingConfig
from textlstm.storage.json_files import is_unicode
from textlstm.text.tokenizing import LONGEST_WORD, SEPARATOR

LENGTH_PERCENTILE = 99

MOST_MEANINGS = 1 << 16
"""Unknown words whose meaning, or that they have none, is kept in mind."""


@dataclass(frozen=True)
class Vocabulary:
    """From preprocessed texts to ids, as fitted on the training texts.

    Attributes
    ----------
    words
        The word of each id: ``<pad>``, ``<unk>``, then words by falling number of records. At the
        end are the :func:`hash_bucket` numbers of rarer words, whose spelling is not kept.
    length
        Tokens a text is padded or cut to; the end of a longer text is lost.
    padding
        The padded side.
    subwords
        The hash of each known character n-gram, by falling number of records. It saves room and
        keeps n-grams from being read off, but short ones can be found by trial: what protects a
        rare word is that its n-grams, too, need ``min_records``.
    n_fields
        F, the text fields of a record.
    abbreviations
        What words outside the vocabulary are written out as, before they are encoded or counted.

    >>> texts = ["acute mi", "acute stroke"]
    >>> config = EncodingConfig(max_length=4, padding="left", min_count=1)
    >>> encoding = Vocabulary.fit(texts, config)
    >>> encoding.words
    ('<pad>', '<unk>', 'acute', 'mi', 'stroke')
    >>> encoding.encode(["acute renal failure", "stroke"]).ids
    array([[0, 2, 1, 1],
           [0, 0, 0, 4]], dtype=int32)
    """

    words: tuple[str, ...]
    length: int
    padding: str
    subwords: tuple[int, ...] = ()
    n_fields: int = 1
    abbreviations: Abbreviations = field(default_factory=Abbreviations)

    def __post_init__(self) -> None:
        if not all(isinstance(word, str) and is_unicode(word) for word in self.words):
            raise InputError("a vocabulary is a list of words")
        if max(map(len, self.words), default=0) > LONGEST_WORD:
            raise InputError(f"a word has {LONGEST_WORD:,} characters at most")
        if self.words[:2] != RESERVED or len(set(self.words)) != len(self.words):
            raise InputError("a vocabulary begins with <pad>, <unk> and names each word once")
        if not all(type(ngram) is int and 0 <= ngram < 1 << 32 for ngram in self.subwords):
            raise InputError("the n-grams of a vocabulary are hashes of 32 bits")
        if len(set(self.subwords)) != len(self.subwords):
            raise InputError("a vocabulary names each n-gram once")
        if type(self.n_fields) is not int or not 1 <= self.n_fields <= MAX_LENGTH:
            raise InputError(f"a vocabulary is for 1 to {MAX_LENGTH} text fields")
        if not self.index.keys() >= self.abbreviations.words:
            raise InputError("phrases are of words of the vocabulary")
        EncodingConfig(max_length=self.length, padding=self.padding)  # checks both
        if self.length < 1:
            raise InputError("a text is padded or cut to one token at least")

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        config: EncodingConfig,
        counts: NDArray[np.int64] | None = None,
        given: Mapping[str, str] | None = None,
    ) -> Self:
        """Take vocabulary and length from preprocessed training texts.

        A word, or an n-gram, that stands in fewer than ``min_records`` of them is not kept.

        Parameters
        ----------
        counts
            How many records have each text; by default, one.
        given
            Abbreviations and their meanings, as :func:`.checked_abbreviations` gives them.
        """
        tokens = [text.split() for text in texts]
        counts = np.ones(len(texts), dtype=np.int64) if counts is None else counts
        records = Counter[str]()
        for text, n in zip(tokens, counts.tolist(), strict=True):
            for word in set(text):
                records[word] += n
        # The separator is no word of a record: it is kept however few there are.
        frequent = [w for w, n in records.items() if n >= config.min_count or w == SEPARATOR]
        words = sorted(frequent, key=lambda word: (-records[word], word))
        known = {word: records[word] for word in words}
        phrases = common_phrases(texts, counts, known, config.min_count) if config.initials else {}
        words += sorted({hash_bucket(word) for word in records.keys() - set(words)})
        lengths = np.repeat(np.array([len(text) for text in tokens], dtype=np.int32), counts)
        longest = math.ceil(np.percentile(lengths, LENGTH_PERCENTILE)) if len(lengths) else 1
        length = config.max_length or min(max(1, longest), MAX_LENGTH)
        ngrams: Counter[int] = Counter()
        for word, n in records.items() if config.max_ngrams else ():
            ngrams.update(dict.fromkeys(hashed_ngrams(word), n))
        shared = [ngram for ngram, n in ngrams.items() if n >= config.min_count]
        kept = sorted(shared, key=lambda ngram: (-ngrams[ngram], ngram))[: config.max_ngrams]
        n_fields = 1 + max((text.count(SEPARATOR) for text in tokens), default=0)
        abbreviations = Abbreviations(given or {}, phrases)
        words = [*RESERVED, *words]
        return cls(tuple(words), length, config.padding, tuple(kept), n_fields, abbreviations)

    @cached_property
    def index(self) -> dict[str, int]:
        """Return the id of each word."""
        return {word: number for number, word in enumerate(self.words)}

    @property
    def known_words(self) -> list[str]:
        """Return the words of enough records to be kept as such."""
        return [word for word in self.words if not word.startswith("<")]

    def id_of(self, word: str) -> int:
        """Return the id of a word, or of its bucket, or of the unknown word."""
        return self.index.get(word, self.index.get(hash_bucket(word), UNKNOWN))

    @property
    def separator(self) -> int:
        """Return the id of the separator of fields, or -1 where there is none."""
        return self.index.get(SEPARATOR, -1)

    def written_out(self, text: str) -> str:
        """Return a preprocessed text, abbreviations that are not in the vocabulary written out.

        A text whose words are all in it stays as it is, and so does one that was written out.
        """
        return " ".join(self.read_as(text))

    def read_as(self, text: str) -> list[str]:
        """Return what each word of a preprocessed text is read as: itself, or what it means."""
        words = text.split()
        if not self.abbreviations or self.index.keys() >= set(words):
            return words
        return [self._meaning(word) for word in words]

    def _meaning(self, word: str) -> str:
        """Return a word, or what it is written out as."""
        if word in self.index:
            return word
        if word not in self._meanings:
            if len(self._meanings) > MOST_MEANINGS:
                self._meanings.clear()
            self._meanings[word] = self.abbreviations.meaning(word) or word
        return self._meanings.get(word, word)

    @cached_property
    def _meanings(self) -> dict[str, str]:
        return {}

    def encode(self, texts: Sequence[str]) -> EncodedTexts:
        """Return preprocessed texts as rows of ``length`` ids."""
        distinct: dict[str, int] = {}
        places = [distinct.setdefault(text, len(distinct)) for text in texts]
        forms = np.zeros((len(distinct), self.length), dtype=np.int32)
        numbers = defaultdict(count(len(self.words)).__next__, self.index)  # new words are added
        for row, text in zip(forms, distinct, strict=True):
            tokens = self.written_out(text).split()[: self.length]
            start = self.length - len(tokens) if self.padding == "left" else 0
            row[start : start + len(tokens)] = [numbers[word] for word in tokens]
        unknown = tuple(islice(numbers, len(self.words), None))
        return EncodedTexts(forms, np.array(places, dtype=np.int32), unknown, len(self.words))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, fit for JSON."""
        return {**asdict(self), "abbreviations": self.abbreviations.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build from what :meth:`to_dict` gave."""
        lists = {name: tuple(values[name]) for name in ("words", "subwords")}
        abbreviations = Abbreviations.from_dict(values["abbreviations"])
        return cls(**{**values, **lists, "abbreviations": abbreviations})

    def count_words(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return each text's words (n,), separators apart, and those not in the vocabulary (n,).

        Abbreviations count as the words that they are written out as.
        A word that has no more than a bucket is not in it: nothing that is kept tells a rare word
        of the training from one that no record had and that has the same hash.

        >>> encoding = Vocabulary.fit(["a b"], EncodingConfig(min_count=1))
        >>> encoding.count_words(["a x", "<sep> y", ""])
        (array([2, 1, 0]), array([1, 1, 0]))
        """
        tokens = [self.written_out(text).split() for text in texts]
        separators = np.array([text.count(SEPARATOR) for text in tokens], dtype=np.int64)
        known = np.array(
            [sum(map(self.index.__contains__, text)) for text in tokens], dtype=np.int64
        )
        found = np.array([len(text) for text in tokens], dtype=np.int64) - separators
        return found, found - known + (SEPARATOR in self.index) * separators
