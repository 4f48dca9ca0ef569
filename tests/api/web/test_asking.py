"""Filters, facets, compare and why-not over the wire: as JSON, and as pages without JavaScript."""

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
from tests.support.apps import app_of
from tests.support.building import build

pytestmark = pytest.mark.database

SUBJECTS = ("stars", "bread", "music", "trees")
# Of less than twelve words: longer ones that differ in a number are forms filled in, and fill one place.
TEXTS = {
    "stars": "Stars burn hydrogen and shine over telescope number {}.",
    "bread": "Bread is baked from flour and water in oven number {}.",
    "music": "Music is played on violins in concert hall number {}.",
    "trees": "Trees grow leaves, bark and roots in forest number {}.",
}
DOCUMENTS = [
    SourceDocument(
        f"{subject}/{number}",
        f"{subject.title()} {number}",
        TEXTS[subject].format(number),
        None,
        {
            "subject": subject,
            "year": 1990 + number,
            "published": f"20{number:02}-0{number % 9 + 1}-15",
            "tags": [subject[0], "all"],
            "odd: key": None if number else "x & <y>",
            "lang": "en" if number % 2 else "EN",
            "price": 10.0 ** -(number % 14),
            **({"blank": "  ", "": "x", "title": "T", "deep": {"a": 1}} if number == 3 else {}),
        },
    )
    for subject in SUBJECTS
    for number in range(15)
]


@pytest.fixture(scope="module")
def client(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    small_embedder: Embedder,
) -> Iterator[TestClient]:
    data = tmp_path_factory.mktemp("data")
    with new_database() as url:
        database = create_engine(url)
        build(database, data, small_embedder, "c", DOCUMENTS)
        app = app_of(SearchEngine(database, data))
        with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
            yield client
        database.dispose()


