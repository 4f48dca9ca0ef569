"""Processes beside the one that serves end with it: a worker, which is begun again if it dies, and what
indexes the demo when it is started first."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from threading import Event, Thread

from sqlalchemy import Engine

from search.background import in_background
from search.db.locks import reading_lock, shared
from search.machine import VISIBLE_GPUS, gpus

AGAIN_SECONDS = 5.0
END_SECONDS = 20.0
NICENESS = 10
"""How far those beside stand back: searches go first."""

COMMAND = [sys.executable, "-m", "api.cli.main"]


class Child:
    """Runs a command of ours as a process that ends with this one."""

    def __init__(
        self,
        arguments: list[str],
        *,
        stdout: int | None = subprocess.DEVNULL,
        environment: Mapping[str, str] | None = None,
        files: Sequence[int] = (),
    ) -> None:
        # Its own group: Ctrl-C is for us, and we end the process while the database is still there.
        self._process = subprocess.Popen(
            [*COMMAND, *arguments, "--with-parent"],
            stdin=subprocess.PIPE,
            stdout=stdout,
            env=environment,
            pass_fds=files,
            start_new_session=True,
        )

    def poll(self) -> int | None:
        """Gives its exit status, or minus the signal that ended it; None: it runs."""
        return self._process.poll()

    def terminate(self) -> None:
        """Asks it to end in order."""
        self._process.terminate()

    def kill(self, seconds: float = 0.0) -> None:
        """Ends it, if it does not end by itself within so many seconds, and lets go of it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()


@contextlib.contextmanager
def working(workers: int = 1) -> Iterator[None]:
    """Runs so many workers until the block ends. Where there are several GPUs, each has one of them."""
    devices = gpus()

    def supervise(ended: Event, number: int) -> None:
        one = {VISIBLE_GPUS: devices[number % len(devices)]} if workers > 1 and devices else {}
        while not ended.is_set():
            _run(["worker"], ended, stdout=subprocess.DEVNULL, environment={**os.environ, **one})
            ended.wait(AGAIN_SECONDS)

    with contextlib.ExitStack() as beside:
        for number in range(workers):
            work = partial(supervise, number=number)
            beside.enter_context(in_background(f"supervisor {number}", work))
        yield


@contextlib.contextmanager
def indexing_demo(database: Engine, number: int, collection: str) -> Iterator[None]:
    """Indexes the demo as the collection of that number and name, until that is done or the block ends."""

    def index(ended: Event) -> None:
        with shared(database, reading_lock(number)):  # what is read is known from the start
            _run(["demo", "--collection", collection], ended)

    with in_background("demo", index):
        yield


def stand_back() -> None:
    """Lets other processes go first."""
    with contextlib.suppress(OSError, AttributeError):
        os.nice(NICENESS - os.nice(0))


def end_with_parent() -> None:
    """Ends this process in order once the process that began it is gone, however that ended: its end of our
    standard input closes."""

    def wait() -> None:
        sys.stdin.read()
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, name="parent", daemon=True).start()


def begin_anew() -> None:
    """Puts a fresh process in the place of this one, with its number and its parent; all that it was doing is
    gone."""
    sys.stdout.flush()
    os.execv(sys.executable, sys.orig_argv)


def _run(
    arguments: list[str],
    ended: Event,
    stdout: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Runs a command until it or the block ends."""
    child = Child(arguments, stdout=stdout, environment=environment)
    while not ended.wait(0.2) and child.poll() is None:
        pass
    child.terminate()
    child.kill(END_SECONDS)
