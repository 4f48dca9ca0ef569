"""Rewriting a text on the page Analyze and over the API: who may, what is shown, which words carry it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from lxml import html
from sqlalchemy import URL, create_engine
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from api.auth.keys import create_key
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from tests.support.apps import app_of
from tests.support.building import build
from tests.support.editor import KEY, MODEL, EditingServer, editing_server
from tests.support.endpoint import Answer
from tests.support.notes import documents

pytestmark = pytest.mark.database

Open = Callable[[str], TestClient]
TEXT = "Cells divide by mitosis, and stem cells can become cells of any kind."
MORE = "Cells divide by mitosis and stem cells become any kind of cell: cells, cells, cells."


@pytest.fixture(scope="module")
def opened(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    small_embedder: Embedder,
) -> Iterator[Open]:
    """Opens browsers of people who are signed in with a key of some scope, and clients that send it."""
    data = tmp_path_factory.mktemp("editing")
    with new_database() as url:
        database = create_engine(url)
        build(database, data, small_embedder, "notes", documents())
        app = app_of(SearchEngine(database, data))
        with Session(database) as session:
            keys = {scope: create_key(session, scope, scope) for scope in ("search", "write")}
            session.commit()

        def open_client(scope: str) -> TestClient:
            name, _, by_key = scope.partition(" ")
            browser = TestClient(app, follow_redirects=True, headers={"Sec-Fetch-Site": "same-origin"})
            if by_key:
                browser.headers["Authorization"] = f"Bearer {keys[name]}"
            elif name:
                answer = browser.post("/admin/login", data={"key": keys[name]}, follow_redirects=False)
                assert answer.status_code == 303
            return browser

        yield open_client
        database.dispose()


@pytest.fixture
def editor(monkeypatch: pytest.MonkeyPatch) -> Iterator[EditingServer]:
    with editing_server() as running:
        monkeypatch.setenv("REFRACT_EDITOR_URL", running.address)
        monkeypatch.setenv("REFRACT_EDITOR_MODEL", MODEL)
        monkeypatch.setenv("REFRACT_EDITOR_KEY", KEY)
        yield running


def shown(client: TestClient, **params: str) -> html.HtmlElement:
    answer = client.get("/analyze", params={"text": TEXT, "collection": "notes", **params})
    assert answer.status_code == 200, answer.text
    return html.document_fromstring(answer.text)


def strings(page: html.HtmlElement, path: str) -> list[str]:
    there = page.xpath(path)
    assert isinstance(there, list)
    return [str(each) for each in there]


def first_topic(page: html.HtmlElement) -> str:
    return strings(page, "//button[@form='words']/@value")[0]


def fields(page: html.HtmlElement, form: str) -> dict[str, str]:
    names = strings(page, f"//form[@id='{form}']//input/@name")
    return dict(zip(names, strings(page, f"//form[@id='{form}']//input/@value"), strict=True))


def test_without_an_editor_the_page_shows_which_words_carry_a_topic(opened: Open) -> None:
    page = shown(opened(""))
    assert strings(page, "//button[@form='edit']/@value") == []
    answer = opened("").post("/analyze", data={**fields(page, "words"), "along": first_topic(page)})
    assert answer.url.params["along"] == first_topic(page)
    found = html.document_fromstring(answer.text)
    words = [each.strip() for each in strings(found, "//section[@id='along']//tbody//th/text()")]
    assert words
    assert all(word in TEXT for word in words if word)
    assert "may connect a language model" in answer.text
    assert opened("").get("/analyze?text=a&collection=notes&along=99999999").status_code == 404


def test_who_may_write_has_a_text_rewritten(opened: Open, editor: EditingServer) -> None:
    for scope in ("", "search"):
        page = shown(opened(scope), along="1")
        assert strings(page, "//button[@form='edit']/@value") == []
        assert "may write can have the text rewritten" in page.text_content()
    writer = opened("write")
    page = shown(writer)
    topic = first_topic(page)
    assert topic in strings(page, "//button[@form='edit'][@name='less']/@value")
    sent = fields(page, "edit")
    editor.rewrite = lambda _: MORE
    answer = writer.post("/analyze/edit", data={**sent, "more": topic})
    assert answer.status_code == 200
    found = html.document_fromstring(answer.text)
    (verdict,) = strings(found, "//section[@id='along']//strong/text()")
    assert verdict.startswith(("Moved", "Did not move"))
    assert strings(found, "//section[@id='along']//p[contains(@class, 'edited')]/text()") == [MORE]
    assert len(strings(found, "//section[@id='along']//tbody//th//text()")) >= 2
    assert "a text" not in editor.asked[0]["messages"][1]["content"]
    for wrong in ({**sent, "csrf": "x", "more": topic}, {"text": TEXT, "more": topic}):
        assert writer.post("/analyze/edit", data=wrong).status_code == 403
    assert opened("").post("/analyze/edit", data={**sent, "more": topic}).status_code in (401, 403)
    assert opened("search").post("/analyze/edit", data={**sent, "more": topic}).status_code == 403
    assert writer.post("/analyze/edit", data=sent).status_code == 404
    assert len(editor.asked) == 1


def test_an_editor_that_fails_is_told_on_the_page(opened: Open, editor: EditingServer) -> None:
    writer = opened("write")
    page = shown(writer)
    sent = {**fields(page, "edit"), "less": first_topic(page)}
    for answer, told in (
        (Answer(500, "<b>oh</b>"), "answers HTTP 500: &lt;b&gt;oh"),
        (Answer(200, "no JSON"), "answers no chat completion"),
    ):
        editor.instead = [answer, answer]
        failed = writer.post("/analyze/edit", data=sent)
        assert failed.status_code == 503
        assert "The text was not rewritten" in failed.text
        assert told in failed.text
        assert "Its topics" in failed.text
        assert KEY not in failed.text


def test_programs_have_texts_rewritten_too(opened: Open, editor: EditingServer) -> None:
    editor.rewrite = lambda _: MORE
    topic = int(first_topic(shown(opened(""))))
    body = {"text": TEXT, "feature": topic, "way": "more", "collection": "notes"}
    answer = opened("write key").post("/v1/edit", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["text"] == MORE
    assert answer.json()["moved"]["feature"] == topic
    assert opened("").post("/v1/edit", json=body).status_code == 401
    assert opened("search key").post("/v1/edit", json=body).status_code == 403
    assert opened("write key").post("/v1/edit", json={**body, "way": "up"}).status_code == 400
    assert opened("write key").post("/v1/edit", json={**body, "feature": -1}).status_code == 404
    editor.instead = [Answer(200, "no JSON")]
    failed = opened("write key").post("/v1/edit", json=body)
    assert (failed.status_code, failed.json()["error"]["code"]) == (503, "editor_unavailable")
