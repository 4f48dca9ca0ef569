"""Security headers on every response."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from api.middleware.security_headers import SECURITY_HEADERS, SecurityHeaders


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
    app.add_middleware(SecurityHeaders)
    return TestClient(app)


def test_every_answer_has_the_headers_unless_it_sets_them_itself(client: TestClient) -> None:
    headers = client.get("/").headers
    assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert client.get("/nowhere").headers["X-Frame-Options"] == "DENY"
    assert client.get("/framed").headers["X-Frame-Options"] == "SAMEORIGIN"


def test_only_what_admins_see_is_never_stored(client: TestClient) -> None:
    assert client.get("/admin/keys").headers["Cache-Control"] == "no-store"
    assert "Cache-Control" not in client.get("/").headers
