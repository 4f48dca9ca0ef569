"""Pages of other origins may call the JSON API where a setting names them."""

import re

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from search.errors import ConfigurationError
from search.settings import comma_separated

ORIGIN = re.compile(r"https?://[^/?#@\s]+")


class ApiCors(CORSMiddleware):
    """Lets the pages of `origins` call what is below /v1 and the agents' route, with a key but never with a
    session's cookie. (ASGI middleware.)"""

    def __init__(self, app: ASGIApp, origins: list[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["*"],  # the agents' protocol has headers named after parameters
            expose_headers=["Link", "Retry-After", "X-Request-Id"],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["path"].startswith(("/v1/", "/mcp"))
        await (super().__call__ if ours else self.app)(scope, receive, send)


def read_origins(text: str) -> list[str]:
    """Reads the setting of the origins, with commas between.

    Raises:
        ConfigurationError: one of them is no origin.
    """
    origins = [part.rstrip("/") for part in comma_separated(text)]
    for origin in origins:
        if origin != "*" and not ORIGIN.fullmatch(origin):
            raise ConfigurationError(
                f"REFRACT_CORS_ORIGINS names {origin!r}, which is no origin.",
                hint="Write scheme and host, like https://example.org, with commas between, or * for all.",
            )
    return origins
