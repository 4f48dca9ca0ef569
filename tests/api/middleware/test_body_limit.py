"""The largest request that is read has a bound."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from api.middleware.body_limit import MAX_BODY, BodyLimit


async def length(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
def client() -> TestClient:
    app = Starlette(routes=[Route("/", length, methods=["POST"])])
    app.add_middleware(BodyLimit, answer=lambda _, error: PlainTextResponse(str(error), 413))
    return TestClient(app)


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
