"""Keys, sessions, one-time links, forms, private searching: who gets in, and that nobody else does."""

import contextlib
import http.client
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import Depends, FastAPI, Request
from jinja2 import ChoiceLoader, DictLoader
from lxml import html
from sqlalchemy import Engine, create_engine, select, update
from sqlalchemy.orm import Session
from starlette.responses import Response
from starlette.testclient import TestClient

from api.auth.guards import MAX_FORM, AdminDep, AdminForm, require
from api.auth.keys import create_key, find_key, list_keys, revoke_key
from api.auth.sessions import COOKIE, Caller, OneTimeLinks, begin_session
from api.views import rendering
from search.db.connection import server_url
from search.db.models import AdminSessionRow, KeyRow
from search.engine.engine import SearchEngine
from search.errors import InvalidRequest, KeyNotFound
from search.shared_tables import SharedTable
from tests.support.apps import app_of
from tests.support.commands import served
from tests.support.forked import forked, running

pytestmark = pytest.mark.database

PAGE = "{% from 'partials/_forms.html' import csrf_field %}<form>{{ csrf_field(csrf) }}</form>"
LONG = "x" * 1_000_000
Open = Callable[..., TestClient]


@pytest.fixture
def open_client(database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens clients of one app that has, besides its own routes, one of each guarded kind."""
    own = rendering.ENVIRONMENT
    assert own.loader is not None
    loader = ChoiceLoader([own.loader, DictLoader({"test.html": PAGE})])
    monkeypatch.setattr(rendering, "ENVIRONMENT", own.overlay(loader=loader))
    apps: dict[bool, FastAPI] = {}
    with contextlib.ExitStack() as stack:

        def opened(*, private: bool = False, base_url: str = "http://testserver") -> TestClient:
            if private not in apps:
                apps[private] = app_of(SearchEngine(database, tmp_path), private=private)
                add_guarded(apps[private])
            client = TestClient(apps[private], base_url=base_url, follow_redirects=False)
            return stack.enter_context(client)

        yield opened


@pytest.fixture
def client(open_client: Open) -> TestClient:
    return open_client()


@dataclass(frozen=True)
class GuardedPage(rendering.Page):
    template = "test.html"


def add_guarded(app: FastAPI) -> None:
    @app.get("/v1/read")
    def read(caller: Annotated[Caller, Depends(require("search"))]) -> str:
        return caller.scope

    @app.post("/v1/write", dependencies=[Depends(require("write"))])
    def write() -> str:
        return "written"

    @app.delete("/v1/all", dependencies=[Depends(require("admin"))])
    def delete() -> str:
        return "deleted"

    @app.get("/admin/test")
    def page(request: Request, _: AdminDep) -> Response:
        return rendering.render(request, GuardedPage())

    @app.post("/admin/test")
    def change(form: AdminForm) -> dict[str, str]:
        return dict(form)


def make_key(database: Engine, scope: str, name: str = "a name") -> str:
    with Session(database) as session:
        key = create_key(session, name, scope)
        session.commit()
    return key


def revoke(database: Engine, number: int) -> None:
    with Session(database) as session:
        revoke_key(session, number)
        session.commit()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def signed_in(client: TestClient, key: str) -> TestClient:
    answer = client.post("/admin/login", data={"key": key})
    assert answer.status_code == 303, answer.text
    return client


def token_of(client: TestClient) -> str:
    """The hidden field of the test page's form."""
    page = tree(client.get("/admin/test").text)
    (value,) = page.xpath("//input[@type='hidden'][@name='csrf']/@value")
    return str(value)


def tree(page: str) -> html.HtmlElement:
    return html.document_fromstring(page)


def make_link(client: TestClient) -> str:
    assert isinstance(client.app, FastAPI)
    return f"/admin/login?token={client.app.state.links.make()}"


def cookie_of(header: str) -> "Morsel[str]":
    return SimpleCookie(header)[COOKIE]


# Keys


def test_only_a_keys_hash_is_kept(database: Engine) -> None:
    key = make_key(database, "write", "  robot ")
    assert key.startswith("rf_")
    assert len(key) == 3 + 43
    with Session(database) as session:
        (row,) = list_keys(session)
        assert row.sha256 == sha256(key.encode()).digest()
        assert (row.name, row.scope, row.used_at, row.revoked_at) == ("robot", "write", None, None)


@pytest.mark.parametrize("name", ["", "   ", "a" * 101, "two\nlines", "nul\0", "\ud800"])
def test_a_key_needs_a_name_that_can_be_shown(database: Engine, name: str) -> None:
    with Session(database) as session:
        with pytest.raises(InvalidRequest, match="cannot be named"):
            create_key(session, name, "admin")
        assert list_keys(session) == []


def test_a_key_needs_a_scope_that_exists(database: Engine) -> None:
    with Session(database) as session, pytest.raises(InvalidRequest, match="'root'"):
        create_key(session, "a", "root")


def test_each_scope_may_do_what_those_before_it_may(client: TestClient, database: Engine) -> None:
    asked = [("GET", "/v1/read"), ("POST", "/v1/write"), ("DELETE", "/v1/all")]
    expected = {"search": [200, 403, 403], "write": [200, 200, 403], "admin": [200, 200, 200]}
    for scope, statuses in expected.items():
        headers = bearer(make_key(database, scope))
        answers = [client.request(method, path, headers=headers) for method, path in asked]
        assert [answer.status_code for answer in answers] == statuses
    error = client.delete("/v1/all", headers=bearer(make_key(database, "write"))).json()["error"]
    assert error["code"] == "forbidden"
    assert "admin" in error["message"]
    assert "admin" in error["hint"]


def test_nobody_is_told_whether_a_key_is_missing_wrong_or_revoked(
    client: TestClient, database: Engine
) -> None:
    key = make_key(database, "admin")
    revoke(database, 1)
    presented: list[str | bytes] = [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {key}",
        f"Basic {key}",
        key,
        "Bearer rf_wrong",
        f"Bearer {LONG}",
        b"Bearer \x00",
        b"Bearer \xff\xfe\xe9",
        "Bearer schlüssel",
        f"Bearer {key} {key}",
    ]
    raw = [value if isinstance(value, bytes) else value.encode() for value in presented]
    answers = [client.post("/v1/write")]
    answers += [client.post("/v1/write", headers={b"Authorization": value}) for value in raw]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}
    errors = [answer.json()["error"] for answer in answers]
    assert len({error.pop("request_id") for error in errors}) == len(answers)
    error = errors[0]
    assert all(other == error for other in errors)
    assert set(error) == {"code", "message", "hint"}
    assert error["code"] == "unauthorized"


