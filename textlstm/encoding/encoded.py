"""Encoded texts: word ids and covariates of distinct inputs, in memory and in Arrow files."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import feather

from textlstm.storage.arrays import empty, row_blocks
from textlstm.storage.atomic import atomic_write

PAD, UNKNOWN = 0, 1
"""Ids of padding and of a word that is not in the vocabulary."""

RESERVED = ("<pad>", "<unk>")
"""Words of the vocabulary at these two ids; no text contains either."""


@dataclass(frozen=True)
class EncodedCovariates:
    """The features of the covariates of n records, kept once for each distinct row.

    Attributes
    ----------
    features
        (V, K) float32.
    inverse
        (n,) int32, the row of ``features`` of each record.
    """

    features: NDArray[np.float32]
    inverse: NDArray[np.int32]

    def take(self, records: Any) -> Self:
        """Select records; all features stay."""
        return replace(self, inverse=self.inverse[records])


@dataclass(frozen=True)
class EncodedTexts:
    """The word ids of n texts, kept once for each distinct text, and the covariates beside them.

    Attributes
    ----------
    ids
        (B, T) int32, the word ids of the distinct texts. 0 pads; then come the ids of the
        vocabulary; the k-th word of ``unknown`` has the id ``vocabulary_size`` + k, so that a
        network that builds words from character n-grams can tell unknown words apart.
    inverse
        (n,) int32, the row of ``ids`` of each text.
    unknown
        The distinct words outside the vocabulary.
    vocabulary_size
        Number of ids of the vocabulary.
    covariates
        Of the n records; None where the model has none.
    """

    ids: NDArray[np.int32]
    inverse: NDArray[np.int32]
    unknown: tuple[str, ...]
    vocabulary_size: int
    covariates: EncodedCovariates | None = None

    def __len__(self) -> int:
        return len(self.inverse)

    def __getitem__(self, rows: Any) -> "EncodedTexts":
        covariates = None if self.covariates is None else self.covariates.take(rows)
        return replace(self, inverse=self.inverse[rows], covariates=covariates)

    def without_covariates(self) -> "EncodedTexts":
        """Return the texts with all covariates missing."""
        if self.covariates is None:
            return self
        missing = np.zeros((1, self.covariates.features.shape[1]), np.float32)
        beside = EncodedCovariates(missing, np.zeros(len(self), np.int32))
        return replace(self, covariates=beside)

    def vocabulary_ids(self) -> NDArray[np.int32]:
        """Return the ids of all texts (n, T) int32; every unknown word has the id 1."""
        return self._without_unknown()[self.inverse]

    def _without_unknown(self) -> NDArray[np.int32]:
        """Return the ids of the distinct texts (B, T); every unknown word has the id 1."""
        return np.where(self.ids >= self.vocabulary_size, np.int32(UNKNOWN), self.ids)


def write_encoded(path: Path, texts: EncodedTexts, labels: NDArray[np.integer[Any]]) -> None:
    """Write encoded texts and their class numbers as an Arrow file.

    The file has the columns ``text``, a dictionary of the distinct texts (their ``ids`` and their
    ``unknown`` words in order), and ``label``; where there are covariates also ``covariates``, a
    dictionary of their distinct features.

    Parameters
    ----------
    labels
        (n,) class numbers; -1 for a class that the training part does not have.
    """
    length = texts.ids.shape[1]
    is_unknown = texts.ids >= texts.vocabulary_size
    words = np.array(texts.unknown, dtype=object)[texts.ids[is_unknown] - texts.vocabulary_size]
    word_ends = np.cumsum([0, *is_unknown.sum(axis=1)], dtype=np.int32)
    columns = {
        "ids": pa.FixedSizeListArray.from_arrays(
            pa.array(texts._without_unknown().ravel()), length
        ),
        "unknown": pa.ListArray.from_arrays(word_ends, pa.array(words, pa.string())),
    }
    dictionary = pa.StructArray.from_arrays(list(columns.values()), names=list(columns))
    encoded = {
        "text": pa.DictionaryArray.from_arrays(pa.array(texts.inverse), dictionary),
        "label": pa.array(labels, pa.int32()),
    }
    if texts.covariates is not None:
        features = texts.covariates.features
        rows = pa.FixedSizeListArray.from_arrays(pa.array(features.ravel()), features.shape[1])
        encoded["covariates"] = pa.DictionaryArray.from_arrays(
            pa.array(texts.covariates.inverse), rows
        )
    table = pa.table(encoded, metadata={"vocabulary_size": str(texts.vocabulary_size)})
    with atomic_write(path) as temporary:
        feather.write_feather(table, temporary, compression="uncompressed")


def count_encoded(path: Path) -> int:
    """Return the number of records in an encoded file."""
    return int(feather.read_table(path, columns=["label"], memory_map=True).num_rows)


def read_encoded(*paths: Path) -> tuple[EncodedTexts, NDArray[np.int32]]:
    """Read the files of :func:`write_encoded` as one; return the texts and their class numbers.

    The files are memory-mapped and may be larger than memory; the unknown words are in memory.
    """
    tables = [feather.read_table(path, memory_map=True) for path in paths]
    vocabulary_size = int(tables[0].schema.metadata[b"vocabulary_size"])
    length = tables[0].schema.field("text").type.value_type.field("ids").type.list_size
    # A file has one dictionary, and none if it has no record.
    files = [(table, table["text"].chunk(0).dictionary) for table in tables if len(table)]
    ids = empty((sum(len(dictionary) for _, dictionary in files), length), np.int32)
    inverse, labels = (empty(sum(map(len, tables)), np.int32) for _ in range(2))
    unknown: dict[str, int] = {}
    first_text, first_record = 0, 0
    for table, dictionary in files:
        for texts, numbers in zip(table["text"].chunks, table["label"].chunks, strict=True):
            records = slice(first_record, first_record + len(texts))
            np.add(texts.indices, np.int32(first_text), out=inverse[records])
            labels[records] = numbers
            first_record = records.stop
        for block in row_blocks(len(dictionary)):
            distinct = dictionary[block]
            rows = ids[first_text : first_text + len(distinct)]
            rows[:] = distinct.field("ids").flatten().to_numpy().reshape(-1, length)
            rows[rows == UNKNOWN] = [
                vocabulary_size + unknown.setdefault(word, len(unknown))
                for words in distinct.field("unknown").to_pylist()
                for word in words
            ]
            first_text += len(distinct)
    covariates = _read_covariates(tables)
    return EncodedTexts(ids, inverse, tuple(unknown), vocabulary_size, covariates), labels


def _read_covariates(tables: Sequence[pa.Table]) -> EncodedCovariates | None:
    """Return the covariates of the records of all tables; None if they have none."""
    if "covariates" not in tables[0].column_names:
        return None
    size = tables[0].schema.field("covariates").type.value_type.list_size
    features, inverse = [np.zeros((0, size), np.float32)], [np.zeros(0, np.int32)]
    for chunk in (chunk for table in tables for chunk in table["covariates"].chunks):
        inverse.append(np.asarray(chunk.indices) + np.int32(sum(map(len, features))))
        features.append(chunk.dictionary.flatten().to_numpy().reshape(-1, size))
    return EncodedCovariates(np.concatenate(features), np.concatenate(inverse))
