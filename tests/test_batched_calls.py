"""Calls answered together: one alone does not wait, those that come meanwhile share a batch, each gets its own."""

import threading
from queue import SimpleQueue

import pytest

from remix_track.batched_calls import BatchedCalls

PATIENCE = 20


def test_a_thread_alone_is_a_batch_of_its_own():
    gate = Gate()
    gate.open.set()
    double = BatchedCalls(gate, largest=8)
    assert [double(number) for number in range(4)] == [0, 2, 4, 6]
    assert gate.batches == [[0], [1], [2], [3]]


class Gate:
    """Work whose first batch ends when the test says so."""

    def __init__(self, fail=()):
        self.batches = list[list[int]]()
        self.begun, self.open, self.fail = threading.Event(), threading.Event(), fail

    def __call__(self, numbers):
        self.batches.append(list(numbers))
        self.begun.set()
        assert self.open.wait(PATIENCE)
        if set(numbers) & set(self.fail):
            raise ValueError(f"cannot take {numbers}")
        return [2 * one for one in numbers]


def ask(calls, numbers, gate):
    """Ask from a thread each; the second asks when the first is at work, the others when the one before waits."""
    answers: SimpleQueue[tuple[int, object]] = SimpleQueue()

    def one(number):
        try:
            answers.put((number, calls(number)))
        except ValueError as error:
            answers.put((number, str(error)))

    threads = [threading.Thread(target=one, args=(number,), daemon=True) for number in numbers]
    for place, thread in enumerate(threads):
        thread.start()
        assert gate.begun.wait(PATIENCE)
        while len(calls._waiting) < place:
            threading.Event().wait(0.001)
    gate.open.set()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    return dict(answers.get() for _ in numbers)


@pytest.mark.parametrize(
    ("largest", "batches"), [(8, [[0], [1, 2, 3, 4]]), (3, [[0], [1, 2, 3], [4]]), (1, [[0], [1], [2], [3], [4]])]
)
def test_those_that_wait_are_worked_on_together_the_oldest_first(largest, batches):
    gate = Gate()
    calls = BatchedCalls(gate, largest=largest)
    assert ask(calls, range(5), gate) == {number: 2 * number for number in range(5)}
    assert gate.batches == batches
    assert calls(7) == 14, "nobody is left at work"


def test_an_error_reaches_all_of_its_batch_and_nobody_else():
    gate = Gate(fail=[2])
    calls = BatchedCalls(gate, largest=2)
    said = ask(calls, range(5), gate)
    assert said == {0: 0, 1: "cannot take [1, 2]", 2: "cannot take [1, 2]", 3: 6, 4: 8}
    assert calls(1) == 2


def test_too_few_results_are_an_error_not_a_wait():
    with pytest.raises(ValueError, match="zip"):
        BatchedCalls[int, int](lambda numbers: [], largest=2)(1)


@pytest.mark.parametrize("told", [False, True])
def test_who_gives_up_lets_the_next_one_go_on(told, monkeypatch):
    """Ctrl-C in a thread that waits, before and after it was told to lead."""
    gate = Gate()
    calls = BatchedCalls(gate, largest=1)
    first = threading.Thread(target=calls, args=(0,), daemon=True)
    first.start()
    assert gate.begun.wait(PATIENCE)

    def interrupted(call):
        if told:
            gate.open.set()
            first.join(PATIENCE)
            assert call.leads
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("remix_track.batched_calls._Call.wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            calls(1)
    gate.open.set()
    first.join(PATIENCE)
    assert calls(2) == 4
    assert gate.batches == [[0], [2]]


def test_many_threads_for_long():
    calls: BatchedCalls[int, int] = BatchedCalls(lambda numbers: [-one for one in numbers], largest=4)
    wrong = list[int]()

    def work(start):
        wrong.extend(number for number in range(start, start + 500) if calls(number) != -number)

    threads = [threading.Thread(target=work, args=(500 * place,), daemon=True) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not wrong
