"""Encoded texts: word ids of distinct texts, in memory and in Arrow files."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import feather

from textlstm.storage.arrays import empty, row_blocks
from textlstm.storage.atomic import atomic_write

PAD, UNKNOWN = 0, 1
"""The ids of padding and of a word that is not in the vocabulary."""

RESERVED = ("<pad>", "<unk>")
"""What stands in the vocabulary at these ids; no text contains either."""


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
    with atomic_write(path) as temporary:
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
    forms = empty((sum(len(distinct) for _, distinct in parts), length), np.int32)
    places, labels = (empty(sum(map(len, tables)), np.int32) for _ in range(2))
    unknown: dict[str, int] = {}
    first, record = 0, 0
    for table, distinct in parts:
        for chunk, mine in zip(table["text"].chunks, table["label"].chunks, strict=True):
            rows = slice(record, record + len(chunk))
            np.add(chunk.indices, np.int32(first), out=places[rows])
            labels[rows] = mine
            record = rows.stop
        for some in row_blocks(len(distinct)):
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