def test_the_scheme_may_be_in_any_case(client: TestClient, database: Engine) -> None:
    headers = {"Authorization": f"bearer {make_key(database, 'write')}"}
    assert client.post("/v1/write", headers=headers).status_code == 200


def test_a_key_holds_until_it_is_revoked_and_revoking_again_changes_nothing(
    client: TestClient, database: Engine
) -> None:
    kept, gone = make_key(database, "write"), make_key(database, "write")
    assert client.post("/v1/write", headers=bearer(gone)).status_code == 200
    revoke(database, 2)
    with Session(database) as session:
        first = session.get_one(KeyRow, 2).revoked_at
    revoke(database, 2)
    with Session(database) as session:
        assert session.get_one(KeyRow, 2).revoked_at == first is not None
    assert client.post("/v1/write", headers=bearer(gone)).status_code == 401
    assert client.post("/v1/write", headers=bearer(kept)).status_code == 200


@pytest.mark.parametrize("number", [0, -1, 7, 2**63, 10**40])
def test_a_key_that_is_not_there_cannot_be_revoked(database: Engine, number: int) -> None:
    make_key(database, "search")
    with Session(database) as session, pytest.raises(KeyNotFound, match=str(number)):
        revoke_key(session, number)


@pytest.mark.parametrize(("ago", "noted"), [(None, True), (30, False), (120, True)])
def test_the_last_use_of_a_key_is_noted_once_a_minute(database: Engine, ago: int | None, noted: bool) -> None:
    key = make_key(database, "search")
    before = None if ago is None else datetime.now(UTC) - timedelta(seconds=ago)
    with Session(database) as session:
        session.execute(update(KeyRow).values(used_at=before))
        session.commit()
        assert find_key(session, key) is not None
        session.commit()
        after = session.get_one(KeyRow, 1).used_at
        assert (after != before) is noted


def test_a_wrong_key_is_not_noted_as_used(client: TestClient, database: Engine) -> None:
    make_key(database, "search")
    client.get("/v1/read", headers=bearer("rf_wrong"))
    with Session(database) as session:
        assert session.get_one(KeyRow, 1).used_at is None


