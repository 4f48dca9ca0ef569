"""Programs search by the clients, sync and async, on a real server; and what a server says that is busy,
broken or not there."""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from refract_client import AsyncClient, Client, Document, RefractError, Retries
from refract_client.bulk import MOST_BYTES, MOST_DOCUMENTS
from tests.support.awaiting import finished
from tests.support.notes import COLLECTION, Notes

QUESTION = "how do cells divide"


@pytest.mark.database
def test_both_clients_answer_alike(library: Notes) -> None:
    async def search() -> Any:
        async with AsyncClient(library.url, key=library.keys["search"]) as refract:
            return await asyncio.gather(
                refract.search(QUESTION, collection=COLLECTION, filter=["lang:en"]),
                refract.why_not(QUESTION, "sea/3", collection=COLLECTION),
            )

    found, missed = finished(search())
    with Client(library.url, key=library.keys["search"]) as refract:
        same = refract.search(QUESTION, collection=COLLECTION, filter=["lang:en"])
        assert same.results == found.results
        assert refract.why_not(QUESTION, "sea/3", collection=COLLECTION) == missed
    best = found.results[0]
    assert best.document.id == "biology/mitosis"
    assert sum(term.value for term in best.terms) == pytest.approx(best.score, abs=1e-4)
    assert found.restrictions[0].filter == "lang:en"


@pytest.mark.database
def test_every_question_has_a_record_for_its_answer(library: Notes) -> None:
    with Client(library.url, key=library.keys["admin"]) as refract:
        found = refract.search(QUESTION, collection=COLLECTION, facets=True, steer="concept:the sea:1")
        assert found.facets is not None
        assert found.steering[0].concept == "the sea"
        knob = refract.features("cells", collection=COLLECTION).features[0]
        assert refract.feature(knob.feature, collection=COLLECTION).examples[0].document.title
        assert refract.concepts(collection=COLLECTION).collection == COLLECTION
        compared = refract.compare(QUESTION, "biology/mitosis", "sea/3", collection=COLLECTION)
        assert sum(term.margin for term in compared.terms) == pytest.approx(compared.margin, abs=1e-4)
        told = refract.refine(["sea/1", "sea/2"], ["biology/mitosis"], collection=COLLECTION)
        assert told.against == "unlike"
        assert refract.analyze("Whales sing.", collection=COLLECTION).features
        words = refract.words("biology/mitosis", QUESTION, collection=COLLECTION).passages[0]
        assert words.question is not None
        assert refract.document("biology/stem cells", collection=COLLECTION).meta == {
            "lang": "en",
            "year": 2002,
        }
        first = refract.documents(collection=COLLECTION, limit=2)
        after = refract.documents(collection=COLLECTION, after=first[-1].id, limit=2)
        assert [each.id for each in first] < [each.id for each in after]
        states = {each.name: each.state for each in refract.collections()}
        assert states[COLLECTION] == "live"
        assert refract.presets(collection=COLLECTION) == []
        assert isinstance(refract.jobs(), list)


@pytest.mark.database
def test_documents_stream_in_and_go_again(library: Notes) -> None:
    written = [Document(f"{n}", f"Document number {n}.", meta={"n": n}) for n in range(MOST_DOCUMENTS + 1)]

    async def one_by_one() -> AsyncIterator[Document]:
        for document in written:
            yield document

    async def write() -> Any:
        async with AsyncClient(library.url, key=library.keys["write"]) as refract:
            return await refract.write_documents(one_by_one(), collection="streamed")

    assert finished(write()).added == MOST_DOCUMENTS + 1
    with Client(library.url, key=library.keys["write"]) as refract:
        again = refract.write_documents([*written, Document("", "no id")], collection="streamed")
        assert (again.unchanged, len(again.failures)) == (MOST_DOCUMENTS + 1, 1)
        assert refract.write_document("a/b c", "Another.", collection="streamed").added == 1
        assert refract.delete_document("a/b c", collection="streamed").deleted == 1
        gone = refract.delete_documents([*(each.id for each in written), "none"], collection="streamed")
        assert (gone.deleted, gone.unknown) == (MOST_DOCUMENTS + 1, ["none"])


@pytest.mark.database
def test_errors_carry_code_message_and_hint(library: Notes) -> None:
    with Client(library.url, key=library.keys["search"]) as refract:
        for ask, status, code in (
            (lambda: refract.search("", collection=COLLECTION), 400, "invalid_query"),
            (lambda: refract.search("x", collection="nope"), 404, "collection_not_found"),
            (lambda: refract.delete_document("sea/1", collection=COLLECTION), 403, "forbidden"),
        ):
            with pytest.raises(RefractError) as refused:
                ask()
            error = refused.value
            assert (error.status, error.code) == (status, code)
            assert str(error) == f"{error.message} {error.hint}"
    with Client(library.url) as stranger, pytest.raises(RefractError) as refused:
        stranger.collections()
    assert refused.value.status == 401


