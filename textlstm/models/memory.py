"""Memory: what this process may have, what a network needs at least, and when there was too little.

Where there is too little, libraries raise errors of many kinds, or end the process. What can be
reckoned before is asked before any work.
"""

import errno
import os
import re
from contextlib import suppress
from pathlib import Path

from textlstm.errors import InputError
from textlstm.recipe_sections import NetworkConfig

SHORTAGE = re.compile(
    r"can.?t allocate memory|cannot allocate|not enough memory|out of memory|bad_alloc|"
    r"unable to allocate|allocation (still )?failed|can.?t start new thread|failed to map segment|"
    r"lack of memory",
    re.IGNORECASE,
)
"""What libraries say when there is no memory: torch, NumPy, Arrow, the linker, Python's threads."""

CGROUP_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")
"""Where Linux says how much a group of processes, as of a container, may have."""

LEAST_ADDRESSES = 3_000_000_000
"""Bytes that a process must be able to address: with fewer, libraries that compute hang or abort
while they are loaded. It takes a fraction of them."""

COPIES = 4
"""A weight that is trained has a gradient and two moments beside it."""


def is_shortage(error: BaseException) -> bool:
    """Return whether an error says that there is not enough memory."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, SystemError):  # what Python raises where an error has no room itself
        return _limit() is not None
    return isinstance(error, RuntimeError | ImportError) and bool(SHORTAGE.search(str(error)))


def available() -> int | None:
    """Return the bytes of memory that this process may have at most; None, if the system is mum."""
    found = [_limit()]
    with suppress(AttributeError, ValueError, OSError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for name in CGROUP_LIMITS:
        with suppress(OSError, ValueError):  # ValueError: "max", which is no number
            found.append(int((Path("/sys/fs/cgroup") / name).read_text()))
    return min((one for one in found if one is not None), default=None)


def _limit() -> int | None:
    """Return the bytes that the process may address (``ulimit -v``), if it is limited."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft


def require_addresses() -> None:
    """Raise an :class:`InputError` if the process may address too little to load libraries."""
    limit = _limit()
    if limit is not None and limit < LEAST_ADDRESSES:
        raise InputError(
            f"this process may address {limit / 1e9:.1f} GB (ulimit -v); allow it "
            f"{LEAST_ADDRESSES / 1e9:.0f} GB at least"
        )


def least_bytes(network: NetworkConfig) -> int:
    """Return the bytes that training takes for the weights of the cells alone, in float32.

    >>> least_bytes(NetworkConfig(embedding_size=62, hidden_units=64)) // 16
    65536
    """
    # Imported late: it loads torch, and the stages ask for memory before that.
    from textlstm.models.cells.table import CELLS

    hidden, directions = network.hidden_units, 2 if network.bidirectional else 1
    weights = (
        CELLS[network.cell].PROJECTIONS
        * hidden
        * (network.embedding_size + hidden + 2)
        * directions
    )
    return 4 * weights * (network.ensemble_size - 1 + COPIES)


def require_memory(network: NetworkConfig) -> None:
    """Check that there is memory for a network.

    Raises
    ------
    InputError
        If training it needs more than :func:`available`.
    """
    needed, there = least_bytes(network), available()
    if there is not None and needed > there:
        raise InputError(
            f"--hidden-units {network.hidden_units}, --embedding-size {network.embedding_size} and "
            f"--ensemble-size {network.ensemble_size} need {needed / 1e9:,.1f} GB of memory "
            f"at least; there are {there / 1e9:,.1f} GB"
        )
