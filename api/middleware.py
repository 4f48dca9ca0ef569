"""The middleware sets security headers on every response (nothing is loaded from, or sent to, any other
host), answers HEAD, checks the names that a server on the own machine answers to, and limits the largest
request it reads."""

import contextlib
from collections.abc import Callable, Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search.errors import InvalidRequest, TooLarge

MAX_BODY = 32 << 20

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class SecurityHeaders:
    """Adds `SECURITY_HEADERS` to every HTTP response that does not set them itself. (ASGI middleware.) What
    is below /admin is never stored."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/admin"):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class HeadAsGet:
    """Answers HEAD as GET, without the body (ASGI middleware): the same status and headers everywhere.

    Not where a GET changes something: the link that signs an admin in works once, and who looks whether it
    leads somewhere must not use it up.
    """

    def __init__(self, app: ASGIApp, but: Collection[str] = ()) -> None:
        self.app = app
        self.but = but

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"] in self.but:
            await self.app(scope, receive, send)
            return

        async def send_no_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"}, receive, send_no_body)


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


def is_loopback(host: str) -> bool:
    """Tells whether a host name or address is always the own machine's."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def check_host(request: Request) -> None:
    """Refuses requests under a host name that is not ours. A page elsewhere whose owner has made its name
    mean this machine (DNS rebinding) could else read all that Refract shows.

    Raises:
        InvalidRequest: the name is not one of ours.
    """
    hosts: Collection[str] | None = request.app.state.hosts
    given = request.headers.get("Host", "")
    if hosts is None or is_loopback(name := _host_name(given)) or name in hosts:
        return
    raise InvalidRequest(
        f"Refract is not at {given[:100]!r}.",
        hint="Use the address it printed at its start; REFRACT_PUBLIC_HOST names the one of a proxy.",
    )


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