def test_searching_is_open_to_everybody(client: TestClient) -> None:
    assert client.get("/v1/collections").json() == []
    assert client.get("/", headers={"Authorization": "Basic of-a-proxy"}).status_code == 503
    assert "/v1/search" in client.get("/v1/openapi.json").json()["paths"]


def test_the_description_of_the_api_says_which_routes_need_a_key(client: TestClient) -> None:
    paths = client.get("/v1/openapi.json").json()["paths"]
    assert paths["/v1/write"]["post"]["security"] == [{"HTTPBearer": []}]
    assert "security" not in paths["/v1/search"]["get"]


# Sessions


def test_an_admins_key_opens_a_session(client: TestClient, database: Engine) -> None:
    answer = client.post("/admin/login", data={"key": f" {make_key(database, 'admin')}\n"})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/admin"
    cookie = cookie_of(answer.headers["Set-Cookie"])
    with Session(database) as session:
        row = session.scalars(select(AdminSessionRow)).one()
        assert row.sha256 == sha256(cookie.value.encode()).digest()
        assert row.key_id == 1
        assert row.expires_at - row.created_at == timedelta(days=30)
    assert client.get("/admin/test").status_code == 200


@pytest.mark.parametrize(("base_url", "secure"), [("http://testserver", False), ("https://testserver", True)])
def test_the_cookie_is_for_this_site_and_not_for_scripts(
    open_client: Open, database: Engine, base_url: str, secure: bool
) -> None:
    client = open_client(base_url=base_url)
    answer = client.post("/admin/login", data={"key": make_key(database, "admin")})
    cookie = cookie_of(answer.headers["Set-Cookie"])
    assert cookie["httponly"] is True
    assert cookie["samesite"].lower() == "lax"
    assert cookie["path"] == "/"
    assert cookie["domain"] == ""
    assert int(cookie["max-age"]) == 30 * 24 * 3600
    assert bool(cookie["secure"]) is secure


def test_without_a_session_a_page_leads_to_the_login_and_back(client: TestClient, database: Engine) -> None:
    answer = client.get("/admin/test?a=b%20c&d=%2F")
    assert answer.status_code == 303
    login = urlsplit(answer.headers["Location"])
    assert login.path == "/admin/login"
    assert parse_qs(login.query) == {"next": ["/admin/test?a=b%20c&d=%2F"]}
    page = tree(client.get(answer.headers["Location"]).text)
    (form,) = page.xpath("//form[@class='login']")
    fields = {field.get("name"): field.get("value") for field in form.xpath(".//input")}
    assert (form.get("method"), form.get("action")) == ("post", "/admin/login")
    entered = client.post("/admin/login", data={**fields, "key": make_key(database, "admin")})
    assert entered.headers["Location"] == "/admin/test?a=b%20c&d=%2F"
    assert client.get(entered.headers["Location"]).status_code == 200


