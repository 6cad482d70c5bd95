"""Word encoding: a vocabulary from the training texts, and texts as padded rows of word ids."""

import math
import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import count, islice
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import feather

from textlstm.abbreviations import Abbreviations, common_phrases
from textlstm.config import MAX_LENGTH, EncodingConfig
from textlstm.errors import InputError
from textlstm.files import is_unicode, replacing
from textlstm.spill import room, some_of
from textlstm.text import LONGEST_WORD, SEPARATOR

PAD, UNKNOWN = 0, 1
"""The ids of padding and of a word that is not in the vocabulary."""

RESERVED = ("<pad>", "<unk>")
"""What stands in the vocabulary at these ids; no text contains either."""

SUBWORD_LENGTHS = (3, 4, 5)
"""Lengths of the character n-grams of a word (Bojanowski et al. 2017 take 3 to 6)."""

BUCKETS = 4096
"""Places that the rare words share, each by its hash: few enough that many a word that no record
has would fall into a taken one, and enough to keep most rare words of a registry apart."""

LENGTH_PERCENTILE = 99

MOST_MEANINGS = 1 << 16
"""Unknown words whose meaning, or that they have none, is kept in mind."""


@dataclass(frozen=True)
class EncodedTexts:
    """Texts as rows of word ids; most texts of a registry are repeats, and kept once.

    Attributes
    ----------
    forms
        (B, T) int32, the distinct texts: 0 pads; then the ids of the vocabulary; the k-th of
        ``unknown`` is the vocabulary's size + k. A network that composes words of character n-grams
        can so tell unknown words apart.
    places
        (n,) int32, which of them each text is.
    unknown
        The distinct words outside the vocabulary.
    vocabulary_size
        Number of ids of the vocabulary.
    """

    forms: NDArray[np.int32]
    places: NDArray[np.int32]
    unknown: tuple[str, ...]
    vocabulary_size: int

    def __len__(self) -> int:
        return len(self.places)

    @property
    def ids(self) -> NDArray[np.int32]:
        """(n, T) int32, the word ids: every word of ``unknown`` has the id 1."""
        return self._distinct_ids[self.places]

    @property
    def _distinct_ids(self) -> NDArray[np.int32]:
        return np.where(self.forms >= self.vocabulary_size, np.int32(UNKNOWN), self.forms)

    def __getitem__(self, rows: Any) -> "EncodedTexts":
        return replace(self, places=self.places[rows])


@dataclass(frozen=True)
class WordEncoding:
    """From preprocessed texts to ids, as fitted on the training texts.

    Attributes
    ----------
    words
        The word of each id: ``<pad>``, ``<unk>``, then words by falling number of records. At the
        end are the :func:`bucket` of rarer words, of which the encoding keeps no more than this.
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
    >>> config = EncodingConfig(length=4, padding="left", min_records=1)
    >>> encoding = WordEncoding.fit(texts, config)
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
        EncodingConfig(length=self.length, padding=self.padding)  # checks both
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
            Abbreviations and their meanings, as :func:`textlstm.abbreviations.as_given` gives them.
        """
        tokens = [text.split() for text in texts]
        counts = np.ones(len(texts), dtype=np.int64) if counts is None else counts
        records = Counter[str]()
        for text, n in zip(tokens, counts.tolist(), strict=True):
            for word in set(text):
                records[word] += n
        # The separator is no word of a record: it is kept however few there are.
        frequent = [w for w, n in records.items() if n >= config.min_records or w == SEPARATOR]
        words = sorted(frequent, key=lambda word: (-records[word], word))
        known = {word: records[word] for word in words}
        phrases = (
            common_phrases(texts, counts, known, config.min_records) if config.initials else {}
        )
        words += sorted({bucket(word) for word in records.keys() - set(words)})
        lengths = np.repeat(np.array([len(text) for text in tokens], dtype=np.int32), counts)
        longest = math.ceil(np.percentile(lengths, LENGTH_PERCENTILE)) if len(lengths) else 1
        length = config.length or min(max(1, longest), MAX_LENGTH)
        ngrams: Counter[int] = Counter()
        for word, n in records.items() if config.subwords else ():
            ngrams.update(dict.fromkeys(hashed_ngrams(word), n))
        shared = [ngram for ngram, n in ngrams.items() if n >= config.min_records]
        kept = sorted(shared, key=lambda ngram: (-ngrams[ngram], ngram))[: config.subwords]
        n_fields = 1 + max((text.count(SEPARATOR) for text in tokens), default=0)
        abbreviations = Abbreviations(given or {}, phrases)
        words = [*RESERVED, *words]
        return cls(tuple(words), length, config.padding, tuple(kept), n_fields, abbreviations)

    @cached_property
    def index(self) -> dict[str, int]:
        """Return the id of each word."""
        return {word: number for number, word in enumerate(self.words)}

    @property
    def vocabulary(self) -> list[str]:
        """Return the words of enough records to be kept as such."""
        return [word for word in self.words if not word.startswith("<")]

    def id_of(self, word: str) -> int:
        """Return the id of a word, or of its bucket, or of the unknown word."""
        return self.index.get(word, self.index.get(bucket(word), UNKNOWN))

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

        >>> encoding = WordEncoding.fit(["a b"], EncodingConfig(min_records=1))
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


