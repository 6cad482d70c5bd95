"""Vocabulary: words and their ids, fitted on the training texts; texts as padded rows of ids.

Words that stand in fewer than ``min_count`` records are rare words, see :mod:`.rare_words`: the
vocabulary keeps only the numbers of their hash buckets.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import count, islice
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textlstm.data.distinct import Distinct
from textlstm.data.inputs import Values
from textlstm.encoding.abbreviations import Abbreviations
from textlstm.encoding.covariates import Covariates
from textlstm.encoding.encoded import RESERVED, UNKNOWN, EncodedCovariates, EncodedTexts
from textlstm.encoding.phrases import common_phrases
from textlstm.encoding.rare_words import frequent_ngrams, frequent_words, hash_bucket
from textlstm.encoding.text_counts import usual_length, word_records
from textlstm.errors import InputError
from textlstm.recipe_sections import MAX_LENGTH, EncodingConfig
from textlstm.storage.json_files import is_unicode
from textlstm.text.tokenizing import LONGEST_WORD, SEPARATOR


@dataclass(frozen=True)
class Vocabulary:
    """From preprocessed texts to word ids, as fitted on the training texts.

    Attributes
    ----------
    words
        The word of each id: ``<pad>``, ``<unk>``, then words by falling number of records. At the
        end are the :func:`hash_bucket` names of rare words, whose spelling is not kept.
    length
        Tokens to which a text is padded or cut.
    padding
        The padded side.
    truncation
        The side of a longer text that is lost; the left one only of texts of one field.
    subwords
        The hash of each known character n-gram, by falling number of records. Hashes save room and
        do not show the n-grams, but short n-grams can be found by trial: a rare word is protected
        because its n-grams, too, need ``min_count`` records.
    n_fields
        F, the text fields of a record.
    abbreviations
        Meanings of words outside the vocabulary, which are expanded before texts are encoded.
    covariates
        How the numbers and categories beside the text become features.

    >>> texts = ["acute mi", "acute stroke"]
    >>> config = EncodingConfig(max_length=4, padding="left", min_count=1)
    >>> vocabulary = Vocabulary.fit(texts, config)
    >>> vocabulary.words
    ('<pad>', '<unk>', 'acute', 'mi', 'stroke')
    >>> vocabulary.encode(["acute renal failure", "stroke"]).vocabulary_ids()
    array([[0, 2, 1, 1],
           [0, 0, 0, 4]], dtype=int32)
    """

    words: tuple[str, ...]
    length: int
    padding: str
    subwords: tuple[int, ...] = ()
    n_fields: int = 1
    abbreviations: Abbreviations = field(default_factory=Abbreviations)
    truncation: str = "right"
    covariates: Covariates = field(default_factory=Covariates)

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
        EncodingConfig(max_length=self.length, padding=self.padding, truncation=self.truncation)
        if self.truncation == "left" and self.n_fields > 1:
            raise InputError("--truncation left is for one text column, not for several")
        if self.length < 1:
            raise InputError("a text is padded or cut to one token at least")

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        config: EncodingConfig,
        counts: NDArray[np.int64] | None = None,
        meanings: Mapping[str, str] | None = None,
        covariates: Covariates | None = None,
    ) -> Self:
        """Build the vocabulary from preprocessed training texts.

        A word, or an n-gram, that stands in fewer than ``min_count`` records is not kept.

        Parameters
        ----------
        counts
            (n,) records of each text; by default, one.
        meanings
            Abbreviations and their meanings, as :func:`.checked_abbreviations` returns them.
        covariates
            Fitted on the same records; by default, there are none.
        """
        tokens = [text.split() for text in texts]
        counts = np.ones(len(texts), dtype=np.int64) if counts is None else counts
        records = word_records(tokens, counts)
        words = frequent_words(records, config.min_count)
        known = {word: records[word] for word in words}
        phrases = common_phrases(texts, counts, known, config.min_count) if config.initials else {}
        buckets = sorted({hash_bucket(word) for word in records.keys() - set(words)})
        return cls(
            words=(*RESERVED, *words, *buckets),
            length=config.max_length or usual_length(tokens, counts, config.length_percentile),
            padding=config.padding,
            subwords=frequent_ngrams(records, config),
            n_fields=1 + max((text.count(SEPARATOR) for text in tokens), default=0),
            abbreviations=Abbreviations(meanings or {}, phrases),
            truncation=config.truncation,
            covariates=covariates or Covariates(),
        )

    @cached_property
    def index(self) -> dict[str, int]:
        """Return the id of each word."""
        return {word: number for number, word in enumerate(self.words)}

    @property
    def known_words(self) -> list[str]:
        """Return the words that are kept by their spelling, without rare and reserved words."""
        return [word for word in self.words if not word.startswith("<")]

    def id_of(self, word: str) -> int:
        """Return the id of a word: its own, that of its hash bucket, or that of unknown words."""
        return self.index.get(word, self.index.get(hash_bucket(word), UNKNOWN))

    @property
    def separator(self) -> int:
        """Return the id of the separator of text fields; -1 if there is none."""
        return self.index.get(SEPARATOR, -1)

    def expand_abbreviations(self, text: str) -> str:
        """Return a preprocessed text in which abbreviations outside the vocabulary are expanded.

        A text of known words stays as it is, and so does an expanded text.
        """
        return " ".join(self.expanded_words(text))

    def expanded_words(self, text: str) -> list[str]:
        """Return, for each word of a preprocessed text, the word itself or its meaning."""
        words = text.split()
        if not self.abbreviations or self.index.keys() >= set(words):
            return words
        meaning = self.abbreviations.meaning
        return [word if word in self.index else meaning(word) or word for word in words]

    def count_abbreviated(self, texts: Distinct[str]) -> int:
        """Count the records with an abbreviation that is expanded."""
        changed = [self.expand_abbreviations(text) != text for text in texts.values]
        return int(np.array(changed, dtype=bool)[texts.inverse].sum())

    def encode(
        self, texts: Sequence[str] | Distinct[str], values: Distinct[Values] | None = None
    ) -> EncodedTexts:
        """Encode preprocessed texts as rows of ``length`` word ids, padded or cut to it.

        ``values`` are the covariates of the same records; by default, all are missing.
        """
        texts = texts if isinstance(texts, Distinct) else Distinct.of(texts)
        ids = np.zeros((len(texts.values), self.length), dtype=np.int32)
        numbers = defaultdict(count(len(self.words)).__next__, self.index)  # new words are added
        for row, text in zip(ids, texts.values, strict=True):
            tokens = self.expand_abbreviations(text).split()
            tokens = tokens[-self.length :] if self.truncation == "left" else tokens[: self.length]
            start = self.length - len(tokens) if self.padding == "left" else 0
            row[start : start + len(tokens)] = [numbers[word] for word in tokens]
        unknown = tuple(islice(numbers, len(self.words), None))
        inverse = texts.inverse.astype(np.int32, copy=False)
        covariates = None
        if self.covariates.names:
            values = values or Distinct([()], np.zeros(len(texts), np.int32))
            features = self.covariates.encode(values.values)
            covariates = EncodedCovariates(features, values.inverse.astype(np.int32, copy=False))
        return EncodedTexts(ids, inverse, unknown, len(self.words), covariates)

    def fill_unread(
        self, values: NDArray[np.float64], n_words: int, filling: float
    ) -> NDArray[np.float64]:
        """Return the values of the words read, and a filling for all others of ``n_words``."""
        unread = n_words - len(values)
        sides = (unread, 0) if self.truncation == "left" else (0, unread)
        return np.pad(values, sides, constant_values=filling)

    def count_words(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Count the words of each text (n,) and those that are not in the vocabulary (n,).

        Separators do not count, and an abbreviation counts as the words of its meaning. A rare
        word, of which only the hash bucket is kept, is not in the vocabulary: nothing tells it from
        a word that no record had and that has the same hash.

        >>> vocabulary = Vocabulary.fit(["a b"], EncodingConfig(min_count=1))
        >>> vocabulary.count_words(["a x", "<sep> y", ""])
        (array([2, 1, 0]), array([1, 1, 0]))
        """
        tokens = [self.expand_abbreviations(text).split() for text in texts]
        separators = np.array([text.count(SEPARATOR) for text in tokens], dtype=np.int64)
        known = np.array(
            [sum(map(self.index.__contains__, text)) for text in tokens], dtype=np.int64
        )
        words = np.array([len(text) for text in tokens], dtype=np.int64) - separators
        return words, words - known + (SEPARATOR in self.index) * separators

    def to_dict(self) -> dict[str, object]:
        """Return the fields as JSON can hold them."""
        values = {**asdict(self), "abbreviations": self.abbreviations.to_dict()}
        if not self.covariates.names:
            del values["covariates"]  # a model that reads none has no such field
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build from the result of :meth:`to_dict`."""
        lists = {name: tuple(values[name]) for name in ("words", "subwords")}
        abbreviations = Abbreviations.from_dict(values["abbreviations"])
        none = Covariates().to_dict()
        covariates = Covariates.from_dict(values.get("covariates", none))
        parts = {"abbreviations": abbreviations, "covariates": covariates}
        return cls(**{**values, **lists, **parts})