def test_without_a_session_htmx_is_led_to_the_login_too(client: TestClient) -> None:
    answer = client.get("/admin/test?a=b", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/admin/login?next=/admin/test%3Fa%3Db"


def test_a_form_sent_without_a_session_changes_nothing_and_says_so(client: TestClient) -> None:
    answer = client.post("/admin/test", data={"csrf": "x"})
    assert answer.status_code == 401
    (said,) = tree(answer.text).xpath("//*[@role='alert']")
    assert "Nothing was changed" in said.text_content()


@pytest.mark.parametrize("cookie", ["", "wrong", "x" * 4000, "%00", "a b"])
def test_a_wrong_cookie_is_no_session(client: TestClient, cookie: str) -> None:
    assert client.get("/admin/test", headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == 303


@pytest.mark.parametrize("key", ["", " ", "rf_wrong", "schlüssel", "\ud7ff", "x" * 500_000])
def test_a_wrong_key_shows_the_form_again(client: TestClient, key: str) -> None:
    answer = client.post("/admin/login", data={"key": key, "next": "/admin/test"})
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers
    page = tree(answer.text)
    assert page.xpath("//*[@role='alert']/text()") == ["This key does not work."]
    assert page.xpath("//input[@name='next']/@value") == ["/admin/test"]
    assert page.xpath("//input[@type='password']/@autocomplete") == ["current-password"]
    assert page.xpath("//input[@type='password']/@value") == []


def test_a_revoked_key_is_answered_like_a_wrong_one(client: TestClient, database: Engine) -> None:
    key = make_key(database, "admin")
    revoke(database, 1)
    wrong, revoked = (client.post("/admin/login", data={"key": each}) for each in ("rf_wrong", key))
    assert (wrong.status_code, wrong.content) == (revoked.status_code, revoked.content)


@pytest.mark.parametrize("scope", ["search", "write"])
def test_a_key_of_another_scope_does_not_open_the_admins_pages(
    client: TestClient, database: Engine, scope: str
) -> None:
    key = make_key(database, scope)
    answer = client.post("/admin/login", data={"key": key, "next": "/admin/test"})
    assert answer.status_code == 403
    assert "scope admin" in answer.text
    assert "Set-Cookie" not in answer.headers
    assert client.post("/admin/login", data={"key": key}).headers["Location"] == "/"
    assert client.get("/admin/test").status_code == 403


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"key=%ff", "application/x-www-form-urlencoded"),
        (b"key=%00", "application/x-www-form-urlencoded"),
        (b"key=\xff", "application/x-www-form-urlencoded"),
        (b"&a=1" * 2000, "application/x-www-form-urlencoded"),
        (b'{"key": "x"}', "application/json"),
        (b"key=x", "text/plain"),
        (b"key=x", ""),
    ],
)
def test_what_is_no_form_is_refused_in_words(client: TestClient, content: bytes, kind: str) -> None:
    answer = client.post("/admin/login", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert tree(answer.text).xpath("//p[@class='hint']")


def test_a_form_that_is_too_long_is_refused_in_words(client: TestClient, database: Engine) -> None:
    """A key that may send more than anybody lengthens no form."""
    content, kind = b"key=" + b"x" * MAX_FORM, {"Content-Type": "application/x-www-form-urlencoded"}
    for key, status in (({}, 413), (bearer(make_key(database, "write")), 400)):
        answer = client.post("/admin/login", content=content, headers=kind | key)
        assert answer.status_code == status
        assert tree(answer.text).xpath("//p[@class='hint']")


def test_a_session_ends_after_its_time_and_is_then_cleared_away(open_client: Open, database: Engine) -> None:
    key = make_key(database, "admin")
    client = signed_in(open_client(), key)
    with Session(database) as session:
        session.execute(update(AdminSessionRow).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
        session.commit()
    assert client.get("/admin/test").status_code == 303
    signed_in(open_client(), key)
    with Session(database) as session:
        assert session.scalars(select(AdminSessionRow)).one().expires_at > datetime.now(UTC)


def test_revoking_a_key_ends_its_sessions_and_no_others(open_client: Open, database: Engine) -> None:
    kept = signed_in(open_client(), make_key(database, "admin"))
    gone = signed_in(open_client(), make_key(database, "admin"))
    assert gone.get("/admin/test").status_code == 200
    revoke(database, 2)
    assert gone.get("/admin/test").status_code == 303
    assert kept.get("/admin/test").status_code == 200
    with Session(database) as session:
        assert [row.key_id for row in session.scalars(select(AdminSessionRow))] == [1]


def test_a_session_opened_while_its_key_is_revoked_is_none(client: TestClient, database: Engine) -> None:
    make_key(database, "admin")
    with Session(database) as session:
        cookie = begin_session(session, session.get_one(KeyRow, 1))
        session.commit()
        headers = {"Cookie": f"{COOKIE}={cookie}"}
        assert client.get("/admin/test", headers=headers).status_code == 200
        session.get_one(KeyRow, 1).revoked_at = datetime.now(UTC)
        session.commit()
        assert client.get("/admin/test", headers=headers).status_code == 303


def test_signing_out_ends_the_session_also_for_who_kept_the_cookie(
    open_client: Open, database: Engine
) -> None:
    client = signed_in(open_client(), make_key(database, "admin"))
    cookie = client.cookies[COOKIE]
    assert client.post("/admin/logout").status_code == 403
    assert client.get("/admin/test").status_code == 200
    answer = client.post("/admin/logout", data={"csrf": token_of(client)})
    assert answer.status_code == 303
    assert COOKIE not in client.cookies
    again = open_client().get("/admin/test", headers={"Cookie": f"{COOKIE}={cookie}"})
    assert again.status_code == 303


def test_signing_in_anew_leaves_no_session_behind(client: TestClient, database: Engine) -> None:
    key = make_key(database, "admin")
    first = signed_in(client, key).cookies[COOKIE]
    second = signed_in(client, key).cookies[COOKIE]
    assert first != second
    with Session(database) as session:
        assert session.scalars(select(AdminSessionRow.sha256)).all() == [sha256(second.encode()).digest()]


def test_the_admins_pages_are_never_stored(client: TestClient, database: Engine) -> None:
    answers = [
        client.get("/admin/login"),
        client.get("/admin/test"),
        client.get("/admin/nothing"),
        client.post("/admin/login", data={"key": "wrong"}),
        client.post("/admin/login", data={"key": make_key(database, "admin")}),
        client.get("/admin/test"),
    ]
    assert [answer.status_code for answer in answers] == [200, 303, 404, 401, 303, 200]
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}
    assert client.get("/nothing").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "https:evil.example",
        "evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "/admin\r\nSet-Cookie: a=b",
        "/é",
        "",
    ],
)
def test_signing_in_leads_to_no_other_host(client: TestClient, database: Engine, address: str) -> None:
    shown = tree(client.get("/admin/login", params={"next": address}).text)
    assert shown.xpath("//input[@name='next']") == []
    answer = client.post("/admin/login", data={"key": make_key(database, "admin"), "next": address})
    assert answer.headers["Location"] == "/admin"


