"""Refining by example: what tells documents apart, as knobs that steer towards those one likes."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.engine.engine import SearchEngine
from search.errors import DocumentNotFound, InvalidQuery, InvalidSteering
from search.explain.relevance_feedback import (
    ANSWERS,
    ANSWERS_SHARE,
    MOST,
    MOST_AGAINST,
    NOTHING_IN_COMMON,
    refine,
)
from search.query.request import SearchRequest
from search.query.steering import MAX_EXAMPLES, parse
from search.responses.search import SearchResponse
from tests.support.reading import read

pytestmark = pytest.mark.database

HERE = "manual"
QUESTION = "read a file line by line"


def ask(engine: SearchEngine, query: str, steer: str = "", limit: int = 20) -> SearchResponse:
    return engine.search(SearchRequest(query, parse(steer)), collection=HERE, limit=limit)


def found(engine: SearchEngine, query: str, number: int = 3) -> list[str]:
    return [result.document.id for result in ask(engine, query).results[:number]]


@pytest.fixture(scope="module")
def dates(engine: SearchEngine) -> list[str]:
    return found(engine, "dates and times")


@pytest.fixture(scope="module")
def files(engine: SearchEngine) -> list[str]:
    return found(engine, QUESTION)


def test_the_knobs_lead_to_documents_like_those_one_likes(
    engine: SearchEngine, dates: list[str], files: list[str]
) -> None:
    told = read(engine, HERE, refine, dates, files)
    assert told.against == "unlike"
    assert 0 < len(told.features) <= MOST
    assert sum(each.strength < 0 for each in told.features) <= MOST_AGAINST
    assert parse(told.steer).knobs
    sizes = [abs(each.difference) for each in told.features]
    assert sizes == sorted(sizes, reverse=True)
    for each in told.features:
        assert (each.liked > each.others) == (each.strength > 0)
        assert each.strength == pytest.approx(each.difference, abs=0.05)
    before = [result.document.id for result in ask(engine, QUESTION, limit=100).results]
    after = [result.document.id for result in ask(engine, QUESTION, told.steer, limit=100).results]

    def place(ids: list[str], documents: list[str]) -> float:
        return sum(ids.index(id) if id in ids else 100 for id in documents) / len(documents)

    assert place(after, dates) < place(before, dates)
    assert place(after, files) > place(before, files)


def test_sides_that_are_exchanged_say_the_opposite(
    engine: SearchEngine, dates: list[str], files: list[str]
) -> None:
    there = {each.feature: each.difference for each in read(engine, HERE, refine, dates, files).features}
    back = {each.feature: each.difference for each in read(engine, HERE, refine, files, dates).features}
    both = there.keys() & back.keys()
    assert both
    for feature in both:
        assert there[feature] == pytest.approx(-back[feature])


def test_without_unliked_ones_the_answers_or_the_collection_are_what_they_are_told_from(
    engine: SearchEngine, dates: list[str]
) -> None:
    plain = read(engine, HERE, refine, dates, [])
    asked = read(engine, HERE, refine, dates, [], query="dates and times")
    assert (plain.against, asked.against) == ("collection", "answers")
    assert plain.features[0].strength > 0
    snapshot = engine.snapshot(HERE)
    x_ND = snapshot.index.vectors(np.arange(snapshot.passages))
    wanted = min(ANSWERS, snapshot.passages // ANSWERS_SHARE)
    nearest = np.argsort(-(x_ND @ engine.embed(snapshot.space, "dates and times")))[:wanted]
    for told, acts in ((plain, snapshot.acts_NF), (asked, snapshot.acts_NF[nearest])):
        mean_F = np.asarray(acts.mean(axis=0)).ravel()
        assert told.features
        for each in told.features:
            assert each.others == pytest.approx(mean_F[each.feature], abs=3e-3)  # one passage at the edge
            unit = snapshot.scale_F[each.feature]
            assert each.difference == pytest.approx((each.liked - each.others) / unit, abs=1e-4)


def test_the_strength_of_the_knob_is_that_of_what_it_is_spelled_out_as(
    engine: SearchEngine, dates: list[str]
) -> None:
    one, two = (read(engine, HERE, refine, dates, [], strength=s).features for s in (1.0, -2.0))
    for first, second in zip(one, two, strict=True):
        assert first.feature == second.feature
        assert second.strength == pytest.approx(-2 * first.difference, abs=0.051)


def test_documents_that_have_nothing_in_common_are_told_so(engine: SearchEngine, dates: list[str]) -> None:
    told = read(engine, HERE, refine, dates[:1], [], query="", strength=1e-6)
    assert (told.features, told.steer, told.note) == ([], "", NOTHING_IN_COMMON)


def test_what_is_not_there_or_contradicts_itself_is_refused(engine: SearchEngine, dates: list[str]) -> None:
    with pytest.raises(DocumentNotFound, match=r"'nobody', 'none'") as refused:
        read(engine, HERE, refine, [dates[0], "nobody"], ["none"])
    assert refused.value.status == 404
    with pytest.raises(InvalidSteering, match="given twice"):
        read(engine, HERE, refine, dates, dates[:1])
    with pytest.raises(InvalidSteering, match="21 examples"):
        read(engine, HERE, refine, [f"d{n}" for n in range(MAX_EXAMPLES + 1)], [])
    with pytest.raises(InvalidSteering, match="document to be like"):
        read(engine, HERE, refine, [], dates)
    with pytest.raises(InvalidSteering):
        read(engine, HERE, refine, [], [])
    with pytest.raises(InvalidQuery):
        read(engine, HERE, refine, dates, [], query="?!")


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_documents_give_knobs_a_search_takes(engine: SearchEngine, data: st.DataObject) -> None:
    ids = [result.document.id for result in ask(engine, "python", limit=60).results]
    drawn = data.draw(st.lists(st.sampled_from(ids), min_size=1, max_size=8, unique=True))
    cut = data.draw(st.integers(1, len(drawn)))
    told = read(engine, HERE, refine, drawn[:cut], drawn[cut:])
    assert bool(told.features) != bool(told.note)
    assert len(parse(told.steer).knobs) == len(told.features) <= MOST
    assert ask(engine, QUESTION, told.steer, limit=3).results
