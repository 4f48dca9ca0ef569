"""Security headers on every response: nothing is loaded from, or sent to, any other host; and the names that
a server on the own machine answers to."""

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search.errors import InvalidRequest

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
    """ASGI middleware that adds `SECURITY_HEADERS` to every HTTP response that does not set them itself.
    What is below /admin is never stored."""

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


def is_loopback(host: str) -> bool:
    """Whether a host name or address is always the own machine's."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def check_host(request: Request) -> None:
    """Refuses requests under a name that is not ours: some page's own name, that its owner has made to mean
    this machine (DNS rebinding), would give that page all that Refract shows.

    Raises:
        InvalidRequest
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
