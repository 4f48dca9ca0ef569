"""The largest request that is read has a bound, and a lower one where nobody knows who sends it."""

import contextlib
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.limits import BYTES_A_VALUE, MAX_BODY, MAX_OPEN_BODY, MIB
from search.errors import RefractError, TooLarge


class BodyLimit:
    """Refuses requests with a body beyond `MAX_OPEN_BODY`, or beyond `MAX_BODY` of those who `may_write`,
    before it is in memory. (ASGI middleware.) Who may is asked only where it matters. `answer` makes a
    response of an error."""

    def __init__(
        self,
        app: ASGIApp,
        answer: Callable[[Request, Exception], Response],
        may_write: Callable[[Request], bool],
    ) -> None:
        self.app = app
        self.answer = answer
        self.may_write = may_write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        body = _Body(request, receive, send, self.may_write)
        announced = request.headers.get("content-length", "")
        with contextlib.suppress(_RefusedError):
            await body.check(int(announced) if announced.isdigit() and len(announced) < 20 else 0)
            await self.app(scope, body.receive, body.send)
        if body.refusal is not None and not body.is_answered:
            await self.answer(request, body.refusal)(scope, receive, send)


class _Body:
    """Counts what of a body is read. No answer gets through to one that was not read to its end: `refusal` is
    why."""

    def __init__(
        self, request: Request, receive: Receive, send: Send, may_write: Callable[[Request], bool]
    ) -> None:
        self._request, self._receive, self._send, self._may_write = request, receive, send, may_write
        self._most = MAX_OPEN_BODY
        self._size = self._values = 0
        self.is_answered = False
        self.refusal: Exception | None = None

    async def check(self, size: int) -> None:
        """Refuses a body of this size, or of the values that were counted."""
        if self._is_within(size):
            return
        try:
            if self._most == MAX_OPEN_BODY and await run_in_threadpool(self._may_write, self._request):
                self._most = MAX_BODY
        except RefractError as error:
            self.refusal = error
        if self.refusal is None and not self._is_within(size):
            self.refusal = self._too_large(size)
        if self.refusal is not None:
            raise _RefusedError

    async def receive(self) -> Message:
        message = await self._receive()
        part = message.get("body", b"")
        self._size += len(part)
        self._values += sum(map(part.count, (b",", b"[", b"{")))
        await self.check(self._size)
        return message

    async def send(self, message: Message) -> None:
        if self.is_answered or self.refusal is None:
            self.is_answered = True
            await self._send(message)

    def _is_within(self, size: int) -> bool:
        return size <= self._most and self._values <= self._most // BYTES_A_VALUE

    def _too_large(self, size: int) -> TooLarge:
        what = f"{self._most // MIB} MiB" if size > self._most else f"{self._most // BYTES_A_VALUE:,} values"
        hint = "Send fewer documents at once."
        if self._most == MAX_OPEN_BODY:
            hint = f"Send less; {MAX_BODY // MIB} MiB take a key with the scope write."
        return TooLarge(f"The request's body has more than {what}.", hint=hint)


class _RefusedError(Exception):
    """Says that a body is more than may be sent, although less or nothing was announced."""
