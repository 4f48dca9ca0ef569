"""The largest request that is read has a bound."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from api.limits import BYTES_A_VALUE, MAX_BODY, MAX_OPEN_BODY
from api.middleware.body_limit import BodyLimit
from search.errors import RefractError, StoreUnavailable

WRITER = {"Authorization": "Bearer may write"}


async def length(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


def answered(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefractError)
    return PlainTextResponse(str(error), error.status)


def may_write(request: Request) -> bool:
    if request.headers.get("Authorization") == "Bearer no database":
        raise StoreUnavailable("The database does not answer.")
    return request.headers.get("Authorization") == WRITER["Authorization"]


@pytest.fixture
def client() -> TestClient:
    app = Starlette(routes=[Route("/", length, methods=["POST"])])
    app.add_middleware(BodyLimit, answer=answered, may_write=may_write)
    return TestClient(app)


def blocks(count: int) -> Iterator[bytes]:
    yield from (bytes(1 << 16) for _ in range(count))


@pytest.mark.parametrize(("headers", "most"), [({}, MAX_OPEN_BODY), (WRITER, MAX_BODY)])
def test_the_largest_body_is_read_and_one_byte_more_is_refused(
    client: TestClient, headers: dict[str, str], most: int
) -> None:
    assert client.post("/", content=bytes(most), headers=headers).text == str(most)
    refused = client.post("/", content=bytes(most + 1), headers=headers)
    assert refused.status_code == 413
    assert f"more than {most >> 20} MiB" in refused.text


@pytest.mark.parametrize(("headers", "most"), [({}, MAX_OPEN_BODY), (WRITER, MAX_BODY)])
def test_a_body_that_does_not_say_how_long_it_is_is_refused_where_it_is_too_long(
    client: TestClient, headers: dict[str, str], most: int
) -> None:
    assert client.post("/", content=blocks(most >> 16), headers=headers).text == str(most)
    assert client.post("/", content=blocks((most >> 16) + 1), headers=headers).status_code == 413


@pytest.mark.parametrize("piece", [b"1,", b"[", b'{"a":', b"[],"])
@pytest.mark.parametrize(("headers", "most"), [({}, MAX_OPEN_BODY), (WRITER, MAX_BODY)])
def test_a_body_of_very_many_values_is_refused_though_it_is_short(
    client: TestClient, headers: dict[str, str], most: int, piece: bytes
) -> None:
    count = most // BYTES_A_VALUE
    many = piece * (count // (1 + (piece == b"[],")))
    assert client.post("/", content=many, headers=headers).status_code == 200
    refused = client.post("/", content=many + 2 * piece, headers=headers)
    assert (refused.status_code, f"more than {count:,} values" in refused.text) == (413, True)


def test_a_key_is_looked_up_only_for_what_may_be_much_and_no_database_is_told(client: TestClient) -> None:
    headers = {"Authorization": "Bearer no database"}
    assert client.post("/", content=bytes(MAX_OPEN_BODY), headers=headers).status_code == 200
    assert client.post("/", content=bytes(MAX_OPEN_BODY + 1), headers=headers).status_code == 503
