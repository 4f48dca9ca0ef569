"""Why this before that, and why not: exact where they explain, true where they advise."""

import numpy as np
import pytest

from search.browse.documents import find_by_name
from search.engine.engine import SearchEngine
from search.engine.reader import Reader
from search.errors import DocumentNotFound, InvalidFilter, InvalidRequest
from search.explain.compare import compare
from search.explain.why_not import WANTED, why_not
from search.query.filters import parse_filters
from search.query.limits import MODES
from search.query.request import SearchRequest
from search.query.steering import Steering, parse
from search.responses.search import SearchResponse
from tests.support.reading import read

QUERY = "read a file line by line"

pytestmark = pytest.mark.database


def search(engine: SearchEngine, request: SearchRequest, limit: int = 50) -> SearchResponse:
    return engine.search(request, collection="manual", limit=limit)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("steer", ["", "concept:mathematics:2", "like"])
def test_margins_sum_to_the_margin(engine: SearchEngine, mode: str, steer: str) -> None:
    asked = read(engine, "manual", Reader.prepare, SearchRequest(QUERY, mode=mode)).asked
    one, other, *_ = asked.question.active
    like = f"{one}:1.5,{other}:off"
    request = SearchRequest(QUERY, parse(like if steer == "like" else steer), mode=mode)
    results = search(engine, request).results
    for first, second in ((results[0], results[1]), (results[40], results[3])):
        found = read(engine, "manual", compare, request, first.document.id, second.document.id)
        assert (found.first.rank, found.second.rank) == (first.rank, second.rank)
        assert found.first.passage == first.passage
        assert found.first.score == pytest.approx(first.score, abs=1e-5)
        assert found.margin == pytest.approx(first.score - second.score, abs=2e-5)
        assert sum(term.margin for term in found.terms) == pytest.approx(found.margin, abs=1e-5)
        assert sum(term.first for term in found.terms) == pytest.approx(first.score, abs=1e-5)
        sizes = [abs(term.margin) for term in found.terms]
        assert sizes == sorted(sizes, reverse=True)
        assert {term.word for term in found.terms if term.word} == {
            term.word for result in (first, second) for term in result.terms if term.word
        }


def test_what_cannot_be_compared_is_told(engine: SearchEngine) -> None:
    first, second = (result.document.id for result in search(engine, SearchRequest(QUERY)).results[:2])
    with pytest.raises(InvalidRequest, match="with itself"):
        read(engine, "manual", compare, SearchRequest(QUERY), first, first)
    with pytest.raises(DocumentNotFound, match="'nowhere'"):
        read(engine, "manual", compare, SearchRequest(QUERY), first, "nowhere")
    title = search(engine, SearchRequest(QUERY)).results[0].document.title
    without = SearchRequest(f'{QUERY} -title:"{title}"')
    with pytest.raises(InvalidRequest, match="left out"):
        read(engine, "manual", compare, without, second, first)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("rank", "steer"), [(12, ""), (30, "concept:mathematics:1"), (200, "")])
def test_the_steering_that_is_offered_does_what_it_says(
    engine: SearchEngine, mode: str, rank: int, steer: str
) -> None:
    request = SearchRequest(QUERY, parse(steer), mode=mode)
    ranking = read(engine, "manual", Reader.prepare, request).rank(rank)
    place = int(ranking.passages[rank - 1])
    missing = next(
        result.document.id
        for offset in (0, 100)
        for result in engine.search(request, collection="manual", limit=100, offset=offset).results
        if result.passage.id == engine.snapshot("manual").number_N[place]
    )
    found = read(engine, "manual", why_not, request, missing)
    assert found.result.rank == rank
    assert found.last is not None
    assert found.last.rank == WANTED
    assert found.excluded_by == []
    assert all(term.margin < 0 for term in found.lacks)
    assert found.ways
    assert [way.moved for way in found.ways] == sorted((way.moved for way in found.ways), reverse=True)
    for way in found.ways:
        assert parse(way.steer).knobs[: len(request.steering.knobs)] == request.steering.knobs
        assert len(way.added) == len(way.steering) - len(request.steering.knobs) > 0
        now = search(engine, SearchRequest(QUERY, parse(way.steer), mode=mode), limit=WANTED)
        assert now.results[way.rank - 1].document.id == missing


