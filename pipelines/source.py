"""A table that is read, and whether it stays as it is meanwhile."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from textlstm.errors import InputError


class Source:
    """The table as it stood before any of it was read."""

    def __init__(self, data: str) -> None:
        self.data, self._stood = data, self._standing(data)

    @staticmethod
    def _standing(data: str) -> list[tuple[str, int, int]]:
        """Return what is known of the files of the table before they are read."""
        from textlstm.storage.atomic import existing

        path = Path(data)
        if not path.is_dir():
            return existing([path] if path.is_file() else [])
        from textlstm.data.dataset import data_files

        return existing(data_files(path))

    def identity(self) -> dict[str, Any]:
        """Return what tells the table from another, and from itself after a change.

        A table that is not in files of this machine is like no other: what was coded of it is
        coded anew.
        """
        from textlstm.storage.atomic import sha256

        contents = [sha256(Path(path)) for path, *_ in self._stood] or [os.urandom(16).hex()]
        return {"files": self._stood, "sha256": contents}

    def require_unchanged(self) -> None:
        """Raise an :class:`InputError` if a file of the table has changed meanwhile."""
        if self._standing(self.data) != self._stood:
            raise InputError(f"{self.data}: changed while it was read; give the command again")


@contextmanager
def unchanged(*tables: str) -> Iterator[None]:
    """Check that no file of some tables changes within the block, in which they are read.

    Raises
    ------
    InputError
        At the end of the block, if one has changed.
    """
    sources = [Source(table) for table in tables]
    yield
    for source in sources:
        source.require_unchanged()
