"""What is wrong with a request as such is told before anything else is done with it."""

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from search.errors import InvalidRequest


class Checks:
    """Refuses each request that one of the `checks` does, whether or not there is anything at its address.
    (ASGI middleware.) They wait for nothing. `answer` makes a response of an error."""

    def __init__(
        self,
        app: ASGIApp,
        checks: Sequence[Callable[[Request], None]],
        answer: Callable[[Request, Exception], Response],
    ) -> None:
        self.app = app
        self.checks = checks
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                for check in self.checks:
                    check(Request(scope))
            except InvalidRequest as error:
                await self.answer(Request(scope), error)(scope, receive, send)
                return
        await self.app(scope, receive, send)
