"""Resumable outputs: a table of any size is written shard by shard.

Finished shards are kept beside the output until all shards exist: a command that was interrupted
resumes where it stopped, without a lost or repeated row. Memory holds a few shards at a time.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from textlstm.errors import InputError
from textlstm.storage import folders
from textlstm.storage.atomic import atomic_write, move_into_place
from textlstm.storage.json_files import read_json, write_json
from textlstm.storage.output_tables import appending, require_format, write_table

METADATA_FILE = "job.json"
"""Name of the file in the folder of the shards that holds their job."""

SHARD_NAMES = re.compile(r"(\d{6,}|whole)\.\w+|" + re.escape(METADATA_FILE))
"""Names of the files in the folder of the shards."""


class Shards:
    """The shards of one output.

    Each is a file in the output's format, written atomically, with metadata about its rows. Those
    of a workbook are in Parquet: a workbook cannot be appended to.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.folder = out.with_name(f".{out.name}.parts")

    def __contains__(self, number: int) -> bool:
        path = self._path(number)
        return path.is_file() and path.with_suffix(".json").is_file()

    def write(self, number: int, table: pa.Table, metadata: Mapping[str, object]) -> None:
        """Write a shard; the first has the number 0.

        Raises
        ------
        InputError
            If the format cannot hold a column of the table.
        """
        write_json(self._path(number).with_suffix(".json"), metadata, private=True)
        write_table(table, self._path(number), header=number == 0)

    def any(self) -> bool:
        """Return whether any shard is finished."""
        return any(self.folder.glob(f"[0-9]*{self._ending}"))

    def metadata(self, number: int) -> dict[str, Any]:
        """Return the metadata of a shard."""
        return dict(read_json(self._path(number).with_suffix(".json")))

    @contextmanager
    def concatenating(self) -> Iterator[Callable[[], None]]:
        """Concatenate the shards to the output, which is complete or absent.

        The function that is given appends the shards that are finished: called after each shard,
        it writes to the disk while the next ones are computed. At the end the shards are removed.
        """
        n_appended = 0
        whole = self.folder / f"whole{self.out.suffix.lower()}"
        with atomic_write(whole, private=True) as temporary, appending(temporary) as append:

            def append_finished() -> None:
                nonlocal n_appended
                while n_appended in self:
                    append(self._path(n_appended))
                    n_appended += 1

            yield append_finished
            append_finished()
        move_into_place(whole, self.out)
        self.remove()

    def remove(self) -> None:
        """Remove all shards."""
        # The metadata first: without it, shards that a kill leaves behind are never resumed.
        (self.folder / METADATA_FILE).unlink(missing_ok=True)
        folders.remove_folder(self.folder, _is_shard_name)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06}{self._ending}"

    @property
    def _ending(self) -> str:
        """Return the ending of the names of the shards."""
        ending = self.out.suffix.lower()
        return ".parquet" if ending == ".xlsx" else ending


def require_not_taken(out: Path) -> None:
    """Check before any work that an output can be written.

    Raises
    ------
    InputError
        If :func:`resumable_shards` would raise one.
    """
    _require_file(out)
    folders.require_own_folder(Shards(out).folder, _is_shard_name)
    if os.path.lexists(_lock_of(out)):
        with _locked(out):
            pass


def _require_file(out: Path) -> None:
    """Raise an :class:`InputError` if the output has no known format, or is a folder."""
    require_format(out)
    if out.is_dir():
        raise InputError(f"{out}: this is a folder; name a file")


def _lock_of(out: Path) -> Path:
    """Return the lock file of an output.

    It lies beside the folder of the shards: in that folder it would be removed with them, and two
    processes could hold the lock.
    """
    return out.with_name(f".{out.name}.lock")


def _locked(out: Path) -> AbstractContextManager[None]:
    """Hold the lock of an output; raise an :class:`InputError` if another process holds it."""
    in_use = f"{out}: another process is writing it; wait, or name another"
    return folders.locked(_lock_of(out), in_use)


@contextmanager
def resumable_shards(out: Path, job: Mapping[str, object]) -> Iterator[Shards]:
    """Give the shards of an output; those that an interrupted command finished are resumed.

    Shards of another job are removed, and all shards if the work raises an exception; an
    interruption keeps them for the next time.

    Parameters
    ----------
    job
        Everything that the output depends on.

    Raises
    ------
    InputError
        If another process writes the same output, its name ends in none of
        :data:`.OUTPUT_FORMATS` or is that of a folder, or the folder of the shards is a link or
        holds other files.
    """
    _require_file(out)
    shards, job = Shards(out), json.loads(json.dumps(job))
    with _locked(out):
        folders.require_own_folder(shards.folder, _is_shard_name)
        try:
            if _job_of(shards) != job:
                shards.remove()
                folders.make_private(shards.folder)
                write_json(shards.folder / METADATA_FILE, job, private=True)
            yield shards
        except Exception:
            with suppress(OSError):
                shards.remove()
            raise


def _is_shard_name(name: str) -> bool:
    """Return whether a name is one of those in the folder of the shards."""
    return SHARD_NAMES.fullmatch(name) is not None


def _job_of(shards: Shards) -> Any:
    """Return the job of shards; None if it is missing or, as after a power failure, damaged."""
    path = shards.folder / METADATA_FILE
    try:
        return read_json(path) if path.is_file() else None
    except InputError:
        return None
