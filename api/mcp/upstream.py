"""The upstream of the tools is the JSON API: that of this process, or of a server elsewhere.

Every call of a tool is a request of its caller's, with the caller's own key and address. So checks, limits
and logs are those of the API, and there is no second way in.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx2
from mcp.server.mcpserver.exceptions import ToolError
from starlette.requests import Request
from starlette.types import ASGIApp

HERE = "http://localhost"
TIMEOUT = 120.0
PASSED_ON = ("authorization", "user-agent", "x-forwarded-for", "x-request-id")
"""What the API is told of the request that a tool is called by."""

Parameters = Mapping[str, str | int | list[str]]


class Upstream:
    """Asks the JSON API of `app`, in this process, or that of the server that `client` knows."""

    def __init__(self, *, app: ASGIApp | None = None, client: httpx2.AsyncClient | None = None) -> None:
        self._app = app
        self._client = client

    async def get(self, path: str, given: Parameters, caller: Request | None) -> Any:
        """Asks for an address, as the caller of a tool; leaves out what was not given, but the question.

        Raises:
            ToolError: the API refuses; the model reads why, and what to do.
        """
        params = {name: value for name, value in given.items() if name == "q" or value not in ("", [])}
        try:
            if self._client is not None:
                return _read(await self._client.get(path, params=params))
            async with self._inside(caller) as client:
                return _read(await client.get(path, params=params))
        except httpx2.TransportError as error:
            raise ToolError(f"Refract does not answer: {str(error) or type(error).__name__}.") from None

    def _inside(self, caller: Request | None) -> httpx2.AsyncClient:
        assert self._app is not None
        address = (caller.client.host, caller.client.port) if caller and caller.client else ("127.0.0.1", 0)
        passed = {name: caller.headers[name] for name in PASSED_ON if caller and name in caller.headers}
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self._app, raise_app_exceptions=False, client=address),
            base_url=HERE,
            headers={**passed, "accept-encoding": "identity"},
            timeout=TIMEOUT,
            trust_env=False,
        )


def document_path(id: str) -> str:
    """Gives the address of a document, whatever its id has in it."""
    return f"/v1/documents/{quote(id, safe='')}"


def _read(answer: httpx2.Response) -> Any:
    try:
        body = answer.json()
    except ValueError:
        raise ToolError(f"Refract answered {answer.status_code} without JSON.") from None
    if answer.is_success:
        return body
    error = body.get("error", {}) if isinstance(body, dict) else {}
    after = answer.headers.get("retry-after")
    told = [error.get("message"), error.get("hint"), f"Try again in {after} seconds." if after else None]
    raise ToolError(" ".join(filter(None, told)) or f"Refract answered {answer.status_code}.")
