"""Ordered workers: results in order, errors at their item, no more read than the window holds, threads that end."""

import itertools
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from remix_track.ordered_workers import map_ordered

PATIENCE = 20


class Gates:
    """Work that ends when the test says so: `Gates()(item)` waits until the item's gate is open."""

    def __init__(self):
        self.open = [threading.Event() for _ in range(20)]
        self.begun = [threading.Event() for _ in range(20)]

    def __call__(self, item):
        self.begun[item].set()
        assert self.open[item].wait(PATIENCE)
        return -item


def keep(seen, got):
    """Collect the items as far as they come."""
    for item, _ in seen:
        got.append(item)


def double(item):
    time.sleep(0.001 * (item % 3))
    return 2 * item


@pytest.mark.parametrize(("workers", "ahead"), [(1, 0), (1, 3), (2, 4), (3, 3), (4, 9)])
@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_results_come_as_from_a_plain_loop(workers, ahead, count):
    seen = map_ordered(iter(range(count)), double, lambda: [lambda: double] * (workers - 1), ahead=ahead)
    assert list(seen) == [(item, 2 * item) for item in range(count)]


@pytest.mark.parametrize("first_alone", [True, False])
def test_the_first_item_is_worked_on_alone_where_that_is_wanted(first_alone):
    busy, met = [0], list[int]()

    def work(item):
        busy[0] += 1
        until = time.monotonic() + (0.3 if first_alone else PATIENCE)
        while busy[0] < 2 and not item and time.monotonic() < until:
            time.sleep(0.01)
        if not item:
            met.append(busy[0])
        return item

    seen = map_ordered(iter(range(4)), work, lambda: [lambda: work], ahead=3, first_alone=first_alone)
    assert [result for _, result in seen] == [0, 1, 2, 3]
    assert (met == [1]) is first_alone


def test_one_that_is_done_early_waits_for_its_turn():
    work = Gates()
    for item in (0, 2, 3):
        work.open[item].set()
    seen = map_ordered(iter(range(4)), work, lambda: [lambda: work], ahead=3)
    assert next(seen) == (0, 0)

    def open_late():
        work.begun[3].wait(PATIENCE)
        work.open[1].set()

    helper = threading.Thread(target=open_late)
    helper.start()
    assert list(seen) == [(1, -1), (2, -2), (3, -3)], "item 3 was done before item 1"
    helper.join()


@pytest.mark.parametrize(("workers", "ahead"), [(1, 2), (2, 4), (3, 5)])
def test_no_more_is_read_than_the_window_holds(workers, ahead):
    read: list[int] = []

    def items():
        for item in range(30):
            read.append(item)
            yield item

    seen = map_ordered(items(), double, lambda: [lambda: double] * (workers - 1), ahead=ahead)
    held = [len(read) - taken for taken, _ in enumerate(seen, 1)]
    assert len(held) == 30
    assert max(held) == ahead - 1


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_each_worker_does_one_thing_at_a_time(workers):
    def worker():
        alone = threading.Lock()

        def work(item):
            assert alone.acquire(blocking=False)
            time.sleep(0.001)
            alone.release()
            return item

        return work

    seen = map_ordered(iter(range(60)), worker(), lambda: [worker] * (workers - 1), ahead=workers + 2)
    for item, _ in seen:
        assert len(workers_alive()) == (0 if item == 0 else workers)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("ahead", [0, 4])
def test_an_error_comes_at_its_item(workers, ahead):
    def work(item):
        if item == 5:
            raise KeyError(item)
        return item

    got: list[int] = []
    with pytest.raises(KeyError, match="5"):
        keep(map_ordered(iter(range(20)), work, lambda: [lambda: work] * (workers - 1), ahead=ahead), got)
    assert got == [0, 1, 2, 3, 4]


def test_a_worker_that_cannot_be_made_says_so():
    def make():
        raise MemoryError("no room for another")

    got: list[int] = []
    with pytest.raises(MemoryError, match="no room for another"):
        keep(map_ordered(itertools.count(), double, lambda: [make], ahead=3), got)
    assert got == list(range(len(got)))
    assert not workers_alive()


