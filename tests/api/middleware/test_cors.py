"""Pages of other origins may call the JSON API where a setting names them."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from api.middleware.cors import ApiCors, read_origins
from search.errors import ConfigurationError

OURS = "https://shop.example.org"


async def answer(request: Request) -> Response:
    return PlainTextResponse(request.method)


def client(origins: str) -> TestClient:
    routes = [Route(path, answer, methods=["GET", "POST"]) for path in ("/v1/search", "/mcp", "/features")]
    app = Starlette(routes=routes)
    app.add_middleware(ApiCors, origins=read_origins(origins))
    return TestClient(app)


def allowed(path: str, origin: str, origins: str = OURS) -> str | None:
    return client(origins).get(path, headers={"Origin": origin}).headers.get("Access-Control-Allow-Origin")


def test_a_page_of_a_named_origin_may_read_an_answer_of_the_api() -> None:
    assert allowed("/v1/search", OURS) == OURS
    assert allowed("/v1/search", "https://other.example", "*") == "*"
    assert allowed("/mcp", OURS) == OURS


@pytest.mark.parametrize("origin", ["https://other.example", "http://shop.example.org", "null"])
def test_no_other_may(origin: str) -> None:
    assert allowed("/v1/search", origin) is None


def test_pages_are_not_for_others_at_all() -> None:
    assert allowed("/features", OURS) is None


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_browser_asks_first_and_hears_that_a_key_may_be_sent_but_no_cookie(method: str) -> None:
    asks = {
        "Origin": OURS,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "Authorization",
    }
    told = client(OURS).options("/v1/search", headers=asks)
    assert told.status_code == 200
    assert "authorization" in told.headers["Access-Control-Allow-Headers"].lower()
    assert "Access-Control-Allow-Credentials" not in told.headers


@pytest.mark.parametrize(
    "text", ["shop.example.org", "https://", "https://a/b", "ftp://a", "https://a, nonsense"]
)
def test_what_is_no_origin_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match="REFRACT_CORS_ORIGINS names"):
        read_origins(text)
