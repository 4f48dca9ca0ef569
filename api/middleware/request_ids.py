"""Every request has an id, which its answer and its log lines carry."""

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search import logs

HEADER = "X-Request-Id"
LONGEST = 128
USABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@-]*", re.ASCII)
TRACE = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?", re.ASCII)


class RequestIds:
    """Takes the id that a proxy or client gives a request (X-Request-Id, else the trace of traceparent), or
    makes one. (ASGI middleware.) What could break out of a log line is no id."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = id_of(Headers(scope=scope))
        client = scope.get("client")
        channel = "api" if scope["path"].startswith("/v1") else "page"
        logs.begin(request_id=request_id, channel=channel, client=client and client[0])

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        await self.app(scope, receive, send_with_id)


def id_of(headers: Headers) -> str:
    """Gives the id that headers name, cut to `LONGEST`, or else a new one."""
    given = headers.get(HEADER, "").strip()[:LONGEST]
    if USABLE.fullmatch(given):
        return given
    trace = TRACE.fullmatch(headers.get("traceparent", "").strip()[:LONGEST])
    return trace[1] if trace else uuid.uuid4().hex