def search(client: TestClient, **params: Any) -> Any:
    answer = client.get("/v1/search", params={"q": "how do stars shine", **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


def page(client: TestClient, url: str, status: int = 200) -> Any:
    answer = client.get(url)
    assert answer.status_code == status, answer.text
    return html.document_fromstring(answer.text)


def words(element: Any) -> str:
    return " ".join(element.text_content().split())


def test_filters_are_exact_however_few_meet_them(client: TestClient) -> None:
    found = search(client, filter=["subject:bread,music", "-year:..2000"], limit=100)
    left = {f"{subject}/{number}" for subject in ("bread", "music") for number in range(11, 15)}
    assert {result["document"]["id"] for result in found["results"]} == left
    assert found["total"] == 8
    (only,) = search(client, filter=["subject:trees", "year:1993"])["results"]
    assert only["document"]["id"] == "trees/3"
    assert search(client, filter=["published:2007"], limit=100)["total"] == 4
    assert search(client, filter=["published:2003-02..2005-06"], limit=100)["total"] == 12
    assert search(client, filter=['"odd: key":"x & <y>"'], limit=100)["total"] == 4


def test_filters_in_json_mean_the_same(client: TestClient) -> None:
    body = {
        "q": "how do stars shine",
        "filter": [
            {"field": "subject", "values": ["bread", "music"]},
            {"field": "year", "most": 2000, "without": True},
            "-tags:m",
        ],
        "facets": True,
    }
    posted = client.post("/v1/search", json=body).json()
    filters = ["subject:bread,music", "-year:..2000", "-tags:m"]
    got = search(client, filter=filters, facets="true")
    assert posted.pop("took_ms").keys() == got.pop("took_ms").keys()
    assert posted == got
    assert [each["filter"] for each in got["restrictions"]] == filters
    assert got["total"] == 4


def test_facets_count_what_they_lead_to(client: TestClient) -> None:
    found = search(client, facets="true")
    assert search(client)["facets"] is None
    fields = {facet["field"]: facet["values"] for facet in found["facets"]["fields"]}
    assert fields.keys() == {"subject", "year", "published", "tags", "odd: key", "price", "deep.a"}
    assert {value["value"] for value in fields["subject"]} == set(SUBJECTS)
    assert fields["subject"][0]["documents"] == 15
    assert len(fields["year"]) == 5  # as ranges
    assert sum(value["documents"] for value in fields["year"]) == 60
    assert {value["value"] for value in fields["published"]} <= {f"20{year:02}" for year in range(15)}
    every = [value for values in fields.values() for value in values] + found["facets"]["topics"]
    for value in every:
        assert search(client, filter=value["filter"])["total"] == value["documents"]
    assert search(client, filter="lang:En")["total"] == 60
    assert search(client, filter="price:1e-05")["total"] == 4
    assert words(page(client, "/?q=stars").find_class("count")[0]) == "The nearest of 60 documents"


@pytest.mark.parametrize(
    ("filter", "said"),
    {
        "subject": "is not a filter",
        "colour:red": "There is no field 'colour'.",
        "year:old": "year is a number",
        "year:1990..soon": "'soon' is none",
        "published:last year": "published is a date",
        "feature:x": "not a feature's number",
        "feature:999999": "There is no feature 999999.",
        "subject:" + "x" * 600: "cannot be filtered by",
    }.items(),
)
def test_a_wrong_filter_is_told(client: TestClient, filter: str, said: str) -> None:
    answer = client.get("/v1/search", params={"q": "stars", "filter": filter})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "invalid_filter"
    assert said in error["message"]
    assert error["hint"]
    assert said in words(page(client, f"/?q=stars&filter={quote(filter)}", 400))


@pytest.mark.parametrize(
    "filter",
    [
        *(
            {},
            {"field": "year"},
            {"field": "year", "feature": 1},
            {"values": ["x"]},
            {"feature": -1},
            {"x": 1},
        ),
        *(5, {"field": "title", "least": "a"}, {"field": "title", "values": ["a", "b"]}),
        {"field": "year", "values": [1990], "least": 1980},
    ],
)
def test_a_filter_in_json_is_on_one_thing(client: TestClient, filter: Any) -> None:
    answer = client.post("/v1/search", json={"q": "stars", "filter": [filter]})
    assert answer.status_code == 400
    assert answer.json()["error"]["hint"]


def test_compare_says_what_parts_two_results(client: TestClient) -> None:
    first, second = (result["document"]["id"] for result in search(client)["results"][:2])
    params = {"q": "how do stars shine", "first": first, "second": second}
    found = client.get("/v1/compare", params=params).json()
    assert found["margin"] == pytest.approx(found["first"]["score"] - found["second"]["score"], abs=1e-6)
    assert sum(term["margin"] for term in found["terms"]) == pytest.approx(found["margin"], abs=1e-4)
    assert (found["first"]["rank"], found["second"]["rank"]) == (1, 2)
    address = f"/compare?q=how do stars shine&first={quote(first)}&second={quote(second)}"
    shown = page(client, address)
    assert found["first"]["document"]["title"] in words(shown.xpath("//h1")[0])
    cells = shown.xpath("//table//tbody//td[last()]//data/@value")
    (total,) = shown.xpath("//table//tfoot//data/@value")
    assert sum(round(float(cell) * 1000) for cell in cells) == round(float(total) * 1000)
    assert round(float(total) * 1000) == round(found["margin"] * 1000)
    links = page(client, "/?q=how do stars shine&details=all").xpath(
        "//a[starts-with(@href, '/compare')]/@href"
    )
    assert len(links) == 9
    assert found["second"]["document"]["title"] in words(page(client, links[0]))


def test_why_not_offers_steering_that_works(client: TestClient) -> None:
    for rank in range(11, 31):
        missing = search(client, limit=30)["results"][rank - 1]["document"]["id"]
        found = client.get("/v1/why-not", params={"q": "how do stars shine", "document": missing}).json()
        assert (found["result"]["rank"], found["last"]["rank"], found["total"]) == (rank, 10, 60)
        assert found["lacks"]
        if found["ways"]:
            break
    way = found["ways"][0]
    assert search(client, steer=way["steer"])["results"][way["rank"] - 1]["document"]["id"] == missing
    shown = page(client, f"/why-not?q=how do stars shine&document={quote(missing)}")
    assert f"rank {rank}, score" in words(shown)
    link = shown.find_class("ways")[0].xpath(".//a/@href")[0]
    titles = [words(title) for title in page(client, link).xpath("//*[@data-result]//h3")]
    assert found["result"]["document"]["title"] in titles


def test_why_not_finds_a_document_by_words_of_its_title(client: TestClient) -> None:
    shown = page(client, "/why-not?q=stars&document=bread 1")
    links = shown.xpath("//ul[@class='others']//a")
    assert "Bread 1" in [words(link) for link in links]
    assert "its id" in words(page(client, "/why-not?q=stars&document=nothing of the kind"))
    named = client.get("/v1/documents", params={"q": "BREAD 1"}).json()
    assert named[0] == {"id": "bread/1", "title": "Bread 1", "url": None}
    assert client.get("/v1/documents", params={"q": "x", "limit": 0}).status_code == 400


def test_why_not_of_one_that_is_there_or_is_left_out(client: TestClient) -> None:
    first = search(client)["results"][0]["document"]["id"]
    found = client.get("/v1/why-not", params={"q": "how do stars shine", "document": first}).json()
    assert (found["result"]["rank"], found["last"], found["ways"]) == (1, None, [])
    assert "It is there: rank 1" in words(
        page(client, f"/why-not?q=how do stars shine&document={quote(first)}")
    )
    params = {"q": "stars", "document": "bread/1", "filter": "subject:stars"}
    left_out = client.get("/v1/why-not", params=params).json()
    assert left_out["result"]["rank"] is None
    assert [each["filter"] for each in left_out["excluded_by"]] == ["subject:stars"]
    shown = page(client, "/why-not?q=stars&document=bread/1&filter=subject:stars")
    assert "leaves it out: only documents with subject stars" in words(shown)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/compare?q=stars&first=stars/1&second=stars/1", 400, "invalid_request"),
        ("/compare?q=stars&first=stars/1&second=nowhere", 404, "document_not_found"),
        ("/compare?q=&first=stars/1&second=stars/2", 400, "invalid_query"),
        ('/compare?q=stars -"x" -"stars"&first=stars/1&second=bread/2', 400, "invalid_request"),
        ("/compare?q=stars&steer=1:1,1:-1&first=stars/1&second=stars/2", 400, "invalid_steering"),
        ("/why-not?q=stars&document=stars/1&filter=nosuch:1", 400, "invalid_filter"),
        ("/why-not?q=-only -exclusions&document=stars/1", 400, "invalid_query"),
        ("/why-not?q=stars&document=stars/1&preset=nosuch", 404, "preset_not_found"),
    ],
)
def test_what_cannot_be_answered_is_told(client: TestClient, path: str, status: int, code: str) -> None:
    answer = client.get(f"/v1{path}")
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    if "preset" not in path:
        page(client, path, status)


