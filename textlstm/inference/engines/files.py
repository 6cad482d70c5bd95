"""Score a file of any size and write a file; an interrupted job is resumed from its shards.

The beginning of the table is read before torch is imported and before the preprocessing process is
started: a missing file or column is answered at once. Torch is imported while the whole table is
read and its texts are preprocessed.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from textlstm.data import options
from textlstm.data.dataset import HUB
from textlstm.data.inputs import absent_covariates
from textlstm.inference.engines.chunks import (
    SHARD_ROWS,
    InputChunk,
    preprocess_chunks,
    read_beginning,
    read_chunks,
)
from textlstm.inference.rules import DecisionRequest, require_free_columns
from textlstm.monitor import SILENT, Monitor
from textlstm.storage.parallel import map_ordered, prefetch, thread_pool
from textlstm.storage.resumable import Shards, require_not_taken, resumable_shards
from textlstm.text import worker
from textlstm.text.worker import Preprocess

if TYPE_CHECKING:
    from textlstm.inference.drift import InputStatistics
    from textlstm.inference.engines.local import ScoredChunk

CHUNKS_AHEAD = 24
"""Chunks of the table that are read and preprocessed while torch is imported."""


class Source(Protocol):
    """The file or folder of a table, as it was before any of it was read."""

    data: str

    def identity(self) -> Mapping[str, object]:
        """Return what distinguishes the table from others, and from itself after a change."""
        ...

    def require_unchanged(self) -> None:
        """Raise an :class:`.InputError` if the table has changed."""
        ...


@dataclass(frozen=True)
class FileJob:
    """All that the predictions of a file depend on.

    Attributes
    ----------
    source
        The table.
    out
        The file to write.
    columns
        Names of the text columns, in reading order.
    charset, delimiter
        Of the table, as in :func:`.iter_tables`.
    bundle
        Folder of the bundle.
    request
        What the user asks of the decisions.
    device
        Name of the device, as in :func:`.resolve_device`.
    versions
        Releases of the libraries.
    rows
        Rows of a shard, at most.
    choices
        Which of the tables of the source is read.
    missing
        Cells of the text columns that are read as empty; the output has them as they are.
    beside
        Columns of the covariates that the model reads, as in :func:`.table_values`.
    """

    source: Source
    out: Path
    columns: tuple[str, ...]
    charset: str
    delimiter: str
    bundle: Path
    request: DecisionRequest
    device: str
    versions: Mapping[str, str]
    rows: int = SHARD_ROWS
    choices: options.TableChoices = options.ONLY_TABLE
    missing: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def table(self) -> tuple[str, tuple[str, ...], str, str]:
        """Return what :func:`.read_chunks` needs to read the table."""
        return self.source.data, self.columns, self.charset, self.delimiter

    def fingerprint(self, device: str, identity: Mapping[str, object]) -> dict[str, object]:
        """Return what shards must share to belong to the same output."""
        return {
            "data": identity,
            "charset": self.charset,
            "delimiter": self.delimiter,
            "choices": asdict(self.choices),
            "missing": self.missing,
            "beside": self.beside,
            "text": self.columns,
            "rule": self.request,
            "device": device,
            "sizes": [options.LIMITS.chunk_bytes, options.LIMITS.chunk_rows, self.rows],
            "versions": self.versions,
            "bundle": (self.bundle / "manifest.json").read_text(encoding="utf-8"),
        }


def predict_file(
    job: FileJob,
    monitor: Monitor = SILENT,
    preprocessing: Callable[[], AbstractContextManager[Preprocess]] | None = None,
) -> "InputStatistics":
    """Score the records of a file; return the input statistics of all of them.

    Parameters
    ----------
    monitor
        Receives messages and progress.
    preprocessing
        Gives the function that preprocesses records; by default, a process of its own does, see
        :func:`.preprocessing_process`.

    Raises
    ------
    InputError
        If the table cannot be read, lacks a text column or has one of the columns to be added, the
        output is taken, the bundle is damaged, or the table changes while it is read.
    """
    absent = _require_columns(job)
    records = read_chunks(*job.table, monitor.log, job.rows, job.choices, job.missing, job.beside)
    with (
        (preprocessing or worker.preprocessing_process)() as preprocess,
        thread_pool(1) as pool,
        prefetch(preprocess_chunks(records, preprocess), CHUNKS_AHEAD) as inputs,
    ):
        identity = pool.submit(job.source.identity)
        with monitor.working("loading the model"):
            from textlstm.inference.bundle import Bundle
            from textlstm.inference.drift import summary_lines
            from textlstm.inference.engines.local import predict_tables
            from textlstm.models.logits import resolve_device

            bundle, device = Bundle.load(job.bundle), resolve_device(job.device)
        bundle.network.to(device)
        out_of_fold = bundle.out_of_fold
        if job.request.backs_off and bundle.back_off is not None:
            out_of_fold = bundle.back_off  # a promise for the deepest code of each record
        rule = job.request.rule_without(absent, out_of_fold, bundle.text_alone, monitor.log)
        fingerprint = job.fingerprint(device.type, identity.result())
        with resumable_shards(job.out, fingerprint) as shards:
            numbered = _NumberedChunks(inputs, shards)
            scored = predict_tables(numbered.missing(), bundle, rule, device)
            with shards.concatenating() as concatenate:
                with closing(_write_shards(scored, shards, concatenate)) as written:
                    for _ in monitor.track(written, "coding", "records", size=int):
                        pass
                statistics = numbered.statistics()
                job.source.require_unchanged()
    for line in summary_lines(statistics, bundle, job.out):
        monitor.log(line)
    return statistics


def _require_columns(job: FileJob) -> list[str]:
    """Check the columns at the beginning of the table, and check the output.

    A data set of the hub is downloaded only once, so its columns are checked with its first rows.

    Returns the names of the covariates that the table lacks.
    """
    require_not_taken(job.out)
    if job.source.data.startswith(HUB):
        return []
    table = read_beginning(*job.table, job.choices)
    require_free_columns(table, job.request.columns)
    return absent_covariates(table, job.beside)


class _NumberedChunks:
    """The chunks of a table, numbered from 0; those that have a shard already are not scored."""

    def __init__(self, chunks: Iterator[InputChunk], shards: Shards) -> None:
        self._chunks, self._shards = chunks, shards
        self._numbers: list[int] = []

    def missing(self) -> Iterator[tuple[int, InputChunk]]:
        """Yield the chunks without a shard."""
        for number, chunk in enumerate(self._chunks):
            self._numbers.append(number)
            if number not in self._shards:
                yield number, chunk

    def statistics(self) -> "InputStatistics":
        """Return the input statistics of the whole table, once each chunk has a shard."""
        from textlstm.inference.drift import InputStatistics

        parts = (InputStatistics(**self._shards.metadata(number)) for number in self._numbers)
        return sum(parts, InputStatistics())


def _write_shards(
    scored: Iterator["ScoredChunk"], shards: Shards, concatenate: Callable[[], None]
) -> Generator[int]:
    """Write each scored chunk as a shard, in a thread of its own; yield its number of records."""

    def write(chunk: "ScoredChunk") -> int:
        shards.write(chunk.number, chunk.table, asdict(chunk.statistics))
        concatenate()
        return chunk.statistics.records

    with closing(map_ordered(write, scored, workers=1, finish=True)) as written:
        yield from written