@pytest.mark.parametrize("ahead", [0, 4])
def test_an_error_of_reading_comes_after_what_was_read(ahead):
    def items():
        yield from range(5)
        raise OSError("unplugged")

    got: list[int] = []
    with pytest.raises(OSError, match="unplugged"):
        keep(map_ordered(items(), double, lambda: [lambda: double], ahead=ahead), got)
    assert got == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("ahead", [0, 4])
def test_an_interruption_while_reading_comes_at_once(ahead):
    def items():
        yield from range(3)
        raise KeyboardInterrupt

    got: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        keep(map_ordered(items(), double, lambda: [lambda: double], ahead=ahead), got)
    assert got == ([0, 1, 2] if ahead == 0 else [0])


def workers_alive():
    return [thread for thread in threading.enumerate() if thread.name.startswith("remix-track worker")]


def test_leaving_early_ends_the_threads():
    begun = []

    def work(item):
        begun.append(item)
        return item

    seen = map_ordered(itertools.count(), work, lambda: [lambda: work], ahead=4)
    assert [next(seen) for _ in range(3)] == [(0, 0), (1, 1), (2, 2)]
    assert len(workers_alive()) == 2
    seen.close()
    assert not workers_alive()
    assert max(begun) <= 2 + 4


def test_a_worker_that_hangs_does_not_keep_the_caller(monkeypatch):
    monkeypatch.setattr("remix_track.ordered_workers._STOP_SECONDS", 0.05)
    work = Gates()
    work.open[0].set()
    seen = map_ordered(iter(range(4)), work, lambda: [lambda: work], ahead=2)
    next(seen)
    threading.Timer(0.05, work.open[1].set).start()
    assert next(seen) == (1, -1)
    seen.close()
    assert workers_alive(), "the one that waits at item 2"
    for gate in work.open:
        gate.set()
    for thread in workers_alive():
        thread.join(PATIENCE)


def test_a_loop_left_early_ends_its_work_before_the_process(tmp_path):
    program = """
import pathlib, sys, threading, time
from remix_track.ordered_workers import map_ordered
begun = threading.Event()
def work(item):
    if item:
        begun.set()
        time.sleep(0.5)
        pathlib.Path(sys.argv[1]).touch()
results = map_ordered(iter(range(9)), work, ahead=2)
next(results)
threading.Thread(target=lambda: next(results), daemon=True).start()
begun.wait(30)
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "done")], check=True, timeout=300)
    assert (tmp_path / "done").exists()


def test_a_stop_waits_for_the_worker_that_is_being_made_and_makes_no_other():
    begun, made, go = threading.Event(), list[int](), threading.Event()

    def make(number):
        begun.set()
        assert go.wait(PATIENCE)
        made.append(number)
        return double

    results = map_ordered(
        iter(range(9)), double, lambda: [partial(make, 1), partial(make, 2), partial(make, 3)], ahead=4
    )
    next(results)
    next(results)
    assert begun.wait(PATIENCE)
    threading.Timer(2.5, go.set).start()  # longer than a stop waits for items
    results.close()
    assert len(made) == 1
    assert not workers_alive()


def test_workers_are_made_one_at_a_time():
    making, most = list[None](), list[int]()

    def make():
        making.append(None)
        most.append(len(making))
        time.sleep(0.01)
        making.pop()
        return double

    seen = map_ordered(iter(range(60)), double, lambda: [make] * 4, ahead=6)
    assert [result for _, result in seen] == [2 * item for item in range(60)]
    assert set(most) == {1}


def test_a_result_is_waited_for_where_a_signal_may_raise():
    """Not inside `threading`: one of its waits that a signal's exception cuts short fails with an error of its own."""
    caller, where = threading.get_ident(), list[str]()

    def look(item):
        if item:
            time.sleep(0.2)
            where.append(Path(sys._current_frames()[caller].f_code.co_filename).name)
        return item

    assert [result for _, result in map_ordered(iter(range(2)), look, ahead=2)] == [0, 1]
    assert where == ["ordered_workers.py"]
