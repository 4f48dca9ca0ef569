"""Fields of many values, and of odd ones: what answers can be narrowed down to, as JSON and as a page."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import quote

import pytest
from lxml import html
from sqlalchemy import URL, create_engine
from starlette.testclient import TestClient

from indexer.sources import SourceDocument
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.presentation.facets import MOST_LISTED, SHOWN_VALUES
from tests.support.apps import app_of
from tests.support.building import build

pytestmark = pytest.mark.database

TAGS = [f"tag {number:03}" for number in range(200)]
LONG = "A title of many words that never ends, " * 13
ODD = ["İstanbul", "istanbul", "שלום עולם", 'she said "yes", twice', "a..b", LONG[:500]]
DOCUMENTS = 2 * (MOST_LISTED + 50)
QUESTION = "how do whales sing"


def meta(number: int) -> dict[str, Any]:
    """Values of each document: `late` begins with what looks like a number and is text, `price` with a text
    and is a number, `mixed` is neither for the most part."""
    return {
        "tag": TAGS[number % 200],
        "city": ODD[number % len(ODD)],
        "late": str(number % 12) if number < 24 else f"part {number % 40}",
        "price": "on request" if number < 24 else number % 50,
        "mixed": (number % 5, f"word {number % 5}", "2020-05-17")[number % 3],
        "crowd": f"c{number // 2}",
    }


@pytest.fixture(scope="module")
def client(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    small_embedder: Embedder,
) -> Iterator[TestClient]:
    data = tmp_path_factory.mktemp("data")
    documents = [
        SourceDocument(f"d{number}", f"Whale {number}", f"Whale {number} sings.", None, meta(number))
        for number in range(DOCUMENTS)
    ]
    with new_database() as url:
        database = create_engine(url)
        build(database, data, small_embedder, "c", documents)
        with TestClient(app_of(SearchEngine(database, data)), follow_redirects=False) as opened:
            yield opened
        database.dispose()


def facets(client: TestClient, **asked: Any) -> dict[str, Any]:
    answer = client.get("/v1/search", params={"q": QUESTION, "facets": "true", "limit": 1, **asked})
    assert answer.status_code == 200, answer.text
    return {each["field"]: each for each in answer.json()["facets"]["fields"]}


def values(facet: Any) -> list[str]:
    return [value["value"] for value in facet["values"]]


def page(client: TestClient, url: str, headers: dict[str, str] | None = None) -> Any:
    answer = client.get(url, headers=headers)
    assert answer.status_code == 200, answer.text
    return html.document_fromstring(answer.text)


def words(element: Any) -> str:
    return " ".join(element.text_content().split())


def section(shown: Any, name: str) -> Any:
    (found,) = shown.xpath(f"//section[@aria-label='{name}']")
    return found


def test_a_field_tells_how_many_values_it_has_and_lists_them_when_asked(client: TestClient) -> None:
    few = facets(client)["tag"]
    assert (len(few["values"]), few["total"]) == (SHOWN_VALUES, 200)
    many = facets(client, values_of="tag")
    assert sorted(values(many["tag"])) == TAGS
    assert len(many["crowd"]["values"]) == SHOWN_VALUES
    body = {"q": QUESTION, "facets": True, "limit": 1, "values_of": ["tag"]}
    (posted,) = (
        f for f in client.post("/v1/search", json=body).json()["facets"]["fields"] if f["field"] == "tag"
    )
    assert posted == many["tag"]


def test_of_very_many_values_those_that_answers_have_most_are_listed_and_the_bound_is_said(
    client: TestClient,
) -> None:
    crowd = facets(client, values_of="crowd")["crowd"]
    assert (len(crowd["values"]), crowd["total"]) == (MOST_LISTED, MOST_LISTED + 50)
    tops = [value["top"] for value in crowd["values"]]
    assert tops == sorted(tops, reverse=True)
    shown = section(page(client, f"/?q={QUESTION}&details=rest&details=values:crowd"), "Crowd")
    assert "And 50 that fewer of the first answers have: write crowd:VALUE in the box." in words(shown)


def test_all_values_are_a_link_away_without_javascript_and_each_leads_on(client: TestClient) -> None:
    first = page(client, f"/?q={QUESTION}&details=rest")
    shown = section(first, "Tag")
    assert len(shown.xpath(".//li")) == 8
    (more,) = shown.xpath(".//p/a")
    assert words(more) == "192 more of Tag"
    whole = section(page(client, more.get("href")), "Tag")
    listed = [words(each) for each in whole.xpath(".//li/a")]
    assert sorted(listed) == TAGS
    assert listed[8:] == sorted(listed[8:])
    (box,) = whole.find_class("listed")
    assert (box.get("role"), box.get("tabindex")) == ("group", "0")
    assert box.getparent().get("open") is not None
    narrowed = page(client, whole.xpath(".//li/a/@href")[-1])
    assert words(narrowed.find_class("count")[0]).startswith(
        f"The nearest of {len(range(int(listed[-1][4:]), DOCUMENTS, 200))} doc"
    )


def test_more_values_come_in_their_place(client: TestClient) -> None:
    first = page(client, f"/?q={QUESTION}&details=rest")
    (link,) = section(first, "Tag").xpath(".//p/a")
    came = page(client, link.get("hx-get"), {"HX-Request": "true"})
    assert came.xpath("//*[@hx-swap-oob]/@id") == ["facets"]
    assert len(section(came, "Tag").xpath(".//li")) == 200
    assert section(came, "Tag").find_class("listed")[0].get("id") == link.get("id")


def test_a_field_is_of_the_kind_that_most_of_its_values_are(client: TestClient) -> None:
    found = facets(client)
    kinds = {name: found[name]["kind"] for name in ("late", "price", "mixed", "tag")}
    assert kinds == {"late": "text", "price": "number", "mixed": "text", "tag": "text"}
    shown = page(client, f"/?q={QUESTION}&details=rest")
    boxes = {name.partition(".")[2] for name in shown.xpath("//div[@class='range']/input/@name")}
    assert boxes == {"price"}
    assert values(found["price"])[-1] == "on request"


def test_a_field_that_looks_like_numbers_where_answers_have_it_gets_no_boxes(client: TestClient) -> None:
    asked = f"/?q={QUESTION}&filter=late:0,1,2,3,4,5,6,7,8,9,10,11&filter=mixed:0,1,2,3,4&details=rest"
    shown = page(client, asked)
    seen = [words(each) for each in section(shown, "Mixed").xpath(".//li/a/bdi")]
    assert any(text.isdigit() for text in seen)
    assert not section(shown, "Mixed").xpath(".//input")
    texts = page(client, f'/?q={QUESTION}&filter=price:"on request"&details=rest')
    assert section(texts, "Price").xpath(".//input")


@pytest.mark.parametrize("value", ["שלום עולם", 'she said "yes", twice', "a..b", "İstanbul"])
def test_odd_values_are_offered_as_they_are_and_lead_to_what_they_count(
    client: TestClient, value: str
) -> None:
    (found,) = (each for each in facets(client)["city"]["values"] if each["value"] == value)
    answer = client.get("/v1/search", params={"q": QUESTION, "filter": found["filter"]}).json()
    assert answer["total"] == found["documents"] > 0
    shown = section(page(client, f"/?q={QUESTION}&details=rest"), "City")
    (link,) = (each for each in shown.xpath(".//li/a") if words(each) == value)
    narrowed = page(client, link.get("href"))
    assert words(narrowed.find_class("count")[0]).startswith(f"The nearest of {found['documents']:,} doc")
    assert value in words(narrowed.find_class("restrictions")[0])
    assert [words(each) for each in link.xpath("./bdi")] == [value], "it runs its own way"


def test_the_same_word_in_capitals_is_one_value_and_a_text_of_500_characters_none(client: TestClient) -> None:
    city = values(facets(client)["city"])
    assert [value for value in city if value.casefold().endswith("stanbul")] == ["İstanbul"]
    assert not any(len(value) > 100 for value in city)
    long = client.get("/v1/search", params={"q": QUESTION, "filter": f'city:"{LONG[:500].strip()}"'})
    assert long.status_code == 200
    assert long.json()["total"] == 183


def test_a_field_that_is_none_is_asked_for_in_vain(client: TestClient) -> None:
    assert facets(client, values_of="nosuch") == facets(client)
    page(client, f"/?q={QUESTION}&details=rest&details=values:{quote('no such <b>')}")