# The one-time link


def test_a_one_time_link_opens_an_admins_session_once(open_client: Open, database: Engine) -> None:
    client = open_client()
    link = make_link(client)
    answer = client.get(link)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/admin"
    assert client.get("/admin/test").status_code == 200
    with Session(database) as session:
        assert session.scalars(select(AdminSessionRow)).one().key_id is None
    other = open_client()
    again = other.get(link)
    assert again.status_code == 401
    assert "Set-Cookie" not in again.headers
    (said,) = tree(again.text).xpath("//*[@role='alert']")
    assert "refract keys create NAME --scope admin" in said.text_content()
    assert "restart" in said.text_content()
    assert client.get("/admin/test").status_code == 200


@pytest.mark.parametrize("token", ["wrong", "%20", "x" * 10_000, "%C3%BC"])
def test_a_wrong_link_opens_nothing(client: TestClient, token: str) -> None:
    answer = client.get(f"/admin/login?token={token}")
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers


def test_of_many_who_use_a_link_at_once_one_gets_in(open_client: Open, database: Engine) -> None:
    clients = [open_client() for _ in range(20)]
    link = make_link(clients[0])
    together = threading.Barrier(len(clients))

    def use(client: TestClient) -> int:
        together.wait()
        return client.get(link).status_code

    with ThreadPoolExecutor(len(clients)) as threads:
        statuses = list(threads.map(use, clients))
    assert sorted(statuses) == [303] + [401] * 19
    with Session(database) as session:
        assert len(session.scalars(select(AdminSessionRow)).all()) == 1


def test_a_link_ends_after_its_time() -> None:
    expired, lasting = (OneTimeLinks(SharedTable(), seconds) for seconds in (0, 60))
    with expired.using(expired.make()) as valid:
        assert not valid
    with lasting.using(lasting.make()) as valid:
        assert valid


def test_a_link_that_could_not_be_used_is_not_used_up(database: Engine, tmp_path: Path) -> None:
    gone = create_engine(server_url("postgresql://nobody@127.0.0.1:1/none"))
    app = app_of(SearchEngine(gone, tmp_path))
    with TestClient(app, follow_redirects=False) as client:
        link = make_link(client)
        assert client.get(link).status_code == 503
        app.state.engine = SearchEngine(database, tmp_path)
        assert client.get(link).status_code == 303


# Forms


def test_a_form_needs_the_token_of_its_own_session(open_client: Open, database: Engine) -> None:
    key = make_key(database, "admin")
    client, other = signed_in(open_client(), key), signed_in(open_client(), key)
    token = token_of(client)
    sent = client.post("/admin/test", data={"csrf": token, "name": "ä b"})
    assert sent.json() == {"csrf": token, "name": "ä b"}
    for wrong in ("", "x", "ü", token[:-1], token.upper(), token_of(other), client.cookies[COOKIE]):
        answer = client.post("/admin/test", data={"csrf": wrong})
        assert answer.status_code == 403
        assert "cross_site" in answer.text
    assert client.post("/admin/test").status_code == 403
    assert client.post("/admin/test", data={"name": "a"}).status_code == 403
    assert client.post(f"/admin/test?csrf={token}").status_code == 403


