"""Text files packed by gzip or zstandard: unpacked while they are read, up to a limit."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from textlstm.data.allowance import Allowance
from textlstm.errors import InputError
from textlstm.formats import COMPRESSIONS


class ByteStream(Protocol):
    """A file that is read from its beginning to its end."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, ``size`` at most; none at the end."""
        ...


class _Unpacked:
    """The bytes of a packed file, which are counted."""

    def __init__(self, stream: Any, path: Path) -> None:
        self._stream, self._path = stream, path
        self._allowance = Allowance(path.stat().st_size)

    def read(self, size: int, /) -> bytes:
        """Return the next bytes.

        Raises
        ------
        InputError
            If the file is damaged, or unpacks to more than its allowance.
        """
        try:
            block = bytes(self._stream.read(size))
        except (OSError, pa.ArrowException) as error:
            raise InputError(
                f"{self._path}: damaged, or not packed as its name says; pack it again"
            ) from error
        self._allowance.spend_bytes(self._path, len(block))
        return block


@contextmanager
def open_unpacked(path: Path) -> Iterator[ByteStream]:
    """Open a file; one whose name ends in one of :data:`.COMPRESSIONS` is unpacked as it is read.

    >>> import gzip, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "deaths.csv.gz"
    ...     _ = path.write_bytes(gzip.compress(b"cause,label"))
    ...     with open_unpacked(path) as file:
    ...         file.read(5)
    b'cause'
    """
    compression = COMPRESSIONS.get(path.suffix.lower())
    with path.open("rb") as file:
        if compression is None:
            yield file
        else:
            with pa.CompressedInputStream(file, compression) as stream:
                yield _Unpacked(stream, path)
