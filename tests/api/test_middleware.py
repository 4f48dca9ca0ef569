"""What stands before every page: headers, names that we answer to, and the largest request."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from api.middleware import (
    MAX_BODY,
    SECURITY_HEADERS,
    BodyLimit,
    HeadAsGet,
    SecurityHeaders,
    check_host,
    is_loopback,
)
from search.errors import InvalidRequest


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
    app.add_middleware(BodyLimit, answer=lambda _, error: PlainTextResponse(str(error), 413))
    app.add_middleware(SecurityHeaders)
    app.add_middleware(HeadAsGet, but=("/once",))
    return TestClient(app)


def test_every_answer_has_the_headers_unless_it_sets_them_itself(client: TestClient) -> None:
    headers = client.get("/").headers
    assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert client.get("/nowhere").headers["X-Frame-Options"] == "DENY"
    assert client.get("/framed").headers["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize("path", ["/", "/admin/keys", "/framed", "/nowhere", "/written"])
def test_head_is_answered_as_get_without_a_body(client: TestClient, path: str) -> None:
    expected, given = client.get(path), client.head(path)
    assert (given.status_code, given.headers, given.content) == (expected.status_code, expected.headers, b"")
    assert client.options(path).status_code == (404 if path == "/nowhere" else 405)


def test_what_a_get_uses_up_is_not_asked_for_by_head(client: TestClient) -> None:
    assert client.get("/once").text == "GET"
    assert client.head("/once").headers["content-length"] == str(len("HEAD"))


def test_only_what_admins_see_is_never_stored(client: TestClient) -> None:
    assert client.get("/admin/keys").headers["Cache-Control"] == "no-store"
    assert "Cache-Control" not in client.get("/").headers


def test_the_largest_body_is_read_and_one_byte_more_is_refused(client: TestClient) -> None:
    assert client.post("/", content=bytes(MAX_BODY)).text == str(MAX_BODY)
    refused = client.post("/", content=bytes(MAX_BODY + 1))
    assert refused.status_code == 413
    assert "more than 32 MiB" in refused.text


def test_a_body_that_does_not_say_how_long_it_is_is_refused_where_it_is_too_long(client: TestClient) -> None:
    def blocks(count: int) -> Iterator[bytes]:
        yield from (bytes(1 << 20) for _ in range(count))

    assert client.post("/", content=blocks(3)).text == str(3 << 20)
    assert client.post("/", content=blocks(33)).status_code == 413


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.3.2.1", "::1"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "localhost.example.org", "10.0.0.1", "0.0.0.0", "::2"])
def test_no_loopback(host: str) -> None:
    assert not is_loopback(host)


def asked(host: str, hosts: set[str] | None) -> Request:
    app = Starlette()
    app.state.hosts = hosts
    return Request({"type": "http", "app": app, "headers": [(b"host", host.encode())]})


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:80", "search.example.org:443"])
def test_our_own_names_are_answered(host: str) -> None:
    check_host(asked(host, {"search.example.org"}))


@pytest.mark.parametrize("host", ["", "evil.example", "localhost.evil.example", "[::2]", "[", "a@b"])
def test_the_name_of_another_is_refused_and_named(host: str) -> None:
    with pytest.raises(InvalidRequest, match="Refract is not at") as refused:
        check_host(asked(host, {"search.example.org"}))
    assert repr(host) in str(refused.value)
    check_host(asked(host, None))  # where a proxy in front sees to it
