"""Presets by the JSON API and on the pages: who may save them, how a search takes them, what is refused."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from lxml import html
from sqlalchemy import URL, create_engine
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from api.auth.keys import create_key
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.query.steering import MAX_KNOBS
from tests.support.apps import app_of
from tests.support.building import build, document

pytestmark = pytest.mark.database

Client = Callable[[str], TestClient]
KNOB = {"feature": 12, "strength": 1.5}
SEA = {"concept": "the sea", "strength": -1}


@pytest.fixture(scope="module")
def built(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    small_embedder: Embedder,
) -> Iterator[Client]:
    """Clients with a key of some scope, on a collection "c"."""
    data = tmp_path_factory.mktemp("presets")
    with new_database() as url:
        database = create_engine(url)
        build(database, data, small_embedder, "c", [document(number) for number in range(12)])
        app = app_of(SearchEngine(database, data))
        with Session(database) as session:
            keys = {scope: create_key(session, scope, scope) for scope in ("search", "write", "admin")}
            session.commit()

        def client(scope: str) -> TestClient:
            headers = {"Authorization": f"Bearer {keys[scope]}"} if scope else {}
            return TestClient(app, headers=headers, follow_redirects=False)

        yield client
        database.dispose()


@pytest.fixture
def client(built: Client) -> Iterator[Client]:
    yield built
    for preset in built("").get("/v1/presets").json():
        built("write").delete(f"/v1/presets/{quote(preset['name'])}")


def put(client: Client, name: str = "academic", **body: Any) -> Any:
    answer = client("write").put(f"/v1/presets/{quote(name, safe='')}", json={"steer": [KNOB, SEA], **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def error(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert set(answer.json()["error"]) == {"code", "message", "hint", "request_id"}
    return f"{answer.json()['error']['message']} {answer.json()['error']['hint']}"


def test_a_preset_is_saved_read_used_and_deleted(client: Client) -> None:
    saved = put(client, "plain words", description="For everybody")
    assert (saved["name"], saved["description"], saved["default"]) == ("plain words", "For everybody", False)
    assert saved["steer"] == "12:1.5,concept:the%20sea:-1"
    assert [term["label"] for term in saved["steering"]][1] == "the sea"
    reader = client("")
    assert reader.get("/v1/presets").json() == [saved]
    assert reader.get("/v1/presets/plain%20words").json() == saved
    used = reader.get("/v1/search", params={"q": "songs", "preset": "plain words"}).json()
    assert used["preset"] == "plain words"
    spelled = reader.get("/v1/search", params={"q": "songs", "steer": saved["steer"]}).json()
    assert (used["results"], used["steering"]) == (spelled["results"], spelled["steering"])
    assert spelled["preset"] is None
    posted = reader.post("/v1/search", json={"q": "songs", "preset": "plain words"}).json()
    assert posted["results"] == used["results"]
    assert client("write").delete("/v1/presets/plain%20words").json() == {"deleted": "plain words"}
    assert reader.get("/v1/presets").json() == []
    assert "'plain words'" in error(client("write").delete("/v1/presets/plain%20words"), 404)


def test_knobs_of_a_search_go_before_those_of_its_preset(client: Client) -> None:
    put(client)
    params = {"q": "songs", "preset": "academic", "steer": "12:off,13:1"}
    answer = client("").get("/v1/search", params=params).json()
    assert [(term["feature"], term["strength"]) for term in answer["steering"]] == [
        (12, "off"),
        (None, -1),
        (13, 1),
    ]
    for result in answer["results"]:
        assert sum(term["value"] for term in result["terms"]) == pytest.approx(result["score"], abs=1e-4)


def test_a_default_preset_steers_what_names_nothing_else(client: Client) -> None:
    put(client, default=True)

    def ask(**params: str) -> Any:
        return client("").get("/v1/search", params={"q": "songs", **params}).json()

    assert ask()["preset"] == "academic"
    assert ask(steer="13:1")["preset"] is None
    assert len(ask(steer="13:1")["steering"]) == 1
    assert ask(preset="none")["steering"] == []
    assert ask(preset="none")["preset"] is None
    put(client, default=False)
    assert ask()["preset"] is None


def test_saving_takes_a_key_that_may_write(client: Client) -> None:
    body = {"steer": [KNOB]}
    for scope, status in (("", 401), ("search", 403)):
        assert client(scope).put("/v1/presets/a", json=body).status_code == status
        assert client(scope).delete("/v1/presets/a").status_code == status
        assert client(scope).post("/v1/presets/import", json={}).status_code == status
    assert client("").get("/v1/presets").json() == []


@pytest.mark.parametrize(
    ("name", "body", "named"),
    [
        ("none", {"steer": [KNOB]}, "'none'"),
        ("NONE", {"steer": [KNOB]}, "'NONE'"),
        ("..", {"steer": [KNOB]}, "'..'"),
        ("a\\b", {"steer": [KNOB]}, "named"),
        ("x" * 61, {"steer": [KNOB]}, "60"),
        ("two\nlines", {"steer": [KNOB]}, "named"),
        ("a", {"steer": []}, "turn nothing"),
        ("a", {"steer": [KNOB, {**KNOB, "strength": -1}]}, "12 is steered twice"),
        (
            "a",
            {"steer": [{"concept": f"c {n}", "strength": 1} for n in range(200)]},
            "200 knobs are too many",
        ),
        ("a", {"steer": [{"feature": 10**6, "strength": 1}]}, "no feature 1000000"),
        ("a", {"steer": [{"family": 10**6, "strength": 1}]}, "no family 1000000"),
        ("a", {"steer": [{"like": ["nobody"], "strength": 1}]}, "'nobody'"),
        ("a", {"steer": [{"concept": "?!", "strength": 1}]}, "no letter or digit"),
        ("a", {"steer": [KNOB], "dictionary": 10**6}, "dictionary 1000000"),
        ("a", {"steer": [KNOB], "description": "x" * 300}, "200"),
        ("a", {"steer": [KNOB], "unknown": 1}, "unknown"),
        ("a", {"steer": "12:1"}, "steer"),
    ],
)
def test_what_no_search_would_take_is_not_saved(
    client: Client, name: str, body: dict[str, Any], named: str
) -> None:
    address = "/v1/presets/" + "".join(f"%{byte:02X}" for byte in name.encode())
    answer = client("write").put(address, json=body)
    assert named in error(answer, 400)
    assert client("").get("/v1/presets").json() == []


def test_an_unknown_preset_is_told_with_those_there_are(client: Client) -> None:
    assert "It has none yet" in error(client("").get("/v1/search?q=x&preset=nope"), 404)
    put(client)
    for answer in (
        client("").get("/v1/search", params={"q": "x", "preset": "nope"}),
        client("").post("/v1/search", json={"q": "x", "preset": "nope"}),
        client("").get("/v1/presets/nope"),
        client("").get("/v1/presets/nope/file"),
    ):
        assert "'nope'" in error(answer, 404)
        assert "academic" in answer.json()["error"]["hint"]
    assert "'nope'" in error(client("").get("/v1/presets?collection=nope"), 404)


def test_a_preset_with_knobs_of_a_search_may_be_too_many(client: Client) -> None:
    put(client, steer=[{"feature": n, "strength": 1} for n in range(MAX_KNOBS)])
    own = ",".join(f"{n}:2" for n in range(MAX_KNOBS))
    ask = {"q": "songs", "preset": "academic"}
    assert client("").get("/v1/search", params={**ask, "steer": own}).status_code == 200
    answer = client("").get("/v1/search", params={**ask, "steer": f"{MAX_KNOBS}:1"})
    assert f"{MAX_KNOBS + 1} knobs are too many" in error(answer, 400)


def test_a_file_comes_out_and_goes_in(client: Client) -> None:
    put(client)
    given = client("").get("/v1/presets/academic/file")
    assert given.headers["Content-Disposition"] == 'attachment; filename="academic.refract-preset.json"'
    post = "/v1/presets/import?name=again"
    taken = client("write").post(post, json=given.json())
    assert taken.status_code == 200, taken.text
    assert [match["knob"] for match in taken.json()["matched"]] == ["12", "concept:the%20sea"]
    assert taken.json()["lost"] == []
    assert taken.json()["preset"]["name"] == "again"
    assert "again" in error(client("write").post(post, json=given.json()), 400)
    cut = given.text[: len(given.text) // 2]
    headers = {"Content-Type": "application/json"}
    answer = client("write").post(post, content=cut, headers=headers)
    assert "is not JSON from character" in error(answer, 400)
    assert "model" in error(client("write").post(post, json={**given.json(), "model": ""}), 400)


# Pages


def tree(page: Any) -> html.HtmlElement:
    assert page.status_code == 200, page.text
    return html.document_fromstring(page.text)


def signed_in(client: Client) -> tuple[TestClient, str]:
    """A client with a session, and the token of its forms."""
    browser, admin = client(""), client("admin")
    key = admin.headers["Authorization"].removeprefix("Bearer ")
    assert browser.post("/admin/login", data={"key": key}).status_code == 303
    (token, *_) = tree(browser.get("/admin/keys")).xpath("//input[@name='csrf']/@value")
    return browser, token


def marked(page: html.HtmlElement) -> list[str]:
    return [link.text for link in page.xpath("//*[@id='presets']//a[@aria-current]")]


def test_everybody_chooses_a_preset_whose_address_is_the_steering(client: Client) -> None:
    put(client, "b <i>", description="Papers first")
    put(client, "a", steer=[{"feature": 13, "strength": 1}])
    page = tree(client("").get("/?q=songs"))
    links = {link.text: link.get("href") for link in page.xpath("//*[@id='presets']//li/a")}
    assert list(links) == ["a", "b <i>", "none"]
    assert marked(page) == ["none"]
    asked = parse_qs(urlsplit(links["b <i>"]).query)
    assert asked["steer"] == ["12:1.5,concept:the sea:-1"]
    assert asked["dictionary"]
    chosen = tree(client("").get(links["b <i>"]))
    assert marked(chosen) == ["b <i>"]
    (download,) = chosen.xpath("//*[@id='presets']//a[@download]/@href")
    assert client("").get(download).json()["name"] == "b <i>"
    named = tree(client("").get("/?q=songs&preset=a"))
    assert marked(named) == ["a"]
    turned = tree(client("").get("/?q=songs&preset=a&steer=13:2"))
    assert marked(turned) == []
    assert not chosen.xpath("//form[@id='keep']")
    assert client("").get("/?q=songs&preset=nope").status_code == 404


def test_the_last_knob_of_a_default_preset_can_be_removed(client: Client) -> None:
    put(client, steer=[{"feature": 13, "strength": 0.5}], default=True)
    browser = client("")
    page = tree(browser.get("/?q=songs"))
    assert page.xpath("//input[@name='s.13']/@value") == ["0.5"]
    assert marked(page) == ["academic"]
    (none,) = (a.get("href") for a in page.xpath("//*[@id='presets']//a") if a.text == "none")
    fields = {box.get("name"): box.get("value", "") for box in page.xpath("//form[@id='ask']//input[@name]")}
    sent = browser.get("/", params={**fields, "drop": "13"})
    for address in (none, sent.headers["Location"]):
        plain = tree(browser.get(address))
        assert not plain.xpath("//input[@name='s.13']")
        assert marked(plain) == ["none"]
        (json_link,) = (a.get("href") for a in plain.xpath("//a") if a.text == "this search as JSON")
        assert browser.get(json_link).json()["steering"] == []
    start = tree(browser.get("/"))
    (clear,) = (link.get("href") for link in start.xpath("//a") if link.text == "Clear")
    assert tree(browser.get(clear)).xpath("//input[@name='preset']/@value") == ["none"]


def test_who_may_write_saves_what_is_turned(client: Client) -> None:
    browser, _ = signed_in(client)
    page = tree(browser.get("/?q=songs&steer=12:1,13:off&collection=c"))
    fields = {box.get("name"): box.get("value", "") for box in page.xpath("//form[@id='keep']//input")}
    fields |= {
        box.get("name"): box.get("value", "")
        for box in page.xpath("//input[@form='keep'][@type!='checkbox']")
    }
    fields |= {"as": "mine", "description": "a line", "default": "1"}
    saved = browser.post("/presets", data=fields)
    assert saved.status_code == 303, saved.text
    assert marked(tree(browser.get(saved.headers["Location"]))) == ["mine"]
    (preset,) = client("").get("/v1/presets").json()
    assert (preset["steer"], preset["description"], preset["default"]) == ("12:1,13:off", "a line", True)
    for changed, status in (({"as": "none"}, 400), ({"steer": ""}, 400), ({"csrf": "x"}, 403)):
        assert browser.post("/presets", data={**fields, **changed}).status_code == status
    assert client("").post("/presets", data=fields).status_code == 401
    assert browser.post("/presets", data={**fields, "back": "//evil"}).headers["Location"] == "/"


def test_an_admin_looks_after_presets(client: Client) -> None:
    put(client, "a")
    browser, csrf = signed_in(client)
    here = "/admin/collections/c"
    file = client("").get("/v1/presets/a/file").text

    def post(**fields: str) -> Any:
        return browser.post(f"{here}/presets", data={"csrf": csrf, **fields})

    assert post(default="a").headers["Location"] == f"{here}#presets"
    assert client("").get("/v1/presets/a").json()["default"]
    page = tree(browser.get(here))
    assert "default" in page.get_element_by_id("presets").text_content()
    post(default="")
    assert not client("").get("/v1/presets/a").json()["default"]
    taken = tree(post(file=file, **{"as": "b"}))
    assert "2 of 2 knobs" in taken.text_content()
    assert "same dictionary" in taken.text_content()
    assert post(file=file[:200]).status_code == 400
    assert post(file=json.dumps({"format": "x"})).status_code == 400
    assert post(delete="nope").status_code == 404
    post(delete="a")
    assert [preset["name"] for preset in client("").get("/v1/presets").json()] == ["b"]
    assert client("").post(f"{here}/presets", data={"delete": "b"}).status_code == 401
