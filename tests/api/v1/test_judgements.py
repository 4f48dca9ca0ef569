"""Judgements by the JSON API and on the search page: who may give them, and what becomes of them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from lxml import html
from sqlalchemy import URL, create_engine
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from api.auth.keys import create_key
from indexer.judgements import store
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from tests.support.apps import app_of
from tests.support.building import build, document, work_off

pytestmark = pytest.mark.database

Client = Callable[[str], TestClient]
QUESTION = "whale songs"


@pytest.fixture(scope="module")
def built(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    small_embedder: Embedder,
) -> Iterator[tuple[Client, Callable[[], None]]]:
    """Clients with a key of some scope, on a collection "c", and what does the jobs that wait."""
    data = tmp_path_factory.mktemp("judgements")
    with new_database() as url:
        database = create_engine(url)
        build(database, data, small_embedder, "c", [document(number) for number in range(12)])
        build(database, data, small_embedder, "other", [document(20)])
        app = app_of(SearchEngine(database, data))
        with Session(database) as session:
            keys = {scope: create_key(session, scope, scope) for scope in ("search", "write", "admin")}
            keys["bob"] = create_key(session, "bob", "write")
            session.commit()

        def client(scope: str) -> TestClient:
            headers = {"Authorization": f"Bearer {keys[scope]}"} if scope else {}
            return TestClient(app, headers=headers, follow_redirects=False)

        def signed_in(scope: str) -> TestClient:
            browser = TestClient(app, follow_redirects=False, headers={"Sec-Fetch-Site": "same-origin"})
            assert browser.post("/admin/login", data={"key": keys[scope]}).status_code == 303
            return browser

        def open_client(scope: str) -> TestClient:
            name, _, way = scope.partition(" ")
            return signed_in(name) if way else client(name)

        yield open_client, lambda: work_off(database, data)
        database.dispose()


@pytest.fixture
def client(built: tuple[Client, Callable[[], None]]) -> Iterator[Client]:
    opened, _ = built
    yield opened
    for judge in ("write", "bob", "admin"):
        opened("admin").delete("/v1/judgements", params={"collection": "c", "judge": judge})


def said(name: str = "d1", grade: int | None = 1, question: str = QUESTION) -> dict[str, Any]:
    return {"question": question, "document": name, "grade": grade}


def post(client: TestClient, *judgements: dict[str, Any], collection: str = "c") -> Any:
    return client.post("/v1/judgements", json={"judgements": judgements, "collection": collection})


def listed(client: Client, **params: Any) -> list[dict[str, Any]]:
    answer = client("write").get("/v1/judgements", params={"collection": "c", **params})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def error(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    return f"{answer.json()['error']['message']} {answer.json()['error']['hint']}"


def test_judgements_are_given_listed_and_taken_back(client: Client) -> None:
    assert post(client("write"), said(), said("d2", 0)).json() == {"added": 2, "changed": 0, "taken_back": 0}
    assert post(client("bob"), said(grade=0)).json()["added"] == 1
    assert post(client("write"), said(grade=3)).json() == {"added": 0, "changed": 1, "taken_back": 0}
    found = listed(client)
    assert [(each["document"], each["grade"], each["judge"], each["counts"]) for each in found] == [
        ("d1", 3, "write", True),
        ("d2", 0, "write", True),
        ("d1", 0, "bob", True),
    ]
    assert {each["question"] for each in found} == {QUESTION}
    assert all(each["generation"] and each["judged_at"] for each in found)
    first = listed(client, limit=1)
    assert first + listed(client, after=first[0]["number"]) == found
    assert post(client("write"), said(grade=None)).json()["taken_back"] == 1
    assert len(listed(client)) == 2
    deleted = client("admin").delete("/v1/judgements", params={"collection": "c", "judge": "write"})
    assert deleted.json() == {"deleted": 1}


def test_who_may_not_write_neither_judges_nor_reads(client: Client) -> None:
    for scope, status in (("", 401), ("search", 403)):
        assert post(client(scope), said()).status_code == status
        assert client(scope).get("/v1/judgements", params={"collection": "c"}).status_code == status
    forget = {"collection": "c", "judge": "write"}
    assert client("write").delete("/v1/judgements", params=forget).status_code == 403


def test_what_cannot_be_kept_is_named_and_nothing_is(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = client("write")
    assert "'d20' in 'c'" in error(post(writer, said(), said("d20")), 404)
    assert "both 1 and 0 of 'd1'" in error(post(writer, said(), said(grade=0)), 400)
    assert "grade 9" in error(post(writer, said(grade=9)), 400)
    assert "empty" in error(post(writer, said(question="")), 400)
    assert "grade" in error(post(writer, {"question": "q", "document": "d1"}), 400)
    assert "1000" in error(post(writer, *[said()] * 1001), 400)
    assert "'nothing'" in error(post(writer, said(), collection="nothing"), 404)
    monkeypatch.setattr(store, "MOST_A_DAY", 1)
    answer = post(writer, said(), said("d2"))
    assert "within a day" in error(answer, 429)
    assert int(answer.headers["Retry-After"]) > 0
    assert listed(client) == []


def page(browser: TestClient, question: str = QUESTION) -> html.HtmlElement:
    answer = browser.get("/", params={"q": question, "collection": "c"})
    assert answer.status_code == 200
    return html.document_fromstring(answer.text)


def words(tree: html.HtmlElement) -> str:
    return " ".join(str(tree.text_content()).split())


def thumbs(tree: html.HtmlElement) -> dict[tuple[str, str], str]:
    """Which way each thumb is pressed, by document and its sign."""
    found = tree.xpath("//button[contains(@class, 'thumb')]")
    return {(each.get("value"), each.get("class").split()[1]): each.get("aria-pressed") for each in found}


def test_thumbs_are_for_who_may_write(client: Client) -> None:
    for nobody in (client(""), client("search in")):
        assert thumbs(page(nobody)) == {}
    assert set(thumbs(page(client("write in"))).values()) == {"false"}


@pytest.mark.parametrize("by_htmx", [False, True])
def test_a_thumb_is_kept_and_pressed_again_taken_back(client: Client, by_htmx: bool) -> None:
    browser = client("write in")
    tree = page(browser)
    hidden = {
        each.get("name"): each.get("value")
        for each in tree.xpath("//form[@id='judge']//input | //input[@form='judge']")
    }
    headers = {"HX-Request": "true"} if by_htmx else {}

    def press(**thumb: str) -> dict[tuple[str, str], str]:
        answer = browser.post("/judgements?card=7", data={**hidden, **thumb}, headers=headers)
        if by_htmx:
            assert answer.status_code == 200
            shown = html.fragment_fromstring(answer.text, create_parent=True)
            assert shown.xpath("//button/@id") == ["thumb-7-up", "thumb-7-down"]
            return thumbs(shown)
        assert answer.status_code == 303
        assert answer.headers["location"] == hidden["back"]
        return {key: value for key, value in thumbs(page(browser)).items() if key[0] == "d3"}

    assert press(up="d3") == {("d3", "up"): "true", ("d3", "down"): "false"}
    assert [(each["document"], each["grade"], each["judge"]) for each in listed(client)] == [
        ("d3", 1, "write")
    ]
    assert thumbs(page(browser, "Whale  SONGS"))["d3", "up"] == "true", "it is the same question"
    assert thumbs(page(browser, "whales"))["d3", "up"] == "false"
    assert set(thumbs(page(client("bob in"))).values()) == {"false"}, "each sees their own"
    assert press(down="d3") == {("d3", "up"): "false", ("d3", "down"): "true"}
    assert press(undo="d3") == {("d3", "up"): "false", ("d3", "down"): "false"}
    assert listed(client) == []


def test_a_thumb_that_says_nothing_or_comes_from_elsewhere_is_refused(client: Client) -> None:
    browser = client("write in")
    (csrf,) = page(browser).xpath("//form[@id='judge']/input[@name='csrf']/@value")
    form = {"q": QUESTION, "collection": "c"}
    assert browser.post("/judgements", data={**form, "csrf": csrf}).status_code == 400
    assert browser.post("/judgements", data={**form, "csrf": csrf, "up": "d99"}).status_code == 404
    assert browser.post("/judgements", data={**form, "up": "d1"}).status_code == 403
    assert listed(client) == []


def test_an_admin_sees_what_was_judged_and_measures_it(
    client: Client, built: tuple[Client, Callable[[], None]]
) -> None:
    admin, work = client("admin in"), built[1]
    address = "/admin/collections/c"
    assert "thumbs on the results" in admin.get(address).text
    post(client("write"), said(), said("d2", 0))
    post(client("bob"), said(grade=0, question="other songs"), said("d4", 1, "other songs"), said(grade=0))
    tree: html.HtmlElement = html.document_fromstring(admin.get(address).text)
    assert "5 judgements of 2 questions by 2 judges" in words(tree)
    csrf = str(tree.xpath("//input[@name='csrf']/@value")[0])
    form = {"csrf": csrf, "kind": "evaluate", "preset": "", "against_mode": "semantic"}
    assert admin.post(f"{address}/jobs", data=form).status_code == 303
    work()
    job = client("admin").get("/v1/jobs").json()[0]
    assert (job["kind"], job["state"]) == ("evaluate", "done"), job
    assert job["result"]["questions"] == 1
    assert job["result"]["unanswerable"] == 1
    shown: html.HtmlElement = html.document_fromstring(admin.get(f"/admin/jobs/{job['number']}").text)
    text = words(shown)
    for each in (
        "nDCG@10",
        "c, generation",
        "semantic",
        "1 question, 5 judgements of 2 judges.",
        "other songs",
    ):
        assert each in text
    assert "1 document judged one way and another" in text
    links = [str(link) for link in shown.xpath("//main//a[contains(@href, 'q=')]/@href")]
    assert links
    for link in links:
        assert admin.get(link).status_code == 200, link
    refused = admin.post("/admin/collections/other/jobs", data=form)
    assert refused.status_code == 400
    assert "Nothing has been judged" in refused.text
