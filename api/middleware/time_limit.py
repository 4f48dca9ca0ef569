"""No request takes for ever: not to come, not to be answered, and not once its client has hung up."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.limits import (
    ANSWER_SECONDS,
    BODY_RATE,
    BODY_SECONDS,
    MAX_AT_ONCE,
    READING_POSTS,
    RETRY_SECONDS,
    WRITE_SECONDS,
)
from search.deadline import Deadline, within
from search.errors import Overloaded, RefractError, TimedOut, TooSlow


def only_reads(scope: Scope) -> bool:
    """Whether a request changes nothing."""
    return scope["method"] in ("GET", "HEAD") or (
        scope["method"] == "POST" and scope["path"] in READING_POSTS
    )


class TimeLimit:
    """Gives each request a deadline, and no more than `at_once` of them a place. (ASGI middleware.)

    A body that comes too slowly is refused. An answer that is not there in time is given up: the client is
    told, and the work behind it ends when it next looks at its deadline (`search.deadline`), as it does when
    the client hangs up. `answer` makes a response of an error; the paths of `but` have no limit.
    """

    def __init__(
        self,
        app: ASGIApp,
        answer: Callable[[Request, Exception], Response],
        *,
        but: frozenset[str] = frozenset(),
        seconds: float = ANSWER_SECONDS,
        body_seconds: float = BODY_SECONDS,
        at_once: int = MAX_AT_ONCE,
    ) -> None:
        self.app = app
        self.answer = answer
        self.but = but
        self.seconds, self.body_seconds, self.at_once = seconds, body_seconds, at_once
        self._working: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self.but:
            await self.app(scope, receive, send)
        elif len(self._working) >= self.at_once:
            message = f"{len(self._working)} requests are at work or wait already."
            await self._refuse(scope, receive, send, Overloaded(message, retry_after=RETRY_SECONDS))
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = _Exchange(receive, send, self.body_seconds)
        deadline = Deadline(self.seconds if only_reads(scope) else WRITE_SECONDS)
        with within(deadline):
            work = asyncio.create_task(self._work(scope, exchange))
        reading = asyncio.create_task(exchange.read())
        try:
            reason = await _watched(work, reading, deadline)
        except asyncio.CancelledError:  # the server was asked to stop, and waited for long enough
            deadline.hang_up()
            work.cancel()
            reason = TimedOut("The server stops.", hint="Ask again when it runs.")
        finally:
            reading.cancel()
        if reason is not None and exchange.is_answered:
            work.cancel()  # it writes to a client that does not read
        elif reason is not None:
            exchange.close()
            await self._refuse(scope, receive, send, reason)

    async def _work(self, scope: Scope, exchange: "_Exchange") -> None:
        task = asyncio.current_task()
        assert task is not None
        self._working.add(task)
        try:
            await self.app(scope, exchange.receive, exchange.send)
        finally:
            self._working.discard(task)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, reason: RefractError) -> None:
        response = self.answer(Request(scope), reason)
        response.headers["Connection"] = "close"
        await response(scope, receive, send)


async def _watched(
    work: "asyncio.Task[None]", reading: "asyncio.Task[None]", deadline: Deadline
) -> RefractError | None:
    """Waits until a request is answered, or its client has hung up; says what stands against that."""
    await asyncio.wait({work, reading}, timeout=deadline.left, return_when=asyncio.FIRST_COMPLETED)
    failed = reading.exception() if reading.done() else None
    if work.done() and failed is None:
        work.result()
        return None
    work.add_done_callback(_forget)  # it ends by itself, and nobody hears of it
    late = None if reading.done() else deadline.error()
    deadline.hang_up()
    return failed if isinstance(failed, TooSlow) else late


def _forget(work: "asyncio.Task[None]") -> None:
    if not work.cancelled():
        work.exception()


class _Exchange:
    """Stands between a client and the application: reads ahead by one piece, so that it is seen when the
    client hangs up, and lets no answer through any more once it `is_closed`."""

    def __init__(self, receive: Receive, send: Send, body_seconds: float) -> None:
        self._receive, self._send, self._body_seconds = receive, send, body_seconds
        self._read: asyncio.Queue[Message] = asyncio.Queue(1)
        self.is_answered = self.is_whole = self.is_closed = False

    async def receive(self) -> Message:
        return await self._read.get()

    async def send(self, message: Message) -> None:
        if not self.is_closed:
            self.is_answered = True
            self.is_whole = message["type"] == "http.response.body" and not message.get("more_body", False)
            await self._send(message)

    async def read(self) -> None:
        """Reads what the client sends, until it hangs up before it has the whole answer.

        After the answer a server says of each exchange that the client is gone: what then is still at work
        only tidies up, and is waited for.

        Raises:
            TooSlow: the body comes too slowly.
        """
        left, more = self._body_seconds, True
        while more:
            begun = time.monotonic()
            try:
                message = await asyncio.wait_for(self._receive(), max(left, 0))
            except TimeoutError:
                self.close()
                raise TooSlow(
                    "The request's body came too slowly.", hint="Send it again, in smaller parts."
                ) from None
            left += len(message.get("body", b"")) / BODY_RATE - (time.monotonic() - begun)
            more = message.get("more_body", False)
            await self._read.put(message)
            if message["type"] == "http.disconnect":
                break
        else:
            await self._receive()
            self._hang_up()
        if self.is_whole:
            await asyncio.Event().wait()

    def close(self) -> None:
        """Lets nothing through any more; who still reads or writes hears that the client is gone."""
        self.is_closed = True
        self._hang_up()

    def _hang_up(self) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self._read.put_nowait({"type": "http.disconnect"})
