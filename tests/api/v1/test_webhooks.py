"""Webhooks are made, tried and looked after: by the JSON API, on the admin's page, and by commands."""

import base64
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from lxml import html
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from api.app import create_app
from api.auth.keys import create_key
from indexer.hooks.courier import Courier
from indexer.hooks.events import tell
from indexer.hooks.webhooks import list_deliveries, make_webhook
from search.engine.engine import SearchEngine
from tests.support.building import eventually
from tests.support.commands import Shell, assert_one_line
from tests.support.receiver import Receiver

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "events.md"

pytestmark = [pytest.mark.database, pytest.mark.sql]


@pytest.fixture
def app(database: Engine, tmp_path: Path) -> FastAPI:
    return create_app(SearchEngine(database, tmp_path))


@pytest.fixture
def ask(database: Engine, app: FastAPI) -> Iterator[Callable[..., Any]]:
    with Session(database) as session:
        key = create_key(session, "the admin", "admin")
        session.commit()
    with TestClient(app, headers={"Authorization": f"Bearer {key}"}) as client:
        yield client.request


def told(database: Engine, *kinds: str) -> None:
    with Session(database) as session:
        for kind in kinds:
            tell(session, kind, "notes", job=1)
        session.commit()


def test_a_webhook_lives_by_the_api(database: Engine, ask: Callable[..., Any], receiver: Receiver) -> None:
    body = {"url": receiver.url, "kinds": ["job.failed"], "note": "wakes me"}
    made = ask("POST", "/v1/webhooks", json=body)
    assert made.status_code == 201
    secret = made.json()["secret"]
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    (listed,) = ask("GET", "/v1/webhooks").json()
    assert listed == {name: value for name, value in made.json().items() if name != "secret"}
    assert secret not in ask("GET", "/v1/audit/export").text
    tried = ask("POST", "/v1/webhooks/1/test").json()
    assert (tried["delivered"], tried["status"], tried["answer"]) == (True, 204, "HTTP 204")
    told(database, "job.done", "job.failed")
    (waiting,) = ask("GET", "/v1/webhooks/1/deliveries").json()
    assert (waiting["kind"], waiting["state"], waiting["attempts"]) == ("job.failed", "waiting", 0)
    Courier(database).deliver()
    (done,) = ask("GET", "/v1/webhooks/1/deliveries").json()
    assert (done["state"], done["attempts"], done["status"]) == ("done", 1, 204)
    changed = ask("PATCH", "/v1/webhooks/1", json={"enabled": False}).json()
    assert changed["disabled_at"] is not None
    assert ask("PATCH", "/v1/webhooks/1", json={"enabled": True}).json()["disabled_at"] is None
    assert ask("DELETE", "/v1/webhooks/1").json() == {"deleted": 1}
    assert ask("GET", "/v1/webhooks").json() == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "url is missing"),
        ({"url": "http://10.0.0.7/hook"}, "REFRACT_WEBHOOKS"),
        ({"url": "https://user:hunter2@hooks.example/"}, "no address of a webhook"),
        ({"url": "x" * 3000}, "url="),
        ({"url": "http://127.0.0.1/", "kinds": ["job.done"] * 1001}, "kinds"),
        ({"url": "http://127.0.0.1/", "secret": "mine"}, "secret"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(
    ask: Callable[..., Any], body: dict[str, Any], told: str
) -> None:
    refused = ask("POST", "/v1/webhooks", json=body)
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert told in f"{error['message']} {error['hint']}"
    assert "hunter2" not in refused.text


@pytest.mark.parametrize("number", ["0", "7", str(2**63 - 1), str(2**63)])
def test_one_that_there_is_not_is_not_found(ask: Callable[..., Any], number: str) -> None:
    answers = [
        ask("PATCH", f"/v1/webhooks/{number}", json={"enabled": True}),
        ask("DELETE", f"/v1/webhooks/{number}"),
        ask("POST", f"/v1/webhooks/{number}/test"),
        ask("GET", f"/v1/webhooks/{number}/deliveries"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert {answer.json()["error"]["code"] for answer in answers} == {"webhook_not_found"}


def test_whatever_an_admin_sends_no_answer_breaks_the_contract(database: Engine, app: FastAPI) -> None:
    with Session(database) as session:
        key = create_key(session, "the admin", "admin")
        session.commit()
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", app)
    found = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    ours = [each for each in found if each.path.startswith(("/v1/webhooks", "/v1/events"))]
    assert len(ours) == 7
    for operation in ours:

        @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(operation.as_strategy())
        def send(case: schemathesis.Case[Any]) -> None:
            if "wait" in case.query:
                case.query["wait"] = 0
            case.call_and_validate(
                headers={"Authorization": f"Bearer {key}"},
                checks=[not_a_server_error, status_code_conformance, response_schema_conformance],
            )

        send()


def test_the_receiver_of_the_guide_takes_what_is_genuine(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    monkeypatch.setenv("REFRACT_WEBHOOKS", url)
    with Session(database) as session:
        secret = make_webhook(session, url).secret
        make_webhook(session, url)  # of another secret
        session.commit()
    program = [sys.executable, "-c", example.replace("9000", str(port))]
    environment = {**os.environ, "WEBHOOK_SECRET": secret}
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as ran:
        eventually(lambda: listens(port))
        told(database, "job.done")
        Courier(database).deliver()
        ran.terminate()
        assert ran.stdout is not None
        (line,) = ran.stdout.read().decode().splitlines()
    assert "'type': 'job.done'" in line
    with Session(database) as session:
        states = [list_deliveries(session, number)[0] for number in (1, 2)]
    assert [(each.state, each.status) for each in states] == [("done", 204), ("waiting", 400)]


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def words(element: html.HtmlElement) -> str:
    return "".join(map(str, element.itertext()))


def test_admins_look_after_them_on_a_page(database: Engine, app: FastAPI, receiver: Receiver) -> None:
    with TestClient(app, headers={"Sec-Fetch-Site": "same-origin"}) as client:
        client.get(f"/admin/login?token={app.state.links.make()}")
        assert "/admin/webhooks" in client.get("/admin").text
        page = client.get("/admin/webhooks")
        csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
        assert csrf is not None

        def post(**fields: Any) -> str:
            return client.post("/admin/webhooks", data={"csrf": csrf[1], **fields}).text

        made = post(
            url=receiver.url, kind=["job.done", "job.failed"], collections="notes, drafts", note="<b>"
        )
        (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]+", made)
        assert "&lt;b&gt;" in made
        assert secret not in client.get("/admin/webhooks").text
        assert "took the test: HTTP 204" in " ".join(post(test="1").split())
        receiver.usual = 500
        assert "did not take the test: HTTP 500" in " ".join(post(test="1").split())
        told(database, "job.done", "generation.live")
        Courier(database).deliver()
        shown = html.document_fromstring(client.get("/admin/webhooks?show=1").text)
        (row,) = (row for body in shown.iter("tbody") for row in body.iter("tr"))
        assert "job.done" in words(row)
        assert "HTTP 500" in words(row)
        assert "Failing since" in words(shown)
        assert "Enable webhook 1" in post(disable="1")
        assert "Enable webhook 1" not in post(enable="1")
        assert post(kind="no.kind", url=receiver.url).count("There are no events") > 0
        assert receiver.url not in post(delete="1")


def test_commands_make_list_test_and_remove_them(
    database: Engine, tmp_path: Path, receiver: Receiver
) -> None:
    shell = Shell(database, tmp_path, COLUMNS="300")
    assert_one_line(shell.tried("webhooks", "add", "http://10.0.0.1/x"), "10.0.0.1", "REFRACT_WEBHOOKS")
    made = shell.tried("webhooks", "add", receiver.url, "--kind", "job.done", "--note", "for the robot")
    secret = made.stdout.strip()
    assert secret.startswith("whsec_")
    assert "shown this once" in made.stderr
    listed = shell.run("webhooks", "list")
    assert receiver.url in listed
    assert "job.done" in listed
    assert "for the robot" in listed
    assert secret not in listed
    assert "HTTP 204" in shell.run("webhooks", "test", "1")
    assert json.loads(receiver.received[0].body)["type"] == "ping"
    receiver.usual = 404
    failed = shell.tried("webhooks", "test", "1")
    assert (failed.returncode, "HTTP 404" in failed.stderr) == (1, True)
    told(database, "job.done")
    assert "waiting" in shell.run("webhooks", "deliveries", "1")
    assert "disabled" in shell.run("webhooks", "disable", "1")
    assert "enabled" in shell.run("webhooks", "enable", "1")
    assert "deleted" in shell.run("webhooks", "remove", "1")
    assert_one_line(shell.tried("webhooks", "remove", "1"), "no webhook 1", "webhooks list")
