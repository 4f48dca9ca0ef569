"""The audit log: who changed what, in the change's own transaction; who reads it, and how long it is kept."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from api.app import create_app
from api.auth.keys import create_key, revoke_key
from api.auth.sessions import COOKIE, csrf_token
from indexer.audit import (
    LISTED,
    LONGEST,
    PAGE,
    AuditEntry,
    list_entries,
    record,
    walk_entries,
)
from indexer.collections import (
    About,
    copy_collection,
    delete_collection,
    describe_collection,
    rename_collection,
)
from indexer.documents import BATCH, delete_documents, ensure_collection
from indexer.jobs.queue import cancel_job, start_job
from search import logs
from search.engine.engine import SearchEngine
from search.errors import InvalidRequest
from tests.support.building import document, work_off, write
from tests.support.commands import Shell

pytestmark = [pytest.mark.database, pytest.mark.sql]

SECRET = "The text of this document is nobody's business."


def entries(database: Engine, **wanted: Any) -> list[AuditEntry]:
    with Session(database) as session:
        return list_entries(session, **wanted)


def told(database: Engine) -> list[tuple[str, str]]:
    """What was done to what, the first first."""
    return [(entry.action, entry.target) for entry in reversed(entries(database))]


@pytest.fixture
def keys(database: Engine) -> dict[str, str]:
    with Session(database) as session:
        made = {
            scope: create_key(session, f"the {scope} one", scope) for scope in ("search", "write", "admin")
        }
        session.commit()
    return made


@pytest.fixture
def ask(database: Engine, tmp_path: Path, keys: dict[str, str]) -> Iterator[Callable[..., Any]]:
    with TestClient(create_app(SearchEngine(database, tmp_path)), follow_redirects=False) as client:

        def asked(method: str, path: str, scope: str = "admin", **options: Any) -> Any:
            headers = {"Authorization": f"Bearer {keys.get(scope, scope)}", "X-Request-Id": "mine"}
            return client.request(method, path, headers=headers, **options)

        yield asked


def test_every_change_of_a_collection_has_an_entry(database: Engine, tmp_path: Path) -> None:
    write(database, "notes", [document(1)])
    describe_collection(database, "notes", About(description="Whales"))
    copy_collection(database, "notes", "drafts")
    rename_collection(database, "drafts", "sketches")
    number = start_job(database, "verify", "sketches")
    cancel_job(database, number)
    assert delete_collection(database, tmp_path, "notes") == 1
    with Session(database) as session:
        create_key(session, "robot", "write")
        revoke_key(session, 1)
        revoke_key(session, 1)
        session.commit()
    assert told(database) == [
        ("collection.create", "notes"),
        ("documents.write", "notes"),
        ("collection.describe", "notes"),
        ("collection.copy", "notes"),
        ("collection.rename", "drafts"),
        ("job.start", f"job {number}"),
        ("job.cancel", f"job {number}"),
        ("collection.delete", "notes"),
        ("key.create", "key 1"),
        ("key.revoke", "key 1"),
    ]


def test_what_is_not_committed_or_changes_nothing_has_no_entry(database: Engine) -> None:
    number = write(database, "notes", [document(1)])
    before = told(database)
    write(database, "notes", [document(1)])
    with Session(database) as session:
        assert delete_documents(session, number, ["no such"]) == []
        session.commit()
        assert delete_documents(session, number, ["d1"])
        session.rollback()
    with pytest.raises(InvalidRequest):
        describe_collection(database, "notes", About(description="w" * 501))
    assert told(database) == before


def test_documents_of_many_transactions_are_one_entry_which_counts_them(database: Engine) -> None:
    write(database, "notes", [document(number) for number in range(BATCH + 1)])
    (entry,) = entries(database, find="documents.write")
    assert entry.details["added"] == BATCH + 1
    assert len(entry.details["ids"]) == LISTED
    with Session(database) as session:
        delete_documents(session, ensure_collection(session, "notes", "m").id, entry.details["ids"])
        session.commit()
    (deleted,) = entries(database, find="DELETE")
    assert deleted.details["documents"] == LISTED
    assert sorted(deleted.details["ids"]) == sorted(entry.details["ids"])


def test_an_entry_says_whose_key_it_was_by_which_way_and_request(
    database: Engine, ask: Callable[..., Any]
) -> None:
    body = {"text": SECRET, "title": SECRET}
    assert ask("PUT", "/v1/documents/one?collection=notes", "write", json=body).status_code == 200
    (entry,) = entries(database, find="documents")
    assert (entry.actor, entry.channel, entry.request_id) == ("the write one", "api", "mine")
    assert (entry.action, entry.target, entry.outcome) == ("documents.write", "notes", "done")
    assert entry.details == {"added": 1, "changed": 0, "source": None, "ids": ["one"]}


def test_no_text_and_no_key_is_in_it(database: Engine, ask: Callable[..., Any], keys: dict[str, str]) -> None:
    ask("PUT", "/v1/documents/one?collection=notes", "write", json={"text": SECRET, "title": SECRET})
    ask("DELETE", "/v1/documents/one?collection=notes", "write")
    ask("POST", "/v1/documents", "rf_wrong-key-of-nobody", json={"documents": []})
    written = json.dumps(list(walk_entries(database)))
    assert "nobody's business" not in written
    assert "wrong-key" not in written
    assert not any(key in written for key in keys.values())


@pytest.mark.parametrize(("scope", "actor"), [("search", "the search one"), ("rf_wrong", "nobody signed in")])
def test_what_was_denied_is_recorded(
    database: Engine, ask: Callable[..., Any], scope: str, actor: str
) -> None:
    assert ask("DELETE", "/v1/collections/notes", scope).status_code in (401, 403)
    ask("GET", "/v1/jobs", scope)
    (entry,) = entries(database, outcome="denied")
    assert (entry.actor, entry.action, entry.target) == (
        actor,
        "DELETE /v1/collections/{name}",
        "/v1/collections/notes",
    )
    assert entry.details == {"client": "testclient"}


def test_a_command_is_by_who_runs_it_and_a_job_by_its_number(database: Engine) -> None:
    write(database, "notes", [])
    with logs.doing(job=7, actor="job 7", channel="worker"):
        describe_collection(database, "notes", About(description="Whales"))
    by_job, by_command = entries(database)
    assert (by_job.actor, by_job.channel) == ("job 7", "worker")
    assert by_command.channel == "command line"
    assert by_command.actor


def test_entries_are_read_by_pages_and_filters(database: Engine, ask: Callable[..., Any]) -> None:
    with Session(database) as session:
        for number in range(PAGE + 5):
            record(session, "test", f"thing {number}")
        session.commit()
    first = ask("GET", "/v1/audit?limit=2&find=thing")
    assert [entry["target"] for entry in first.json()] == [f"thing {PAGE + 4}", f"thing {PAGE + 3}"]
    second = ask("GET", first.headers["Link"].partition(">")[0].lstrip("<"))
    assert [entry["target"] for entry in second.json()] == [f"thing {PAGE + 2}", f"thing {PAGE + 1}"]
    assert [entry["target"] for entry in walk_entries(database, find="THING")] == [
        f"thing {number}" for number in range(PAGE + 5)
    ]
    exported = ask("GET", "/v1/audit/export?find=thing").text.splitlines()
    assert json.loads(exported[0])["target"] == "thing 0"
    assert len(exported) == PAGE + 5
    last = json.loads(exported[-1])["id"]
    assert ask("GET", f"/v1/audit/export?after={last}&find=thing").text == ""
    assert ask("GET", "/v1/audit?outcome=perhaps").status_code == 400
    assert ask("GET", "/v1/audit?find=%25").json() == []


@pytest.mark.parametrize("path", ["/v1/audit", "/v1/audit/export"])
def test_only_admins_read_it(ask: Callable[..., Any], path: str) -> None:
    assert [ask("GET", path, scope).status_code for scope in ("search", "write", "admin")] == [403, 403, 200]


def test_what_is_old_is_hidden_at_once_and_deleted_with_the_next_change(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Session(database) as session:
        record(session, "old", "x")
        record(session, "young", "x")
        session.execute(text("UPDATE audit SET at = now() - interval '31 days' WHERE action = 'old'"))
        session.commit()
        monkeypatch.setenv("REFRACT_AUDIT_DAYS", "30")
        assert told(database) == [("young", "x")]
        record(session, "new", "x")
        session.commit()
    monkeypatch.setenv("REFRACT_AUDIT_DAYS", "0")
    assert told(database) == [("young", "x"), ("new", "x")]


def test_long_names_are_cut(database: Engine) -> None:
    with Session(database) as session, logs.doing(actor="a" * 1000):
        record(session, "test", "t" * 1000)
        session.commit()
    (entry,) = entries(database)
    assert (len(entry.actor), len(entry.target)) == (LONGEST, LONGEST)


def test_the_command_prints_it_as_json_lines(database: Engine, tmp_path: Path) -> None:
    write(database, "notes", [document(1)])
    shell = Shell(database, tmp_path)
    lines = [json.loads(line) for line in shell.tried("audit").stdout.splitlines()]
    assert [line["action"] for line in lines] == ["collection.create", "documents.write"]
    assert shell.run("audit", "--denied") == ""
    assert shell.run("audit", "--after", str(lines[-1]["id"])) == ""


def rows_of(page: html.HtmlElement) -> list[str]:
    """What the rows of the tables of a page say."""
    return ["".join(row.itertext()) for body in page.iter("tbody") for row in body.iter("tr")]


def test_admins_see_it_on_a_page(database: Engine, tmp_path: Path) -> None:
    app = create_app(SearchEngine(database, tmp_path))
    with TestClient(app, follow_redirects=False, headers={"Sec-Fetch-Site": "same-origin"}) as client:
        assert client.get("/admin/audit").status_code == 303
        client.get(f"/admin/login?token={app.state.links.make()}")
        with Session(database) as session:
            for number in range(60):
                record(session, "test", f"<thing> {number}", number=number, none=None)
            session.commit()
        page = html.document_fromstring(client.get("/admin/audit?find=thing").text)
        rows = rows_of(page)
        assert len(rows) == 50
        assert "<thing> 59" in rows[0]
        assert "number 59" in rows[0]
        [older] = [link.get("href") for link in page.iter("a") if link.get("rel") == "next"]
        last = html.document_fromstring(client.get(older or "").text)
        assert len(rows_of(last)) == 10
        assert "session.begin" in client.get("/admin/audit?find=session").text
        assert "Nothing like this" in client.get("/admin/audit?outcome=denied").text
        assert client.get("/admin/audit?before=-1").status_code == 400
        assert client.get(f"/admin/audit?before={2**63}").status_code == 400
        form = {"csrf": csrf_token(client.cookies[COOKIE])}
        assert client.post("/admin/logout", data=form).status_code == 303
        assert client.post("/admin/logout", data=form).status_code == 401
        assert [entry.target for entry in entries(database, find="session.end")] == ["one-time link"]


def test_what_a_job_does_is_logged_and_recorded_by_its_number(database: Engine, tmp_path: Path) -> None:
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(logs.TextLines().format(record))

    write(database, "notes", [])
    number = start_job(database, "dump", "notes", path=str(tmp_path / "notes.dump"))
    log, kept = logging.getLogger("indexer.jobs"), Kept()
    log.addHandler(kept)
    log.setLevel(logging.INFO)
    try:
        work_off(database, tmp_path)
    finally:
        log.removeHandler(kept)
        log.setLevel(logging.NOTSET)
    ours = [line for line in lines if line.endswith(f"[job {number}]")]
    assert ours[0] == f"refract: dump of notes began, attempt 1. [job {number}]"
    assert ours[-1] == f"refract: dump of notes is done. [job {number}]"
    (entry,) = entries(database, find="notes.dump")
    assert (entry.actor, entry.channel, entry.action) == (f"job {number}", "worker", "dump")
