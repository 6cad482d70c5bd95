"""Damaged files of a run: one line for the user in place of a library's error."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from textlstm.errors import InputError


@contextmanager
def damage_explained(path: Path) -> Iterator[None]:
    """Explain errors of the block, which reads files that a stage wrote.

    Parameters
    ----------
    path
        The file or the folder that is read.

    Raises
    ------
    InputError
        If a file cannot be decoded, lacks something, or contradicts another one.
    """
    try:
        yield
    except InputError:
        raise
    except (AttributeError, LookupError, TypeError, ValueError) as error:  # Arrow's are ValueErrors
        raise InputError(f"{path}: damaged; run the stage that writes it again") from error
