"""Files of a table: its digest, and a check that they do not change while they are read."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from textlstm.errors import InputError


def digest(table: str) -> str:
    """Return a SHA-256 of the content of a table; empty if it is neither a file nor a folder."""
    from textlstm.data.dataset import data_files
    from textlstm.storage.atomic import sha256

    path = Path(table)
    if path.is_dir():
        contents = [f"{file.name}\0{sha256(file)}" for file in data_files(path)]
        return hashlib.sha256("\n".join(contents).encode("utf-8", "surrogateescape")).hexdigest()
    return sha256(path) if path.is_file() else ""


class Source:
    """The files of a table as they were before the table was read."""

    def __init__(self, data: str) -> None:
        self.data, self._files_before = data, self._files_now(data)

    @staticmethod
    def _files_now(data: str) -> list[tuple[str, int, int]]:
        """Return path, size and time of each file of the table."""
        from textlstm.data.dataset import data_files
        from textlstm.storage.atomic import file_stats

        path = Path(data)
        if not path.is_dir():
            return file_stats([path] if path.is_file() else [])
        return file_stats(data_files(path))

    def identity(self) -> dict[str, object]:
        """Return facts that differ between two tables, and for one table after any change.

        A table that is not in local files never equals another one: a resumed command codes it
        anew.
        """
        from textlstm.storage.atomic import sha256

        digests = [sha256(Path(path)) for path, *_ in self._files_before]
        return {"files": self._files_before, "sha256": digests or [os.urandom(16).hex()]}

    def require_unchanged(self) -> None:
        """Raise an :class:`InputError` if a file of the table has changed since."""
        if self._files_now(self.data) != self._files_before:
            raise InputError(f"{self.data}: changed while it was read; give the command again")


@contextmanager
def unchanged(*tables: str) -> Iterator[None]:
    """Check that no file of the tables changes within the block, in which they are read.

    Raises
    ------
    InputError
        At the end of the block, if one has changed.
    """
    sources = [Source(table) for table in tables]
    yield
    for source in sources:
        source.require_unchanged()
