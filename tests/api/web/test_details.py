"""The first answer does without what is dear; more of it comes in its own place."""

from collections.abc import Iterator
from typing import Any

import pytest
from lxml import html
from starlette.testclient import TestClient

from search.engine import reader
from search.engine.engine import SearchEngine
from search.metrics import REGISTRY
from search.presentation.for_people import ForPeople
from search.presentation.highlighting import WordSumsCache
from search.query.request import SearchRequest
from tests.support.apps import app_of
from tests.support.indexed import Indexed

pytestmark = pytest.mark.database

QUESTION = "sort a list by two keys"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def engine(indexed: Indexed) -> SearchEngine:
    """An engine that has read nothing."""
    return SearchEngine(indexed.database, indexed.data)


@pytest.fixture
def client(engine: SearchEngine) -> Iterator[TestClient]:
    with TestClient(app_of(engine), follow_redirects=False) as opened:
        yield opened


def tree(client: TestClient, url: str) -> Any:
    response = client.get(url)
    assert response.status_code == 200, response.text
    return html.document_fromstring(response.text)


def more(client: TestClient, address: str) -> dict[str, Any]:
    """What comes, by the place where it goes."""
    response = client.get(address, headers=HTMX)
    assert response.status_code == 200, response.text
    assert "HX-Push-Url" not in response.headers
    return {str(part.get("id")): part for part in html.fragments_fromstring(response.text.strip())}


def words(found: Any) -> str:
    return " ".join(found.text_content().split())


def test_the_first_answer_reads_no_passage_counts_nothing_and_is_light(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("this is dear")

    for name in ("count_facets", "ranks_without"):
        monkeypatch.setattr(reader, name, never)
    monkeypatch.setattr(WordSumsCache, "of", never)
    for headers in ({}, HTMX, {**HTMX, "HX-Trigger": "knobs"}):
        answer = client.get(f"/?q={QUESTION}", headers=headers)
        assert answer.text.count("data-result") == 10
        assert len(answer.content) < 60_000
        assert "said2" in answer.text


def test_the_rest_comes_by_one_request_each_part_in_its_place(client: TestClient) -> None:
    page = tree(client, f"/?q={QUESTION}")
    found = more(client, page.get_element_by_id("rest").get("hx-get"))
    assert found.keys() - {"rest"} <= set(page.xpath("//@id"))
    assert found["rest"].get("hx-swap-oob") == "delete"
    kinds = [place.split("-")[0] for place in found]
    assert (kinds.count("lines"), kinds.count("about")) == (10, 10)
    whole = tree(client, f"/?q={QUESTION}&details=rest")
    for place, part in found.items():
        if not place.startswith(("rest", "took")):
            assert words(part) == words(whole.get_element_by_id(place))
    assert "to mark words" in words(next(part for place, part in found.items() if "took" in place))
    assert not whole.xpath("//*[@id='rest']")


def test_words_of_passages_that_were_read_before_are_marked_at_once(engine: SearchEngine) -> None:
    def lights(marks: Any) -> list[Any]:
        people = ForPeople(marks=marks, ranks=False)
        answer = engine.search(SearchRequest(QUESTION), collection="manual", for_people=people)
        return [(result.passage.best, result.passage.lights) for result in answer.results]

    before, read, after = lights("known"), lights("all"), lights("known")
    assert before != read
    assert read == after


def test_why_comes_for_one_card_and_numbers_for_all(client: TestClient) -> None:
    page = tree(client, f"/?q={QUESTION}")
    links = page.xpath("//details[@class='why']//a")
    assert len(links) == 10
    (place, why), *others = more(client, links[1].get("hx-get")).items()
    assert not others
    assert place == links[1].getparent().get("id")
    assert "Why below 1?" in words(why)
    assert why.xpath(".//td[contains(., 'rank')]")
    (address,) = page.xpath("//@hx-get[contains(., 'details=numbers')]")
    found = more(client, address)
    assert len(found) == 10
    assert found.keys() <= set(page.xpath("//@id"))


def test_what_is_unfolded_comes_unfolded_with_the_next_answer(client: TestClient) -> None:
    key = tree(client, f"/?q={QUESTION}").xpath("//@data-result")[2]
    answer = client.get(f"/?q={QUESTION}&details=numbers&details={key}", headers=HTMX)
    assert "details" not in answer.headers["HX-Push-Url"]
    shown: Any = html.document_fromstring(answer.text)
    assert shown.xpath("//details[@open]/@id").count(f"why-{key}") == 1
    assert len(shown.xpath("//details[@class='numbers'][@open]//*[local-name()='svg'][@class='bar']")) == 10
    assert len(shown.xpath("//details[@class='why']//table")) == 1


def test_more_of_another_generation_is_the_whole_answer_anew(client: TestClient) -> None:
    page = tree(client, f"/?q={QUESTION}")
    address = page.get_element_by_id("rest").get("hx-get")
    live = address.rpartition("=")[2]
    answer = client.get(address.replace(f"generation={live}", f"generation={int(live) + 1}"), headers=HTMX)
    assert (answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == ("#results", "innerHTML")
    assert answer.text.count("data-result") == 10
    assert "hx-swap-oob" in answer.text, "the panel is of the same generation"


def test_more_of_an_answer_is_no_other_search(client: TestClient) -> None:
    def searches() -> float:
        value = REGISTRY.get_sample_value("refract_search_duration_seconds_count")
        return value or 0.0

    def marked() -> float:
        return (
            REGISTRY.get_sample_value("refract_search_stage_duration_seconds_sum", {"stage": "words"}) or 0.0
        )

    before = searches()
    page = tree(client, f"/?q={QUESTION}")
    assert searches() == before + 1
    spent = marked()
    more(client, page.get_element_by_id("rest").get("hx-get"))
    assert searches() == before + 1
    assert marked() > spent


@pytest.mark.parametrize("details", ["", "&details=all"])
def test_the_times_of_an_answer_add_up(client: TestClient, details: str) -> None:
    (line,) = tree(client, f"/?q={QUESTION}{details}").xpath("//p[@class='smallprint'][contains(., ' ms: ')]")
    total, _, parts = words(line).partition(" ·")[0].partition(" ms: ")
    spent = [int(part.split()[0]) for part in parts.split(", ")]
    assert sum(spent) == int(total.replace(",", ""))


def test_nothing_waits_where_nothing_was_found(client: TestClient) -> None:
    page = tree(client, f"/?q={QUESTION}&offset=900")
    assert not page.xpath("//*[@id='rest' or @id='narrow']")
