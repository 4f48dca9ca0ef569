"""Repairs over the wire: by the JSON API, on the pages, by the command line; who may."""

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from api.app import create_app
from api.auth.keys import create_key
from api.auth.sessions import COOKIE, csrf_token
from indexer.judgements.store import Given, keep_judgements
from search.db.models import AuditRow
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from tests.support.building import build
from tests.support.commands import Shell, assert_one_line
from tests.support.notes import documents

pytestmark = pytest.mark.database

QUESTION = "whales in the sea"
DOCUMENT = "proofs/induction"
PIN = {"collection": "notes", "kind": "pinned", "question": QUESTION, "document": DOCUMENT}
PAGE = f"/repair?q={quote(QUESTION)}&collection=notes&document={DOCUMENT}"


@pytest.fixture
def client(database: Engine, tmp_path: Path, small_embedder: Embedder) -> Iterator[TestClient]:
    """A client whose headers are those of a key of scope write."""
    build(database, tmp_path, small_embedder, "notes", documents())
    with Session(database) as session:
        key = create_key(session, "ann", "write")
        session.commit()
    keep_judgements(database, "notes", [Given("how do cells divide", "biology/mitosis", 1, "ann")])
    app = create_app(SearchEngine(database, tmp_path))
    with TestClient(app, headers={"Authorization": f"Bearer {key}"}) as client:
        yield client


def first(client: TestClient) -> str:
    answer = client.get("/v1/search", params={"q": QUESTION, "collection": "notes"}).json()
    document: str = answer["results"][0]["document"]["id"]
    return document


def test_a_repair_is_saved_listed_and_undone(client: TestClient, database: Engine) -> None:
    assert client.get("/v1/repairs", params={"collection": "notes"}).json() == []
    before = first(client)
    saved = client.post("/v1/repairs", json=PIN).json()
    assert (saved["kind"], saved["document"], saved["created_by"]) == ("pinned", DOCUMENT, "ann")
    assert first(client) == DOCUMENT
    assert client.get("/v1/repairs", params={"collection": "notes"}).json() == [saved]
    again = client.post("/v1/repairs", json=PIN)
    assert (again.status_code, again.json()["error"]["code"]) == (400, "invalid_request")
    place = f"/v1/repairs/{saved['number']}"
    undone = client.delete(place, params={"collection": "notes"}).json()
    assert undone["undone_at"]
    assert first(client) == before
    assert client.delete(place, params={"collection": "notes"}).json()["error"]["code"] == "repair_not_found"
    assert client.get("/v1/repairs", params={"collection": "notes"}).json() == []
    all_of_them = client.get("/v1/repairs", params={"collection": "notes", "undone": True}).json()
    assert all_of_them == [undone]
    with Session(database) as session:
        actions = [each.action for each in session.query(AuditRow) if each.action.startswith("repair")]
    assert actions == ["repair.save", "repair.undo"]


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"document": "nothing"}, 404, "nothing"),
        ({"question": " "}, 400, "empty"),
        ({"kind": "magic"}, 400, "kind"),
        ({"kind": "same_words", "words": ["orca", "kraken"]}, 400, "kraken"),
        ({"kind": "knob", "feature": 10**7, "strength": 1}, 400, "10000000"),
        ({"kind": "keyword", "words": []}, 400, "keywords"),
        ({"collection": "nothing"}, 404, "nothing"),
    ],
)
def test_what_cannot_be_a_repair_is_refused(
    client: TestClient, change: dict[str, Any], status: int, says: str
) -> None:
    answer = client.post("/v1/repairs", json={**PIN, **change})
    assert answer.status_code == status
    assert says in answer.text
    assert client.get("/v1/repairs", params={"collection": "notes"}).json() == []


def test_the_page_saves_what_it_has_tried_and_undoes_it(client: TestClient) -> None:
    app: Any = client.app
    browser = TestClient(app, headers={"Sec-Fetch-Site": "same-origin"})
    assert browser.get(PAGE, follow_redirects=False).status_code == 303, "to sign in"
    browser.get(f"/admin/login?token={app.state.links.make()}")
    page = browser.get(PAGE)
    assert page.status_code == 200
    assert f"{DOCUMENT}</em> stands first for “{QUESTION}”" in page.text
    assert "all other judged questions, 1" in page.text
    form = {"csrf": csrf_token(browser.cookies[COOKIE]), "collection": "notes"}
    save = {**form, "kind": "pinned", "question": QUESTION, "of": DOCUMENT, "back": PAGE}
    assert "It stands first" in browser.post("/repairs", data=save).text
    assert first(client) == DOCUMENT
    listed = browser.get("/repairs?collection=notes").text
    number = re.findall(r'name="undo" value="(\d+)"', listed)[0]
    undone = unescape(browser.post("/repairs", data={**form, "undo": number}).text)
    assert "undone" in undone
    assert first(client) != DOCUMENT
    for wrong in ({"undo": "x"}, {"undo": "99999"}, {"kind": "magic"}, {"kind": "knob", "feature": "x"}):
        assert browser.post("/repairs", data={**form, **wrong}).status_code in (400, 404)
    unknown = browser.get("/repair?collection=notes&q=whales&document=whale").text
    assert "Which one?" in unknown
    assert "No document has" in browser.get("/repair?collection=notes&q=whales&document=zzzz").text
    assert "What is found now" in browser.get("/repair?collection=notes&q=whales&wrong=sea/1").text
    assert browser.get("/repair?collection=notes").status_code == 200
    odd = browser.get("/repair", params={"collection": "notes", "q": "?!", "document": DOCUMENT})
    assert odd.status_code == 400


def test_the_command_line_lists_exports_and_undoes(
    client: TestClient, database: Engine, tmp_path: Path
) -> None:
    shell = Shell(database, tmp_path, COLUMNS="160")
    notes = ("--collection", "notes")
    saved = client.post("/v1/repairs", json=PIN).json()
    number = str(saved["number"])
    assert f"{number} {DOCUMENT} stands first for “{QUESTION}” (ann, " in shell.run("repairs", "list", *notes)
    (line,) = shell.run("repairs", "export", *notes).splitlines()
    assert json.loads(line) == saved
    assert "Undone" in shell.run("repairs", "undo", number, *notes)
    assert shell.run("repairs", "list", *notes) == ""
    assert "undone" in shell.run("repairs", "list", "--undone", *notes)
    assert_one_line(shell.tried("repairs", "undo", number, *notes), f"no repair {number} in force")
    assert first(client) != DOCUMENT
