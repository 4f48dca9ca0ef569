"""A first press turns a knob as far as it takes for the first answers to change visibly, and no further."""

import pytest

from search.engine.engine import SearchEngine
from search.engine.first_press import FIRST, STRENGTHS_S, UNSEEN, VISIBLE, first_press
from search.errors import InvalidSteering
from search.query.request import SearchRequest
from search.query.steering import ConceptTarget, ExamplesTarget, FeatureTarget, Knob, Steering, Target
from tests.support.reading import read

QUERY = "read a file line by line"

pytestmark = pytest.mark.database


def risen(engine: SearchEngine, target: Target, strength: float) -> int:
    """Counts the first documents that are new there or stand higher than without the knob."""

    def first(steering: Steering) -> list[str]:
        found = engine.search(SearchRequest(QUERY, steering), collection="manual", limit=FIRST)
        return [result.document.id for result in found.results]

    before, after = first(Steering()), first(Steering((Knob(strength, target),)))
    places = {document: place for place, document in enumerate(before)}
    return sum(place < places.get(document, FIRST) for place, document in enumerate(after))


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("phrase", ["dates and times", ""], ids=["phrase", "feature"])
def test_a_press_is_the_weakest_that_shows(engine: SearchEngine, phrase: str, up: bool) -> None:
    asked = engine.search(SearchRequest(QUERY), collection="manual", limit=FIRST).query_features
    target = ConceptTarget(phrase) if phrase else FeatureTarget(asked[0].feature)
    strength = read(engine, "manual", first_press, SearchRequest(QUERY), target, up=up)
    assert (strength > 0) == up
    assert abs(strength) in STRENGTHS_S
    weaker = strength - (0.5 if up else -0.5)
    if risen(engine, target, strength) >= VISIBLE and weaker:
        assert risen(engine, target, weaker) < VISIBLE


def test_a_document_that_is_turned_away_from_leaves_the_first_ones(engine: SearchEngine) -> None:
    def first(steering: Steering) -> list[str]:
        found = engine.search(SearchRequest(QUERY, steering), collection="manual", limit=FIRST)
        return [result.document.id for result in found.results]

    for document in first(Steering())[::3]:
        target = ExamplesTarget((document,), ())
        strength = read(engine, "manual", first_press, SearchRequest(QUERY), target, up=False)
        assert document not in first(Steering((Knob(strength, target),)))


def test_without_a_question_a_press_is_a_usual_one(engine: SearchEngine) -> None:
    press = read(engine, "manual", first_press, SearchRequest(""), FeatureTarget(1), up=False)
    assert press == -UNSEEN


def test_a_press_on_what_nothing_here_is_about_is_a_usual_one(engine: SearchEngine) -> None:
    """It is not made as strong as it takes for something, anything, to move."""
    target = ConceptTarget("zxqv blorft")
    assert read(engine, "manual", first_press, SearchRequest(QUERY), target, up=True) == UNSEEN


def test_a_feature_that_is_not_there_is_told(engine: SearchEngine) -> None:
    with pytest.raises(InvalidSteering, match="999999"):
        read(engine, "manual", first_press, SearchRequest(QUERY), FeatureTarget(999999), up=True)