ELSEWHERE = [
    {"Origin": "https://evil.example"},
    {"Origin": "http://testserver:8080"},
    {"Origin": "http://testserver.evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"},
]


@pytest.mark.parametrize("headers", ELSEWHERE)
def test_what_another_site_sends_is_refused(
    open_client: Open, database: Engine, headers: dict[str, str]
) -> None:
    key = make_key(database, "admin")
    client = signed_in(open_client(), key)
    answer = client.post("/admin/test", data={"csrf": token_of(client)}, headers=headers)
    assert answer.status_code == 403
    assert "cross_site" in answer.text
    login = open_client().post("/admin/login", data={"key": key}, headers=headers)
    assert login.status_code == 403
    assert "Set-Cookie" not in login.headers
    assert open_client().post("/admin/test", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://testserver"},  # a proxy in front may speak https
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_what_the_own_pages_send_is_taken(
    client: TestClient, database: Engine, headers: dict[str, str]
) -> None:
    signed_in(client, make_key(database, "admin"))
    answer = client.post("/admin/test", data={"csrf": token_of(client)}, headers=headers)
    assert answer.status_code == 200


def test_a_key_is_no_way_into_pages_and_a_session_none_into_writing(
    open_client: Open, database: Engine
) -> None:
    key = make_key(database, "admin")
    assert open_client().get("/admin/test", headers=bearer(key)).status_code == 303
    client = signed_in(open_client(), key)
    assert client.post("/v1/write", data={"csrf": token_of(client)}).status_code == 401


# Private searching


CLOSED = ["/v1/collections", "/v1/search?q=x", "/v1/documents/x", "/v1/openapi.json"]


def test_where_searching_is_private_the_api_needs_a_key(open_client: Open, database: Engine) -> None:
    client = open_client(private=True)
    for path in CLOSED:
        for headers in ({}, bearer("rf_wrong")):
            answer = client.get(path, headers=headers)
            assert answer.status_code == 401
            assert answer.json()["error"]["code"] == "unauthorized"
    assert client.post("/v1/search", json={"q": "x"}).status_code == 401
    key = make_key(database, "search")
    assert client.get("/v1/collections", headers=bearer(key)).json() == []
    assert client.get("/v1/documents/x", headers=bearer(key)).status_code == 404
    revoke(database, 1)
    assert client.get("/v1/collections", headers=bearer(key)).status_code == 401


@pytest.mark.parametrize("path", ["/", "/?q=sort", "/features", "/features/1", "/documents/a", "/dictionary"])
def test_where_searching_is_private_pages_lead_to_the_login(open_client: Open, path: str) -> None:
    answer = open_client(private=True).get(path)
    assert answer.status_code == 303
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["next"] == [path]


def test_where_searching_is_private_health_and_looks_stay_open(open_client: Open) -> None:
    client = open_client(private=True)
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").json()["error"]["code"] == "not_indexed"
    assert client.get("/static/refract.css").status_code == 200
    assert "Searching here needs a key" in client.get("/admin/login").text


def test_where_searching_is_private_any_key_opens_a_session_of_its_scope(
    open_client: Open, database: Engine
) -> None:
    client = open_client(private=True)
    answer = client.post("/admin/login", data={"key": make_key(database, "search")})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert client.get("/v1/collections").status_code == 200
    assert client.get("/").status_code == 503, "nothing is indexed, but the page is shown"
    refused = client.get("/admin/test")
    assert refused.status_code == 403
    assert "scope admin" in refused.text
    assert tree(refused.text).xpath("//a[@href='/admin/login']")
    assert client.get("/v1/collections", headers=bearer("rf_wrong")).status_code == 401
    # A proxy's own password is no key of ours, and does not hide the session.
    assert client.get("/v1/collections", headers={"Authorization": "Basic YTpi"}).status_code == 200
    revoke(database, 1)
    assert client.get("/").status_code == 303


# Host names


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200),
        ("127.8.9.1", 200),
        ("localhost:8000", 200),
        ("LOCALHOST", 200),
        ("[::1]:8000", 200),
        ("search.example.org", 200),
        ("evil.example", 400),
        ("evil.example:8000", 400),
        ("127.0.0.1.evil.example", 400),
        ("localhost.evil.example", 400),
        ("127.0.0.1@evil.example", 400),
        ("10.0.0.1", 400),
        ("[::1", 400),
        ("", 400),
    ],
)
def test_a_server_of_this_machine_answers_under_its_own_names(
    database: Engine, tmp_path: Path, host: str, status: int
) -> None:
    app = app_of(SearchEngine(database, tmp_path), hosts={"search.example.org"})
    with TestClient(app) as client:
        for path in ("/v1/collections", "/healthz", "/v1/openapi.json", "/admin/login"):
            answer = client.get(path, headers={"Host": host})
            assert answer.status_code == status, path
        if status == 400:
            error = client.get("/v1/collections", headers={"Host": host}).json()["error"]
            assert repr(host) in error["message"]
            assert "REFRACT_PUBLIC_HOST" in error["hint"]


