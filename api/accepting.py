"""Connections are taken one at a time, and left to a process that has fewer of them.

Left to themselves, whichever of several processes is awake first takes all that have come, and clients that
keep their connections stay with it.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable

from search.shared_tables import SharedTable

LEAVE_SECONDS = 0.02
"""Who has more connections than another leaves a new one to it for so long; it may be at work, or hang."""

RETRY_SECONDS = 1.0
"""Where the process has no file descriptor left, it looks again after so long."""


class Balance:
    """Knows how many connections each of several processes has; this one is at a `place` among them."""

    def __init__(self, held: SharedTable, place: int = 0, places: int = 1) -> None:
        self._held, self._place, self._places = held, place, places

    def tell(self, connections: int) -> None:
        """Tells the others how many this process has."""
        self._held.put(self._place, 1.0 + connections)

    def leave(self) -> None:
        """Tells the others that it takes no more."""
        self._held.put(self._place, 0.0)

    def has_more(self) -> bool:
        """Whether another one that takes connections has fewer."""
        with self._held.locked():
            held = [self._held.get(place) for place in range(self._places)]
        return held[self._place] > min(filter(None, held), default=0.0)


async def accept(
    listening: socket.socket,
    make_protocol: Callable[[], asyncio.Protocol],
    connections: Callable[[], int],
    balance: Balance,
) -> None:
    """Takes connections until it is cancelled; `connections` says how many are open."""
    loop = asyncio.get_running_loop()
    while True:
        await _readable(listening)
        balance.tell(connections())
        if balance.has_more():
            await asyncio.sleep(LEAVE_SECONDS)
        try:
            connection, _ = listening.accept()
        except (BlockingIOError, ConnectionAbortedError):  # another one has taken it, or its client is gone
            continue
        except OSError:
            await asyncio.sleep(RETRY_SECONDS)
            continue
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            await loop.connect_accepted_socket(make_protocol, connection)


async def _readable(listening: socket.socket) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(listening, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(listening)
