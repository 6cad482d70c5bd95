"""Threads of a training: each operation has one, so that results are the same on any machine."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def single_threaded() -> Iterator[None]:
    """Limit torch and linear algebra to one thread per operation.

    A training step is too small to gain from more threads, and loses much where other work uses the
    processors too. With one thread, sums do not depend on the number of processors.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(before)
