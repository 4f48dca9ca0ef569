"""Gives threads their turns: no more are at work at once than there are cores.

Many that work at once on few cores, with one interpreter lock, mostly wait for each other in the middle of
their work. One after the other they are done sooner, all of them.
"""

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from search.metrics import TURNS


class ConcurrencyLimiter:
    """Lets as many threads work at a time as there are cores, in the order they came. One that waits for
    something else steps aside meanwhile."""

    def __init__(self, most: int | None = None) -> None:
        self._free = most or os.cpu_count() or 1
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()
        self._mine = threading.local()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Holds a turn from here to the end of the block; none is taken twice by one thread."""
        if self._has_one:
            yield
            return
        self._take()
        try:
            yield
        finally:
            self._give()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leaves this thread's turn to others until the end of the block."""
        if not self._has_one:
            yield
            return
        self._give()
        try:
            yield
        finally:
            self._take()

    @property
    def _has_one(self) -> bool:
        return getattr(self._mine, "has_one", False)

    def _take(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                called = None
            else:
                called = threading.Event()
                self._waiting.append(called)
        if called is not None:
            with TURNS.labels("waiting").track_inprogress():
                called.wait()
        TURNS.labels("running").inc()
        self._mine.has_one = True

    def _give(self) -> None:
        self._mine.has_one = False
        TURNS.labels("running").dec()
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
