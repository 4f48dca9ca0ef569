"""Every page, of a collection whose every field holds a script: it is shown as text, and never runs."""

from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from lxml import html
from sqlalchemy import Engine
from starlette.testclient import TestClient

from api.app import create_app
from api.auth.sessions import COOKIE, csrf_token
from api.web.routes import PAGE_ROUTERS
from indexer.insights.log import QuestionLog
from indexer.insights.setting import keep_questions
from indexer.sources import SourceDocument
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.query.request import SearchRequest
from tests.support.building import build

pytestmark = pytest.mark.database

PAYLOADS = [
    "<script>pwned()</script>",
    "<img src=x onerror=pwned()>",
    "\"'><svg onload=pwned()>",
    "</title></textarea><b id=pwned>",
    "{{ 7000 * 7 }}{% raw %}",
    "javascript:pwned()//",
]
ALL = " ".join(PAYLOADS)
QUESTION = f"whales {ALL}"
NAME = "notes"

LEADS = ("href", "src", "action", "formaction")
"""Attributes whose value may be run."""

ASKED: dict[str, list[str]] = {
    "/": [
        "?q={q}",
        "?q={q}&steer=concept:{one}:1,like:{id}:1",
        "?find={q}",
        "?q=%22{one}%22",
        "?q=x&steer={q}",
    ],
    "/features": ["", "?q={q}"],
    "/features/map": ["", "?q={q}", "?q={q}&feature=3", "?feature={one}"],
    "/features/{number}": ["/features/3", "/features/3?q={q}", "/features/{one}"],
    "/documents/{document_id:any}": [
        "/documents/{id}",
        "/documents/{id}?q={q}&feature=3",
        "/documents/{one}",
    ],
    "/document": ["?document_id={id}"],
    "/dictionary": [""],
    "/compare": ["?q={q}&first={id}&second={other}", "?q={q}&first={one}&second={one}"],
    "/why-not": ["?q={q}&document={id}", "?q={q}&document={one}"],
    "/analyze": ["?text={q}", "?text={q}&along=3", "?document={id}", "?text=%3F{one}"],
    "/analyze/search": ["?text={q}"],
    "/search.csv": ["?q={q}", "?q={one}"],
    "/presets": ["", "?q={q}"],
    "/repair": [
        "?q={q}",
        "?q={q}&wrong={id}",
        "?q={q}&document={id}",
        "?q={q}&document={one}",
        "?q={q}&document={id}&same=whales&same={one}",
        "?q={q}&document={other}&keyword={one}",
    ],
    "/repairs": [""],
    "/suggest": ["?q=", "?q={q}", "?q={one}"],
    "/tips": ["?q={q}"],
    "/admin": [""],
    "/admin/collections/{name}": ["/admin/collections/notes?find={one}", "/admin/collections/{one}"],
    "/admin/collections/{name}/insights": [
        "/admin/collections/notes/insights",
        "/admin/collections/{one}/insights",
    ],
    "/admin/collections/{name}/insights.csv": ["/admin/collections/notes/insights.csv"],
    "/admin/jobs/{number}": ["/admin/jobs/1", "/admin/jobs/{one}"],
    "/admin/keys": [""],
    "/admin/webhooks": [""],
    "/admin/audit": ["", "?find={one}", "?outcome={one}"],
    "/admin/login": ["", "?next={one}", "?token={one}"],
    "/admin/login/oidc": ["?next={one}"],
    "/admin/login/oidc/back": ["?code={one}&state={one}"],
}
"""What is asked of each page: paths, or what follows the route's own. `one` is each payload in turn."""


def documents() -> list[SourceDocument]:
    """Documents whose id, title, text, address and metadata are payloads."""
    return [
        SourceDocument(
            f"{payload}{number}",
            f"{payload} {number}",
            f"Whales sing {payload} number {number}. {ALL}",
            f"javascript:pwned({number})",
            {payload: ALL, "kind": payload},
        )
        for number in range(3)
        for payload in PAYLOADS
    ]


def quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def _as_text(pair: tuple[object, object]) -> tuple[str, str]:
    name, value = pair
    return str(name), str(value)


