"""What people ask, for owners: over the API, on the admin's page, by the command line, and what people are
told."""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from fastapi import FastAPI
from lxml import html
from sqlalchemy import URL, create_engine, text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from api.auth.keys import create_key
from api.views.insights import COLUMNS
from indexer.collections import set_private
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from tests.support.apps import app_of
from tests.support.building import build, eventually
from tests.support.commands import Shell
from tests.support.notes import documents

pytestmark = pytest.mark.database

QUESTION = "how do cells divide"
TOLD = "Questions are kept for 30 days"
PAGE = "/admin/collections/notes/insights"


@pytest.fixture(scope="module")
def built(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    small_embedder: Embedder,
) -> Iterator[tuple[FastAPI, dict[str, str], Shell]]:
    """An application whose engine follows changes, as a server's does; keys; and commands beside it."""
    data = tmp_path_factory.mktemp("insights")
    with new_database() as url:
        database = create_engine(url)
        build(database, data, small_embedder, "notes", documents())
        engine = SearchEngine(database, data)
        with Session(database) as session:
            keys = {scope: create_key(session, scope, scope) for scope in ("search", "write", "admin")}
            session.commit()
        engine.snapshots.follow()
        try:
            yield app_of(engine), keys, Shell(database, data, COLUMNS="160")
        finally:
            engine.snapshots.end()
            database.dispose()