@pytest.mark.parametrize("query", ['stars "unbalanced', "the of and", '"the" of', '"', "stars -", "a:b c:d"])
def test_odd_questions_are_answered_or_told(client: TestClient, query: str) -> None:
    answer = client.get("/v1/search", params={"q": query, "facets": "true"})
    assert answer.status_code == (400 if query == '"' else 200), answer.text


@pytest.mark.parametrize("many", ["year:1990 " * 60, "year:" + ",".join(map(str, range(101)))])
def test_what_nobody_types_is_refused(client: TestClient, many: str) -> None:
    numbered = " ".join(f"{word}..{place}" for place, word in enumerate(many.split()))
    answer = client.get("/v1/search", params={"q": f"stars {numbered if ' ' in many else many}"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in ("invalid_query", "invalid_filter")


def test_a_first_topic_can_be_chosen_and_times_add_up(client: TestClient) -> None:
    body = search(client, filter="feature:0", facets="true")
    assert [topic["feature"] for topic in body["facets"]["topics"] if topic["chosen"]] == [0]
    spent = dict(body["took_ms"])
    assert spent.pop("total") >= sum(spent.values()) - 0.01


def test_as_many_filters_as_there_can_be_leave_the_page_whole(client: TestClient) -> None:
    filters = "".join(f"&filter=-subject:x{number}" for number in range(50))
    shown = page(client, f"/?q=stars{filters}&details=rest")
    assert not shown.xpath("//section[@class='facet']//li//a")
    page(client, f"/?q=stars{filters}&filter=-subject:y", 400)


def test_filters_on_the_page_are_chosen_and_taken_away(client: TestClient) -> None:
    shown = page(client, "/?q=how do stars shine&filter=subject:bread&details=rest")
    assert "15 documents" in words(shown.find_class("count")[0])
    (out,) = shown.xpath("//a[starts-with(@aria-label, 'Without this filter')]/@href")
    assert "60 documents" in words(page(client, out).find_class("count")[0])
    assert shown.xpath("//form[@id='ask']//input[@name='filter'][not(@form)]/@value") == ["subject:bread"]
    chosen = shown.xpath("//a[@aria-current='true']")
    assert [words(each).split(" ×")[0] for each in chosen] == ["bread"]
    instead = shown.xpath("//section[@aria-label='Year']//a/@href")[0]
    assert "filter=subject:bread&filter=year:" in instead
    none = page(client, "/?q=stars&filter=subject:bread&filter=subject:music")
    assert "Search without filters" in words(none)


def test_two_boxes_make_a_range_and_take_its_place(client: TestClient) -> None:
    shown = page(client, "/?q=how do stars shine&filter=subject:stars,bread&details=rest")
    lists = [words(name) for name in shown.xpath("//section/h3")]
    assert lists[0] == "Year"
    boxes = shown.xpath("//section[@aria-label='Year']//input/@name")
    assert boxes == ["least.year", "most.year"]
    assert not shown.xpath("//section[@aria-label='Subject']//input")
    sent = {"q": "stars", "filter": ["subject:stars,bread", "year:1990..1991"]}
    answer = client.get("/", params={**sent, "least.year": "1995", "most.year": ""})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/?q=stars&filter=subject:stars,bread&filter=year:1995.."
    left = page(client, answer.headers["location"] + "&details=rest")
    assert "20 documents" in words(left.find_class("count")[0])
    assert left.xpath("//input[@name='least.year']/@value") == ["1995"]
    cleared = client.get("/", params={**sent, "least.year": "", "most.year": ""})
    assert cleared.headers["location"] == "/?q=stars&filter=subject:stars,bread"
    with_htmx = client.get("/", params={**sent, "least.year": "1995"}, headers={"HX-Request": "true"})
    assert with_htmx.headers["HX-Redirect"] == answer.headers["location"]
    same = client.get(
        "/", params={**sent, "least.year": "1990", "most.year": "1991"}, headers={"HX-Request": "true"}
    )
    assert "data-result" in same.text


def test_a_card_says_where_its_document_is_from(client: TestClient) -> None:
    card = page(client, "/?q=how do stars shine").find_class("card")[0]
    told = [words(each) for each in card.find_class("from")[0]]
    assert told[0].startswith("stars/"), "a path"
    assert any(each.startswith("year: ") for each in told)
    assert any(each.startswith("published: 20") for each in told)


def test_the_page_says_what_would_be_without_a_term(client: TestClient) -> None:
    shown = page(client, "/?q=how do stars shine&details=all")
    heads = [words(head) for head in shown.find_class("card")[0].xpath(".//thead//th")]
    assert heads == ["Term", "Where from", "Without it", "Adds"]
    assert any("rank" in words(row) for row in shown.find_class("card")[0].xpath(".//tbody/tr"))
