"""The watchdog ends what does not hear that it is to stop, and what nobody can speak to any more.

A job looks at its steps whether it was cancelled. In the middle of one it may not come to that for long: a
read of a device that never ends, a statement that waits for a lock. A thread cannot be ended from outside, so
its process gives way to a fresh one, which is what jobs are made for.
"""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator

from procrastinate.job_context import AbortReason

PATIENCE_SECONDS = 3.0
"""A job that was asked to stop has so long to do it by itself."""

STUCK_SECONDS = 120.0
"""A process whose interpreter was not free for so long never will be: one call holds it."""


class Watchdog:
    """Knows the jobs that this process is at, and since when they were asked to stop."""

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self._patience = patience
        self._jobs: dict[int, Callable[[], AbortReason | None]] = {}
        self._asked: dict[int, float] = {}

    @contextlib.contextmanager
    def watching(self, job: int, why_stop: Callable[[], AbortReason | None]) -> Iterator[None]:
        """Looks after a job until the block ends."""
        self._jobs[job] = why_stop
        try:
            yield
        finally:
            self._jobs.pop(job, None)
            self._asked.pop(job, None)

    def deaf(self) -> dict[int, AbortReason]:
        """Finds the jobs that were asked to stop and have not, for longer than is patient."""
        now, deaf = time.monotonic(), dict[int, AbortReason]()
        for job, why_stop in list(self._jobs.items()):
            if (reason := why_stop()) and now - self._asked.setdefault(job, now) >= self._patience:
                deaf[job] = reason
        return deaf


def give_sign() -> None:
    """Says that the process can be spoken to. If it does not for long, the kernel ends it, whatever it is
    doing; the next worker takes up its job."""
    signal.setitimer(signal.ITIMER_REAL, STUCK_SECONDS)


def stop_signs() -> None:
    """Ends the waiting for signs."""
    signal.setitimer(signal.ITIMER_REAL, 0)
