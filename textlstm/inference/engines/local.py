"""The local engine: tables of any size on the processors of one machine.

It scores as :func:`.score_table` does, chunk by chunk, and computes each distinct input once in all
chunks: a cache keeps the predictions of the inputs met before.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from textlstm.data.inputs import Input
from textlstm.inference.bundle import Bundle
from textlstm.inference.drift import InputStatistics
from textlstm.inference.engines.chunks import InputChunk
from textlstm.inference.rules import DecisionRule, require_free_columns
from textlstm.inference.score_table import CodedTexts
from textlstm.models.logits import batch_workers
from textlstm.storage.parallel import map_ordered, usable_cpus
from textlstm.text.worker import CACHE_SIZE


class PredictionCache:
    """The distinct inputs met so far, and their predictions: most later inputs repeat them."""

    def __init__(self) -> None:
        self._numbers: dict[Input, int] = {}
        self._predictions: list[CodedTexts] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, inputs: Sequence[Input]) -> tuple[NDArray[np.int64], list[Input]]:
        """Return the numbers of the inputs (n,), and the new inputs in their order."""
        before = len(self)
        numbers = [self._numbers.setdefault(one, len(self)) for one in inputs]
        return np.array(numbers, dtype=np.int64), list(islice(self._numbers, before, None))

    def store(self, predictions: CodedTexts) -> None:
        """Store the predictions of new inputs, in the order in which these were added."""
        columns = zip(*self._predictions, predictions, strict=True)
        self._predictions = [CodedTexts(*map(np.concatenate, columns))]

    def lookup(self, numbers: NDArray[np.int64]) -> CodedTexts:
        """Return the predictions of inputs by their numbers (n,)."""
        return self._predictions[0].take(numbers)


@dataclass(frozen=True)
class ScoredChunk:
    """A chunk of a table with its predictions.

    Attributes
    ----------
    number
        Position of the chunk in the whole table, from 0.
    table
        The rows, with the rule's columns behind their own.
    statistics
        Input statistics of the rows.
    """

    number: int
    table: pa.Table
    statistics: InputStatistics


@dataclass(frozen=True)
class _NumberedChunk:
    """A chunk whose inputs have their numbers in the cache."""

    number: int  # of the chunk
    table: pa.Table  # n rows
    inputs: NDArray[np.int64]  # (n,) number of the input of each row
    new: list[Input]  # inputs that no earlier chunk has
    cache: PredictionCache


def predict_tables(
    chunks: Iterable[tuple[int, InputChunk]],
    bundle: Bundle,
    rule: DecisionRule,
    device: torch.device,
    cache_size: int = CACHE_SIZE,
) -> Iterator[ScoredChunk]:
    """Score the numbered chunks of a table, in their order, on all processors or on a GPU.

    Parameters
    ----------
    cache_size
        Distinct inputs after which the cache is emptied: memory does not grow with the table.

    Raises
    ------
    InputError
        If the table has one of the columns to be added already.
    """

    def numbered_chunks() -> Iterator[_NumberedChunk]:
        cache = PredictionCache()
        for number, chunk in chunks:
            require_free_columns(chunk.table, rule.columns)
            if len(cache) > cache_size:
                cache = PredictionCache()
            numbers, new = cache.add(chunk.inputs.values)
            yield _NumberedChunk(number, chunk.table, numbers[chunk.inputs.inverse], new, cache)

    # On processors, several chunks at a time with a thread each are faster than the reverse. Their
    # batches share one pool of threads: pools that nest would start workers x workers threads.
    workers = usable_cpus() if device.type == "cpu" else 1
    single = partial(torch.set_num_threads, 1)
    with batch_workers(device) as map_batches:

        def predict_new(chunk: _NumberedChunk) -> tuple[_NumberedChunk, CodedTexts]:
            return chunk, CodedTexts.of(bundle, chunk.new, rule, device, map_batches)

        for chunk, predictions in map_ordered(predict_new, numbered_chunks(), workers, single):
            # Results come in order, so the cache has the predictions of all earlier chunks.
            chunk.cache.store(predictions)
            rows = chunk.cache.lookup(chunk.inputs)
            scored = rows.added_to(chunk.table, rule, bundle)
            yield ScoredChunk(chunk.number, scored, rows.statistics())
