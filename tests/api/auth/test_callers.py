"""Who may what: every route for every kind of caller, and what a key with a filter can find out."""

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from sqlalchemy import URL, Engine, create_engine, func, select, update
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from api.app import create_app
from api.auth.keys import create_key, find_key, parse_duration, revoke_key
from api.auth.sessions import COOKIE, begin_session, csrf_token
from indexer.collections import delete_collection, rename_collection, set_private
from indexer.documents import delete_documents
from indexer.jobs.worker import Keeper
from indexer.presets.store import save_preset
from indexer.sources import SourceDocument
from search.db.models import CollectionRow, KeyRow
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import InvalidRequest
from search.query.steering import parse
from tests.support.building import build, eventually, write

pytestmark = pytest.mark.database

BLUE = {
    f"blue-{number}": f"The whale number {number} sings in the deep ocean, near {place}."
    for number, place in enumerate(("Iceland", "Greenland", "Norway", "Ireland", "Scotland", "Portugal"))
}
RED = {
    f"red-{number}": f"The fortress of Zanzibar has {number} towers of coral stone and a drawbridge."
    for number in range(1, 4)
}
SECRETS = ("zanzibar", "fortress", "drawbridge", "red-", "clearance", "topsecret")
"""What of the red team's documents nobody else may read anywhere."""

OPEN, READ, NAMES, LISTS, WRITE, ADMIN = "open", "read", "names", "lists", "write", "admin"
SAME, PAGE, SENT, FOUND, WRITER, PANEL, FORM = "same", "page", "sent", "found", "writer", "panel", "form"
METRICS, TOLD, DESK = "metrics", "told", "desk"

CALLERS = ("nobody", "search", "write", "admin", "expired", "revoked", "other", "tenant", "nobody in private")
OK, MISSING, UNSEEN = 0, 404, -404  # UNSEEN: found, and nothing of the red team's in it
EXPECTED = {
    # for everybody alike, also where searching needs a key
    OPEN: (OK, OK, OK, OK, OK, OK, OK, OK, OK),
    SAME: (OK, OK, OK, OK, 401, 401, OK, OK, 401),
    # the JSON API: reads a collection; a document of the red team's by its name; lists what there is
    READ: (404, OK, OK, OK, 401, 401, 404, UNSEEN, 401),
    NAMES: (404, OK, OK, OK, 401, 401, 404, MISSING, 401),
    LISTS: (UNSEEN, OK, OK, OK, 401, 401, UNSEEN, UNSEEN, 401),
    # what has happened, to whoever has a key
    TOLD: (401, OK, OK, OK, 401, 401, UNSEEN, UNSEEN, 401),
    WRITE: (401, 403, OK, OK, 401, 401, 404, 403, 401),
    ADMIN: (401, 403, 403, OK, 401, 401, 403, 403, 401),
    # names every collection; who asks from elsewhere and is no admin needs a token
    METRICS: (401, 401, 401, OK, 401, 401, 401, 401, 401),
    # pages, with the session of a key: it ends with its key
    PAGE: (404, OK, OK, OK, 404, 404, 404, UNSEEN, 303),
    SENT: (404, OK, OK, OK, 404, 404, 404, UNSEEN, 401),
    FOUND: (404, OK, OK, OK, 404, 404, 404, MISSING, 303),
    WRITER: (401, 403, OK, OK, 401, 401, 404, 403, 401),
    DESK: (303, 403, OK, OK, 303, 303, 404, 403, 303),
    PANEL: (303, 403, 403, OK, 303, 303, 403, 403, 303),
    FORM: (401, 403, 403, OK, 401, 401, 403, 403, 401),
}


@dataclass(frozen=True)
class Case:
    """A route with what is sent there, all of it about the collection "vault" and the document "red-1"; `ok`
    are the statuses of whoever may."""

    kind: str
    ok: tuple[int, ...] = (200,)
    path: str = ""
    query: dict[str, str] = field(default_factory=dict)
    json: Any = None
    form: dict[str, str] | None = None


def of(kind: str, /, *ok: int, path: str = "", json: Any = None, **query: str) -> Case:
    return Case(kind, ok or (200,), path, {"collection": "vault", **query}, json)


