"""Who reads the metrics: the own machine, who has the token, an admin; or anybody, where that is wanted."""

import asyncio
import hmac
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from api.auth.keys import find_key
from api.auth.scopes import reaches
from api.middleware.host import is_loopback
from api.monitoring.exposition import Exposition
from search.db.connection import open_session
from search.errors import NotFound, Unauthorized
from search.settings import Settings

PATH = "/metrics"
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


@dataclass(frozen=True)
class Observing:
    """Says how requests are watched: what counts as slow (milliseconds; 0: nothing), whether questions are
    logged, and who reads the metrics."""

    slow_ms: int = 0
    questions: bool = False
    metrics: str = "local"
    token: str = ""

    @classmethod
    def of(cls, settings: Settings) -> "Observing":
        """Gives what the settings say."""
        return cls(settings.slow_ms, settings.log_questions, settings.metrics, settings.metrics_token)


async def read_metrics(request: Request) -> Response:
    """Answers a scrape. It runs in a thread of its own, so that it is answered where all others wait.

    Raises:
        NotFound: metrics are off.
        Unauthorized: who asks may not read them.
    """
    observing: Observing = request.app.state.observing
    if observing.metrics == "off":
        raise NotFound(f"There is nothing at {PATH}.", hint="Metrics are off: REFRACT_METRICS turns them on.")
    if not (may_read(request, observing) or await asyncio.to_thread(_is_admin, request)):
        raise Unauthorized(
            "These metrics are for this machine, and there was no token or key that holds.",
            hint="Send Authorization: Bearer with REFRACT_METRICS_TOKEN or an admin's key.",
        )
    exposition: Exposition = request.app.state.exposition
    text, media_type = await asyncio.to_thread(exposition, request.headers.get("Accept", ""))
    return Response(text, headers={"Content-Type": media_type, "Cache-Control": "no-store"})


def may_read(request: Request, observing: Observing) -> bool:
    """Tells whether a request may read the metrics without a key. Where there is a token it has to be sent;
    else the request has to come from this machine, to a name of this machine, and not through a proxy."""
    if observing.metrics == "open":
        return True
    if observing.token:
        return hmac.compare_digest(_bearer(request).encode(), observing.token.encode())
    client = request.client.host if request.client else ""
    is_local = is_loopback(client) and is_loopback(request.url.hostname or "")
    return is_local and not any(name in request.headers for name in FORWARDED)


def _is_admin(request: Request) -> bool:
    if not (given := _bearer(request)):
        return False
    with open_session(request.app.state.engine.database) as session:
        key = find_key(session, given)
        session.commit()
        return key is not None and reaches(key.scope, "admin")


def _bearer(request: Request) -> str:
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    return given.strip() if kind.lower() == "bearer" else ""
