"""Every request is counted and timed by its route, and told in one line; a slow one with its stages."""

import logging
import time
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import Counter, Gauge, Histogram
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search import logs
from search.metrics import REGISTRY, SECONDS

UNMATCHED = "(unmatched)"
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUIET = frozenset({"/healthz", "/readyz", "/metrics", "/static"})
"""Routes that are asked all day and say nothing."""

HUNG_UP = 499
"""The status that is noted where the client was gone before there was an answer."""

REFUSING = {429: "caller", 503: "server"}
NOTED = ("key", "collection", "generation", "mode", "knobs", "results")

REQUESTS = Counter(
    "refract_http_requests",
    "Requests by the pattern of their route and the class of their status.",
    ["method", "route", "status"],
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "refract_http_request_duration_seconds",
    "Time from a request to the end of its answer.",
    ["method", "route"],
    buckets=SECONDS,
    registry=REGISTRY,
)
UNDER_WAY = Gauge(
    "refract_http_requests_in_progress",
    "Requests that are being answered.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
REFUSED = Counter(
    "refract_requests_refused",
    "Requests that were refused because their caller sent too many (429), or the server was not able (503).",
    ["because"],
    registry=REGISTRY,
)

access = logging.getLogger("api.access")
slow = logging.getLogger("api.slow")


@dataclass
class _Seen:
    """Holds what is seen of one request."""

    begun: float = field(default_factory=time.perf_counter)
    status: int = HUNG_UP


class AccessLog:
    """Counts, times and logs requests. (ASGI middleware.) One that took longer than `slow_ms` (0: none does)
    is a warning with the time of each stage; its `questions` are told only where that is wanted."""

    def __init__(self, app: ASGIApp, *, slow_ms: int = 0, questions: bool = False) -> None:
        self.app = app
        self._slow_ms = slow_ms
        self._questions = questions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        seen = _Seen()

        async def send_seen(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
            await send(message)

        with UNDER_WAY.track_inprogress():
            try:
                await self.app(scope, receive, send_seen)
            except Exception:
                seen.status = 500
                raise
            finally:
                self._tell(scope, seen)

    def _tell(self, scope: Scope, seen: _Seen) -> None:
        seconds, route = time.perf_counter() - seen.begun, route_of(scope)
        method = scope["method"] if scope["method"] in METHODS else "(other)"
        REQUESTS.labels(method, route, f"{seen.status // 100}xx").inc()
        REQUEST_SECONDS.labels(method, route).observe(seconds)
        if seen.status in REFUSING:
            REFUSED.labels(REFUSING[seen.status]).inc()
        if route in QUIET:
            return
        facts = self._facts(scope, route, seen.status, seconds * 1000)
        line = "%s %s: %s in %.0f ms"
        told = facts["method"], facts["path"], facts["status"], facts["ms"]
        access.info(line, *told, extra={"facts": facts})
        worked = seconds - (logs.noted("idle") or 0.0)  # without what it waited for something to happen
        if 0 < self._slow_ms <= worked * 1000:
            self._tell_slow(facts)

    def _tell_slow(self, facts: dict[str, Any]) -> None:
        stages: dict[str, float] = logs.noted("stages") or {}
        facts = {**facts, "stages": stages}
        if self._questions and (question := logs.noted("question")) is not None:
            facts["question"] = question
        took = ", ".join(f"{name} {ms:.0f}" for name, ms in stages.items() if ms >= 1 and name != "total")
        about = ", ".join(
            f"{name} {facts[name]!r}"
            for name in ("collection", "mode", "knobs", "question")
            if facts.get(name) is not None
        )
        line = "Slow: %s %s took %.0f ms%s%s"
        told = facts["method"], facts["path"], facts["ms"], took and f" ({took})", about and f"; {about}"
        slow.warning(line, *told, extra={"facts": facts})

    def _facts(self, scope: Scope, route: str, status: int, milliseconds: float) -> dict[str, Any]:
        client = scope.get("client")
        facts = {
            "method": scope["method"][:20],
            "route": route,
            "path": scope["path"][:200],
            "status": status,
            "ms": round(milliseconds, 1),
            "client": client[0] if client else None,
        }
        return facts | {name: noted for name in NOTED if (noted := logs.noted(name)) is not None}


def route_of(scope: Scope) -> str:
    """Gives the pattern of the route that answered; one constant where none did, since addresses that do not
    exist are without number."""
    route = getattr(scope.get("route"), "path", None)
    if isinstance(route, str):
        return route
    if isinstance(scope.get("endpoint"), StaticFiles):
        return "/static"
    path: str = scope["path"]
    return path if path in QUIET else UNMATCHED