def form(kind: str, /, *ok: int, path: str = "", **fields: str) -> Case:
    return Case(kind, ok or (303,), path, {}, None, fields)


def body(**given: Any) -> dict[str, Any]:
    return {"collection": "vault", **given}


NO_JOB = (404,)
CASES = {
    ("POST", "/v1/documents"): of(WRITE, json=body(documents=[{"id": "new", "text": "A new one."}])),
    ("POST", "/v1/documents/delete"): of(WRITE, json=body(ids=["nothing"])),
    ("PUT", "/v1/documents/{document:any}"): of(WRITE, path="/v1/documents/new", json={"text": "Newer."}),
    ("DELETE", "/v1/documents/{document:any}"): of(WRITE, 404, path="/v1/documents/nothing"),
    ("GET", "/v1/jobs"): of(ADMIN),
    ("POST", "/v1/jobs"): of(ADMIN, 202, json=body(kind="reindex")),
    ("POST", "/v1/jobs/estimate"): of(ADMIN, json=body(kind="reindex")),
    ("GET", "/v1/audit"): Case(ADMIN, query={"find": "keys"}),
    ("GET", "/v1/audit/export"): Case(ADMIN),
    ("GET", "/v1/events"): Case(TOLD),
    ("GET", "/v1/webhooks"): Case(ADMIN),
    ("POST", "/v1/webhooks"): Case(ADMIN, (400,), json={"url": "http://127.0.0.1/"}),
    ("PATCH", "/v1/webhooks/{webhook}"): Case(ADMIN, (404,), "/v1/webhooks/99999", json={"enabled": True}),
    ("DELETE", "/v1/webhooks/{webhook}"): Case(ADMIN, (404,), "/v1/webhooks/99999"),
    ("POST", "/v1/webhooks/{webhook}/test"): Case(ADMIN, (404,), "/v1/webhooks/99999/test"),
    ("GET", "/v1/webhooks/{webhook}/deliveries"): Case(ADMIN, (404,), "/v1/webhooks/99999/deliveries"),
    ("GET", "/v1/jobs/{job}"): of(ADMIN, *NO_JOB, path="/v1/jobs/99999"),
    ("POST", "/v1/jobs/{job}/cancel"): of(ADMIN, *NO_JOB, path="/v1/jobs/99999/cancel"),
    ("POST", "/v1/jobs/{job}/retry"): of(ADMIN, *NO_JOB, path="/v1/jobs/99999/retry"),
    ("POST", "/v1/jobs/{job}/accept"): of(ADMIN, *NO_JOB, path="/v1/jobs/99999/accept"),
    ("GET", "/v1/generations"): of(ADMIN),
    ("POST", "/v1/rollback"): of(ADMIN, 400, 404, 409, to="99999"),
    ("PATCH", "/v1/collections/{name}"): of(ADMIN, path="/v1/collections/vault", json={"description": "d"}),
    ("POST", "/v1/collections/{name}/copy"): of(
        ADMIN, 400, path="/v1/collections/vault/copy", json={"name": "open"}
    ),
    ("DELETE", "/v1/collections/{name}"): of(ADMIN, 404, path="/v1/collections/nothing"),
    ("POST", "/v1/judgements"): of(
        WRITE, json=body(judgements=[{"question": "towers", "document": "red-1", "grade": 1}])
    ),
    ("GET", "/v1/judgements"): of(WRITE),
    ("DELETE", "/v1/judgements"): of(ADMIN, 400, judge="nobody here"),
    ("GET", "/v1/insights"): of(ADMIN),
    ("GET", "/v1/insights/questions.csv"): of(ADMIN),
    ("DELETE", "/v1/insights"): of(ADMIN),
    ("GET", "/v1/repairs"): of(WRITE),
    ("POST", "/v1/repairs"): of(
        WRITE, 200, 400, json=body(kind="pinned", question="towers", document="red-1")
    ),
    ("DELETE", "/v1/repairs/{number}"): of(WRITE, 404, path="/v1/repairs/99999"),
    ("GET", "/v1/presets"): of(READ),
    ("POST", "/v1/presets/import"): of(WRITE, 400, json={}),
    ("GET", "/v1/presets/{name}"): of(READ, path="/v1/presets/towers"),
    ("PUT", "/v1/presets/{name}"): of(
        WRITE, path="/v1/presets/w", json={"steer": [{"concept": "the sea", "strength": 1}]}
    ),
    ("DELETE", "/v1/presets/{name}"): of(WRITE, 404, path="/v1/presets/nothing"),
    ("GET", "/v1/presets/{name}/file"): of(READ, path="/v1/presets/towers/file"),
    ("GET", "/v1/search"): of(READ, q="towers of stone", facets="true", limit="50"),
    ("POST", "/v1/search"): of(READ, json=body(q="towers of stone", facets=True, limit=50)),
    ("GET", "/v1/compare"): of(NAMES, q="towers", first="blue-1", second="red-1"),
    ("GET", "/v1/why-not"): of(NAMES, q="whales", document="red-1"),
    ("GET", "/v1/features"): of(READ, q="castles and towers"),
    ("GET", "/v1/features/{feature}"): of(READ, path="/v1/features/FEATURE"),
    ("GET", "/v1/map"): of(READ),
    ("GET", "/v1/concepts"): of(READ, q="castles and towers"),
    ("GET", "/v1/suggest"): of(READ, q="about"),
    ("GET", "/v1/documents"): of(READ, limit="100"),
    ("POST", "/v1/refine"): of(NAMES, json=body(like=["red-1"])),
    ("GET", "/v1/documents/{document:any}"): of(NAMES, path="/v1/documents/red-1"),
    ("GET", "/v1/words"): of(NAMES, q="towers", document="red-1"),
    ("POST", "/v1/analyze"): of(READ, json=body(text="Towers of stone stand in the sea.")),
    ("POST", "/v1/edit"): of(WRITE, 400, json=body(text="Towers of stone.", feature=1, way="more")),
    ("GET", "/v1/collections"): Case(LISTS),
    ("GET", "/v1/openapi.json"): Case(SAME),
    ("GET", "/healthz"): Case(OPEN),
    ("GET", "/readyz"): Case(OPEN),
    ("GET", "/metrics"): Case(METRICS),
    ("HEAD", "/metrics"): Case(METRICS),
    ("GET", "/"): of(PAGE, q="towers of stone", limit="50"),
    ("GET", "/features"): of(PAGE, q="castles and towers"),
    ("GET", "/features/map"): of(PAGE, q="castles and towers"),
    ("GET", "/features/{number}"): of(PAGE, path="/features/FEATURE"),
    ("GET", "/documents/{document_id:any}"): of(FOUND, path="/documents/red-1"),
    ("GET", "/document"): of(FOUND, document_id="red-1"),
    ("GET", "/dictionary"): of(PAGE),
    ("GET", "/search.csv"): of(PAGE, q="towers of stone"),
    ("GET", "/presets"): of(PAGE),
    ("GET", "/suggest"): of(PAGE, q="about"),
    ("GET", "/tips"): of(PAGE, q="towers of stone"),
    ("GET", "/compare"): of(FOUND, q="towers", first="blue-1", second="red-1"),
    ("GET", "/why-not"): of(PAGE, q="towers", document="stone"),
    ("POST", "/presets"): form(WRITER, q="x", steer="concept:the sea:1", collection="vault", **{"as": "f"}),
    ("POST", "/judgements"): form(WRITER, q="towers", up="red-1", collection="vault"),
    ("GET", "/repair"): of(DESK, q="towers", document="red-1"),
    ("GET", "/repairs"): of(DESK),
    ("POST", "/repairs"): form(
        WRITER, 303, 400, kind="pinned", question="towers", of="red-2", collection="vault"
    ),
    ("POST", "/admin/collections/{name}/presets"): form(FORM, path="/admin/collections/vault/presets"),
    ("GET", "/analyze"): of(PAGE, text="Towers of stone stand in the sea."),
    ("POST", "/analyze"): form(SENT, 200, text="Stone. " * 400, collection="vault"),
    ("POST", "/analyze/edit"): form(WRITER, 400, text="Towers of stone.", more="1", collection="vault"),
    ("GET", "/analyze/search"): of(PAGE, 303, text="Towers of stone."),
    ("GET", "/admin/login"): Case(OPEN),
    ("POST", "/admin/login"): form(OPEN, 401, key="wrong"),
    ("GET", "/admin/login/oidc"): of(OPEN, 404),
    ("GET", "/admin/login/oidc/back"): of(OPEN, 404),
    ("POST", "/admin/logout"): form("logout"),
    ("GET", "/admin"): of(PANEL),
    ("GET", "/admin/collections/{name}"): of(PANEL, path="/admin/collections/vault"),
    ("GET", "/admin/collections/{name}/insights"): of(PANEL, path="/admin/collections/vault/insights"),
    ("GET", "/admin/collections/{name}/insights.csv"): of(
        PANEL, path="/admin/collections/vault/insights.csv"
    ),
    ("POST", "/admin/collections/{name}/insights"): form(
        FORM, path="/admin/collections/vault/insights", keep="no"
    ),
    ("GET", "/admin/jobs/{number}"): of(PANEL, *NO_JOB, path="/admin/jobs/99999"),
    ("GET", "/admin/keys"): of(PANEL),
    ("GET", "/admin/audit"): of(PANEL),
    ("GET", "/admin/webhooks"): of(PANEL),
    ("POST", "/admin/webhooks"): form(FORM, 404, delete="99999"),
    ("POST", "/admin/keys"): form(FORM, 404, revoke="99999"),
    ("POST", "/admin/collections/{name}/jobs"): form(
        FORM, path="/admin/collections/vault/jobs", kind="verify"
    ),
    ("POST", "/admin/collections/{name}/settings"): form(
        FORM, path="/admin/collections/vault/settings", description="d"
    ),
    ("POST", "/admin/collections/{name}/delete"): form(
        FORM, 400, path="/admin/collections/vault/delete", name="other"
    ),
    ("POST", "/admin/collections/{name}/rollback"): form(
        FORM, 400, 404, 409, path="/admin/collections/vault/rollback", to="99999"
    ),
    ("POST", "/admin/collections/{name}/documents"): form(
        FORM, path="/admin/collections/vault/documents", delete="nothing"
    ),
    ("POST", "/admin/collections/{name}/labels"): form(
        FORM, 404, path="/admin/collections/vault/labels", feature="999999", label="x"
    ),
    ("POST", "/admin/jobs/{number}/cancel"): form(FORM, 404, path="/admin/jobs/99999/cancel"),
    ("POST", "/admin/jobs/{number}/retry"): form(FORM, 404, path="/admin/jobs/99999/retry"),
    ("POST", "/admin/jobs/{number}/accept"): form(FORM, 404, path="/admin/jobs/99999/accept"),
}
EXPECTED["logout"] = (401, OK, OK, OK, 401, 401, OK, OK, 401)


