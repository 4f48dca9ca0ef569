"""Documents and operations by the JSON API: what is acknowledged is stored, what is broken is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from api.auth.keys import create_key
from api.limits import MAX_BODY, MAX_OPEN_BODY
from indexer.jobs.worker import Keeper
from indexer.sources import SourceDocument
from indexer.sources.document import MAX_FIELDS, MAX_TEXT, MAX_VALUES
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.query.limits import MAX_ID, MAX_NESTING
from tests.support.apps import app_of
from tests.support.building import build, work_off

pytestmark = [pytest.mark.database, pytest.mark.sql]

Client = Callable[[str], TestClient]


@pytest.fixture
def client(database: Engine, tmp_path: Path, small_embedder: Embedder) -> Client:
    """Clients with a key of some scope, on a collection "c" of two documents."""
    texts = {"a": "Whales sing.", "b": "Bread is baked."}
    documents = [SourceDocument(id, id.title(), text, None, {}) for id, text in texts.items()]
    build(database, tmp_path, small_embedder, "c", documents)
    app = app_of(SearchEngine(database, tmp_path))
    with Session(database) as session:
        keys = {scope: create_key(session, scope, scope) for scope in ("search", "write", "admin")}
        session.commit()
    return lambda scope: TestClient(app, headers={"Authorization": f"Bearer {keys.get(scope, scope)}"})


def ids(client: TestClient, query: str = "anything") -> set[str]:
    answer = client.get("/v1/search", params={"q": query, "collection": "c", "limit": 50}).json()
    return {result["document"]["id"] for result in answer["results"]}


def keep_up(database: Engine) -> None:
    Keeper(database).catch_up()


STRANGE = [
    "a/b/c",
    "..",
    "a//b",
    "🙂",
    "é",
    "?&=#%20",
    " ",
    "x" * MAX_ID,
    "\u202e",
    "'; DROP TABLE",
]


def test_any_id_is_written_read_and_deleted(client: Client, database: Engine) -> None:
    write = client("write")
    given = [{"id": id, "text": f"Document number {number}."} for number, id in enumerate(STRANGE)]
    answer = write.post("/v1/documents", json={"collection": "c", "documents": given})
    assert answer.json() == {"added": len(STRANGE), "changed": 0, "unchanged": 0, "failures": []}
    keep_up(database)
    assert ids(write) == {"a", "b", *STRANGE}
    answer = write.post("/v1/documents/delete", json={"collection": "c", "ids": [*STRANGE, "nobody"]})
    assert answer.json() == {"deleted": len(STRANGE), "unknown": ["nobody"]}
    assert ids(write) == {"a", "b"}


@pytest.mark.parametrize("id", ["one", "a/b/c", "🙂 é", "100% sure", "two\nlines", "end\n"])
def test_one_document_is_put_replaced_and_deleted(client: Client, database: Engine, id: str) -> None:
    write = client("write")
    address = "/v1/documents/" + "".join(f"%{byte:02X}" for byte in id.encode())
    where = {"collection": "c"}
    assert write.put(address, params=where, json={"text": "Stars shine."}).json()["added"] == 1
    assert write.put(address, params=where, json={"text": "Stars burn."}).json()["changed"] == 1
    assert write.put(address, params=where, json={"text": "Stars burn."}).json()["unchanged"] == 1
    keep_up(database)
    found = write.get(address, params=where).json()
    assert (found["id"], found["text"]) == (id, "Stars burn.")
    assert write.delete(address, params=where).json() == {"deleted": 1, "unknown": []}
    assert write.delete(address, params=where).status_code == 404
    assert write.get(address, params=where).status_code == 404


def test_broken_documents_are_named_and_the_others_stored(client: Client, database: Engine) -> None:
    many = [{"id": f"n{number}", "text": f"Number {number}."} for number in range(10_000)]
    many[10]["text"] = "  "
    many[5000]["id"] = "x" * 1_000_000
    many[9999]["id"] = "n0"
    answer = client("write").post("/v1/documents", json={"collection": "new", "documents": many}).json()
    assert (answer["added"], len(answer["failures"])) == (9997, 3)
    reasons = {failure["id"][:80]: failure["reason"] for failure in answer["failures"]}
    assert "no text" in reasons["n10"]
    assert "came before" in reasons["n0"]
    assert "1000000 characters" in reasons["x" * 80]
    with database.connect() as connection:
        counted = connection.exec_driver_sql("SELECT count(*) FROM documents WHERE superseded IS NULL")
        assert counted.scalar_one() == 9997 + 2


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"documents": [{"id": "x\0y", "text": "t"}]}, 200, "NUL"),
        ({"documents": [{"id": "x", "text": "long " * (MAX_TEXT // 5 + 1)}]}, 200, "10,000,000 is the most"),
        ({"documents": [{"id": "", "text": "t"}]}, 200, "its id is empty"),
        ({"documents": [{"id": "x"}]}, 400, "text is missing"),
        ({"documents": [{"id": "x", "text": "t", "extra": 1}]}, 400, "extra"),
        ({"documents": [{"id": 5, "text": "t"}]}, 400, "id"),
        ({"documents": [{"id": "x", "text": "t"}] * 10_001}, 400, "at most 10000"),
        ({"documents": [{"id": "x", "text": "t"}], "collection": "No Such Name"}, 400, "cannot name"),
        ({"documents": [{"id": "x", "text": "t"}], "collection": "a\0b"}, 400, "cannot name"),
        ([], 400, "body"),
    ],
)
def test_what_cannot_be_written_is_told(client: Client, body: object, status: int, says: str) -> None:
    answer = client("write").post("/v1/documents", json=body)
    assert answer.status_code == status
    assert says in answer.text
    if status == 200:
        assert answer.json()["added"] == 0


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(client: Client) -> None:
    write = client("write")
    body = json.dumps({"documents": [{"id": "x", "text": "t" * (MAX_BODY + 1)}]}).encode()
    told = write.post("/v1/documents", content=body)
    pieces = (body[start : start + 65536] for start in range(0, len(body), 65536))
    untold = write.post("/v1/documents", content=pieces)
    for answer in (told, untold):
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "too_large"


def test_only_who_may_write_may_send_much(client: Client) -> None:
    body = json.dumps({"q": "x", "zzz": [1] * MAX_OPEN_BODY}).encode()
    for key in ("search", "wrong"):
        answer = client(key).post("/v1/search", content=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    large = {"documents": [{"id": "x", "text": "t" * MAX_OPEN_BODY}], "collection": "new"}
    assert client("write").post("/v1/documents", json=large).json()["added"] == 1
    many = {
        "documents": [{"id": str(number), "text": "t", "meta": {"a": [1] * 50}} for number in range(2000)]
    }
    assert client("write").post("/v1/documents", json={**many, "collection": "new"}).json()["added"] == 2000


def test_each_mistake_is_told_once(client: Client) -> None:
    mistakes = {"id": 1, "text": 2, "title": 3}
    answer = client("write").post("/v1/documents", json={"documents": [mistakes] * 10_000})
    assert answer.json()["error"]["message"] == "documents.0.text=2 cannot be used."


def nested(levels: int) -> dict[str, Any]:
    deep: dict[str, Any] = {}
    for _ in range(levels - 1):
        deep = {"a": deep}
    return deep


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        ({f"f{number}": 1 for number in range(MAX_FIELDS + 1)}, f"more than {MAX_FIELDS:,} fields"),
        ({"a": {f"f{number}": 1 for number in range(MAX_FIELDS)}}, f"more than {MAX_FIELDS:,} fields"),
        ({"a": [1] * (MAX_VALUES + 1)}, f"more than {MAX_VALUES:,} values"),
        ({"a": [[[]] * 1000] * 1000}, f"more than {MAX_VALUES:,} values"),
        (nested(MAX_NESTING + 2), "nested too deeply"),
        (nested(400), "nested too deeply"),
    ],
)
def test_metadata_beyond_its_bounds_is_refused(client: Client, meta: dict[str, Any], reason: str) -> None:
    answer = client("write").put("/v1/documents/x?collection=c", json={"text": "Whales.", "meta": meta})
    assert answer.status_code == 400
    assert reason in answer.text


def test_metadata_within_its_bounds_is_read_back(client: Client, database: Engine) -> None:
    write = client("write")
    fields = {f"f{number}": number for number in range(MAX_FIELDS - MAX_NESTING - 1)}
    meta = {**fields, "deep": nested(MAX_NESTING - 1)}
    sent = write.put("/v1/documents/x?collection=c", json={"text": "Whales.", "meta": meta})
    assert sent.json()["added"] == 1
    keep_up(database)
    assert write.get("/v1/documents/x?collection=c").json()["meta"] == meta


def test_what_was_stored_nested_too_deeply_is_read_as_text(client: Client, database: Engine) -> None:
    with database.begin() as connection:
        meta = json.dumps({"deep": nested(400)})
        connection.execute(
            text("UPDATE documents SET meta = cast(:meta AS jsonb) WHERE external_id = 'a'"), {"meta": meta}
        )
    read = client("search").get("/v1/documents/a?collection=c")
    assert read.status_code == 200
    assert "{" in read.text.split('"deep":')[1]


UNUSABLE = [
    ("POST", "/v1/documents/delete", {"ids": ["\ud800", "a\0b"], "collection": "c"}, 200),
    ("POST", "/v1/jobs", {"kind": "ingest", "collection": "c", "path": "a\0b"}, 400),
    ("POST", "/v1/jobs", {"kind": "ingest", "collection": "c", "path": "\ud800"}, 400),
    ("POST", "/v1/jobs", {"kind": "ingest", "collection": "c", "path": "x", "exclude": ["\ud800"]}, 400),
    ("POST", "/v1/jobs", {"kind": "dump", "collection": "c", "path": "\0"}, 400),
    ("POST", "/v1/jobs/9223372036854775808/cancel", None, 404),
    ("POST", "/v1/jobs/9223372036854775808/retry", None, 404),
    ("POST", "/v1/rollback?collection=c&to=99999999999999999999", None, 400),
    ("PATCH", "/v1/collections/c", {"description": "\ud800"}, 400),
    ("PATCH", "/v1/collections/c", {"name": "\ud800"}, 400),
    ("PUT", "/v1/presets/p?collection=c", {"steer": [], "description": "\0"}, 400),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), UNUSABLE)
def test_what_no_database_can_hold_is_told(
    client: Client, method: str, path: str, body: dict[str, Any] | None, status: int
) -> None:
    content = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    answer = client("admin").request(method, path, content=content, headers=headers)
    assert answer.status_code == status, answer.text


def test_a_job_named_by_a_form_must_be_one(client: Client) -> None:
    for kind in ("", "nothing"):
        answer = client("admin").post("/v1/jobs", json={"kind": kind, "collection": "c"})
        assert answer.status_code == 400


EMPTY = [
    "/v1/search",
    "/v1/features",
    "/v1/concepts",
    "/v1/map",
    "/",
    "/features",
    "/features/map",
    "/analyze",
]


@pytest.mark.parametrize("path", EMPTY)
def test_an_emptied_collection_is_searched_in_vain(client: Client, database: Engine, path: str) -> None:
    write = client("write")
    write.post("/v1/documents/delete", json={"ids": ["a", "b"], "collection": "c"})
    keep_up(database)
    params = {"collection": "c", "q": "whales", "find": "whales", "text": "whales"}
    assert write.get(path, params=params).status_code == 200


def test_each_route_asks_for_its_scope(client: Client) -> None:
    """No key, a wrong one and a revoked one get one answer; too narrow a scope another."""
    routes: list[tuple[str, str, str, dict[str, Any] | None]] = [
        ("PUT", "/v1/documents/x", "write", {"text": "t"}),
        ("DELETE", "/v1/documents/x", "write", None),
        ("POST", "/v1/documents", "write", {"documents": []}),
        ("POST", "/v1/documents/delete", "write", {"ids": []}),
        ("GET", "/v1/jobs", "admin", None),
        ("POST", "/v1/jobs", "admin", {"kind": "verify", "collection": "c"}),
        ("GET", "/v1/jobs/1", "admin", None),
        ("POST", "/v1/jobs/1/cancel", "admin", None),
        ("POST", "/v1/jobs/1/retry", "admin", None),
        ("GET", "/v1/generations", "admin", None),
        ("POST", "/v1/rollback", "admin", None),
        ("PATCH", "/v1/collections/none", "admin", {}),
        ("POST", "/v1/collections/none/copy", "admin", {"name": "new"}),
        ("DELETE", "/v1/collections/none", "admin", None),
    ]
    order = ["search", "write", "admin"]
    for method, path, needed, body in routes:
        assert client("rf_wrong").request(method, path, json=body).status_code == 401, path
        for scope in order:
            status = client(scope).request(method, path, json=body, params={"collection": "c"}).status_code
            reaches = order.index(scope) >= order.index(needed)
            assert (status not in (401, 403)) if reaches else (status == 403), (path, scope)


def test_jobs_generations_and_going_back(client: Client, database: Engine, tmp_path: Path) -> None:
    admin = client("admin")
    asked = {"kind": "reindex", "collection": "c", "passage_tokens": 24}
    job = admin.post("/v1/jobs", json=asked)
    assert (job.status_code, job.json()["state"]) == (202, "waiting")
    assert admin.post("/v1/jobs", json=asked).status_code == 409
    work_off(database, tmp_path)
    done = admin.get(f"/v1/jobs/{job.json()['number']}").json()
    assert (done["state"], done["result"]["documents"]) == ("done", 2)
    generations = admin.get("/v1/generations", params={"collection": "c"}).json()
    assert [each["state"] for each in generations] == ["live", "retired"]
    assert generations[0]["checks"]["recall"] == 1.0
    back = admin.post("/v1/rollback", params={"collection": "c"}).json()
    assert [each["state"] for each in back] == ["retired", "live"]
    assert ids(admin) == {"a", "b"}
    assert admin.post("/v1/rollback", params={"collection": "c", "to": 99}).status_code == 400
    assert admin.post(f"/v1/jobs/{done['number']}/cancel").status_code == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "nonsense"}, 400),
        ({"kind": "reindex", "collection": "nowhere"}, 404),
        ({"kind": "reindex", "index": "tree"}, 400),
        ({"kind": "reindex", "passage_tokens": 1}, 400),
        ({"kind": "reindex", "dimensions": 0}, 400),
        ({"kind": "reindex", "collection": "c", "model": "http://127.0.0.1:1/v1#m"}, 400),
        ({"kind": "reindex", "collection": "c", "model": "https://user:secret@host/v1#m"}, 400),
        ({"kind": "train"}, 400),
        ({"kind": "reindex", "readapt": True}, 400),
        ({}, 400),
    ],
)
def test_a_job_that_makes_no_sense_is_refused(client: Client, body: dict[str, object], status: int) -> None:
    answer = client("admin").post("/v1/jobs", json={"collection": "c", **body})
    assert answer.status_code == status
    assert answer.json()["error"]["hint"]


def walked(client: TestClient, address: str) -> list[str]:
    """The names of what is listed, page after page, as the header Link leads."""
    seen: list[str] = []
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.text
        seen += [each.get("id") or each["name"] for each in answer.json()]
        link = answer.headers.get("Link", "")
        assert not link or link.endswith('>; rel="next"')
        address = link[1 : link.index(">")] if link else ""
    return seen


def test_all_documents_are_walked_without_a_question(client: Client, database: Engine) -> None:
    write = client("write")
    many = [{"id": f"n/{number} & more", "text": f"Number {number}."} for number in range(1200)]
    write.post("/v1/documents", json={"collection": "c", "documents": many})
    write.put("/v1/documents/a", params={"collection": "c"}, json={"text": "Whales dive."})
    write.delete("/v1/documents/b", params={"collection": "c"})
    keep_up(database)
    seen = walked(write, "/v1/documents?collection=c&limit=100")
    assert len(seen) == len(set(seen)) == 1201
    assert set(seen) == {"a", *(each["id"] for each in many)}
    last = write.get("/v1/documents", params={"collection": "c", "after": seen[-2], "limit": 1})
    assert [each["id"] for each in last.json()] == seen[-1:]
    assert write.get("/v1/documents", params={"collection": "c", "limit": 1000}).status_code == 400
    beyond: dict[str, str | int] = {"collection": "c", "q": "number", "limit": 100, "offset": 1000}
    assert "GET /v1/documents" in write.get("/v1/search", params=beyond).json()["error"]["hint"]


def test_a_collection_is_changed_copied_and_deleted(client: Client) -> None:
    admin = client("admin")
    told = admin.patch("/v1/collections/c", json={"name": "d", "title": "Whales", "description": "On whales"})
    assert told.json() == {"name": "d"}
    assert admin.post("/v1/collections/d/copy", json={"name": "e"}).status_code == 201
    assert walked(admin, "/v1/collections?limit=1") == ["d", "e"]
    for each in admin.get("/v1/collections").json():
        assert (each["title"], each["description"]) == ("Whales", "On whales")
    assert admin.patch("/v1/collections/d", json={"name": "f", "title": "w" * 81}).status_code == 400
    assert admin.patch("/v1/collections/d", json={"default": True}).status_code == 200
    assert [each["default"] for each in admin.get("/v1/collections").json() if each["name"] == "d"] == [True]
    assert admin.patch("/v1/collections/d", json={"default": False}).status_code == 400
    assert admin.patch("/v1/collections/d", json={"name": "e"}).status_code == 400
    assert admin.patch("/v1/collections/d", json={"name": "No name"}).status_code == 400
    assert admin.patch("/v1/collections/d", json={"model": "x"}).status_code == 400
    assert admin.delete("/v1/collections/d").json() == {"deleted": "d", "documents": 2}
    assert admin.delete("/v1/collections/d").status_code == 404
    assert admin.get("/v1/search", params={"q": "x", "collection": "d"}).status_code == 404
    assert walked(admin, "/v1/collections") == ["e"]


def test_of_nothing_that_can_be_stored_no_collection_is_made(client: Client) -> None:
    write = client("write")
    body = {"collection": "new", "documents": [{"id": "x", "text": " "}]}
    assert len(write.post("/v1/documents", json=body).json()["failures"]) == 1
    assert walked(write, "/v1/collections") == ["c"]


ADDRESSES = ["/", "/?q=whales", "/healthz", "/readyz", "/v1/search?q=whales", "/v1/search", "/v1/documents/a"]


@pytest.mark.parametrize("address", [*ADDRESSES, "/documents/a", "/documents/none", "/static/app.js", "/no"])
def test_head_has_the_status_and_type_of_get(client: Client, address: str) -> None:
    search = client("search")
    expected, given = search.get(address), search.head(address)
    assert (given.status_code, given.content) == (expected.status_code, b"")
    assert given.headers["content-type"] == expected.headers["content-type"]


def test_a_reindex_says_what_it_would_cost_and_begins_nothing(
    client: Client, small_embedder: Embedder
) -> None:
    asked = {"kind": "reindex", "collection": "c", "dimensions": 16}
    cost = client("admin").post("/v1/jobs/estimate", json=asked).json()
    assert cost["model"] == small_embedder.space.model
    assert (cost["dimensions"], cost["passages"], cost["embedded"], cost["sent_to"]) == (16, 2, 2, None)
    assert cost["names"] > 30_000
    assert cost["seconds"] > 0
    assert client("admin").get("/v1/jobs").json() == []
    too_wide = client("admin").post("/v1/jobs/estimate", json={**asked, "dimensions": 65})
    assert (too_wide.status_code, too_wide.json()["error"]["code"]) == (400, "invalid_request")
    assert "64" in too_wide.json()["error"]["message"]
    assert client("write").post("/v1/jobs/estimate", json=asked).status_code == 403
