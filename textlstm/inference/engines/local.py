"""The local engine: predictions of tables of any size, in threads of one machine."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from textlstm.data.cells import TextChunk
from textlstm.inference.bundle import Bundle
from textlstm.inference.drift import InputStatistics
from textlstm.inference.score_table import CodedTexts, require_free_columns
from textlstm.inference.scoring import DecisionRule
from textlstm.storage.parallel import map_ordered, usable_cpus
from textlstm.text.worker import CACHE_SIZE


class PredictionCache:
    """The texts that were met so far, and their codes: most of those to come repeat them."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._codes: list[CodedTexts] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], list[str]]:
        """Return the number of each text (n,), and those that are new, in order."""
        before = len(self)
        numbers = [self._numbers.setdefault(text, len(self)) for text in texts]
        return np.array(numbers, dtype=np.int64), list(islice(self._numbers, before, None))

    def store(self, codes: CodedTexts) -> None:
        """Take the codes of new texts, in the order in which they were met."""
        values = zip(*self._codes, codes, strict=True)
        self._codes = [CodedTexts(*map(np.concatenate, values))]

    def lookup(self, numbers: NDArray[np.int64]) -> CodedTexts:
        """Return the codes of texts by their numbers (n,)."""
        return self._codes[0].take(numbers)


class _Met(NamedTuple):
    """A part of a table of which every text has a number."""

    number: int  # of the part
    table: pa.Table  # n rows
    texts: NDArray[np.int64]  # (n,) the text of each row
    new: list[str]  # texts that stand in no part before
    known: PredictionCache


def predict_tables(
    parts: Iterable[tuple[int, TextChunk]], bundle: Bundle, rule: DecisionRule, device: torch.device
) -> Iterator[tuple[int, pa.Table, InputStatistics]]:
    """Yield the numbered parts of a table, the rule's columns behind its own, and a look at each.

    A text is coded once, in whatever parts it is repeated, unless :data:`CACHE_SIZE` others lie
    between: memory does not grow with the table.

    Raises
    ------
    InputError
        If the table has one of the columns to be added already.
    """

    def met() -> Iterator[_Met]:
        known = PredictionCache()
        for number, part in parts:
            require_free_columns(part.table, rule.columns)
            if len(known) > CACHE_SIZE:
                known = PredictionCache()
            texts, new = known.add(part.texts.values)
            yield _Met(number, part.table, texts[part.texts.inverse], new, known)

    def read(part: _Met) -> tuple[_Met, CodedTexts]:
        return part, CodedTexts.of(bundle, part.new, rule, device)

    # On processors, many parts at a time with a thread each are faster than the reverse.
    workers = usable_cpus() if device.type == "cpu" else 1
    single = partial(torch.set_num_threads, 1)
    for part, codes in map_ordered(read, met(), workers, single):
        part.known.store(codes)  # results come in order: those of all parts before are there
        rows = part.known.lookup(part.texts)
        yield part.number, rows.added_to(part.table, rule, bundle.labels), rows.look()