class Asking:
    """Clients of one application on a collection "notes"."""

    def __init__(self, app: FastAPI, keys: dict[str, str], shell: Shell) -> None:
        self.app, self.keys, self.shell = app, keys, shell
        self.engine: SearchEngine = app.state.engine

    def client(self, scope: str = "") -> TestClient:
        headers = {"Authorization": f"Bearer {self.keys[scope]}"} if scope else {}
        return TestClient(self.app, headers=headers, follow_redirects=False)

    def signed_in(self, scope: str) -> TestClient:
        browser = TestClient(self.app, follow_redirects=False, headers={"Sec-Fetch-Site": "same-origin"})
        assert browser.post("/admin/login", data={"key": self.keys[scope]}).status_code == 303
        return browser

    def keep(self, days: int) -> None:
        answer = self.client("admin").patch("/v1/collections/notes", json={"keep_questions": days})
        assert answer.status_code == 200, answer.text
        eventually(lambda: self.engine.snapshots.keeping().get("notes") == (days or None))

    def insights(self) -> Any:
        answer = self.client("admin").get("/v1/insights", params={"collection": "notes"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def asked(self) -> dict[str, int]:
        return {each["question"]: each["asked"] for each in self.insights()["most_asked"]}


@pytest.fixture
def asking(built: tuple[FastAPI, dict[str, str], Shell]) -> Iterator[Asking]:
    asking = Asking(*built)
    yield asking
    asking.keep(0)


def test_questions_are_kept_only_where_an_owner_says_so(asking: Asking) -> None:
    page = {"q": QUESTION, "collection": "notes"}
    for params in (page, {"collection": "notes"}):
        assert "Questions are kept" not in asking.client().get("/", params=params).text
    asking.client().get("/v1/search", params=page)
    assert asking.insights()["days"] is None
    assert asking.asked() == {}
    asking.keep(30)
    assert asking.asked() == {}
    for params in (page, {"collection": "notes"}):
        assert TOLD in asking.client().get("/", params=params).text
    assert TOLD in asking.client().get("/tips?collection=notes").text
    asking.client().get("/v1/search", params=page)
    asking.client().post("/v1/search", json=page)
    asking.client().get("/v1/search", params={**page, "offset": 10})
    asking.client().get("/search.csv", params=page)
    asking.client().get("/suggest", params=page)
    assert asking.asked() == {QUESTION: 3}
    asking.keep(0)
    assert asking.asked() == {}


def test_a_question_that_is_changed_on_its_page_counts_once(asking: Asking) -> None:
    asking.keep(30)
    client, page = asking.client(), "/?q=how+do+cells+divide&collection=notes"
    client.get(page, headers={"Referer": "http://testserver/?collection=notes"})
    steps = [
        (f"{page}&steer=concept:sea:0.5", page, "knobs"),
        (f"{page}&steer=concept:sea:1", f"{page}&steer=concept:sea:0.5", "knobs"),
        (f"{page}&steer=concept:sea:1&mode=semantic", f"{page}&steer=concept:sea:1", "ask"),
    ]
    for address, before, trigger in steps:
        htmx = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{before}", "HX-Trigger": trigger}
        assert client.get(address, headers=htmx).status_code == 200
    client.get(f"{page}&steer=concept:sea:1", headers={"Referer": f"http://testserver{page}"})
    found = asking.insights()
    assert asking.asked() == {QUESTION: 1}
    assert [(each["name"], each["questions"]) for each in found["knobs"]] == [("sea", 1)]
    client.get("/?q=whales&collection=notes", headers={"Referer": f"http://testserver{page}"})
    client.get(page, headers={"Referer": "http://testserver/?q=whales&collection=notes"})
    client.get(page, headers={"Referer": "http://[broken?limit=x"})
    assert asking.asked() == {QUESTION: 3, "whales": 1}


def test_what_admins_try_on_the_page_is_not_what_people_ask(asking: Asking) -> None:
    asking.keep(30)
    for scope in ("admin", "write"):
        assert asking.signed_in(scope).get(f"/?q={scope}&collection=notes").status_code == 200
    asking.client("admin").get("/v1/search", params={"q": "a program", "collection": "notes"})
    assert asking.asked() == {"write": 1, "a program": 1}


def test_only_admins_read_and_delete_them(asking: Asking) -> None:
    asking.keep(30)
    asking.client("search").get("/v1/search", params={"q": QUESTION, "collection": "notes"})
    for method, address in (("GET", ""), ("GET", "/questions.csv"), ("DELETE", "")):
        for scope, status in (("", 401), ("search", 403), ("write", 403)):
            answer = asking.client(scope).request(method, f"/v1/insights{address}?collection=notes")
            assert answer.status_code == status
    for address in (PAGE, f"{PAGE}.csv"):
        assert asking.client().get(address).status_code in (303, 401)
        assert asking.signed_in("write").get(address).status_code == 403
    assert asking.asked() == {QUESTION: 1}
    with asking.engine.database.connect() as connection:
        (row,) = connection.execute(text("SELECT * FROM questions")).mappings().all()
    assert not any("search" in str(value) for name, value in row.items() if name != "modes")
    answer = asking.client("admin").delete("/v1/insights?collection=notes")
    assert answer.json() == {"deleted": 1}
    assert asking.asked() == {}
    assert asking.client("admin").get("/v1/insights?collection=nobody").status_code == 404


def test_questions_of_a_private_collection_are_its_owners(asking: Asking) -> None:
    set_private(asking.engine.database, "notes", private=True)
    try:
        eventually(lambda: asking.engine.snapshots.private().get("notes") is True)
        page = {"q": QUESTION, "collection": "notes"}
        asking.client("search").get("/v1/search", params=page)
        assert asking.asked() == {}
        asking.keep(30)
        asking.client("search").get("/v1/search", params=page)
        assert asking.client().get("/v1/search", params=page).status_code == 404
        assert asking.asked() == {QUESTION: 1}
    finally:
        set_private(asking.engine.database, "notes", private=False)


def test_the_page_shows_what_is_asked_and_deletes_it(asking: Asking) -> None:
    admin = asking.signed_in("admin")
    assert "Questions are not kept" in admin.get(PAGE).text
    assert PAGE in admin.get("/admin/collections/notes").text

    def send(**fields: str) -> int:
        tokens = html.document_fromstring(admin.get(PAGE).text).xpath("//input[@name='csrf']/@value")
        assert isinstance(tokens, list)
        return admin.post(PAGE, data={"csrf": str(tokens[0]), **fields}).status_code

    assert admin.post(PAGE, data={"keep": "yes", "days": "30"}).status_code == 403
    assert send(keep="yes", days="366") == 400
    assert send(keep="yes", days="30") == 303
    eventually(lambda: "notes" in asking.engine.snapshots.keeping())
    for asked in (QUESTION, "<b>zzyzx</b> of cells"):
        asking.client().get("/v1/search", params={"q": asked, "collection": "notes"})
    shown = admin.get(PAGE).text
    assert "/?q=how%20do%20cells%20divide&amp;collection=notes" in shown
    assert "<b>zzyzx" not in shown
    assert "zzyzx" in shown.partition("nowhere: ")[2].partition("<")[0]
    assert send(delete="all") == 303
    assert QUESTION not in admin.get(PAGE).text
    assert "Questions are kept for 30 days" in admin.get(PAGE).text


def test_a_question_in_a_table_is_no_formula(asking: Asking) -> None:
    asking.keep(30)
    odd = ["=HYPERLINK(cells)", "+cells", "-1 cells", "@SUM cells", 'a "quoted, cell"']
    for asked in odd:
        answer = asking.client().post("/v1/search", json={"q": asked, "collection": "notes"})
        assert answer.status_code == 200, answer.text
    tables = [
        asking.client("admin").get("/v1/insights/questions.csv?collection=notes"),
        asking.signed_in("admin").get(f"{PAGE}.csv"),
    ]
    for table in tables:
        assert table.headers["content-type"] == "text/csv; charset=utf-8"
        header, *rows = csv.reader(io.StringIO(table.content.decode("utf-8-sig"), newline=""))
        assert tuple(header) == COLUMNS
        assert sorted(row[0].removeprefix("'") for row in rows) == sorted(odd)
        assert not any(cell[:1] in set("=+-@") for row in rows for cell in row if cell)


def test_the_command_line_keeps_and_shows_them(asking: Asking) -> None:
    notes = ("--collection", "notes")
    assert "No questions are kept of notes" in asking.shell.run("insights", *notes)
    assert "0 asked" in asking.shell.run("insights", *notes, "--keep", "30")
    eventually(lambda: "notes" in asking.engine.snapshots.keeping())
    asking.client().get("/v1/search", params={"q": "zzyzx of cells", "collection": "notes"})
    assert asking.asked() == {"zzyzx of cells": 1}
    said = asking.shell.run("insights", *notes)
    assert "1 asked (1 different)" in said
    assert "Words that are nowhere 1 zzyzx" in said
    assert "zzyzx of cells,1," in asking.shell.run("insights", *notes, "--csv")
    assert "1 are deleted" in asking.shell.run("insights", *notes, "--delete")


def test_metrics_count_and_name_no_question(asking: Asking) -> None:
    asking.keep(30)
    asking.client().get("/v1/search", params={"q": "zzyzx of cells", "collection": "notes"})
    asking.insights()
    told = asking.client("admin").get("/metrics").text
    for name in ("refract_questions_kept", "refract_searches_words_nowhere"):
        assert f'{name}_total{{collection="notes"}}' in told
    assert "refract_questions_dropped_total" in told
    assert "zzyzx" not in told
