"""The web application has all routes, and one place where any error becomes an answer."""

import logging
from collections.abc import Callable, Collection
from importlib.util import find_spec

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from api.auth.guards import LOGIN, check_private
from api.auth.sessions import OneTimeLinks
from api.dependencies import EngineDep, check_address
from api.middleware.body_limit import BodyLimit
from api.middleware.head import HeadAsGet
from api.middleware.host import check_host
from api.middleware.security_headers import SecurityHeaders
from api.v1.routes import API_ROUTERS
from api.v1.schemas import errors
from api.views import rendering
from api.web.login import to_login
from api.web.routes import PAGE_ROUTERS
from search.browse.collections import collection_names
from search.db.connection import GONE, open_session, unavailable
from search.engine.engine import SearchEngine
from search.errors import InvalidRequest, NotFound, NotIndexed, RefractError, Unauthorized

logger = logging.getLogger(__name__)

DESCRIPTION = (
    """Explainable, steerable semantic search. The values of the terms of a result sum to its score."""
)


def create_app(
    engine: SearchEngine, *, private: bool = False, hosts: Collection[str] | None = None
) -> FastAPI:
    """Makes the application for an engine.

    `private`: searching needs a key or a session too. `hosts`: answer under these host names and those of
    the own machine alone; None: under any.
    """
    checks: list[Callable[..., None]] = [check_host, check_address, *([check_private] if private else [])]
    app = FastAPI(
        title="Refract",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # a route of v1 like any other, so that the same checks hold
        dependencies=[Depends(check) for check in checks],
    )
    app.state.engine, app.state.private, app.state.hosts = engine, private, hosts
    app.state.links = OneTimeLinks()
    for router in API_ROUTERS:
        app.include_router(router)
    app.add_api_route("/healthz", healthz, tags=["health"])
    app.add_api_route("/readyz", readyz, tags=["health"], responses=errors(503))
    for router in PAGE_ROUTERS:
        app.include_router(router)
    if find_spec("mcp"):  # an extra
        from api.mcp.routes import router as agents

        app.include_router(agents)
    app.mount("/static", rendering.HashedStaticFiles(), name="static")
    app.add_exception_handler(RefractError, on_error)
    app.add_exception_handler(RequestValidationError, on_error)
    app.add_exception_handler(HTTPException, on_error)
    for kind in (*GONE, Exception):
        app.add_exception_handler(kind, on_error)
    app.add_middleware(BodyLimit, answer=on_error)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(HeadAsGet, but=(LOGIN,))
    return app


def healthz() -> dict[str, str]:
    """The process runs."""
    return {"status": "ok"}


def readyz(engine: EngineDep) -> dict[str, object]:
    """Searches are answered: the database is there and at least one collection is live."""
    with open_session(engine.database) as session:
        live = [found.name for found in collection_names(session) if found.live]
    if not live:
        raise NotIndexed("No collection is live yet.", hint="Run refract index PATH.")
    return {"status": "ok", "collections": live}


def on_error(request: Request, error: Exception) -> Response:
    """Answers any error with the envelope, or with its page for those who look at pages."""
    known = as_refract_error(request, error)
    if request.url.path.startswith(("/v1", "/mcp", "/healthz", "/readyz")):
        body = {"code": known.code, "message": known.message, "hint": known.hint}
        headers = {"WWW-Authenticate": "Bearer"} if known.status == 401 else None
        return JSONResponse({"error": body}, status_code=known.status, headers=headers)
    if isinstance(known, Unauthorized):
        return to_login(request)
    return rendering.error_page(request, known)


def as_refract_error(request: Request, error: Exception) -> RefractError:
    """Puts an error in Refract's own terms; what nobody foresaw is logged and says nothing of its insides."""
    if isinstance(error, RefractError):
        return error
    if isinstance(error, GONE):
        return unavailable(error)
    if isinstance(error, RequestValidationError):
        return _invalid(error)
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
    given = repr(first.get("input"))
    shown = given if len(given) <= 80 else given[:77] + "..."
    return InvalidRequest(f"{name}={shown} cannot be used.", hint=f"{first['msg']}.")


def _methods(error: HTTPException) -> str:
    allowed = (error.headers or {}).get("Allow", "")
    return f"Use {allowed}." if allowed else ""