def test_both_clients_have_the_same_methods_and_parameters() -> None:
    def methods(kind: type) -> dict[str, list[str]]:
        return {
            name: [*inspect.signature(each).parameters]
            for name, each in vars(kind).items()
            if callable(each) and not name.startswith("_")
        }

    assert methods(Client) == methods(AsyncClient)
    assert len(methods(Client)) > 20


class Server:
    """A server of our own, which is busy for some requests, and notes what it hears."""

    def __init__(self, *, busy: int = 0, retry_after: str | None = "0") -> None:
        self.busy, self.retry_after = busy, retry_after
        self.heard: list[dict[str, Any]] = []
        self.app = Starlette(routes=[Route("/sub/v1/{path:path}", self.answer, methods=["GET", "POST"])])

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        self.heard.append({"path": request.url.path, "headers": request.headers, "body": body})
        if len(self.heard) <= self.busy:
            error = {"code": "busy", "message": "Too many are asking.", "hint": "Wait.", "new": 1}
            headers = {"Retry-After": self.retry_after} if self.retry_after else {}
            return JSONResponse({"error": error}, status_code=429, headers=headers)
        if request.url.path.endswith("documents"):
            sent = len(json.loads(body)["documents"])
            return JSONResponse({"added": sent, "changed": 0, "unchanged": 0, "failures": []})
        if request.url.path.endswith("collections"):
            found = {"name": "n", "state": "resting", "documents": 1, "passages": 2, "unheard": {"of": []}}
            return JSONResponse([found])
        return PlainTextResponse("<html>")

    def client(self, **options: Any) -> Client:
        return Client("http://test/sub/", http=TestClient(self.app), **options)

    def collections(self, *, alone: bool, **options: Any) -> Any:
        """Lists collections by the sync client, or by the other."""
        if alone:
            return self.client(**options).collections()

        async def ask() -> Any:
            transport = httpx2.ASGITransport(self.app)
            async with httpx2.AsyncClient(transport=transport) as http:
                return await AsyncClient("http://test/sub/", http=http, **options).collections()

        return finished(ask())


@pytest.fixture(params=[True, False], ids=["sync", "async"])
def alone(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_a_busy_server_is_asked_again_when_it_says(alone: bool) -> None:
    server = Server(busy=2)
    (found,) = server.collections(alone=alone, key="rf_1")
    assert found.documents == 1
    assert len(server.heard) == 3
    assert {each["path"] for each in server.heard} == {"/sub/v1/collections"}
    assert {each["headers"]["authorization"] for each in server.heard} == {"Bearer rf_1"}


@pytest.mark.parametrize(
    ("retry_after", "retries", "asked", "after"),
    [("0", Retries(most=2), 3, 0.0), ("3600", Retries(), 1, 3600.0), (None, Retries(), 1, None)],
)
def test_a_server_that_stays_busy_or_names_no_time_is_an_error(
    alone: bool, retry_after: str | None, retries: Retries, asked: int, after: float | None
) -> None:
    server = Server(busy=9, retry_after=retry_after)
    with pytest.raises(RefractError, match=r"^Too many are asking\. Wait\.$") as refused:
        server.collections(alone=alone, retries=retries)
    assert (refused.value.status, refused.value.retry_after) == (429, after)
    assert len(server.heard) == asked


def test_fields_and_values_that_a_client_does_not_know_are_no_fault() -> None:
    (found,) = Server().client().collections()
    assert (found.name, found.state, found.description) == ("n", "resting", "")


def test_what_is_no_answer_of_refract_says_so() -> None:
    with pytest.raises(RefractError, match="not in the form of Refract's JSON API") as refused:
        Server().client().search("x")
    assert (refused.value.code, refused.value.status) == ("unexpected", 200)


def test_a_server_that_is_not_there_is_unreachable() -> None:
    async def ask() -> None:
        async with AsyncClient("http://127.0.0.1:1") as refract:
            await refract.collections()

    with Client("http://127.0.0.1:1") as refract, pytest.raises(RefractError) as refused:
        refract.collections()
    assert (refused.value.code, refused.value.status) == ("unreachable", 0)
    with pytest.raises(RefractError, match="does not answer"):
        finished(ask())


def test_a_large_bulk_is_sent_in_requests_of_a_bounded_size() -> None:
    server = Server()
    large = "x" * (MOST_BYTES // 3)
    written = server.client().write_documents(Document(f"{n}", large) for n in range(5))
    assert written.added == 5
    assert len(server.heard) == 3
    assert max(len(each["body"]) for each in server.heard) < MOST_BYTES * 1.1
    assert server.client().write_documents([]).added == 0
    assert len(server.heard) == 3
