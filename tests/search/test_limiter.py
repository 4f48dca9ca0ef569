"""Turns: never more than there are, in the order they were asked for."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from search.limiter import ConcurrencyLimiter


def test_no_more_are_at_work_than_there_are_turns() -> None:
    turns, lock = ConcurrencyLimiter(2), threading.Lock()
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
    turns, order = ConcurrencyLimiter(1), list[str]()
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
    turns = ConcurrencyLimiter(1)
    for _ in range(3):
        with pytest.raises(ValueError, match="no"), turns.taken(), turns.aside():
            raise ValueError("no")
    with turns.aside(), turns.taken():
        pass
