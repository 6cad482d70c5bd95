"""Memory: the limit of this process, the least that a network needs, and errors of running out.

Libraries that run out of memory raise errors of many kinds, or end the process. So needs that can
be computed beforehand are checked before any work.
"""

import errno
import os
import re
from contextlib import suppress
from pathlib import Path

from textlstm.errors import InputError
from textlstm.network_config import NetworkConfig

SHORTAGE = re.compile(
    r"can.?t allocate memory|cannot allocate|not enough memory|out of memory|bad_alloc|"
    r"unable to allocate|allocation (still )?failed|can.?t start new thread|failed to map segment|"
    r"lack of memory",
    re.IGNORECASE,
)
"""Messages of running out of memory: of torch, NumPy, Arrow, the linker, Python's threads."""

CGROUP_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")
"""Files in which Linux keeps the memory limit of a group of processes, as of a container."""

LEAST_ADDRESSES = 3_000_000_000
"""Bytes that a process must be able to address, at least: with fewer, numerical libraries hang or
abort while they are loaded. They use a fraction of it."""

COPIES = 4
"""Copies of a trained weight: itself, its gradient and the two moments of Adam."""


def is_shortage(error: BaseException) -> bool:
    """Return whether an error is one of running out of memory."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, SystemError):  # raised by Python where memory is too short for an error
        return _limit() is not None
    return isinstance(error, RuntimeError | ImportError) and bool(SHORTAGE.search(str(error)))


def available() -> int | None:
    """Return the memory limit of this process in bytes; None, if the system does not tell."""
    limits = [_limit()]
    with suppress(AttributeError, ValueError, OSError):
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for name in CGROUP_LIMITS:
        with suppress(OSError, ValueError):  # ValueError: "max", which is no number
            limits.append(int((Path("/sys/fs/cgroup") / name).read_text()))
    return min((limit for limit in limits if limit is not None), default=None)


def _limit() -> int | None:
    """Return the bytes that the process may address (``ulimit -v``), if it is limited."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft


def require_addresses() -> None:
    """Raise an :class:`InputError` if the process can address too little to load libraries."""
    limit = _limit()
    if limit is not None and limit < LEAST_ADDRESSES:
        raise InputError(
            f"this process may address {limit / 1e9:.1f} GB (ulimit -v); allow it "
            f"{LEAST_ADDRESSES / 1e9:.0f} GB at least"
        )


def least_bytes(network: NetworkConfig) -> int:
    """Return the bytes that training needs for the weights of the encoder alone, in float32.

    >>> least_bytes(NetworkConfig(embedding_size=62, hidden_units=64)) // 16
    65536
    """
    # Imported late: it loads torch, and the stages ask for memory before that.
    import torch

    from textlstm.models.encoder import Encoder

    with torch.device("meta"):  # on which weights have a shape and take no memory
        weights = sum(weight.numel() for weight in Encoder(network).parameters())
    return 4 * weights * (network.ensemble_size - 1 + COPIES)


def require_memory(network: NetworkConfig) -> None:
    """Check that there is enough memory to train a network.

    Raises
    ------
    InputError
        If training it needs more than :func:`available`.
    """
    needed, limit = least_bytes(network), available()
    if limit is not None and needed > limit:
        layers = " ".join(map(str, network.lower_layers))
        lower = f"--lower-layers {layers}, " if layers else ""
        raise InputError(
            f"--hidden-units {network.hidden_units}, {lower}--embedding-size "
            f"{network.embedding_size} and --ensemble-size {network.ensemble_size} need "
            f"{needed / 1e9:,.1f} GB of memory at least; there are {limit / 1e9:,.1f} GB"
        )
