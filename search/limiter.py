"""Gives threads their turns: no more are at work at once than there are cores for them.

Many that work at once on few cores, with one interpreter lock, mostly wait for each other in the middle of
their work. One after the other they are done sooner, all of them. Who would wait too long is told so at once,
while that is of use.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from search import deadline
from search.errors import Overloaded
from search.metrics import REFUSED, TURNS

MAX_WAIT = 15.0
"""Nobody is let in who would probably wait longer, in seconds: then a refusal is of more use."""

MAX_WAITING = 1000
"""No more wait, however quickly they are served."""

LAST = 32
"""So many turns say how long one takes."""


class ConcurrencyLimiter:
    """Lets so many threads work at a time, one a core, in the order they came. One that waits for something
    else steps aside meanwhile.

    Who comes when those before it would take more than `max_wait` seconds (by how long turns took lately), or
    when `max_waiting` wait, is refused; so is who has waited so long in vain. `name` is for who counts them.
    """

    def __init__(
        self,
        name: str,
        most: int,
        *,
        max_wait: float = MAX_WAIT,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self.name = name
        self._most = self._free = most
        self._max_wait, self._max_waiting = max_wait, max_waiting
        self._seconds: deque[float] = deque(maxlen=LAST)
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()
        self._mine = threading.local()

    @property
    def waiting(self) -> int:
        """How many wait for a turn."""
        return len(self._waiting)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Holds a turn from here to the end of the block; none is taken twice by one thread.

        Raises:
            Overloaded: too many wait already, or no turn came for long.
            TimedOut: the request's time was up, or its client gone, before its turn came.
        """
        if self._has_one:
            yield
            return
        self._take(comes_back=False)
        begun, self._mine.waited = time.monotonic(), 0.0
        try:
            yield
        finally:
            if self._has_one:
                self._seconds.append(time.monotonic() - begun - self._mine.waited)
                self._give()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leaves this thread's turn to others until the end of the block.

        Raises:
            TimedOut: the request's time was up, or its client gone, before its turn came again.
        """
        if not self._has_one:
            yield
            return
        self._give()
        begun = time.monotonic()
        try:
            yield
        finally:
            self._take(comes_back=True)
            self._mine.waited += time.monotonic() - begun

    def let_others(self) -> None:
        """Goes to the end of the queue, if anyone waits and this thread has a turn."""
        if self._waiting:
            with self.aside():
                pass

    @property
    def _has_one(self) -> bool:
        return getattr(self._mine, "has_one", False)

    def _take(self, *, comes_back: bool) -> None:
        """Takes a turn. Who comes back from aside is not refused: most of its work is done."""
        with self._lock:
            if self._free:
                self._free -= 1
                called = None
            else:
                if not comes_back:
                    self._refuse_if_too_many()
                called = threading.Event()
                self._waiting.append(called)
        if called is not None:
            with TURNS.labels(self.name, "waiting").track_inprogress():
                self._wait(called, math.inf if comes_back else self._max_wait)
        TURNS.labels(self.name, "running").inc()
        self._mine.has_one = True

    def _refuse_if_too_many(self) -> None:
        before = len(self._waiting) + 1
        seconds = before * sum(self._seconds) / max(len(self._seconds), 1) / self._most
        if seconds > self._max_wait or before > self._max_waiting:
            REFUSED.labels(self.name).inc()
            raise Overloaded(
                f"{before - 1} requests wait for {self._most} turns already.", retry_after=seconds or 1
            )

    def _wait(self, called: threading.Event, seconds: float) -> None:
        """Waits to be called, for so long at most and as long as the request has a use for it."""
        limit = deadline.current()
        left = math.inf if limit is None else limit.left
        with nullcontext() if limit is None else limit.waking(called):
            called.wait(min(seconds, left, threading.TIMEOUT_MAX))
        with self._lock:
            if called not in self._waiting:  # it was called; whether it is late it sees for itself
                return
            self._waiting.remove(called)
        if limit is not None and (left <= seconds or not limit.left):
            raise limit.error()
        REFUSED.labels(self.name).inc()
        raise Overloaded(f"No turn came within {seconds:g} s.", retry_after=seconds)

    def _give(self) -> None:
        self._mine.has_one = False
        TURNS.labels(self.name, "running").dec()
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
