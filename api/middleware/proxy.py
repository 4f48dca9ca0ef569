"""Behind a proxy, Refract lies at a path of another address, and speaks with clients it does not see."""

import re
from collections.abc import Sequence
from contextvars import ContextVar
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from search.errors import ConfigurationError

Network = IPv4Network | IPv6Network

PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")
"""A path that may stand before all of ours, of letters that need no escaping: safe in any text."""

_prefix: ContextVar[str] = ContextVar("prefix", default="")


def at(path: str) -> str:
    """Makes an address, as browsers see it, of a path of Refract's own: what a proxy put it under comes
    first."""
    return _prefix.get() + path


class BehindProxy:
    """Believes trusted proxies what they forward, and takes the path off that Refract was put under. (ASGI
    middleware.)

    Inside, paths are Refract's own, whether the proxy strips its prefix or not; whoever writes an address
    asks `at`. `prefix`: where Refract is, always; without it `X-Forwarded-Prefix` of a trusted proxy says so.
    """

    def __init__(self, app: ASGIApp, prefix: str, trusted: Sequence[Network]) -> None:
        # (uvicorn has its own types for what Starlette types, too.)
        self.app: ASGIApp = ProxyHeadersMiddleware(app, list(map(str, trusted)))  # type: ignore[arg-type,assignment]
        self.prefix = prefix
        self.trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        prefix = self.prefix or (_forwarded(scope) if self._trusts(scope) else "")
        token = _prefix.set(prefix)
        try:
            await self.app(_below(scope, prefix), receive, send)
        finally:
            _prefix.reset(token)

    def _trusts(self, scope: Scope) -> bool:
        host = (scope.get("client") or ("",))[0]
        try:
            peer = ip_address(host)
        except ValueError:
            return False
        return any(peer in network for network in self.trusted)


def _forwarded(scope: Scope) -> str:
    """What the header says; nothing where it comes twice and says two things: one of them is not the
    proxy's."""
    given = {each.rstrip("/") for each in Headers(scope=scope).getlist("x-forwarded-prefix")}
    return given.pop() if len(given) == 1 and all(map(PREFIX.fullmatch, given)) else ""


def _below(scope: Scope, prefix: str) -> Scope:
    """The scope without the prefix, where the proxy has left it on."""
    if not prefix or not (scope["path"] + "/").startswith(prefix + "/"):
        return scope
    raw: bytes = scope.get("raw_path") or b""
    return {
        **scope,
        "path": scope["path"].removeprefix(prefix) or "/",
        "raw_path": raw.removeprefix(prefix.encode()) or b"/",
    }


def read_prefix(text: str) -> str:
    """Reads the setting of the path that Refract lies at.

    Raises:
        ConfigurationError: no such path.
    """
    prefix = text.strip().rstrip("/")
    if prefix and not PREFIX.fullmatch(prefix):
        raise ConfigurationError(
            f"REFRACT_ROOT_PATH={text!r} is no path.",
            hint="Write it like /search: letters, digits and . _ ~ -",
        )
    return prefix


def read_proxies(text: str) -> list[Network]:
    """Reads the setting of the proxies that are believed: addresses and networks, with commas between.

    Raises:
        ConfigurationError: one of them is neither.
    """
    networks = []
    for part in filter(None, map(str.strip, text.split(","))):
        try:
            networks.append(ip_network(part))
        except ValueError as error:
            raise ConfigurationError(
                f"REFRACT_TRUSTED_PROXIES names {part!r}: {error}.",
                hint="Write addresses or networks, like 10.0.0.7 or 10.0.0.0/24, with commas between.",
            ) from None
    return networks
