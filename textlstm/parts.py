"""Tables of any size, made part by part.

Parts are kept beside the output until all are there: work that was cut off goes on where it
stopped, without a row lost or doubled. Memory holds a few parts at a time, however many there are.
"""

import codecs
import json
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from textlstm.errors import InputError
from textlstm.files import read_json, replacing, sync_folder, write_json

FORMATS = (".csv", ".parquet")

Item = TypeVar("Item")
Result = TypeVar("Result")


def require_format(out: Path, *more: str) -> None:
    """Raise an :class:`InputError` if a name ends in none of :data:`FORMATS`, nor in ``more``."""
    *first, last = (*FORMATS, *more)
    if out.suffix.lower() not in (*first, last):
        raise InputError(f"{out}: the output must end in {', '.join(first)} or {last}")


def write_table(table: pa.Table, path: Path, *, header: bool = True) -> None:
    """Write a table in the format of the path's name, whole or not at all.

    CSV begins with a UTF-8 byte order mark: without it, spreadsheets read accents wrongly. Rows
    that are to stand behind others have neither mark nor header.

    Raises
    ------
    InputError
        If the format cannot hold a column of the table.
    """
    try:
        with replacing(path) as temporary:
            if path.suffix.lower() == ".csv":
                with temporary.open("wb") as file:
                    file.write(codecs.BOM_UTF8 if header else b"")
                    pa.csv.write_csv(table, file, pa.csv.WriteOptions(include_header=header))
            else:
                pq.write_table(table, temporary)
    except pa.ArrowInvalid as error:
        raise InputError(
            f"a column of the table cannot be written as {path.suffix}; use .parquet"
        ) from error


class Parts:
    """The parts of one output.

    Each is a file of the output's format, written at once, and a note of figures about it.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.folder = out.with_name(f".{out.name}.parts")

    def __contains__(self, number: int) -> bool:
        return self._path(number).is_file()

    def write(self, number: int, table: pa.Table, note: Mapping[str, Any]) -> None:
        """Keep a part; 0 is the first.

        Raises
        ------
        InputError
            If the format cannot hold a column of the table.
        """
        write_json(self._path(number).with_suffix(".json"), note)
        write_table(table, self._path(number), header=number == 0)

    def note(self, number: int) -> dict[str, Any]:
        """Return the note of a part."""
        return dict(read_json(self._path(number).with_suffix(".json")))

    @contextmanager
    def joining(self) -> Iterator[Callable[[], None]]:
        """Give what joins the parts, as far as they are there, to the output, whole or absent.

        Called after each part, it writes to the disk while the next ones are made. At the end the
        parts are removed.
        """
        joined = 0
        whole = self.folder / f"whole{self.out.suffix.lower()}"
        with replacing(whole) as temporary, _appending(temporary) as append:

            def join() -> None:
                nonlocal joined
                while joined in self:
                    append(self._path(joined))
                    joined += 1

            yield join
            join()
        whole.replace(self.out)
        sync_folder(self.out.parent)
        self.remove()

    def remove(self) -> None:
        """Remove all parts."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06}{self.out.suffix.lower()}"


@contextmanager
def _appending(path: Path) -> Iterator[Callable[[Path], None]]:
    """Give what appends the rows of a part to a file of the same format."""
    with ExitStack() as stack:
        if path.suffix == ".csv":
            target = stack.enter_context(path.open("wb"))

            def append(part: Path) -> None:
                with part.open("rb") as source:
                    shutil.copyfileobj(source, target)
                target.flush()
                os.fsync(target.fileno())

        else:
            writer: pq.ParquetWriter | None = None

            def append(part: Path) -> None:
                nonlocal writer
                if writer is None:
                    writer = stack.enter_context(pq.ParquetWriter(path, pq.read_schema(part)))
                writer.write_table(pq.read_table(part))

        yield append


@contextmanager
def parts_of(out: Path, job: Mapping[str, Any]) -> Iterator[Parts]:
    """Give the parts of an output, those of the same job that are there already among them.

    Parts of another job are removed, and so are all of them if the work fails; an interruption
    leaves them for the next time.

    Parameters
    ----------
    job
        All that the output depends on.

    Raises
    ------
    InputError
        If another process makes the same output, or the name ends in none of :data:`FORMATS`.
    """
    require_format(out)
    parts, job = Parts(out), json.loads(json.dumps(job))
    lock, described = parts.folder / "lock", parts.folder / "job.json"
    parts.folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=0):
            try:
                if not described.is_file() or read_json(described) != job:
                    for path in set(parts.folder.iterdir()) - {lock}:
                        path.unlink()
                    write_json(described, job)
                yield parts
            except Exception:
                parts.remove()
                raise
    except Timeout as error:
        raise InputError(f"{out}: another process is writing it; wait, or name another") from error


def in_order(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    initializer: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """Yield the results of items in their order, some of them computed at the same time.

    No more items are taken than there is work for: they may be many, and large.
    """
    with ThreadPoolExecutor(workers, initializer=initializer) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def ahead(items: Iterable[Item], first: int) -> Iterator[Iterator[Item]]:
    """Give the items, which a thread takes before they are asked for: so many first, later one."""
    source = iter(items)
    with ThreadPoolExecutor(1) as pool:
        waiting = deque(pool.submit(next, source, None) for _ in range(first))

        def taken() -> Iterator[Item]:
            while (item := waiting.popleft().result()) is not None:
                if not waiting:
                    waiting.append(pool.submit(next, source, None))
                yield item

        try:
            yield taken()
        finally:
            pool.shutdown(cancel_futures=True)


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