def write_encoded(path: Path, texts: EncodedTexts, labels: NDArray[np.integer[Any]]) -> None:
    """Write encoded texts as an Arrow file.

    Its columns are ``text``, a dictionary of the distinct texts' ``ids`` and, in order, their
    ``unknown`` words; and ``label``.

    Parameters
    ----------
    labels
        (n,) class numbers; -1 for a class the training part does not have.
    """
    length = texts.forms.shape[1]
    outside = texts.forms >= texts.vocabulary_size
    words = np.array(texts.unknown, dtype=object)[texts.forms[outside] - texts.vocabulary_size]
    ends = np.cumsum([0, *outside.sum(axis=1)], dtype=np.int32)
    columns = {
        "ids": pa.FixedSizeListArray.from_arrays(pa.array(texts._distinct_ids.ravel()), length),
        "unknown": pa.ListArray.from_arrays(ends, pa.array(words, pa.string())),
    }
    distinct = pa.StructArray.from_arrays(list(columns.values()), names=list(columns))
    table = pa.table(
        {
            "text": pa.DictionaryArray.from_arrays(pa.array(texts.places), distinct),
            "label": pa.array(labels, pa.int32()),
        },
        metadata={"vocabulary_size": str(texts.vocabulary_size)},
    )
    with replacing(path) as temporary:
        feather.write_feather(table, temporary, compression="uncompressed")


def count_encoded(path: Path) -> int:
    """Return of how many records the texts are that :func:`write_encoded` wrote."""
    return int(feather.read_table(path, columns=["label"], memory_map=True).num_rows)


def read_encoded(*paths: Path) -> tuple[EncodedTexts, NDArray[np.int32]]:
    """Return what :func:`write_encoded` wrote, file after file: texts and class numbers.

    They may be larger than memory; the unknown words are in it.
    """
    tables = [feather.read_table(path, memory_map=True) for path in paths]
    vocabulary_size = int(tables[0].schema.metadata[b"vocabulary_size"])
    length = tables[0].schema.field("text").type.value_type.field("ids").type.list_size
    # A file has one dictionary, and without a record none.
    parts = [(table, table["text"].chunk(0).dictionary) for table in tables if len(table)]
    forms = room((sum(len(distinct) for _, distinct in parts), length), np.int32)
    places, labels = (room(sum(map(len, tables)), np.int32) for _ in range(2))
    unknown: dict[str, int] = {}
    first, record = 0, 0
    for table, distinct in parts:
        for chunk, mine in zip(table["text"].chunks, table["label"].chunks, strict=True):
            rows = slice(record, record + len(chunk))
            np.add(chunk.indices, np.int32(first), out=places[rows])
            labels[rows] = mine
            record = rows.stop
        for some in some_of(len(distinct)):
            texts = distinct[some]
            ids = texts.field("ids").flatten().to_numpy().reshape(-1, length)
            found = forms[first : first + len(texts)]
            found[:] = ids
            found[ids == UNKNOWN] = [
                vocabulary_size + unknown.setdefault(word, len(unknown))
                for words in texts.field("unknown").to_pylist()
                for word in words
            ]
            first += len(texts)
    return EncodedTexts(forms, places, tuple(unknown), vocabulary_size), labels


def subword_table(
    encoding: WordEncoding, unknown: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the subwords of all forms: the vocabulary, then the unknown words of some texts.

    Returns
    -------
    numbers, offsets
        The subwords of form i are ``numbers[offsets[i]:offsets[i + 1]]``, rows of the encoding's
        subwords. What is not made of letters (padding, the unknown word as such, the separator)
        has none.
    """
    row = {ngram: number for number, ngram in enumerate(encoding.subwords)}
    rows = [
        [row[ngram] for ngram in hashed_ngrams(word) if ngram in row] if row else []
        for word in (*encoding.words, *unknown)
    ]
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    return np.array([number for one in rows for number in one], dtype=np.int64), offsets


def bucket(word: str) -> str:
    """Return the name of the place that a rare word shares with others of like hash.

    It works as the out-of-vocabulary buckets of other tools do. In brackets, no word is called so.

    >>> bucket("asthma")
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
