"""Turns: never more than there are, in the order they were asked for."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from search.deadline import Deadline, within
from search.errors import Overloaded, TimedOut
from search.limiter import ConcurrencyLimiter


def test_no_more_are_at_work_than_there_are_turns() -> None:
    turns, lock = ConcurrencyLimiter("test", 2), threading.Lock()
    now = most = 0

    def work(_: int) -> None:
        nonlocal now, most
        with turns.taken(), turns.taken():
            with lock:
                now += 1
                most = max(most, now)
            threading.Event().wait(0.002)
            with lock:
                now -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(60)))
    assert most == 2


def test_who_steps_aside_lets_the_next_one_work_and_comes_back_behind() -> None:
    turns, order = ConcurrencyLimiter("test", 1), list[str]()
    aside, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with turns.taken():
            order.append("first")
            with turns.aside():
                aside.set()
                assert go_on.wait(10)
            order.append("first again")

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(first)
        assert aside.wait(10)
        with turns.taken():
            order.append("second")
            go_on.set()
            threading.Event().wait(0.02)
            order.append("second still")
        done.result(10)
    assert order == ["first", "second", "second still", "first again"]


def test_a_turn_is_given_back_after_an_error_and_nothing_is_left_that_was_not_taken() -> None:
    turns = ConcurrencyLimiter("test", 1)
    for _ in range(3):
        with pytest.raises(ValueError, match="no"), turns.taken(), turns.aside():
            raise ValueError("no")
    with turns.aside(), turns.taken():
        pass


@contextmanager
def one_has_the_turn(turns: ConcurrencyLimiter) -> Iterator[None]:
    """Another thread has the only turn until the block ends."""
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with turns.taken():
            taken.set()
            assert done.wait(10)

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(hold)
        assert taken.wait(10)
        try:
            yield
        finally:
            done.set()
            held.result(10)


def test_who_would_wait_too_long_is_told_at_once_and_when_to_come_again() -> None:
    turns = ConcurrencyLimiter("test", 1, max_wait=0.001)
    with turns.taken():
        threading.Event().wait(0.05)  # a turn took so long
    with one_has_the_turn(turns), pytest.raises(Overloaded, match="0 requests wait for 1 turns") as told:
        turns.taken().__enter__()
    assert told.value.retry_after == 1
    with turns.taken():  # it drains
        pass


def test_who_has_waited_in_vain_is_told_when_to_come_again() -> None:
    turns = ConcurrencyLimiter("test", 1, max_wait=0.01)
    with one_has_the_turn(turns), pytest.raises(Overloaded, match=r"No turn came within 0\.01 s") as told:
        turns.taken().__enter__()
    assert told.value.retry_after == 1
    assert turns.waiting == 0


def test_no_more_wait_than_may() -> None:
    turns = ConcurrencyLimiter("test", 1, max_waiting=0)
    with one_has_the_turn(turns), pytest.raises(Overloaded):
        turns.taken().__enter__()


@pytest.mark.parametrize("hangs_up", [False, True])
def test_who_waits_for_nothing_any_more_leaves_the_queue(hangs_up: bool) -> None:
    turns = ConcurrencyLimiter("test", 1)
    limit = Deadline(60 if hangs_up else 0.01)
    if hangs_up:
        threading.Timer(0.01, limit.hang_up).start()
    with one_has_the_turn(turns):
        with within(limit), pytest.raises(TimedOut):
            turns.taken().__enter__()
        assert turns.waiting == 0
    with turns.taken():
        pass


def test_who_comes_back_from_aside_is_not_refused() -> None:
    turns, aside, go_on = ConcurrencyLimiter("test", 1, max_waiting=0), threading.Event(), threading.Event()

    def first() -> str:
        with turns.taken():
            with turns.aside():
                aside.set()
                assert go_on.wait(10)
            return "done"

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(first)
        assert aside.wait(10)
        with turns.taken():
            go_on.set()
            while not turns.waiting:
                threading.Event().wait(0.001)
        assert done.result(10) == "done"


def test_long_work_lets_those_who_wait_go_first() -> None:
    turns, order = ConcurrencyLimiter("test", 1), list[str]()

    def second() -> None:
        with turns.taken():
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        with turns.taken():
            turns.let_others()  # nobody
            waiting = pool.submit(second)
            while not turns.waiting:
                threading.Event().wait(0.001)
            turns.let_others()
            order.append("first")
        waiting.result(10)
    assert order == ["second", "first"]
