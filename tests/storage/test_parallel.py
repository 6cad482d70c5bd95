"""Threads: order, prefetching, and what an exception or an interruption leaves running."""

import contextlib
import threading
import time

import pytest

from textlstm.storage.parallel import map_ordered, prefetch, run_in_background, thread_pool


def test_results_come_in_order_and_items_are_taken_as_needed():
    taken = []

    def items():
        for number in range(9):
            taken.append(number)
            yield number

    def slow_if_even(number):
        time.sleep(0.02 * (number % 2 == 0))
        return number, threading.get_ident()

    results = map_ordered(slow_if_even, items(), workers=2)
    assert next(results)[0] == 0
    assert len(taken) == 3
    rest = list(results)
    assert [number for number, _ in rest] == list(range(1, 9))
    assert len({thread for _, thread in rest}) == 2


def test_a_finished_result_is_yielded_before_more_items_are_taken():
    done = threading.Event()

    def items():
        yield 0
        done.wait()
        time.sleep(0.02)  # the future has its result a little later
        yield 1
        raise AssertionError

    def work(number):
        done.set()
        return number

    with contextlib.closing(map_ordered(work, items(), workers=5)) as results:
        assert next(results) == 0


def test_an_interruption_does_not_wait_for_results_that_nobody_needs():
    proceed = threading.Event()
    with pytest.raises(KeyboardInterrupt), thread_pool(1) as pool:
        running, queued = (pool.submit(proceed.wait, 20) for _ in range(2))
        raise KeyboardInterrupt
    assert not running.done() and queued.cancelled()
    with pytest.raises(KeyboardInterrupt), prefetch(iter(lambda: proceed.wait(20), None), 2):
        raise KeyboardInterrupt

    def items():
        yield 0
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(map_ordered(lambda _: proceed.wait(20), items(), workers=1))
    assert not proceed.is_set()
    proceed.set()


def test_with_finish_an_interruption_carries_out_what_was_taken():
    kept, proceed = [], threading.Event()

    def items():
        yield from "ab"
        proceed.set()
        raise KeyboardInterrupt

    def keep(item):
        proceed.wait()
        kept.append(item)

    with pytest.raises(KeyboardInterrupt):
        list(map_ordered(keep, items(), workers=2, finish=True))
    assert sorted(kept) == ["a", "b"]


def test_items_are_prefetched_and_no_more_than_asked_for():
    taken = []

    def items():
        for number in range(9):
            taken.append(number)
            yield number
        raise ValueError

    def n_taken_stays(number):
        while len(taken) < number:
            time.sleep(0.001)
        time.sleep(0.01)
        return len(taken) == number

    with prefetch(items(), 3) as numbers:
        assert n_taken_stays(3)
        received = [next(numbers), next(numbers)]
        assert n_taken_stays(3)
        received.append(next(numbers))
        assert n_taken_stays(4)
        with pytest.raises(ValueError):
            for number in numbers:
                received.append(number)
        assert received == list(range(9))


def test_prefetching_ends_with_the_block():
    with pytest.raises(KeyError), prefetch(iter(range(9)), 2) as numbers:
        raise KeyError(next(numbers))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPool")]


def test_work_in_the_background_runs_beside_the_block_after_its_initializer():
    in_block, initialized = threading.Event(), []

    def work():
        in_block.wait()
        return threading.get_ident(), list(initialized)

    with run_in_background(work, lambda: initialized.append(threading.get_ident())) as future:
        assert not future.done()
        in_block.set()
        thread, initialized_in = future.result()
    assert thread != threading.get_ident() and initialized_in == [thread]


def test_an_exception_does_not_wait_for_work_in_the_background():
    proceed = threading.Event()
    with pytest.raises(KeyError), run_in_background(lambda: proceed.wait(20)) as future:
        raise KeyError
    assert not future.done()
    proceed.set()
    assert future.result()
