"""The web application has all routes, and one place where any error becomes an answer."""

import logging
import reprlib
from collections.abc import Collection, Sequence
from functools import partial
from importlib.util import find_spec

import psycopg
import sqlalchemy.exc
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from api.auth.callers import LOGIN
from api.auth.guards import check_caller, check_private, may_write
from api.auth.oidc import Provider
from api.auth.sessions import OneTimeLinks
from api.dependencies import check_address
from api.health import HEALTH, healthz, readyz
from api.middleware.access_log import AccessLog
from api.middleware.body_limit import BodyLimit
from api.middleware.checks import Checks
from api.middleware.cors import ApiCors
from api.middleware.denials import Denials
from api.middleware.head import HeadAsGet
from api.middleware.host import check_host
from api.middleware.proxy import BehindProxy, Network
from api.middleware.rate_limits import UNLIMITED, RateLimiting, RateLimits
from api.middleware.request_ids import HEADER, RequestIds
from api.middleware.security_headers import SecurityHeaders
from api.middleware.time_limit import TimeLimit
from api.monitoring.exposition import Exposition
from api.monitoring.reading import PATH, Observing, read_metrics
from api.v1.description import describe
from api.v1.routes import API_ROUTERS
from api.v1.schemas import errors
from api.views import rendering
from api.web.login import to_login
from api.web.routes import PAGE_ROUTERS
from search import logs
from search.db.connection import GONE, first_line, unavailable
from search.engine.engine import SearchEngine
from search.errors import InvalidRequest, NotFound, RefractError, Unauthorized

logger = logging.getLogger(__name__)

UNUSABLE = (sqlalchemy.exc.DataError, psycopg.DataError, UnicodeEncodeError)
"""These are raised where the database has no such value: a number beyond 64 bits, NUL, a surrogate."""

DESCRIPTION = (
    """Explainable, steerable semantic search. The values of the terms of a result sum to its score."""
)


def create_app(
    engine: SearchEngine,
    *,
    private: bool = False,
    hosts: Collection[str] | None = None,
    prefix: str = "",
    proxies: Sequence[Network] = (),
    origins: Sequence[str] = (),
    observing: Observing | None = None,
    limits: RateLimits = UNLIMITED,
    provider: Provider | None = None,
) -> FastAPI:
    """Makes the application for an engine.

    `private`: searching needs a key or a session too. `hosts`: answer under these host names and those of
    the own machine alone; None: under any. `prefix`, `proxies`: see `BehindProxy`; `origins`: see `ApiCors`.
    `observing`: how requests are watched. `limits`: how much one caller may ask for. `provider`: who signs
    people in beside keys.
    """
    observing = observing or Observing()
    keys = [Depends(check_private if private else check_caller)]
    app = FastAPI(
        title="Refract",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        responses=errors(429),
        openapi_url=None,  # a route of v1 like any other, so that the same checks hold
    )
    app.openapi = partial(describe, app)  # type: ignore[method-assign]
    app.state.engine, app.state.private, app.state.hosts = engine, private, hosts
    app.state.links, app.state.provider, app.state.origins = OneTimeLinks(), provider, origins
    app.state.observing, app.state.exposition = observing, Exposition(engine)
    for router in API_ROUTERS:
        app.include_router(router, dependencies=keys)
    app.add_api_route("/healthz", healthz, tags=["health"])
    app.add_api_route("/readyz", readyz, tags=["health"], responses=errors(503))
    app.add_route(PATH, read_metrics)  # without what waits for a thread or the database
    for router in PAGE_ROUTERS:
        app.include_router(router, dependencies=keys)
    if find_spec("mcp"):  # an extra
        from api.mcp.routes import router as agents

        app.include_router(agents, dependencies=keys)
    app.mount("/static", rendering.HashedStaticFiles(), name="static")
    app.add_exception_handler(RefractError, on_error)
    app.add_exception_handler(RequestValidationError, on_error)
    app.add_exception_handler(HTTPException, on_error)
    for kind in (*GONE, *UNUSABLE, Exception):
        app.add_exception_handler(kind, on_error)
    app.add_middleware(BodyLimit, answer=on_error, may_write=may_write)
    app.add_middleware(TimeLimit, answer=on_error, but=HEALTH | {PATH})
    app.add_middleware(RateLimiting, limits=limits, answer=on_error)
    app.add_middleware(Checks, checks=(check_host, check_address), answer=on_error)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(Denials)
    app.add_middleware(AccessLog, slow_ms=observing.slow_ms, questions=observing.questions)
    app.add_middleware(RequestIds)
    app.add_middleware(HeadAsGet, but=(LOGIN,))
    if origins:
        app.add_middleware(ApiCors, origins=list(origins))
    app.add_middleware(BehindProxy, prefix=prefix, trusted=proxies)
    return app


