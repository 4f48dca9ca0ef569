"""A request has a deadline: its work stops once its time is up, or once nobody waits for its answer.

Work is done in threads, which nobody can stop from outside. So whatever takes long asks now and then with
`check`, and what waits, waits no longer than `left`. What is worked out for everybody, such as a snapshot
that is read into memory, is done `unhurried`.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from threading import Event

from search.errors import TimedOut


class Deadline:
    """Says until when an answer is of use: so many seconds from now, or until its client hangs up."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._gone = Event()
        self._woken: set[Event] = set()

    @property
    def left(self) -> float:
        """Seconds that are left; none once the client is gone."""
        return 0.0 if self._gone.is_set() else max(self._end - time.monotonic(), 0.0)

    def hang_up(self) -> None:
        """Takes note that nobody waits any more."""
        self._gone.set()
        for event in tuple(self._woken):
            event.set()

    @contextmanager
    def waking(self, event: Event) -> Iterator[None]:
        """Sets the event as soon as the client hangs up, for one who waits for it in the block."""
        self._woken.add(event)
        if self._gone.is_set():
            event.set()
        try:
            yield
        finally:
            self._woken.discard(event)

    def check(self) -> None:
        """Stops the work of a request that is of no use any more.

        Raises:
            TimedOut: its time is up, or its client is gone.
        """
        if not self.left:
            raise self.error()

    def error(self) -> TimedOut:
        """What is told of a request that took too long."""
        if self._gone.is_set():
            return TimedOut("Nobody waits for this answer any more.")
        return TimedOut(
            f"The answer took longer than {self.seconds:g} s.",
            hint="Ask for less, or again when less is asked.",
        )


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def current() -> Deadline | None:
    """Gives the deadline of the request that this work is for; None: there is none."""
    return _current.get()


def check() -> None:
    """Stops this work if its request has a deadline, and that is over.

    Raises:
        TimedOut: it is.
    """
    if (deadline := _current.get()) is not None:
        deadline.check()


@contextmanager
def within(deadline: Deadline | None) -> Iterator[None]:
    """Gives the work of the block a deadline."""
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


def unhurried() -> AbstractContextManager[None]:
    """Lets the work of the block take as long as it takes, because others need it too."""
    return within(None)
