"""Request ids: taken where they are safe, made where not, and told in every answer."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import html
from sqlalchemy import create_engine
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from api.app import create_app
from api.middleware.request_ids import LONGEST, id_of
from search.db.connection import server_url
from search.engine.engine import SearchEngine

MADE = re.compile(r"[0-9a-f]{32}")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """An application whose database is not there; one of its routes fails in an unforeseen way."""
    app = create_app(
        SearchEngine(create_engine(server_url("postgresql://nobody@127.0.0.1:1/none")), Path("nowhere"))
    )

    async def broken() -> None:
        raise ZeroDivisionError

    app.add_api_route("/v1/broken", broken)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("given", ["a", "req-1", "01J:x/y.z_+=@", "x" * LONGEST])
def test_an_id_that_is_given_is_kept(given: str) -> None:
    assert id_of(Headers({"X-Request-Id": given})) == given


@pytest.mark.parametrize(
    "given", ["", " ", "a b", "a\tb", 'a"b', "a\x1bb", "ä", "<script>", "-x", "a\r\nb", "{}"]
)
def test_an_id_that_could_forge_a_line_is_replaced(given: str) -> None:
    raw = Headers(raw=[(b"x-request-id", given.encode("latin-1"))])
    assert MADE.fullmatch(id_of(raw))


def test_a_long_id_is_cut_and_of_two_the_first_is_taken() -> None:
    assert id_of(Headers({"X-Request-Id": "x" * 10_000})) == "x" * LONGEST
    assert id_of(Headers(raw=[(b"x-request-id", b"one"), (b"x-request-id", b"two")])) == "one"


@pytest.mark.parametrize(
    ("trace", "taken"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", True),
        (f"01-{TRACE}-00f067aa0ba902b7-01-more", True),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", False),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", False),
        (f"00-{TRACE}", False),
    ],
)
def test_the_trace_of_traceparent_is_an_id(trace: str, taken: bool) -> None:
    assert (id_of(Headers({"traceparent": trace})) == TRACE) is taken
    assert id_of(Headers({"traceparent": trace, "X-Request-Id": "own"})) == "own"


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/static/app.js", "/nothing", "/v1/search", "/v1/search?q=x", "/v1/broken", "/features"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_every_answer_carries_its_id(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path, headers={"X-Request-Id": "mine"})
    assert answer.headers.get_list("X-Request-Id") == ["mine"]


def test_a_request_without_an_id_gets_one_of_its_own(client: TestClient) -> None:
    ids = {client.get("/healthz").headers["X-Request-Id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(MADE.fullmatch(each) for each in ids)


@pytest.mark.parametrize("path", ["/v1/search", "/v1/search?q=x", "/v1/nothing", "/v1/broken", "/readyz"])
def test_an_error_of_the_api_names_its_request(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"X-Request-Id": "mine"})
    assert answer.status_code >= 400
    assert answer.json()["error"]["request_id"] == "mine"


def test_an_error_page_shows_its_request(client: TestClient) -> None:
    page = html.document_fromstring(client.get("/nothing", headers={"X-Request-Id": "mine"}).text)
    assert "request mine" in str(page.xpath("string(//p[@class='smallprint'])"))