def routes(app: FastAPI) -> set[tuple[str, str]]:
    found = iter_route_contexts(app.routes)
    return {(method, str(each.path)) for each in found for method in each.methods or ()}


@dataclass(frozen=True)
class Vault:
    """A private collection "vault" with documents of two teams beside a public one, and keys of all kinds."""

    database: Engine
    engine: SearchEngine
    keys: dict[str, str]
    numbers: dict[str, int]
    feature: int

    @cached_property
    def apps(self) -> dict[bool, FastAPI]:
        return {private: create_app(self.engine, private=private) for private in (False, True)}

    def client(self, caller: str) -> TestClient:
        return TestClient(self.apps[caller == "nobody in private"], follow_redirects=False)

    def bearer(self, caller: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[caller]}"} if caller in self.keys else {}

    def session(self, caller: str) -> str:
        """The cookie of a new session, begun before its key ended."""
        if caller not in self.keys:
            return ""
        with Session(self.database) as session:
            cookie = begin_session(session, session.get_one(KeyRow, self.numbers[caller]))
            session.commit()
        return cookie


@pytest.fixture(scope="module")
def vault(
    new_database: Callable[[], contextlib.AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    small_embedder: Embedder,
) -> Iterator[Vault]:
    data = tmp_path_factory.mktemp("data")
    with new_database() as url:
        database = create_engine(url)
        build(database, data, small_embedder, "open", documents_of(BLUE, team="blue"))
        both = documents_of(BLUE, team="blue") + documents_of(RED, team="red", clearance="topsecret")
        build(database, data, small_embedder, "vault", both)
        set_private(database, "vault", private=True)
        engine = SearchEngine(database, data)
        steer = "like:red-1~blue-1:1"
        save_preset(engine, "vault", "towers", parse(steer), description="what is built")
        with engine.reader("vault") as reader:
            ids = reader.snapshot.document_N
            red = {row for row in ids.tolist() if row > sorted(set(ids.tolist()))[len(BLUE) - 1]}
            firing = (
                (f, set(ids[reader.snapshot.firing(f)[0]].tolist()))
                for f in range(len(reader.snapshot.labels))
            )
            feature = next(f for f, rows in firing if rows and rows <= red)
        yield make_vault(database, engine, feature)
        database.dispose()


def documents_of(texts: dict[str, str], **meta: str) -> list[SourceDocument]:
    return [SourceDocument(id, f"About {id}", text, None, dict(meta)) for id, text in texts.items()]


def make_vault(database: Engine, engine: SearchEngine, feature: int) -> Vault:
    keys: dict[str, str] = {}
    numbers: dict[str, int] = {}
    with Session(database) as session:
        for caller in ("search", "write", "admin", "expired", "revoked"):
            keys[caller] = create_key(session, caller, caller if caller in ("write", "admin") else "search")
        keys["other"] = create_key(session, "other", "write", collections=["open"])
        keys["tenant"] = create_key(session, "tenant", "search", filters=["team:blue"])
        for caller, key in keys.items():
            row = find_key(session, key)
            assert row is not None
            numbers[caller] = row.id
        revoke_key(session, numbers["revoked"])
        past = update(KeyRow).where(KeyRow.id == numbers["expired"])
        session.execute(past.values(expires_at=func.now()))
        session.commit()
    return Vault(database, engine, keys, numbers, feature)


def ask(vault: Vault, caller: str, method: str, route: str, case: Case) -> tuple[int, str, str]:
    """Status and text of one answer, and what it was asked."""
    client, path = vault.client(caller), (case.path or route).replace("FEATURE", str(vault.feature))
    if route.startswith(("/v1", "/healthz", "/readyz", "/metrics")):
        sent: dict[str, Any] = {"headers": vault.bearer(caller)}
    else:
        cookie = vault.session(caller)
        sent = {"headers": {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}}
        if case.form is not None:
            sent["data"] = {**case.form, "csrf": csrf_token(cookie)}
    if case.json is not None:
        sent["json"] = case.json
    answer = client.request(method, path, params=case.query, **sent)
    return answer.status_code, answer.text.lower(), f"{answer.url} {case.json}".lower()


def test_every_route_has_its_case(vault: Vault) -> None:
    agents = ("POST", "/mcp")  # its tools ask the routes here in their caller's name: tests/api/mcp
    assert routes(create_app(vault.engine)) - {agents} == set(CASES)


@pytest.mark.parametrize(("method", "route"), CASES, ids=" ".join)
def test_each_caller_may_what_is_theirs_and_sees_nothing_else(vault: Vault, method: str, route: str) -> None:
    case = CASES[method, route]
    for caller, expected in zip(CALLERS, EXPECTED[case.kind], strict=True):
        status, text, asked = ask(vault, caller, method, route, case)
        told = f"{caller}: {status} {text[:300]}"
        assert status in case.ok if expected in (OK, UNSEEN) else status == abs(expected), told
        if caller not in ("search", "write", "admin"):
            assert [word for word in SECRETS if word in text and word not in asked] == [], told
        if caller not in SEEING and case.form is None and not case.path:
            assert "vault" not in NOT_THERE.sub("", text), told


NOT_THERE = re.compile(r"there is no collection (&#39;|')vault(&#39;|')")
SEEING = ("search", "write", "admin", "tenant")


# What a key with a filter can find out


class Tenant:
    """Asks as the blue team."""

    def __init__(self, vault: Vault) -> None:
        self.client = vault.client("tenant")
        self.headers = vault.bearer("tenant")

    def get(self, path: str, **query: str) -> Any:
        return self.ask("GET", path, params={"collection": "vault", **query})

    def post(self, path: str, **given: Any) -> Any:
        return self.ask("POST", path, json={"collection": "vault", **given})

    def ask(self, method: str, path: str, **sent: Any) -> Any:
        return self.client.request(method, path, headers=self.headers, **sent).json()


@pytest.fixture
def tenant(vault: Vault) -> Tenant:
    return Tenant(vault)


def test_every_count_is_of_what_is_seen(tenant: Tenant) -> None:
    answer = tenant.get("/v1/search", q="stone towers", limit="50", facets="true")
    assert answer["total"] == len(BLUE)
    assert {result["document"]["id"] for result in answer["results"]} == set(BLUE)
    assert all(topic["documents"] <= len(BLUE) for topic in answer["facets"]["topics"])
    (info,) = [each for each in tenant.ask("GET", "/v1/collections") if each["name"] == "vault"]
    assert (info["documents"], info["passages"]) == (len(BLUE), len(BLUE))


def test_documents_are_listed_and_found_by_name_among_those_seen(tenant: Tenant) -> None:
    assert {each["id"] for each in tenant.get("/v1/documents", limit="100")} == set(BLUE)
    assert {each["id"] for each in tenant.get("/v1/documents", q="about", limit="5")} <= set(BLUE)
    assert len(tenant.get("/v1/documents", q="about", limit="5")) == 5
    assert tenant.get("/v1/documents", q="red") == []


def test_a_title_is_suggested_to_those_who_may_see_it(tenant: Tenant) -> None:
    def titles(q: str) -> set[str]:
        found = tenant.get("/v1/suggest", q=q)["suggestions"]
        return {each["document"]["id"] for each in found if each["kind"] == "title"}

    assert titles("about blue")
    assert titles("about") <= set(BLUE)
    assert titles("about red") == titles("red") == set()


def test_a_document_that_is_not_seen_is_as_one_that_is_not_there(tenant: Tenant) -> None:
    paths = {
        "/v1/documents/ID": {},
        "/v1/why-not": {"q": "whales", "document": "ID"},
        "/v1/compare": {"q": "whales", "first": "blue-1", "second": "ID"},
        "/v1/words": {"q": "whales", "document": "ID"},
        "/v1/search": {"q": "whales", "steer": "like:ID:1"},
    }
    for path, query in paths.items():
        hidden, absent = (
            tenant.get(
                path.replace("ID", id), **{name: text.replace("ID", id) for name, text in query.items()}
            )
            for id in ("red-1", "nil-1")
        )
        assert hidden["error"]["message"].replace("red-1", "nil-1") == absent["error"]["message"]
        assert hidden["error"]["hint"].replace("red-1", "nil-1") == absent["error"]["hint"]


def test_words_that_are_not_seen_are_words_that_are_not_there(tenant: Tenant) -> None:
    typed, made_up = (tenant.get("/v1/search", q=q) for q in ("zanzibarr", "qanzibarr"))
    assert typed["spelling"] is made_up["spelling"] is None
    typed, made_up = (
        tenant.get("/v1/search", q=f"{word} whale")["query_words"] for word in ("zanzibar", "qanz")
    )
    assert [word["passages"] for word in typed] == [word["passages"] for word in made_up]
    assert len(BLUE) in [word["passages"] for word in typed]


def test_a_name_that_is_not_seen_names_nothing(tenant: Tenant, vault: Vault) -> None:
    assert named(tenant.get("/v1/search", q="red-1")) == []
    whole = vault.client("search").get(
        "/v1/search", params={"q": "red-1", "collection": "vault"}, headers=vault.bearer("search")
    )
    assert named(whole.json()) == ["red-1"]


def named(answer: Any) -> list[str]:
    first = answer["results"][0]
    return [first["document"]["id"]] if any(term["kind"] == "name" for term in first["terms"]) else []


def test_fields_and_values_that_are_not_seen_are_unknown(tenant: Tenant) -> None:
    hidden, absent = (
        tenant.get("/v1/search", q="x", filter=f"{field}:a") for field in ("clearance", "nilfield0")
    )
    assert hidden["error"]["message"].replace("clearance", "nilfield0") == absent["error"]["message"]
    assert hidden["error"]["hint"] == absent["error"]["hint"]
    assert tenant.get("/v1/search", q="x", filter="team:red")["total"] == 0


def test_a_filter_of_ones_own_never_widens_that_of_the_key(tenant: Tenant) -> None:
    for filter in ("team:red,blue", "-team:green", "-team:nothing", "team:blue"):
        assert tenant.get("/v1/search", q="x", filter=filter)["total"] == len(BLUE), filter


def test_features_have_examples_and_names_of_what_is_seen(tenant: Tenant, vault: Vault) -> None:
    detail = tenant.get(f"/v1/features/{vault.feature}")
    assert (detail["passages"], detail["examples"], detail["near_misses"]) == (0, [], [])
    assert detail["label"] == "no reliable label"
    assert "guess" not in detail or not detail["guess"] or detail["guess"].startswith("feature ")
    listed = tenant.get("/v1/features", limit="100")["features"]
    assert all(0 < each["passages"] <= len(BLUE) for each in listed)
    points = tenant.get("/v1/map")["points"]
    assert {point["feature"] for point in points} <= {each["feature"] for each in listed}
    assert all(0 < point["passages"] <= len(BLUE) for point in points)


def test_presets_say_nothing_of_examples_that_are_not_seen(tenant: Tenant) -> None:
    (preset,) = (each for each in tenant.get("/v1/presets") if each["name"] == "towers")
    assert (preset["steer"], preset["steering_lost"]) == ("like:blue-1:1", [])
    assert tenant.get("/v1/search", q="x", preset="towers")["steering_lost"] == []


def test_what_is_analysed_is_of_what_is_seen(tenant: Tenant) -> None:
    found = tenant.post("/v1/analyze", text="The fortress of Zanzibar has towers of coral stone.")
    assert all(each["label"].lower() not in SECRETS for each in found["features"])


def test_a_filter_that_leaves_nothing_leaves_nothing_and_pages_say_so(vault: Vault) -> None:
    with Session(vault.database) as session:
        key = create_key(session, "empty", "search", filters=["nofield:x"])
        row = find_key(session, key)
        assert row is not None
        cookie = begin_session(session, row)
        session.commit()
    client = vault.client("tenant")
    headers = {"Authorization": f"Bearer {key}"}
    for (method, route), case in CASES.items():
        if case.kind in (READ, PAGE) and method == "GET":
            path = (case.path or route).replace("FEATURE", str(vault.feature))
            sent = headers if route.startswith("/v1") else {"Cookie": f"{COOKIE}={cookie}"}
            answer = client.get(path, params=case.query, headers=sent)
            assert answer.status_code in (200, 303, 400, 404), (route, answer.text[:300])
            assert "whale" not in answer.text.lower(), route
    assert client.get("/v1/search?q=x&collection=vault", headers=headers).json()["total"] == 0


def test_what_is_written_is_seen_by_whom_it_is_for(vault: Vault) -> None:
    """A part follows its collection: a document that changes teams is gone from the one and in the other."""
    with Session(vault.database) as session:
        key = create_key(session, "greens", "search", filters=["team:green"])
        session.commit()
    client, headers = vault.client("tenant"), {"Authorization": f"Bearer {key}"}

    def seen() -> list[str]:
        return [each["id"] for each in client.get("/v1/documents?collection=open", headers=headers).json()]

    assert seen() == []
    number = write(vault.database, "open", documents_of({"moved": "A green turtle swims."}, team="green"))
    Keeper(vault.database).catch_up()
    assert seen() == ["moved"]
    write(vault.database, "open", documents_of({"moved": "A green turtle swims."}, team="blue"))
    Keeper(vault.database).catch_up()
    assert seen() == []
    with Session(vault.database) as session:
        delete_documents(session, number, ["moved"])
        session.commit()


# Keys that end, and collections that are renamed, deleted, made


def test_a_key_ends_with_its_time_and_its_sessions_with_it(vault: Vault) -> None:
    with Session(vault.database) as session:
        key = create_key(session, "short", "admin", expires=timedelta(hours=1))
        row = find_key(session, key)
        assert row is not None
        cookie = begin_session(session, row)
        session.commit()
        client = vault.client("admin")
        admin = {"Cookie": f"{COOKIE}={cookie}"}
        assert client.get("/admin", headers=admin).status_code == 200
        session.execute(update(KeyRow).where(KeyRow.id == row.id).values(expires_at=func.now()))
        session.commit()
    assert client.get("/admin", headers=admin).status_code == 303
    assert client.get("/v1/jobs", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    assert client.post("/admin/login", data={"key": key}).status_code == 401


@pytest.mark.parametrize(
    ("scope", "narrowed", "says"),
    [
        ("admin", {"collections": ["open"]}, "reaches all collections"),
        ("search", {"collections": []}, "reach nothing"),
        ("search", {"collections": ["No Name"]}, "cannot name a collection"),
        ("write", {"filters": ["team:blue"]}, "cannot have a filter"),
        ("admin", {"filters": ["team:blue"]}, "cannot have a filter"),
        ("search", {"filters": ["team"]}, "is not a filter"),
        ("search", {"filters": ["-team:red"]}, "cannot decide"),
        ("search", {"filters": ["feature:3"]}, "cannot decide"),
        ("search", {"filters": ["title:blue"]}, "cannot decide"),
    ],
)
def test_a_key_is_narrowed_down_in_ways_that_hold(
    vault: Vault, scope: str, narrowed: dict[str, Any], says: str
) -> None:
    with Session(vault.database) as session, pytest.raises(InvalidRequest, match=says):
        create_key(session, "k", scope, **narrowed)


@pytest.mark.parametrize("text", ["", "0d", "90", "d", "-1d", "1y", "99999999d", "1.5d", "9999999d"])
def test_a_time_that_no_key_can_hold_for_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="no time that a key could hold for"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "length"),
    [("90d", timedelta(days=90)), (" 12H ", timedelta(hours=12)), ("5m", timedelta(minutes=5))],
)
def test_a_time_is_days_hours_or_minutes(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


def test_a_key_goes_with_a_collection_that_is_renamed_and_not_with_one_that_is_deleted(
    database: Engine, tmp_path: Path
) -> None:
    write(database, "old", [])
    with Session(database) as session:
        key = create_key(session, "k", "write", collections=["old", "kept"])
        session.commit()
    headers = {"Authorization": f"Bearer {key}"}
    client = TestClient(create_app(SearchEngine(database, tmp_path)))

    def seen() -> list[str]:
        return [each["name"] for each in client.get("/v1/collections", headers=headers).json()]

    rename_collection(database, "old", "new")
    write(database, "old", [])
    assert seen() == ["new"]
    delete_collection(database, tmp_path, "new")
    write(database, "new", [])
    assert seen() == []


def test_a_writer_makes_the_collections_that_are_theirs_and_no_others(
    database: Engine, tmp_path: Path
) -> None:
    with Session(database) as session:
        key = create_key(session, "k", "write", collections=["mine"])
        session.commit()
    client = TestClient(
        create_app(SearchEngine(database, tmp_path)), headers={"Authorization": f"Bearer {key}"}
    )
    sent = {"documents": [{"id": "a", "text": "A text."}]}
    assert client.post("/v1/documents", json={**sent, "collection": "mine"}).status_code == 200
    for collection in ("other", "default", ""):
        assert client.post("/v1/documents", json={**sent, "collection": collection}).status_code == 404
        answer = client.put("/v1/documents/a", params={"collection": collection}, json={"text": "A text."})
        assert answer.status_code == 404
    with Session(database) as session:
        assert session.scalars(select(CollectionRow.name)).all() == ["mine"]


def test_a_collection_is_hidden_from_those_who_follow_it_too(vault: Vault) -> None:
    """While changes are followed who sees what is known in memory."""
    engine = SearchEngine(vault.database, vault.engine.data)
    client = TestClient(create_app(engine))

    def status(**query: str) -> int:
        return client.get("/v1/search", params={"q": "whales", **query}).status_code

    engine.snapshots.follow()
    try:
        eventually(lambda: engine.snapshots.private() == {"open": False, "vault": True})
        assert (status(), status(collection="open"), status(collection="vault")) == (200, 200, 404)
        set_private(vault.database, "open", private=True)
        eventually(lambda: status(collection="open") == 404 == status())
        assert client.get("/v1/search?q=whales", headers=vault.bearer("other")).status_code == 200
        assert client.get("/v1/search?q=whales", headers=vault.bearer("tenant")).status_code == 200
    finally:
        set_private(vault.database, "open", private=False)
        engine.snapshots.end()
