"""Any text's features: they sum, they are where they are said to be, and they can be searched with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.engine.engine import SearchEngine
from search.engine.reader import Reader
from search.errors import InvalidPage, InvalidQuery
from search.explain.analyze import MAX_ANALYSED, analyze, as_query, beginning, only
from search.query.limits import MAX_QUERY
from search.query.parser import parse_query
from search.query.request import SearchRequest
from search.query.steering import FeatureTarget, Knob, Steering
from tests.support.reading import read

pytestmark = pytest.mark.database

TEXT = (
    "A list can be sorted in place by its method sort. The function sorted makes a new list instead.\n\n"
    "Sockets send bytes over a network. A server listens on a port and accepts connections from clients."
)


def test_shares_sum_to_one_and_features_come_strongest_first(engine: SearchEngine) -> None:
    found = read(engine, "manual", analyze, TEXT, limit=100)
    assert len(found.features) == found.total
    shares = sum(each.share for each in found.features)
    assert shares + found.baseline + found.remainder == pytest.approx(1, abs=1e-4)
    activations = [each.activation for each in found.features]
    assert activations == sorted(activations, reverse=True)
    assert len(read(engine, "manual", analyze, TEXT, limit=3).features) == 3


def test_a_short_text_has_the_features_of_the_question_it_is(engine: SearchEngine) -> None:
    found = read(engine, "manual", analyze, "sort a list", limit=100)
    assert len(found.passages) == 1
    assert {each.label for each in found.features[:4]} & {"sort", "sorting", "list", "sorted list"}
    snapshot = engine.snapshot("manual")
    for each in found.features:
        assert each.activation == each.maximum
        scale = float(snapshot.scale_F[each.feature])
        assert each.strength == pytest.approx(min(each.activation / scale, 5) if scale else 0)


def test_sentences_and_words_stand_where_they_are_said_to(engine: SearchEngine) -> None:
    found = read(engine, "manual", analyze, TEXT)
    sentences = [sentence for passage in found.passages for sentence in passage.sentences]
    assert [TEXT[s.start : s.end].split()[0] for s in sentences] == ["A", "The", "Sockets", "A"]
    assert all(sentence.features for sentence in sentences)
    words = [TEXT[w.start : w.end] for passage in found.passages for w in passage.words]
    assert "".join(words) == "".join(filter(str.isalnum, TEXT))
    for passage in found.passages:
        for lit in passage.word_values:
            assert sum(lit.values) + lit.elsewhere == pytest.approx(lit.total, abs=2e-3)


def test_different_sentences_have_different_features(engine: SearchEngine) -> None:
    found = read(engine, "manual", analyze, TEXT)
    first, *_, last = (sentence for passage in found.passages for sentence in passage.sentences)
    assert first.features[0].feature != last.features[0].feature


def test_of_a_long_text_the_beginning_is_analysed_and_that_is_said(engine: SearchEngine) -> None:
    text = "word after word " * 50_000
    found = read(engine, "manual", analyze, text, limit=1)
    assert (found.characters, len(found.query) <= MAX_QUERY) == (len(text), True)
    assert MAX_ANALYSED - 20 < found.analysed <= MAX_ANALYSED
    assert found.passages[-1].end <= found.analysed


@pytest.mark.parametrize(
    "text", ["", " \n", "?!…", "a\0b", "a\ud800", " " * MAX_ANALYSED + "word", " " * 20_000 + "w"]
)
def test_what_has_no_meaning_is_refused(engine: SearchEngine, text: str) -> None:
    with pytest.raises(InvalidQuery):
        read(engine, "manual", analyze, text)
    with pytest.raises(InvalidPage):
        read(engine, "manual", analyze, "word", limit=0)


def test_only_some_of_its_topics_are_left_in_a_question(engine: SearchEngine) -> None:
    query = as_query(TEXT)
    kept = list(read(engine, "manual", Reader.prepare, SearchRequest(query)).asked.question.active)[:2]
    steering = read(engine, "manual", only, query, kept)
    assert steering.knobs
    assert not set(steering.features) & set(kept)
    answer = engine.search(SearchRequest(query, steering, mode="semantic"), collection="manual")
    assert answer.moved < 1
    for result in answer.results:
        left: dict[int | None, float] = {}
        for term in result.terms:
            left[term.feature] = left.get(term.feature, 0.0) + term.value
        assert all(left[feature] == pytest.approx(0, abs=1e-5) for feature in steering.features)


def test_its_features_as_knobs_move_another_question_towards_it(engine: SearchEngine) -> None:
    found = read(engine, "manual", analyze, "open a network socket")
    knobs = tuple(Knob(each.strength, FeatureTarget(each.feature)) for each in found.features[:5])
    snapshot = engine.snapshot("manual")
    there = engine.embed(snapshot.space, "open a network socket")
    before, after = (
        read(engine, "manual", Reader.prepare, SearchRequest("examples", steering)).steered.vector_D
        for steering in (Steering(), Steering(knobs))
    )
    assert float(after @ there) > float(before @ there) + 0.2
    assert float(np.linalg.norm(after)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    "text",
    ['He said "no way" twice', "not -this one", "title:sun rises", "a: b -- c", "«no» -sun", "title:“a”"],
)
def test_a_text_restricts_nothing(text: str) -> None:
    assert not parse_query(as_query(text), ["year"], bool).restricts


@given(st.text(max_size=80), st.integers(1, 60))
def test_a_beginning_is_one_and_fits(text: str, size: int) -> None:
    found = beginning(text, size)
    assert text.startswith(found)
    assert len(found) <= size
    assert len(found) > size // 2 or found == text
