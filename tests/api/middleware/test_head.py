"""HEAD is answered wherever GET is."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from api.middleware.head import HeadAsGet


async def length(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def framed(request: Request) -> Response:
    del request
    return PlainTextResponse("", headers={"X-Frame-Options": "SAMEORIGIN"})


async def method(request: Request) -> Response:
    return PlainTextResponse(request.method)


@pytest.fixture
def client() -> TestClient:
    paths = {"/": length, "/admin/keys": length, "/framed": framed}
    routes = [Route(path, answer, methods=["GET", "POST"]) for path, answer in paths.items()]
    app = Starlette(routes=[*routes, Route("/written", length, methods=["POST"]), Route("/once", method)])
    app.add_middleware(HeadAsGet, but=("/once",))
    return TestClient(app)


@pytest.mark.parametrize("path", ["/", "/admin/keys", "/framed", "/nowhere", "/written"])
def test_head_is_answered_as_get_without_a_body(client: TestClient, path: str) -> None:
    expected, given = client.get(path), client.head(path)
    assert (given.status_code, given.headers, given.content) == (expected.status_code, expected.headers, b"")
    assert client.options(path).status_code == (404 if path == "/nowhere" else 405)


def test_what_a_get_uses_up_is_not_asked_for_by_head(client: TestClient) -> None:
    assert client.get("/once").text == "GET"
    assert client.head("/once").headers["content-length"] == str(len("HEAD"))
