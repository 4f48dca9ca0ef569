"""Who asks for more than their share is told when to ask again: by key or session, or else by address.

Shares are kept for all processes of a server together. An address is that of the socket or, behind a proxy
that is trusted, the one that it forwards: what stands further out has settled that.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Network, ip_address

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auth.callers import LOGIN, presented_key
from api.auth.keys import digest
from api.auth.sessions import session_cookie
from search.errors import TooManyRequests
from search.settings import Settings
from search.shared_tables import SharedTable, SharedTables

MINUTE = 60.0
FREE = frozenset({"healthz", "readyz", "metrics", "static"})
COSTS = {"analyze": 5, "why-not": 3, "compare": 3}
"""What answers count as that take longer than a search, by the first part of their address."""

READING = frozenset({"search", "analyze", "refine"})
"""What is posted there changes nothing."""


@dataclass(frozen=True)
class RateLimits:
    """Says how much one caller may ask for a minute: an address, a key, a key that changes something, and
    wrong keys of an address. 0: as much as they like."""

    address: int = 0
    key: int = 0
    writes: int = 0
    failures: int = 0

    @classmethod
    def of(cls, settings: Settings) -> "RateLimits":
        return cls(
            address=settings.rate_limit,
            key=settings.key_rate_limit,
            writes=settings.write_rate_limit,
            failures=settings.failed_key_limit,
        )


UNLIMITED = RateLimits()


class Buckets:
    """Holds a share for each caller, full at first, that fills up again within a minute.

    Of each it keeps the time when it will be full (the generic cell rate algorithm) in a table; what is not
    kept is full.
    """

    def __init__(
        self, a_minute: int, full_at: SharedTable, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._a_minute = a_minute
        self._full_at = full_at
        self._clock = clock

    def wait(self, caller: Hashable, cost: int = 1) -> float:
        """Says in how many seconds there will be so much; a full share is enough for anything."""
        if not self._a_minute:
            return 0.0
        missing = max(self._full_at.get(caller) - self._clock(), 0.0)
        return max(0.0, missing + self._seconds(min(cost, self._a_minute)) - MINUTE)

    def take(self, caller: Hashable, cost: int = 1) -> float:
        """Takes so much if it is there; says in how many seconds it will be if it is not."""
        if not self._a_minute:
            return 0.0
        with self._full_at.locked():
            wait = self.wait(caller, cost)
            if not wait:
                full_at = max(self._full_at.get(caller), self._clock())
                self._full_at.put(caller, full_at + self._seconds(cost))
        return wait

    def _seconds(self, cost: int) -> float:
        return cost * MINUTE / self._a_minute


@dataclass(frozen=True)
class Asked:
    """Says who sends a request as far as that is known before it is looked up, and what it counts as.

    `key` is a hash of the key or the session's cookie, empty without one; `address` an IPv4 address or a /64
    of IPv6. `tries` says that a key is presented, which may be wrong, and `changes` that it is to change
    something.
    """

    key: bytes
    address: str
    tries: bool
    changes: bool
    cost: int

    @classmethod
    def of(cls, scope: Scope) -> "Asked":
        request = Request(scope)
        key, cookie = presented_key(request), session_cookie(request)
        first, is_login = first_part(scope), scope["path"].endswith(LOGIN)
        posts = scope["method"] not in ("GET", "HEAD", "OPTIONS")
        return cls(
            key=digest(key or cookie) if key or cookie else b"",
            address=network_of(scope),
            tries=bool(key) or (posts and is_login),
            changes=posts and not is_login and first not in READING,
            cost=COSTS.get(first, 1),
        )


class RateLimiting:
    """Refuses requests beyond the share of who sends them. (ASGI middleware.) `answer` makes a response of an
    error.

    A key counts once it was found to hold; until then it may be wrong. Wrong ones use up a share of their
    address; then those that were never found to hold are not looked up for a while, and all others are.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: RateLimits,
        answer: Callable[[Request, Exception], Response],
        tables: SharedTables,
    ) -> None:
        self.app = app
        self.answer = answer
        self._addresses = Buckets(limits.address, tables["addresses"])
        self._keys = Buckets(limits.key, tables["keys"])
        self._writes = Buckets(limits.writes, tables["writes"])
        self._failures, self._held = Buckets(limits.failures, tables["failures"]), tables["held"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or first_part(scope) in FREE:
            await self.app(scope, receive, send)
            return
        asked, state = Asked.of(scope), scope.setdefault("state", {})
        if wait := self._take(asked):
            await self._refused(scope, wait)(scope, receive, send)
            return

        async def learning(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._learn(asked, message["status"], holds=state.get("caller") is not None)
            await send(message)

        await self.app(scope, receive, learning)

    def _take(self, asked: Asked) -> float:
        """Takes what a request counts as; says in how many seconds it can be, where it cannot be now."""
        if asked.key and self._held.get(asked.key):
            wait = self._writes.take(asked.key) if asked.changes else 0.0
            return wait or self._keys.take(asked.key, asked.cost)
        if asked.tries:
            return self._failures.wait(asked.address)
        return self._addresses.take(asked.address, asked.cost)

    def _learn(self, asked: Asked, status: int, *, holds: bool) -> None:
        """Remembers a key that held, and counts a wrong one."""
        if status == 401:
            self._held.pop(asked.key)
            if asked.tries:
                self._failures.take(asked.address)
        elif holds and asked.key:
            self._held.put(asked.key, time.monotonic())  # those that were not seen for long make room

    def _refused(self, scope: Scope, wait: float) -> Response:
        error = TooManyRequests("One caller may not ask for so much a minute.", retry_after=wait)
        return self.answer(Request(scope), error)


def first_part(scope: Scope) -> str:
    """Gives the first part of an address that says what it is about: "search" of /v1/search."""
    path = scope["path"].removeprefix(scope.get("root_path", "")).removeprefix("/v1")
    return str(path.lstrip("/").partition("/")[0])


def network_of(scope: Scope) -> str:
    """Names where a request comes from: an address, or of IPv6 the /64 that one customer has."""
    host = str((scope.get("client") or ("",))[0])
    try:
        address = ip_address(host)
    except ValueError:  # a socket without addresses
        return host
    if isinstance(address, IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False))
