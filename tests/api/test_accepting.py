"""Taking connections: those with fewer go first, and nobody waits for one that does not come."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

from api.accepting import Balance, accept
from api.listening import inherited, listen
from search.shared_tables import SharedTable
from tests.support.awaiting import finished


class Counting(asyncio.Protocol):
    """One process: how many connections it has, which stay."""

    def __init__(self) -> None:
        self.transports = list[asyncio.BaseTransport]()

    def __call__(self) -> asyncio.Protocol:
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transports.append(transport)

    def open(self) -> int:
        return len(self.transports)


@contextlib.asynccontextmanager
async def taking(listening: socket.socket, places: Counting, balance: Balance) -> AsyncIterator[None]:
    task = asyncio.create_task(accept(listening, places, places.open, balance))
    try:
        yield
    finally:
        task.cancel()
        for transport in places.transports:
            transport.close()


def test_connections_that_come_at_once_are_spread_evenly() -> None:
    async def spread() -> list[int]:
        held, counts = SharedTable(), [Counting() for _ in range(3)]
        async with contextlib.AsyncExitStack() as stack:
            listening = stack.enter_context(listen("127.0.0.1", 0))
            listening.setblocking(False)
            for place, count in enumerate(counts):
                own = stack.enter_context(inherited(listening.dup().detach()))
                own.setblocking(False)
                balance = Balance(held, place, len(counts))
                balance.tell(0)
                await stack.enter_async_context(taking(own, count, balance))
            for _ in range(30):
                _, writer = await asyncio.open_connection(*listening.getsockname())
                stack.callback(writer.close)
            while sum(count.open() for count in counts) < 30:
                await asyncio.sleep(0.01)
            return [count.open() for count in counts]

    found = finished(spread())
    assert max(found) - min(found) <= 2, found


def test_one_that_does_not_take_its_connections_keeps_nobody_from_being_served() -> None:
    async def served() -> int:
        held, count = SharedTable(), Counting()
        Balance(held, 1, 2).tell(0)  # and then it hangs
        with listen("127.0.0.1", 0) as listening:
            listening.setblocking(False)
            async with taking(listening, count, Balance(held, 0, 2)):
                for number in range(1, 6):
                    _, writer = await asyncio.open_connection(*listening.getsockname())
                    while count.open() < number:
                        await asyncio.sleep(0.01)
                    writer.close()
        return count.open()

    assert finished(served()) == 5


def test_those_that_take_none_are_not_counted() -> None:
    held = SharedTable()
    first, second, third = (Balance(held, place, 3) for place in range(3))
    first.tell(7)
    assert not first.has_more()
    second.tell(8)
    assert (first.has_more(), second.has_more()) == (False, True)
    third.tell(0)
    assert first.has_more()
    third.leave()
    first.leave()
    assert not second.has_more()