def test_the_words_that_are_offered_do_what_they_say(engine: SearchEngine) -> None:
    request = SearchRequest(QUERY)
    below = search(engine, request, limit=60).results[WANTED:]
    offered = [
        (result.document.id, wording)
        for result in below[::7]
        for wording in read(engine, "manual", why_not, request, result.document.id).wordings
    ]
    assert offered
    for document, wording in offered:
        assert wording.word not in QUERY.split()
        assert wording.query == f"{QUERY} {wording.word}"
        now = search(engine, SearchRequest(wording.query), limit=WANTED)
        assert now.results[wording.rank - 1].document.id == document


def test_where_words_do_not_count_none_is_offered(engine: SearchEngine) -> None:
    request = SearchRequest(QUERY, mode="semantic")
    missing = search(engine, request).results[15].document.id
    assert read(engine, "manual", why_not, request, missing).wordings == []


def test_no_smaller_strength_of_the_same_feature_would_do(engine: SearchEngine) -> None:
    request = SearchRequest(QUERY)
    missing = search(engine, request).results[24].document.id
    (single,) = [
        way for way in read(engine, "manual", why_not, request, missing).ways if len(way.added) == 1
    ][:1]
    knob = parse(single.steer).knobs[0]
    for tenths in range(1, round(abs(float(knob.strength)) * 10)):
        strength = np.sign(float(knob.strength)) * tenths / 10
        less = search(engine, SearchRequest(QUERY, parse(f"{knob.target}:{strength}")), limit=WANTED)
        assert missing not in [result.document.id for result in less.results]


def test_one_that_is_there_already_needs_nothing(engine: SearchEngine) -> None:
    first = search(engine, SearchRequest(QUERY)).results[0]
    found = read(engine, "manual", why_not, SearchRequest(QUERY), first.document.id)
    assert found.result.rank == 1
    assert (found.ways, found.lacks, found.last) == ([], [], None)
    assert found.result.score == pytest.approx(first.score, abs=1e-5)


def test_one_that_is_left_out_is_told_by_what(engine: SearchEngine) -> None:
    first = search(engine, SearchRequest(QUERY)).results[0].document
    request = SearchRequest(f'{QUERY} -"{first.title}" "line"')
    found = read(engine, "manual", why_not, request, first.id)
    assert found.result.rank is None
    assert [(each.without, each.phrase) for each in found.excluded_by] == [(True, first.title)]
    assert found.ways == []
    feature = search(engine, SearchRequest(QUERY)).query_features[0].feature
    filtered = SearchRequest(QUERY, filters=parse_filters([f"-feature:{feature}"]))
    about = next(
        result.document.id
        for result in search(engine, SearchRequest(QUERY)).results
        if read(engine, "manual", why_not, filtered, result.document.id).result.rank is None
    )
    (excluded,) = read(engine, "manual", why_not, filtered, about).excluded_by
    assert excluded.feature == feature


def test_bad_requests_are_told(engine: SearchEngine) -> None:
    with pytest.raises(DocumentNotFound, match="'nowhere'"):
        read(engine, "manual", why_not, SearchRequest(QUERY), "nowhere")
    with pytest.raises(InvalidFilter, match="no field"):
        read(engine, "manual", why_not, SearchRequest(QUERY, filters=parse_filters(["a:b"])), "nowhere")


def test_documents_are_found_by_words_of_their_names(engine: SearchEngine) -> None:
    first = search(engine, SearchRequest(QUERY)).results[0].document
    assert read(engine, "manual", find_by_name, first.id)[0] == first
    words = " ".join(reversed(first.title.upper().split()))
    assert first in read(engine, "manual", find_by_name, words, limit=100)
    assert read(engine, "manual", find_by_name, "no such name 100%") == []
    assert Steering() == SearchRequest(QUERY).steering