# The program


def environment(database: Engine, tmp_path: Path, **more: str) -> dict[str, str]:
    url = database.url.render_as_string(hide_password=False)
    return {**os.environ, "DATABASE_URL": url, "REFRACT_DATA": str(tmp_path), **more}


def ask(port: int, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
    return answer


def test_a_start_on_this_machine_prints_a_link_that_works_once(database: Engine, tmp_path: Path) -> None:
    with served(environment(database, tmp_path, REFRACT_PRIVATE="1"), "--no-worker") as (_, said, process):
        assert said.startswith("Admin page: http://127.0.0.1:")
        assert "works once" in said
        link = urlsplit(said.split()[2])
        assert link.port is not None
        path = f"{link.path}?{link.query}"
        assert ask(link.port, path, Host="evil.example").status == 400
        entered = ask(link.port, path)
        assert (entered.status, entered.headers["Location"]) == (303, "/admin")
        assert ask(link.port, path).status == 401
        cookie = entered.headers["Set-Cookie"].partition(";")[0]
        assert cookie.startswith(f"{COOKIE}_{link.port}=")
        assert ask(link.port, "/v1/collections").status == 401
        assert ask(link.port, "/v1/collections", Cookie=cookie).status == 200
        process.terminate()
        assert parse_qs(link.query)["token"][0] not in "".join(process.communicate())


def test_a_start_for_others_prints_no_link(database: Engine, tmp_path: Path) -> None:
    settings = environment(database, tmp_path, REFRACT_HOST="0.0.0.0")
    with running("serve", "--port", "0", "--no-worker", environment=settings) as process:
        port = urlsplit(process.stdout.readline().split()[3]).port
        assert port is not None
        assert ask(port, "/healthz", Host="search.example.org").status == 200
        process.terminate()
        assert process.communicate()[0] == ""


def test_keys_are_made_listed_and_revoked_on_the_command_line(
    client: TestClient, database: Engine, tmp_path: Path
) -> None:
    def refract(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return forked("keys", *arguments, environment=environment(database, tmp_path, COLUMNS="120"))

    made = refract("create", "robot [1]", "--scope", "write")
    assert made.returncode == 0
    key = made.stdout.removesuffix("\n")
    assert "once" in made.stderr
    assert key not in made.stderr
    assert client.post("/v1/write", headers=bearer(key)).status_code == 200
    listed = refract("list").stdout
    assert "robot [1]" in listed
    assert "write" in listed
    assert key not in listed
    assert refract("revoke", "1").returncode == 0
    assert client.post("/v1/write", headers=bearer(key)).status_code == 401
    narrowed = ("--collections", "a,b", "--filter", "team:blue", "--expires", "90d")
    assert refract("create", "blue", "--scope", "search", *narrowed).returncode == 0
    assert "team:blue" in refract("list").stdout
    for arguments, says in [
        (("revoke", "9"), "There is no key 9."),
        (("create", "a", "--scope", "admin", "--filter", "team:blue"), "cannot have a filter"),
        (("create", " ", "--scope", "admin"), "cannot be named"),
    ]:
        failed = refract(*arguments)
        assert failed.returncode == 1
        assert failed.stderr.startswith("refract: ")
        assert says in failed.stderr
        assert failed.stdout == ""
    assert refract("create", "a", "--scope", "root").returncode == 2
    assert refract("create", "a").returncode == 2
    with Session(database) as session:
        assert [key.filters for key in list_keys(session)] == [[], ["team:blue"]]