def on_error(request: Request, error: Exception) -> Response:
    """Answers any error with the envelope, or with its page for those who look at pages."""
    known = as_refract_error(request, error)
    answer = _answer(request, known)
    if request_id := logs.noted("request_id"):  # what nobody foresaw is answered outside of our middleware
        answer.headers[HEADER] = request_id
    return answer


def _answer(request: Request, known: RefractError) -> Response:
    if request.url.path.startswith(("/v1", "/mcp", "/healthz", "/readyz", PATH)):
        body = {"code": known.code, "message": known.message, "hint": known.hint}
        body["request_id"] = logs.noted("request_id")
        headers = {"WWW-Authenticate": "Bearer"} if known.status == 401 else None
        response: Response = JSONResponse({"error": body}, status_code=known.status, headers=headers)
    elif isinstance(known, Unauthorized):
        return to_login(request)
    else:
        response = rendering.error_page(request, known)
    if known.retry_after is not None:
        response.headers["Retry-After"] = str(known.retry_after)
    return response


def as_refract_error(request: Request, error: Exception) -> RefractError:
    """Puts an error in Refract's own terms; what nobody foresaw is logged and says nothing of its insides."""
    if isinstance(error, RefractError):
        return error
    if isinstance(error, GONE):
        return unavailable(error)
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, UNUSABLE):
        logger.warning("Unusable value at %s: %s", request.url.path, first_line(error))
        return InvalidRequest(
            f"The request holds a value that cannot be: {first_line(error)[:200]}.",
            hint="Use numbers of at most 18 digits, and text without NUL and surrogates.",
        )
    if isinstance(error, HTTPException) and error.status_code == 404:
        return NotFound(
            f"There is nothing at {request.url.path[:200]}.", hint="Start from the search page at /."
        )
    if isinstance(error, HTTPException):
        known = RefractError(
            f"{request.method} {request.url.path[:200]}: {error.detail}.", hint=_methods(error)
        )
        known.status, known.code = error.status_code, "http"
        return known
    logger.error("Unexpected error at %s", request.url.path, exc_info=error)
    return RefractError("Something went wrong inside Refract.", hint="Its log says more. Please report it.")


def _invalid(error: RequestValidationError) -> InvalidRequest:
    first = error.errors()[0]
    where = [str(part) for part in first["loc"] if part not in ("query", "path", "body")]
    name = ".".join(where) or "The request's body"
    if first["type"] == "json_invalid":
        return InvalidRequest(
            f"The request's body is not JSON from character {first['loc'][-1]} on.", hint="Is it cut off?"
        )
    if first["type"] == "missing":
        return InvalidRequest(f"{name} is missing.", hint=f"Send {name}.")
    given = first.get("input")
    shown = repr(given[:80]) if isinstance(given, str) else reprlib.repr(given)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    return InvalidRequest(f"{name}={shown} cannot be used.", hint=f"{first['msg']}.")


def _methods(error: HTTPException) -> str:
    allowed = (error.headers or {}).get("Allow", "")
    return f"Use {allowed}." if allowed else ""
