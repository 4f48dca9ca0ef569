"""Traffic is requests that arrive by themselves, at random times of a steady rate, however slowly those
before them are answered."""

import asyncio
import contextlib
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

GIVE_UP_SECONDS = 90.0
"""Who gets no answer for so long counts as hanging."""

HANGS, NO_CONNECTION = -1, 0
"""What stands for a status where there is none."""


@dataclass(frozen=True, slots=True)
class Call:
    """Names a request; `kind` is for who counts them."""

    kind: str
    method: str
    target: str
    body: bytes = b""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Says what became of a call that was sent `at` this time (of `time.monotonic`)."""

    kind: str
    at: float
    ms: float
    status: int
    says_when: bool
    """Whether it has a Retry-After."""

    @property
    def is_refusal(self) -> bool:
        return self.status in (429, 503) and self.says_when

    @property
    def is_failure(self) -> bool:
        return not (200 <= self.status < 400 or self.is_refusal)


@dataclass
class Traffic:
    """Holds the answers, and how many calls found no client free."""

    answers: list[Answer] = field(default_factory=list)
    unsent: int = 0


async def drive(
    host: str, port: int, calls: Iterator[Call], *, rate: float, clients: int, seconds: float
) -> Traffic:
    """Sends `rate` calls a second over as many kept connections as there are clients, for so long."""
    traffic, free, sent = Traffic(), [Client(host, port) for _ in range(clients)], set[asyncio.Task[None]]()
    chance, arrival = random.Random(0), time.monotonic()
    end = arrival + seconds

    async def send(client: Client, call: Call) -> None:
        traffic.answers.append(await client.ask(call))
        free.append(client)

    while (arrival := arrival + chance.expovariate(rate)) < end:
        await asyncio.sleep(max(0.0, arrival - time.monotonic()))
        call = next(calls)
        if not free:
            traffic.unsent += 1
            continue
        task = asyncio.create_task(send(free.pop(), call))
        sent.add(task)
        task.add_done_callback(sent.discard)
    await asyncio.gather(*sent)
    for client in free:
        client.close()
    return traffic


class Client:
    """Keeps one connection, as much of HTTP as our own server answers with: a usual client takes longer than
    the server does."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, call: Call) -> Answer:
        at = time.monotonic()
        try:
            status, says_when = await asyncio.wait_for(self._exchange(call), GIVE_UP_SECONDS)
        except TimeoutError:
            status, says_when = HANGS, False
            self.close()
        except (OSError, EOFError, ValueError, IndexError):
            status, says_when = NO_CONNECTION, False
            self.close()
        return Answer(call.kind, at, 1000 * (time.monotonic() - at), status, says_when)

    def close(self) -> None:
        if self._streams is not None:
            with contextlib.suppress(OSError):
                self._streams[1].close()
            self._streams = None

    async def _exchange(self, call: Call) -> tuple[int, bool]:
        if self._streams is None or self._streams[0].at_eof():
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        head = f"{call.method} {call.target} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
        head += f"Authorization: Bearer {call.key}\r\n" if call.key else ""
        head += f"Content-Type: application/json\r\nContent-Length: {len(call.body)}\r\n" if call.body else ""
        writer.write(head.encode() + b"\r\n" + call.body)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        await _read_body(reader, headers)
        if headers.get("connection") == "close":
            self.close()
        return int(lines[0].split()[1]), "retry-after" in headers


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> None:
    if headers.get("transfer-encoding") != "chunked":
        await reader.readexactly(int(headers.get("content-length", 0)))
        return
    while size := int(await reader.readline(), 16):
        await reader.readexactly(size + 2)
    await reader.readline()
