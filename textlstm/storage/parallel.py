"""Work in threads: results in order, items prefetched, the processors there are."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def thread_pool(
    number: int, initializer: Callable[[], None] | None = None, *, finish: bool = False
) -> Iterator[ThreadPoolExecutor]:
    """Give threads, which begin nothing more once the work has failed or is interrupted.

    What they are at is waited for where the work has ended or failed, but not where it is
    interrupted: then nobody needs it, and it may take long. With ``finish``, an interruption has
    them do all that they were given.
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
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    initializer: Callable[[], None] | None = None,
    *,
    finish: bool = False,
) -> Generator[Result]:
    """Yield the results of items in their order, some of them computed at the same time.

    No more items are taken than there is work for: they may be many, and large.

    Parameters
    ----------
    finish
        Whether items that were taken are worked on to their end where the work is interrupted.
    """
    with thread_pool(workers, initializer, finish=finish) as pool:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            while waiting and (len(waiting) > workers or waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def prefetch(items: Iterable[Item], first: int) -> Iterator[Iterator[Item]]:
    """Give the items, which a thread takes before they are asked for: so many first, later one."""
    source = iter(items)
    with thread_pool(1) as pool:
        waiting = deque(pool.submit(next, source, None) for _ in range(first))

        def taken() -> Iterator[Item]:
            while (item := waiting.popleft().result()) is not None:
                if not waiting:
                    waiting.append(pool.submit(next, source, None))
                yield item

        yield taken()


def usable_cpus() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