def faults(page: str) -> list[str]:
    """What of a payload became more than text."""
    tree = html.document_fromstring(page)
    found = [str(element.tag) for element in tree.iter() if element.get("id") == "pwned"]
    for element in tree.iter("script", "svg", "img"):
        found += [element.tag] if element.text and "pwned" in element.text else []
    for element in tree.iter():
        for name, value in map(_as_text, element.items()):
            runs = name in LEADS and value.strip().lower().startswith("javascript:")
            found += [f"{name}={value}"] if name.startswith("on") or runs else []
    return found + ["49000"] * ("49000" in page)


def test_a_script_in_any_field_is_shown_as_text_on_every_page(
    database: Engine, tmp_path: Path, small_embedder: Embedder
) -> None:
    client = make_client(database, tmp_path, small_embedder)
    routes = [each for router in PAGE_ROUTERS for each in router.routes if isinstance(each, APIRoute)]
    assert {each.path for each in routes if "GET" in (each.methods or ())} == set(ASKED)
    shown = set[str]()
    for route, asked in ASKED.items():
        for form in asked:
            for payload in PAYLOADS if "{one}" in form else PAYLOADS[:1]:
                given = {
                    "q": QUESTION,
                    "one": payload,
                    "id": f"{PAYLOADS[1]}0",
                    "other": f"{PAYLOADS[2]}1",
                }
                path = form.format(**{name: quoted(value) for name, value in given.items()})
                answer = client.get(path if path.startswith("/") else route + path)
                assert answer.status_code < 500, (path, answer.text[:500])
                if answer.headers.get("content-type", "").startswith("text/csv"):  # no browser renders that
                    assert "attachment" in answer.headers["content-disposition"], path
                    assert answer.headers["x-content-type-options"] == "nosniff", path
                else:
                    assert faults(answer.text or "<p>") == [], path
                shown |= {route} if "pwned" in answer.text else set()
    signing_in = {route for route in ASKED if route.startswith("/admin/login")}
    assert set(ASKED) - shown == {"/dictionary", "/admin/webhooks"} | signing_in


def make_client(database: Engine, data: Path, embedder: Embedder) -> TestClient:
    """An admin's browser, after payloads were written into all that forms write."""
    build(database, data, embedder, NAME, documents())
    app = create_app(SearchEngine(database, data))
    client = TestClient(app, headers={"Sec-Fetch-Site": "same-origin"}, raise_server_exceptions=False)
    client.get(f"/admin/login?token={app.state.links.make()}")
    csrf = {"csrf": csrf_token(client.cookies[COOKIE])}
    page = f"/admin/collections/{NAME}"
    sent: list[tuple[str, dict[str, str]]] = [
        (f"{page}/settings", {"name": NAME, "description": ALL, "seen": "public"}),
        (f"{page}/jobs", {"kind": "dump", "path": str(data / ALL.replace("/", ""))}),
        *(
            (f"{page}/labels", {"feature": str(feature), "label": PAYLOADS[feature % 6]})
            for feature in range(12)
        ),
        *(("/admin/keys", {"name": each, "scope": "search", "filter": f"kind:{each}"}) for each in PAYLOADS),
        ("/presets", {"collection": NAME, "q": ALL, "steer": "3:1", "as": "one", "description": ALL}),
        ("/judgements", {"collection": NAME, "q": ALL, "up": documents()[0].id}),
        ("/repairs", {"collection": NAME, "kind": "pinned", "question": ALL, "of": documents()[1].id}),
    ]
    for address, form in sent:
        answer = client.post(address, data={**csrf, **form})
        assert answer.status_code in (200, 303), (address, form, answer.text[:2000])
        assert faults(answer.text) == [], address
    keep_questions(database, NAME, 30)
    questions = QuestionLog(database, lambda: {NAME: 30})
    for question in (QUESTION, *PAYLOADS):
        answered = app.state.engine.search(SearchRequest(question), collection=NAME)
        questions.note(answered, turned=PAYLOADS)
    questions.flush()
    return client
