"""Phrases, exclusions and conditions on a real store: exactly the documents that they leave are found."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import URL, create_engine
from sqlalchemy.orm import Session

from indexer.documents import delete_documents, ingest
from indexer.progress import Reporter
from indexer.sources import SourceDocument
from indexer.worker import Keeper
from search.embedder import Embedder
from search.engine import Engine
from search.errors import InvalidQuery
from search.requests import MODES
from search.results import Restriction, SearchResponse
from search.steering import Steering, parse
from tests.conftest import build

pytestmark = pytest.mark.database

DOCUMENTS = [
    SourceDocument("a", "The sun", "The sun is a star. Stars burn.", None, {"year": 1990, "lang": "en"}),
    SourceDocument("b", "Black holes", "A black hole bends light.", None, {"year": 2001.5, "lang": "de"}),
    SourceDocument("c", "Holes", "It was black\nhole by hole.", None, {"year": 2010, "tags": ["Dark", "x"]}),
    SourceDocument("d", "Bread", "Bread is baked, not starred.", None, {"when": "2020-05-17", "ok": True}),
    SourceDocument("e", "Sunday", "C++ and C# are languages. 100% sure.", None, {"when": "2021-01-02"}),
    SourceDocument("f", "Nothing", "To be or not to be.", None, {"lang": None}),
]

LEFT = {
    'stars "black hole"': "bc",
    'stars "BLACK   hole"': "bc",
    'light "black holes"': "b",
    'stars "hole bends"': "b",
    'stars "nowhere to be found"': "",
    'poem "to be or not"': "f",
    'light "c#"': "e",
    'light "100%"': "e",
    "light -star": "bcef",
    "light -stars": "bcef",
    'light -"black hole"': "adef",
    "light -the": "bcdef",
    "light -hole -bread": "aef",
    "title:sun light": "a",
    "-title:holes light": "adef",
    "light year:1990": "a",
    "light year:1990.0": "a",
    "light year:1990..2005": "ab",
    "light year:2001.5..": "bc",
    "light year:..1999": "a",
    "light -year:1990": "bcdef",
    "light lang:en,DE": "ab",
    "light tags:dark": "c",
    "light -tags:dark": "abdef",
    "light when:2020-05": "",
    "light when:2020-05..2020-05": "d",
    "light when:2020..2021": "de",
    "light when:2020-06..": "e",
    "light ok:true": "d",
    'light "black hole" year:2010 -bread': "c",
    "light when:a..b": "",
    "light nosuch:field": "abcdef",
}


@pytest.fixture(scope="module")
def engine(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    embedder: Embedder,
) -> Iterator[Engine]:
    data = tmp_path_factory.mktemp("data")
    with new_database() as url:
        database = create_engine(url)
        build(database, data, embedder, "c", DOCUMENTS)
        yield Engine(database, data)
        database.dispose()


def ask(engine: Engine, query: str, **options: Any) -> SearchResponse:
    return engine.search(query, collection="c", **{"steering": Steering(()), **options})


def ids(response: SearchResponse) -> str:
    return "".join(sorted(result.document.id for result in response.results))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("query", LEFT)
def test_exactly_what_is_left_is_found(engine: Engine, query: str, mode: str) -> None:
    response = ask(engine, query, mode=mode)
    assert ids(response) == LEFT[query]
    assert response.total == len(LEFT[query])


def test_the_answer_says_what_was_understood(engine: Engine) -> None:
    response = ask(engine, 'light "black hole" -bread year:1990..2010')
    assert response.query == 'light "black hole" -bread year:1990..2010'
    assert response.restrictions == [
        Restriction(without=False, phrase="black hole"),
        Restriction(without=True, phrase="bread"),
        Restriction(without=False, field="year", least="1990", most="2010"),
    ]
    assert [word.word for word in response.query_words] == ["light", "black", "hole"]


def test_steering_and_pages_stay_within_what_is_left(engine: Engine) -> None:
    steering = parse("concept:bread:3")
    first = ask(engine, "light -bread", steering=steering, limit=2)
    rest = ask(engine, "light -bread", steering=steering, limit=10, offset=2)
    assert sorted(ids(first) + ids(rest)) == list("abcef")
    for result in [*first.results, *rest.results]:
        assert sum(term.value for term in result.terms) == pytest.approx(result.score, abs=1e-5)


def test_a_range_that_does_not_fit_its_field_is_told(engine: Engine) -> None:
    with pytest.raises(InvalidQuery, match="year is a number, and 'then' is none"):
        ask(engine, "light year:then..2000")


def test_documents_that_come_and_go_are_seen(engine: Engine) -> None:
    number = engine.snapshot("c").collection_id
    reporter = Reporter(engine.database)
    assert ids(ask(engine, "light -star year:1990..")) == "bc"
    ingest(engine.database, number, [SourceDocument("g", "New", "A lamp.", None, {"year": 2020})], reporter)
    Keeper(engine.database).catch_up()
    assert ids(ask(engine, "light -star year:1990..")) == "bcg"
    with Session(engine.database) as session:
        delete_documents(session, number, ["g"])
        session.commit()
    assert ids(ask(engine, "light -star year:1990..")) == "bc"
