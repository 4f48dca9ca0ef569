"""Texts and questions of every kind: what was written is found however it is typed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import URL, create_engine
from starlette.testclient import TestClient

from indexer.sources import SourceDocument
from search.browse.collections import READING
from search.db.locks import reading_lock, shared
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from tests.support.apps import app_of
from tests.support.building import build

pytestmark = pytest.mark.database


OF_ALL_KINDS = {
    "apostrophe": "Parkinson\u2019s disease slows movement.",
    "tokyo": "明日は大阪城に行く。山は高い。",
    "kobe": "山は神戸にある。",
    "archive": "Pack it with tar -cvjf notes.tbz first.",
    "remove": "Be careful with rm -fr folder names.",
    "commit": "Write git commit -m and a message.",
    "cold": "Store the samples at -5C over night.",
    "cats": "Cats sleep in the afternoon.",
    "ligature": "The e\ufb03cient \ufb01lter costs ＸＹＺ７８９ less.",
    "decomposed": "Une soire\u0301e a\u0300 la mer.",
    "r4": "Release 3.4 mends the scanner.",
    "r5": "Release 3.5 mends the scanner.",
    "cpp": "Templates of C++ are compiled.",
    "csharp": "Properties of C# are compiled.",
    "vitamin d": "Vitamin D comes from the sun.",
    "vitamin c": "Vitamin C comes from fruit.",
    "hindi": "मेरी किताब बहुत पुरानी है।",
    "hyphens": "Die Rind\u00adfleisch\u00adsuppe kocht.",
    "caf\u00e9.txt": "Coffee is served.",
}

FIRST = {
    '"Parkinson\'s disease"': "apostrophe",
    "“Parkinson’s disease”": "apostrophe",
    "„Parkinson's disease“ slow": "apostrophe",
    '"大阪"': "tokyo",
    "「神戸」": "kobe",
    "山 -神戸": "tokyo",
    "山 -大阪": "kobe",
    "tar -cvjf": "archive",
    "rm -fr folder": "remove",
    "git commit -m": "commit",
    "store at -5C": "cold",
    "“filter costs”": "ligature",
    '"efficient filter"': "ligature",
    '"xyz789"': "ligature",
    '"soirée à la mer"': "decomposed",
    '"soiree a la mer"': "decomposed",
    "title:“r5” release": "r5",
    '"Rindfleischsuppe"': "hyphens",
    '"मेरी किताब"': "hindi",
    '"C#" compiled': "csharp",
}
"""Questions that one document alone answers, or answers first, however it is written."""

COUNTED = {
    "release 3.4": {"release", "3.4"},
    "templates C++": {"templates", "C++"},
    "vitamin D": {"vitamin", "D"},
    "मेरी किताब": {"मेरी", "किताब"},
    "office ﬁlter": {"office", "ﬁlter"},
}


@pytest.fixture(scope="module")
def of_all_kinds(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    small_embedder: Embedder,
) -> Iterator[TestClient]:
    data = tmp_path_factory.mktemp("data")
    documents = [SourceDocument(id, id, text) for id, text in OF_ALL_KINDS.items()]
    with new_database() as url:
        database = create_engine(url)
        build(database, data, small_embedder, "c", documents)
        yield TestClient(app_of(SearchEngine(database, data)))
        database.dispose()


def answered(client: TestClient, query: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/v1/search", params={"q": query, "collection": "c"}).json()
    return found


def test_who_starts_is_told_that_more_documents_come_in(of_all_kinds: TestClient) -> None:
    engine: SearchEngine = of_all_kinds.app.state.engine  # type: ignore[attr-defined]
    with engine.reader("c") as reader:
        number = reader.snapshot.collection_id
    told = "more are being read in"
    with shared(engine.database, reading_lock(number)):
        assert told in of_all_kinds.get("/").text
        (info,) = of_all_kinds.get("/v1/collections").json()
        assert (info["state"], info["progress"]["step"]) == ("live", READING)
    assert told not in of_all_kinds.get("/").text


@pytest.mark.parametrize("query", FIRST)
def test_what_was_written_is_found_however_it_is_typed(of_all_kinds: TestClient, query: str) -> None:
    assert answered(of_all_kinds, query)["results"][0]["document"]["id"] == FIRST[query]


@pytest.mark.parametrize("query", COUNTED)
def test_words_of_all_kinds_count(of_all_kinds: TestClient, query: str) -> None:
    words = {word["word"] for word in answered(of_all_kinds, query)["query_words"]}
    assert words >= COUNTED[query]


def test_what_is_no_field_is_said_and_searched_as_words(of_all_kinds: TestClient) -> None:
    assert answered(of_all_kinds, "w:cats animals")["no_fields"] == ["w"]
    page = of_all_kinds.get("/", params={"q": "<b>w:cats w:dogs animals", "collection": "c"}).text
    assert page.count("is no field of these documents") == 1


def test_both_readings_of_a_minus_are_a_click_apart(of_all_kinds: TestClient) -> None:
    without = answered(of_all_kinds, "animals -cats")
    assert without["restrictions"][0]["undone"] == "animals"
    (reading,) = without["readings"]
    assert reading == {"word": "cats", "excluded": True, "query": "animals cats"}
    assert answered(of_all_kinds, reading["query"])["total"] == without["total"] + 1
    (reading,) = answered(of_all_kinds, "tar -cvjf")["readings"]
    found = {each["document"]["id"] for each in answered(of_all_kinds, reading["query"])["results"]}
    assert "archive" not in found


def test_the_page_links_to_the_other_reading(of_all_kinds: TestClient) -> None:
    page = of_all_kinds.get("/", params={"q": "animals -cats", "collection": "c"}).text
    assert "Left out: documents with “cats”" in page
    assert 'href="/?q=animals%20cats&amp;collection=c"' in page
    assert 'href="/?q=animals&amp;collection=c"' in page
    page = of_all_kinds.get("/", params={"q": "tar -cvjf", "collection": "c"}).text
    assert "“-cvjf” is one of the words" in page


@pytest.mark.parametrize("id", ["caf%C3%A9.txt", "cafe%CC%81.txt"])
def test_an_id_is_found_in_either_form(of_all_kinds: TestClient, id: str) -> None:
    assert of_all_kinds.get(f"/v1/documents/{id}", params={"collection": "c"}).json()["id"] == "caf\u00e9.txt"
