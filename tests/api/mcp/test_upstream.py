"""The tools ask the JSON API as their caller, and say what it refuses."""

from typing import Any

import httpx2
import pytest
from mcp.server.mcpserver.exceptions import ToolError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from api.mcp.upstream import Upstream, document_path
from tests.support.awaiting import finished


def echo(request: Request) -> Response:
    assert request.client is not None
    return JSONResponse(
        {"address": request.client.host, "query": str(request.query_params), **dict(request.headers)}
    )


def busy(_: Request) -> Response:
    body = {"error": {"code": "busy", "message": "Too much is asked.", "hint": "Ask less."}}
    return JSONResponse(body, status_code=429, headers={"Retry-After": "7"})


def broken(_: Request) -> Response:
    return PlainTextResponse("Bad gateway", status_code=502)


APP = Starlette(routes=[Route("/v1/echo", echo), Route("/v1/busy", busy), Route("/v1/broken", broken)])


def ask(path: str, **given: Any) -> Any:
    headers = [(b"authorization", b"Bearer rf_1"), (b"cookie", b"a=b")]
    caller = Request({"type": "http", "app": APP, "headers": headers, "client": ("192.0.2.7", 5)})
    return finished(Upstream(app=APP).get(path, given, caller))


def test_the_api_hears_the_callers_key_and_address_and_no_cookie() -> None:
    heard = ask("/v1/echo", q="", collection="", filter=["a:b", "c:d"], limit=3)
    assert heard["authorization"] == "Bearer rf_1"
    assert heard["address"] == "192.0.2.7"
    assert "cookie" not in heard
    assert heard["query"] == "q=&filter=a%3Ab&filter=c%3Ad&limit=3"


def test_a_refusal_says_what_to_do_and_when() -> None:
    with pytest.raises(ToolError, match=r"^Too much is asked\. Ask less\. Try again in 7 seconds\.$"):
        ask("/v1/busy")
    with pytest.raises(ToolError, match="502"):
        ask("/v1/broken")


def test_a_server_that_does_not_answer_is_an_error_of_the_tool() -> None:
    async def ask_nobody() -> None:
        async with httpx2.AsyncClient(base_url="http://127.0.0.1:1") as client:
            await Upstream(client=client).get("/v1/search", {"q": "x"}, None)

    with pytest.raises(ToolError, match="does not answer"):
        finished(ask_nobody())


def test_any_id_has_an_address_of_its_own() -> None:
    assert document_path("../a b?c#d") == "/v1/documents/..%2Fa%20b%3Fc%23d"
