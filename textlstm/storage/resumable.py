"""Tables of any size, made part by part.

Parts are kept beside the output until all are there: work that was cut off goes on where it
stopped, without a row lost or doubled. Memory holds a few parts at a time, however many there are.
"""

import codecs
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from textlstm.errors import InputError
from textlstm.storage import folders
from textlstm.storage.atomic import atomic_write, move_into_place
from textlstm.storage.json_files import read_json, write_json

FORMATS = (".csv", ".parquet")

METADATA_FILE = "job.json"
"""In the folder of the parts, it says what they are parts of."""

SHARD_NAMES = re.compile(r"(\d{6,}|whole)\.\w+|" + re.escape(METADATA_FILE))
"""Names of the files in the folder of the parts."""


def require_format(out: Path, *more: str) -> None:
    """Raise an :class:`InputError` if a name ends in none of :data:`FORMATS`, nor in ``more``."""
    *first, last = (*FORMATS, *more)
    if out.suffix.lower() not in (*first, last):
        raise InputError(f"{out}: the output must end in {', '.join(first)} or {last}")


def write_table(table: pa.Table, path: Path, *, header: bool = True) -> None:
    """Write a table in the format of the path's name, whole or not at all.

    It may hold texts of records: a new file is for its owner alone (0600), and one that is there
    already keeps its permissions.

    CSV begins with a UTF-8 byte order mark: without it, spreadsheets read accents wrongly. Rows
    that are to stand behind others have neither mark nor header.

    Raises
    ------
    InputError
        If the format cannot hold a column of the table.
    """
    try:
        with atomic_write(path, private=True) as temporary:
            if path.suffix.lower() == ".csv":
                with temporary.open("wb") as file:
                    file.write(codecs.BOM_UTF8 if header else b"")
                    pa.csv.write_csv(table, file, pa.csv.WriteOptions(include_header=header))
            else:
                pq.write_table(table, temporary)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        other = "leave it out" if path.suffix.lower() == ".parquet" else "use .parquet"
        raise InputError(
            f"a column of the table cannot be written as {path.suffix}; {other}"
        ) from error


class Shards:
    """The parts of one output.

    Each is a file of the output's format, written at once, and a note of figures about it.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.folder = out.with_name(f".{out.name}.parts")

    def __contains__(self, number: int) -> bool:
        path = self._path(number)
        return path.is_file() and path.with_suffix(".json").is_file()

    def write(self, number: int, table: pa.Table, note: Mapping[str, Any]) -> None:
        """Keep a part; 0 is the first.

        Raises
        ------
        InputError
            If the format cannot hold a column of the table.
        """
        write_json(self._path(number).with_suffix(".json"), note, private=True)
        write_table(table, self._path(number), header=number == 0)

    def any(self) -> bool:
        """Return whether any part is there."""
        return any(self.folder.glob(f"[0-9]*{self.out.suffix.lower()}"))

    def metadata(self, number: int) -> dict[str, Any]:
        """Return the note of a part."""
        return dict(read_json(self._path(number).with_suffix(".json")))

    @contextmanager
    def concatenating(self) -> Iterator[Callable[[], None]]:
        """Give what joins the parts, as far as they are there, to the output, whole or absent.

        Called after each part, it writes to the disk while the next ones are made. At the end the
        parts are removed.
        """
        joined = 0
        whole = self.folder / f"whole{self.out.suffix.lower()}"
        with atomic_write(whole, private=True) as temporary, _appending(temporary) as append:

            def join() -> None:
                nonlocal joined
                while joined in self:
                    append(self._path(joined))
                    joined += 1

            yield join
            join()
        move_into_place(whole, self.out)
        self.remove()

    def remove(self) -> None:
        """Remove all parts."""
        # First of all: without it, what is left when the process is killed is never gone on with.
        (self.folder / METADATA_FILE).unlink(missing_ok=True)
        folders.remove_folder(self.folder, _is_ours)

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
def resumable_shards(out: Path, job: Mapping[str, Any]) -> Iterator[Shards]:
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
        If another process makes the same output, the name ends in none of :data:`FORMATS` or is
        that of a folder, or the folder of the parts is a link or holds files of others.
    """
    require_format(out)
    if out.is_dir():
        raise InputError(f"{out}: this is a folder; name a file")
    parts, job = Shards(out), json.loads(json.dumps(job))
    described = parts.folder / METADATA_FILE
    # The lock stands beside the parts: in their folder it would be removed with them, and two
    # processes could hold it.
    lock = out.with_name(f".{out.name}.lock")
    with folders.locked(lock, f"{out}: another process is writing it; wait, or name another"):
        folders.require_own_folder(parts.folder, _is_ours)
        try:
            if not described.is_file() or _described(described) != job:
                parts.remove()
                folders.make_private(parts.folder)
                write_json(described, job, private=True)
            yield parts
        except Exception:
            with suppress(OSError):
                parts.remove()
            raise


def _is_ours(name: str) -> bool:
    """Return whether a name is one of those in the folder of the parts."""
    return SHARD_NAMES.fullmatch(name) is not None


def _described(path: Path) -> Any:
    """Return what parts are parts of; None where that cannot be read, as after a loss of power."""
    try:
        return read_json(path)
    except InputError:
        return None
