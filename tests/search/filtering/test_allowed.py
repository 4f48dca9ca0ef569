"""Phrases, exclusions and conditions on a real store: exactly the documents that they leave are found."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import URL, create_engine
from sqlalchemy.orm import Session

from indexer.documents import delete_documents, ingest
from indexer.jobs.worker import Keeper
from indexer.progress import Reporter
from indexer.sources import SourceDocument
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import InvalidFilter, InvalidSteering
from search.presentation.facets import FIRST
from search.query.filters import format_filter, parse_filter, parse_filters
from search.query.limits import MODES
from search.query.request import SearchRequest
from search.query.steering import parse
from search.responses.search import Restriction, SearchResponse
from tests.support.building import build

pytestmark = [pytest.mark.database, pytest.mark.sql]

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
    "light when:2020-05": "d",
    "light when:2020": "d",
    "light when:2020,2021-01-02": "de",
    "light when:2020-05..2020-05": "d",
    "light when:2020..2021": "de",
    "light when:2020-06..": "e",
    "light ok:true": "d",
    'light "black hole" year:2010 -bread': "c",
    "light nosuch:field": "abcdef",
}


@pytest.fixture(scope="module")
def engine(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    small_embedder: Embedder,
) -> Iterator[SearchEngine]:
    data = tmp_path_factory.mktemp("data")
    with new_database() as url:
        database = create_engine(url)
        build(database, data, small_embedder, "c", DOCUMENTS)
        yield SearchEngine(database, data)
        database.dispose()


def ask(engine: SearchEngine, query: str, **options: Any) -> SearchResponse:
    named = {name: options.pop(name) for name in ("limit", "offset", "facets") if name in options}
    return engine.search(SearchRequest(query, **options), collection="c", **named)


def ids(response: SearchResponse) -> str:
    return "".join(sorted(result.document.id for result in response.results))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("query", LEFT)
def test_exactly_what_is_left_is_found(engine: SearchEngine, query: str, mode: str) -> None:
    response = ask(engine, query, mode=mode)
    assert ids(response) == LEFT[query]
    assert response.total == len(LEFT[query])


def test_the_answer_says_what_was_understood(engine: SearchEngine) -> None:
    response = ask(engine, 'light "black hole" -bread year:1990..2010')
    assert response.query == 'light "black hole" -bread year:1990..2010'
    phrase, without, year = response.restrictions
    assert phrase == Restriction(
        without=False, phrase="black hole", undone="light black hole -bread year:1990..2010"
    )
    assert without == Restriction(without=True, phrase="bread", undone='light "black hole" year:1990..2010')
    assert year == Restriction(
        without=False,
        filter="year:1990..2010",
        field="year",
        least="1990",
        most="2010",
        undone='light "black hole" -bread',
    )
    assert [reading.query for reading in response.readings] == ['light "black hole" bread year:1990..2010']
    assert [word.word for word in response.query_words] == ["light", "black", "hole"]


def test_steering_and_pages_stay_within_what_is_left(engine: SearchEngine) -> None:
    steering = parse("concept:bread:3")
    first = ask(engine, "light -bread", steering=steering, limit=2)
    rest = ask(engine, "light -bread", steering=steering, limit=10, offset=2)
    assert sorted(ids(first) + ids(rest)) == list("abcef")
    for result in [*first.results, *rest.results]:
        assert sum(term.value for term in result.terms) == pytest.approx(result.score, abs=1e-5)


def test_a_range_that_does_not_fit_its_field_is_told(engine: SearchEngine) -> None:
    for query in ("light year:then..2000", "light year:then"):
        with pytest.raises(InvalidFilter, match="year is a number, and 'then' is none"):
            ask(engine, query)


FILTERED = {
    ("year:1990..2005",): "ab",
    ("lang:en,de", "-year:1990"): "b",
    ("title:sun",): "a",
    ("-title:holes", "tags:dark,x"): "",
    ("when:2020-05",): "d",
    ("when:2020..2021-01-01",): "d",
    ("ok:TRUE",): "d",
    ("lang:nowhere",): "",
}


@pytest.mark.parametrize("filters", FILTERED)
def test_filters_leave_exactly_what_meets_them(engine: SearchEngine, filters: tuple[str, ...]) -> None:
    response = ask(engine, "light", filters=parse_filters(filters))
    assert ids(response) == FILTERED[filters]
    assert [restriction.filter for restriction in response.restrictions] == [
        format_filter(parse_filter(text)) for text in filters
    ]
    typed = ask(engine, 'light "black hole"', filters=parse_filters(filters))
    assert ids(typed) == "".join(sorted(set(FILTERED[filters]) & set("bc")))


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "colour:red": "no field 'colour'",
        "year:soon": "year is a number, and 'soon' is none",
        "year:1990..soon": "'soon' is none",
        "when:yesterday": "when is a date, and 'yesterday' is none",
        "when:2020-13-": "when is a date",
        "ok:perhaps": "ok is a yes-or-no field",
        "feature:99999": "no feature 99999",
    }.items(),
)
def test_a_filter_that_nothing_could_meet_is_told(engine: SearchEngine, text: str, message: str) -> None:
    with pytest.raises(InvalidFilter, match=message) as caught:
        ask(engine, "light", filters=parse_filters([text]))
    assert caught.value.hint


def test_known_fields_are_named_where_one_is_not(engine: SearchEngine) -> None:
    with pytest.raises(InvalidFilter) as caught:
        ask(engine, "light", filters=parse_filters(["nosuch:1"]))
    assert caught.value.hint == "Known fields: title, lang, ok, tags, when, year."


def test_a_feature_leaves_the_passages_that_it_fires_on(engine: SearchEngine) -> None:
    snapshot = engine.snapshot("c")
    feature = int(snapshot.acts_NF[0].indices[0])
    with_it = ask(engine, "light", filters=parse_filters([f"feature:{feature}"]))
    without = ask(engine, "light", filters=parse_filters([f"-feature:{feature}"]))
    firing = set(snapshot.visible.features.about_by_feature[:, [feature]].indices.tolist())
    assert {result.passage.id for result in with_it.results} == firing
    assert not {result.passage.id for result in without.results} & firing
    assert with_it.restrictions[0].feature == feature
    assert with_it.restrictions[0].label == snapshot.labels[feature].shown
    with pytest.raises(InvalidSteering, match="Nothing is known of dictionary 77"):
        ask(engine, "light", filters=parse_filters([f"feature:{feature}"]), dictionary=77)


def narrowed(engine: SearchEngine, query: str, *filters: str) -> dict[str, int]:
    """What a search can be narrowed down to: what each filter would leave."""
    facets = ask(engine, query, filters=parse_filters(filters), facets=True).facets
    assert facets is not None
    found = {topic.filter: topic.documents for topic in facets.topics}
    return found | {value.filter: value.documents for facet in facets.fields for value in facet.values}


@pytest.mark.parametrize("query", ["light", "light -bread", 'stars "hole"'])
def test_a_count_is_what_choosing_it_leaves(engine: SearchEngine, query: str) -> None:
    found = ask(engine, query, facets=True)
    assert found.facets is not None
    first = ids(ask(engine, query, limit=FIRST))
    for facet in found.facets.fields:
        assert facet.values
        for value in facet.values:
            left = ask(engine, query, filters=parse_filters([value.filter]), limit=FIRST)
            assert left.total == value.documents > 0
            assert value.top == len(set(ids(left)) & set(first))
            assert not value.chosen
    for topic in found.facets.topics:
        assert ask(engine, query, filters=parse_filters([topic.filter])).total == topic.documents


def test_other_values_of_a_chosen_field_can_still_be_chosen(engine: SearchEngine) -> None:
    before, after = narrowed(engine, "light"), narrowed(engine, "light", "lang:de")
    assert before["lang:en"] == after["lang:en"] == 1
    assert "year:1990" not in after
    response = ask(engine, "light", filters=parse_filters(["lang:DE"]), facets=True)
    assert response.facets is not None
    (lang,) = (facet for facet in response.facets.fields if facet.field == "lang")
    assert [(value.value, value.chosen) for value in lang.values] == [("de", True), ("en", False)]


def test_documents_that_come_and_go_are_seen(engine: SearchEngine) -> None:
    number = engine.snapshot("c").collection_id
    reporter = Reporter(engine.database)
    assert ids(ask(engine, "light -star year:1990..")) == "bc"
    assert "year:2020" not in narrowed(engine, "light")
    ingest(engine.database, number, [SourceDocument("g", "New", "A lamp.", None, {"year": 2020})], reporter)
    Keeper(engine.database).catch_up()
    assert ids(ask(engine, "light -star year:1990..")) == "bcg"
    assert narrowed(engine, "light")["year:2020"] == 1
    with Session(engine.database) as session:
        delete_documents(session, number, ["g"])
        session.commit()
    assert ids(ask(engine, "light -star year:1990..")) == "bc"


ODD: list[dict[str, Any]] = [
    {
        "price": "5",
        "published": "2020-05-01",
        "author": {"name": "Doe"},
        "years": [1985, 1995],
        "city": "İzmir",
    },
    {
        "price": "20",
        "published": "2020-05-20",
        "authors": [{"name": "Roe"}, {"name": "Poe"}],
        "city": "izmir",
    },
    {"price": "100", "published": "unknown", "author": {"name": "DOE"}, "years": [2005], "city": "Bern"},
    *({"price": "7", "published": f"{1990 + number}-03-04", "n": number} for number in range(13)),
    {"n": "many"},
]

KINDS = {
    "price:5..100": 16,
    "price:10..50": 1,
    "price:7.0": 13,
    "published:2020-05": 2,
    "published:2020..": 2,
    "published:unknown": 1,
    "author.name:doe": 2,
    "-author.name:doe": len(ODD) - 2,
    "authors.name:poe": 1,
    "years:1990..2000": 1,
    "years:1985,2005": 2,
    "city:İZMIR": 2,
    "n:10..": 3,
}


@pytest.fixture(scope="module")
def odd(engine: SearchEngine, small_embedder: Embedder) -> SearchEngine:
    """The same engine with a collection whose values are of all kinds."""
    documents = [
        SourceDocument(f"o{number}", f"Title {number}", f"Whale {number} sings.", None, meta)
        for number, meta in enumerate(ODD)
    ]
    build(engine.database, engine.data, small_embedder, "odd", documents)
    return engine


def found(engine: SearchEngine, query: str, *filters: str, facets: bool = False) -> SearchResponse:
    request = SearchRequest(query, filters=parse_filters(filters))
    return engine.search(request, collection="odd", limit=FIRST, facets=facets)


@pytest.mark.parametrize("text", KINDS)
def test_a_value_is_compared_as_what_it_is(odd: SearchEngine, text: str) -> None:
    assert found(odd, "whale", text).total == KINDS[text]
    assert found(odd, f"whale {text}").total == KINDS[text]


def test_a_range_of_texts_and_an_object_say_what_can_be_asked(odd: SearchEngine) -> None:
    with pytest.raises(InvalidFilter, match="city is a text; ranges are of numbers and dates"):
        found(odd, "whale", "city:a..z")
    with pytest.raises(InvalidFilter, match="author holds fields of its own") as caught:
        found(odd, "whale", "author:Doe")
    assert caught.value.hint == "Name one of them: author.name."
    with pytest.raises(InvalidFilter, match="no field 'writer'") as caught:
        found(odd, "whale", "writer:Doe")
    assert "author.name, authors.name, city" in str(caught.value.hint)


def test_one_odd_value_leaves_a_field_its_ranges_and_years(odd: SearchEngine) -> None:
    facets = found(odd, "whale", facets=True).facets
    assert facets is not None
    shown = {facet.field: facet.values for facet in facets.fields}
    assert [value.value for value in shown["n"]][-1] == "many"
    assert sum(".." in value.value for value in shown["n"]) > 1
    assert "2020" in [value.value for value in shown["published"]]
    assert [(value.value, value.documents) for value in shown["city"]] == [("İzmir", 2), ("Bern", 1)]
    for values in shown.values():
        for value in values:
            assert found(odd, "whale", value.filter).total == value.documents
