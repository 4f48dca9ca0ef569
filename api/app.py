"""The web application has all routes, and around them what holds for every request."""

from collections.abc import Collection, Sequence
from functools import partial
from importlib.util import find_spec

from fastapi import Depends, FastAPI, params
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from api.auth.callers import LOGIN
from api.auth.guards import check_caller, check_private, may_write
from api.auth.oidc import Provider
from api.auth.sessions import OneTimeLinks
from api.dependencies import check_address
from api.errors import UNUSABLE, on_error
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
from api.middleware.request_ids import RequestIds
from api.middleware.security_headers import SecurityHeaders
from api.middleware.time_limit import TimeLimit
from api.monitoring.exposition import Exposition
from api.monitoring.reading import PATH, Observing, read_metrics
from api.v1.description import describe
from api.v1.events import Followers
from api.v1.routes import API_ROUTERS
from api.v1.schemas import errors
from api.views import rendering
from api.web.routes import PAGE_ROUTERS
from indexer.insights.log import QuestionLog
from search.db.connection import GONE
from search.engine.engine import SearchEngine
from search.errors import RefractError
from search.shared_tables import SharedTables

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
    tables: SharedTables | None = None,
    limits: RateLimits = UNLIMITED,
    provider: Provider | None = None,
) -> FastAPI:
    """Makes the application for an engine.

    `private`: searching needs a key or a session too. `hosts`: answer under these host names and those of
    the own machine alone; None: under any. `prefix`, `proxies`: see `BehindProxy`; `origins`: see `ApiCors`.
    `observing`: how requests are watched. `tables`: what is counted together with other processes. `limits`:
    how much one caller may ask for. `provider`: who signs people in beside keys.
    """
    observing = observing or Observing()
    tables = tables or SharedTables()
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
    app.state.links, app.state.provider, app.state.origins = OneTimeLinks(tables["links"]), provider, origins
    app.state.followers = Followers()
    app.state.questions = QuestionLog(engine.database, engine.snapshots.keeping)
    app.state.observing, app.state.exposition = observing, Exposition(engine)
    _add_routes(app, keys)
    for kind in (RefractError, RequestValidationError, HTTPException, *GONE, *UNUSABLE, Exception):
        app.add_exception_handler(kind, on_error)
    app.add_middleware(BodyLimit, answer=on_error, may_write=may_write)
    app.add_middleware(TimeLimit, answer=on_error, but=HEALTH | {PATH})
    app.add_middleware(RateLimiting, limits=limits, answer=on_error, tables=tables)
    app.add_middleware(Checks, checks=(check_host, check_address), answer=on_error)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(Denials, recorded=tables["denials"])
    app.add_middleware(AccessLog, slow_ms=observing.slow_ms, questions=observing.questions)
    app.add_middleware(RequestIds)
    app.add_middleware(HeadAsGet, but=(LOGIN,))
    if origins:
        app.add_middleware(ApiCors, origins=list(origins))
    app.add_middleware(BehindProxy, prefix=prefix, trusted=proxies)
    return app


def _add_routes(app: FastAPI, keys: Sequence[params.Depends]) -> None:
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
