"""Agents reach the tools at /mcp, by streamable HTTP.

It is a route like any other, not an app that is mounted: so the checks of the application (host name, key
where the server is private) hold for it too, and /mcp needs no slash behind it.
"""

import contextlib
from collections.abc import AsyncIterator, Collection
from typing import TypedDict

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import Receive, Scope, Send

from api.mcp.tools import make_server
from api.mcp.upstream import Upstream
from search.errors import CrossSite

MAX_BODY = 1 << 20
CHECKED_BEFORE = TransportSecuritySettings(enable_dns_rebinding_protection=False)
"""The protocol's own check of Host and Origin knows no REFRACT_PUBLIC_HOST: the application checks both."""


class State(TypedDict):
    mcp: StreamableHTTPSessionManager


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[State]:
    """Takes requests of the protocol while the application runs. A manager runs once, an application may run
    again."""
    server = make_server(Upstream(app=app))
    # Without sessions any of several processes answers; the tools never ask their caller back.
    server.streamable_http_app(
        stateless_http=True,
        json_response=True,
        max_request_body_size=MAX_BODY,
        transport_security=CHECKED_BEFORE,
    )
    async with server.session_manager.run():
        yield {"mcp": server.session_manager}


async def check_origin(request: Request) -> None:
    """Refuses what a page of another site makes a browser send, but of those that REFRACT_CORS_ORIGINS names:
    nobody's page may ask in the name of whoever looks at it.

    Raises:
        CrossSite: the browser says that the page is of another site.
    """
    origin = request.headers.get("Origin")
    named: Collection[str] = request.app.state.origins
    if origin is None or origin in named or "*" in named:
        return
    if origin.partition("://")[2].lower() != request.headers.get("Host", "").lower():
        raise CrossSite(
            f"A page of {origin[:100]!r} may not ask here.", hint="Ask from a program, not a page."
        )


router = APIRouter(lifespan=lifespan, dependencies=[Depends(check_origin)])


class _Handed(Response):
    """Answers as the protocol's own manager does."""

    def __init__(self, manager: StreamableHTTPSessionManager) -> None:
        super().__init__()
        self._manager = manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._manager.handle_request(scope, receive, send)


@router.post("/mcp", include_in_schema=False)
async def post_mcp(request: Request) -> Response:
    """One message of the protocol. (GET, which would hold a stream open, is answered 405: nothing is ever
    sent that was not asked for.)"""
    return _Handed(request.state.mcp)
