"""The largest request that is read has a bound."""

import contextlib
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search.errors import TooLarge

MAX_BODY = 32 << 20


class BodyLimit:
    """Refuses requests with a body beyond `MAX_BODY`, before it is in memory. (ASGI middleware.) `answer`
    makes a response of an error."""

    def __init__(self, app: ASGIApp, answer: Callable[[Request, Exception], Response]) -> None:
        self.app = app
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdigit() and int(announced) > MAX_BODY:
            await self._refused(scope)(scope, receive, send)
            return
        received = 0
        answered = False

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY:
                raise _TooLargeError
            return message

        async def unless_too_large(message: Message) -> None:
            """Lets no answer through to a request that was not read to its end."""
            nonlocal answered
            if received <= MAX_BODY or answered:
                answered = True
                await send(message)

        with contextlib.suppress(_TooLargeError):
            await self.app(scope, counted, unless_too_large)
        if received > MAX_BODY and not answered:
            await self._refused(scope)(scope, receive, send)

    def _refused(self, scope: Scope) -> Response:
        message = f"The request's body has more than {MAX_BODY >> 20} MiB."
        return self.answer(Request(scope), TooLarge(message, hint="Send fewer documents at once."))


class _TooLargeError(Exception):
    """Says that a body is longer than allowed, although a shorter one or none was announced."""
