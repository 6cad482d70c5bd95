"""Threads: map in order, prefetch, work in the background, and the number of processors."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Element = TypeVar("Element")
Result = TypeVar("Result")


@contextmanager
def thread_pool(
    number: int, initializer: Callable[[], None] | None = None, *, finish: bool = False
) -> Iterator[ThreadPoolExecutor]:
    """Give a pool of threads, which start nothing more after an exception or an interruption.

    Running tasks are waited for at the end of the block and after an exception, but not after an
    interruption: nobody needs their results then, and they may take long.

    Parameters
    ----------
    initializer
        Called at the start of each thread.
    finish
        Whether all submitted tasks are carried out after an interruption.
    """
    pool, interrupted = ThreadPoolExecutor(number, initializer=initializer), True
    try:
        yield pool
        interrupted = False
    except Exception:
        interrupted = False
        raise
    finally:
        finish = finish and interrupted
        pool.shutdown(wait=finish or not interrupted, cancel_futures=not finish)


def map_ordered(
    function: Callable[[Element], Result],
    items: Iterable[Element],
    workers: int,
    initializer: Callable[[], None] | None = None,
    *,
    finish: bool = False,
) -> Generator[Result]:
    """Yield ``function(item)`` of each item in their order, computed by several threads.

    No more items are taken than the threads need: there may be many, and large ones.

    Parameters
    ----------
    workers
        Number of threads.
    initializer
        Called at the start of each thread.
    finish
        Whether the items that were taken are finished after an interruption.
    """
    with thread_pool(workers, initializer, finish=finish) as pool:
        futures: deque[Future[Result]] = deque()
        for item in items:
            futures.append(pool.submit(function, item))
            while futures and (len(futures) > workers or futures[0].done()):
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()


@contextmanager
def prefetch(items: Iterable[Element], first: int) -> Iterator[Iterator[Element]]:
    """Prefetch items in a thread: ``first`` at the start, then one ahead of the consumer."""
    source = iter(items)
    with thread_pool(1) as pool:
        futures = deque(pool.submit(next, source, None) for _ in range(first))

        def prefetched() -> Iterator[Element]:
            while (item := futures.popleft().result()) is not None:
                if not futures:
                    futures.append(pool.submit(next, source, None))
                yield item

        yield prefetched()


@contextmanager
def run_in_background(
    work: Callable[[], Result], initializer: Callable[[], None] | None = None
) -> Iterator[Future[Result]]:
    """Run work in a thread of its own beside the block; its Future has the result.

    The end of the block, and an exception in it, do not wait for the work.

    Parameters
    ----------
    initializer
        Called at the start of the thread.
    """
    pool = ThreadPoolExecutor(1, initializer=initializer)
    try:
        yield pool.submit(work)
    finally:
        pool.shutdown(wait=False)


def usable_cpus() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
