"""The supervisor keeps several processes that serve one socket: fresh interpreters, as threads of torch and
FAISS do not outlive a fork. It loads neither itself.

The first one begins alone: what keeps it from serving would keep the others, and is said once. One that ends
is begun again, after a pause that grows; so is one whose event loop has not answered for long.
"""

import contextlib
import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, text

from api.accepting import Balance
from api.beside import Child
from search import machine
from search.db.database import CONNECTIONS
from search.errors import ConfigurationError
from search.shared_tables import SharedTables

MEMORY = 1 << 30
"""Bytes that a process needs for torch, the model and a collection of usual size."""

KEPT_CONNECTIONS = 25
"""Connections of the server that are left to the worker and to commands."""

LEAST_CONNECTIONS = 5

CONNECTIONS_THERE = text(
    "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
)

LOOK_SECONDS = 0.2
HANGS_SECONDS = 60.0
"""An event loop that has not answered for twice as long as an answer may take will not: what is merely busy
answers within a second."""

PAUSE_SECONDS, LONGEST_PAUSE = 1.0, 60.0
END_SECONDS = 20.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Share:
    """Says what each of a number of processes may use: cores, and connections to the database."""

    processes: int
    cores: int
    connections: int


def share_of(database: Engine, wanted: int | None) -> Share:
    """Says what each of the processes `wanted` may use; None: of one for each core, as far as memory and the
    database go.

    Raises:
        ConfigurationError: the database has too few connections for so many.
    """
    with database.connect() as connection:
        there = connection.scalar(CONNECTIONS_THERE) or 0
    cores, most = machine.cores(), max(1, (there - KEPT_CONNECTIONS) // LEAST_CONNECTIONS)
    number = wanted or max(1, min(cores, machine.free_memory() // MEMORY, most))
    if number > most:
        raise ConfigurationError(
            f"The database takes {there} connections: enough for {most} processes, not for {number}.",
            hint=f"Raise its max_connections by {number * LEAST_CONNECTIONS + KEPT_CONNECTIONS - there}, or "
            "take fewer processes.",
        )
    if number > 1 and (missing := number * MEMORY - machine.free_memory()) > 0:
        logger.warning(
            "%s processes may need %.1f GiB more memory than is free.", number, missing / (1 << 30)
        )
    connections = min(CONNECTIONS, max(LEAST_CONNECTIONS, (there - KEPT_CONNECTIONS) // number))
    return Share(number, max(1, cores // number), CONNECTIONS if number == 1 else connections)


def supervise(listening: socket.socket, share: Share, tables: int, *, answers: Callable[[], object]) -> None:
    """Runs processes that serve until this one is asked to stop; `answers` is called once the first of them
    does. `tables` is the file of what they count together.

    Raises:
        SystemExit: the first one could not serve, and has said why.
        ConfigurationError: it was killed before it answered.
    """
    places = [Place(number, listening, share, tables) for number in range(share.processes)]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # who is started in the background ignores it
    try:
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how a server is meant to end
            _begin_first(places[0])
            answers()
            while True:
                time.sleep(LOOK_SECONDS)
                for place in places:
                    if (status := place.look()) is not None:
                        told = (
                            f"A serving process ended ({_told(status)}); another begins in {place.pause:g} s."
                        )
                        logger.warning(told)
    finally:
        _stop([place.child for place in places if place.child is not None])


def _begin_first(place: "Place") -> None:
    while not place.has_answered:
        status = place.look()
        if status is not None and status < 0:
            raise ConfigurationError(
                f"A serving process was ended ({_told(status)}) before it answered.",
                hint="Is there enough memory? Take fewer processes: --processes 1.",
            )
        if status is not None:
            sys.exit(status)
        time.sleep(LOOK_SECONDS)


@dataclass
class Place:
    """Keeps one process that serves: looks whether it lives and answers, and begins another after a `pause`
    where it does not. `number` is its place among the others."""

    number: int
    listening: socket.socket
    share: Share
    tables: int
    child: Child | None = None
    has_answered: bool = False
    pause: float = 0.0
    _beats: int = -1
    _up: float = 0.0
    _silent: float = 0.0
    _begin_at: float = 0.0

    def look(self) -> int | None:
        """Looks after the process; gives the status of one that has ended. To be called every
        `LOOK_SECONDS`: times are counted by looks, so that nobody is late where the machine stood still."""
        if self.child is None:
            if time.monotonic() >= self._begin_at:
                self._begin()
            return None
        if (status := self.child.poll()) is not None:
            self._end(self.child)
            return status
        if self._has_beaten():
            self.has_answered, self._silent = True, 0.0
        if self.has_answered:
            self._up, self._silent = self._up + LOOK_SECONDS, self._silent + LOOK_SECONDS
        if self._silent >= HANGS_SECONDS:
            logger.warning("A serving process has not answered for %g s.", HANGS_SECONDS)
            self.child.kill()
        return None

    def _begin(self) -> None:
        self._beats, theirs = os.pipe()
        os.set_blocking(theirs, False)
        files = [self.listening.fileno(), theirs, self.tables]
        shares = [self.number, self.share.processes, self.share.cores, self.share.connections]
        environment = {"OMP_NUM_THREADS": str(self.share.cores)} | os.environ
        self.child = Child(["serving", *map(str, files + shares)], environment=environment, files=files)
        os.close(theirs)
        self.has_answered, self._up, self._silent = False, 0.0, 0.0

    def _end(self, ended: Child) -> None:
        ended.kill()
        os.close(self._beats)
        Balance(SharedTables(self.tables)["connections"], self.number).leave()
        self.child = None
        longer = PAUSE_SECONDS if self._up >= LONGEST_PAUSE else 2 * self.pause
        self.pause = min(max(longer, PAUSE_SECONDS), LONGEST_PAUSE)
        self._begin_at = time.monotonic() + self.pause

    def _has_beaten(self) -> bool:
        """Whether its event loop has answered since the last look."""
        ready, _, _ = select.select([self._beats], [], [], 0)
        return bool(ready) and bool(os.read(self._beats, 1 << 12))


def _stop(children: list[Child]) -> None:
    """Asks all of them to end, at the same time, and ends those that do not, or with whom Ctrl-C has no more
    patience."""
    with contextlib.suppress(KeyboardInterrupt):
        for child in children:
            child.terminate()
        end = time.monotonic() + END_SECONDS
        while any(child.poll() is None for child in children) and time.monotonic() < end:
            time.sleep(LOOK_SECONDS / 4)
    for child in children:
        child.kill()


def _told(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"status {status}"
