"""Families of a really indexed collection: found, steered by, explained."""

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from indexer.sources import SourceDocument
from search.browse.concepts import concept_detail, find_concepts
from search.browse.features import feature_detail, find_features, near_features
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.engine.reader import Reader
from search.errors import InvalidQuery, InvalidSteering
from search.query.request import SearchRequest
from search.query.steering import FamilyTarget, parse
from search.responses.features import ConceptSummary
from search.responses.search import SearchResponse
from tests.support.building import build
from tests.support.indexed import Indexed
from tests.support.reading import read

pytestmark = pytest.mark.database

QUESTION = "read a file line by line"


def ask(engine: SearchEngine, steer: str, query: str = QUESTION) -> SearchResponse:
    return engine.search(SearchRequest(query, parse(steer)), collection="manual", limit=20)


@pytest.fixture(scope="module")
def family(engine: SearchEngine) -> ConceptSummary:
    """The family nearest to something that the question is not about."""
    return read(engine, "manual", find_concepts, "dates and times").concepts[0]


def test_families_are_listed_by_how_many_passages_belong(engine: SearchEngine) -> None:
    listed = read(engine, "manual", find_concepts, "", limit=100)
    counts = [concept.passages for concept in listed.concepts]
    assert counts == sorted(counts, reverse=True)
    assert min(counts) > 0
    assert len(counts) == min(listed.total, 100)
    for concept in listed.concepts:
        assert concept.name
        assert concept.example
        assert concept.features[0].weight == 1
        if concept.parent:
            wider = read(engine, "manual", concept_detail, concept.parent.family)
            assert concept.family in [child.family for child in wider.children]


def test_a_family_is_found_by_its_name_and_by_what_it_is_about(engine: SearchEngine) -> None:
    for concept in read(engine, "manual", find_concepts, "").concepts[:5]:
        found = read(engine, "manual", find_concepts, concept.name.upper())
        assert found.concepts[0].family == concept.family
        assert found.query == concept.name.upper()
    with pytest.raises(InvalidQuery):
        read(engine, "manual", find_concepts, "?!")


@pytest.mark.parametrize("question", ["parse command line arguments", "regular expressions"])
def test_topics_near_a_question_are_those_that_its_first_answers_are_about(
    engine: SearchEngine, question: str
) -> None:
    snapshot = engine.snapshot("manual")
    found = read(engine, "manual", near_features, question, limit=4)
    asked = read(engine, "manual", Reader.prepare, SearchRequest(question)).asked
    first = asked.rank(snapshot, 100).passages[:100]
    for topic in found:
        assert snapshot.telling[topic.feature]
        assert topic.feature not in asked.question.active  # these are offered beside it
        assert snapshot.about_NF[first][:, [topic.feature]].nnz
    assert found, "no topic at all"


def test_a_small_collection_has_topics_near_a_question_too(
    database: Engine, tmp_path: Path, embedder: Embedder
) -> None:
    cooking = [f"Bread number {n} is baked of flour, water and yeast in a hot oven." for n in range(4)]
    stars = [f"Star number {n} is a galaxy's sun, seen by astronomers with a telescope." for n in range(24)]
    texts = [SourceDocument(str(n), "", text, None, {}) for n, text in enumerate(cooking + stars)]
    build(database, tmp_path, embedder, "small", texts)
    engine = SearchEngine(database, tmp_path)
    snapshot, query = engine.snapshot("small"), "how to bake bread"
    near = read(engine, "small", near_features, query, limit=4)
    explained = read(engine, "small", Reader.prepare, SearchRequest(query)).asked.question.active
    topics = {snapshot.labels[f].text for f in (*explained, *(topic.feature for topic in near))}
    assert topics & {"bread", "baking", "bake", "baker"}
    assert not topics & {"star", "galaxy", "telescope"}


def test_steering_by_a_family_prefers_its_passages_in_one_term(
    engine: SearchEngine, family: ConceptSummary
) -> None:
    snapshot = engine.snapshot("manual")
    knob = f"family:{family.family}"
    steered = ask(engine, f"{knob}:2")
    features = [feature.feature for feature in family.features]

    def firing(response: SearchResponse) -> float:
        passages = [result.passage.id for result in response.results]
        return float(snapshot.acts_NF[passages][:, features].sum())

    assert firing(ask(engine, f"{knob}:-2")) <= firing(ask(engine, "")) < firing(steered)
    assert [(term.label, term.family, term.strength) for term in steered.steering] == [
        (family.name, family.family, 2)
    ]
    for result in steered.results:
        assert sum(term.value for term in result.terms) == pytest.approx(result.score, abs=1e-5)
        (term,) = [term for term in result.terms if term.kind == "steering"]
        assert (term.label, term.family, term.knob) == (family.name, family.family, knob)
        assert {part.feature for part in term.parts} <= set(features)
    assert steered.moved == pytest.approx(1)


def test_a_familys_members_are_counted_as_the_search_sees_them(
    engine: SearchEngine, family: ConceptSummary
) -> None:
    snapshot = engine.snapshot("manual")
    ask(engine, f"family:{family.family}:1")
    concept = read(engine, "manual", Reader.concept, FamilyTarget(family.family))
    membership_N = snapshot.membership(concept)
    assert np.count_nonzero(membership_N >= 0.5) == pytest.approx(family.passages, abs=1)
    assert snapshot.membership(concept) is membership_N


def test_steering_by_examples_brings_in_others_like_them(engine: SearchEngine, indexed: Indexed) -> None:
    encoded = [result.document.id for result in ask(engine, "", "encode bytes as base64 text").results]
    files = [result.document.id for result in ask(engine, "").results]
    like, rest = "~".join(encoded[:3]), set(encoded[3:])
    plain = ask(engine, "").results
    steered = ask(engine, f"like:{like}:5")
    assert len(rest & {r.document.id for r in steered.results}) > len(rest & {r.document.id for r in plain})
    title = next(document.title for document in indexed.documents if document.id == encoded[0])
    assert steered.steering[0].label == f"like “{title}” and 2 more"
    assert steered.steering[0].like == encoded[:3]
    against = ask(engine, f"like:{like}!{files[0]}:3")
    assert "unlike" in against.steering[0].label
    parts = [part.share for result in against.results for term in result.terms for part in term.parts]
    assert min(parts) < 0 < max(parts)
    for result in against.results:
        assert sum(term.value for term in result.terms) == pytest.approx(result.score, abs=1e-5)


@pytest.mark.parametrize(
    ("steer", "named"),
    [
        ("family:99999:1", "99999"),
        ("like:no.such.thing:1", "'no.such.thing'"),
        ("like:{}!nothing:1", "'nothing'"),
    ],
)
def test_unknown_families_and_documents_are_named(
    engine: SearchEngine, indexed: Indexed, steer: str, named: str
) -> None:
    with pytest.raises(InvalidSteering, match=named) as refused:
        ask(engine, steer.format(indexed.documents[0].id))
    assert refused.value.hint
    with pytest.raises(InvalidSteering, match="99999"):
        read(engine, "manual", concept_detail, 99999)


def test_a_feature_says_which_families_it_is_in(engine: SearchEngine, family: ConceptSummary) -> None:
    detail = read(engine, "manual", feature_detail, family.features[0].feature)
    assert family.family in [other.family for other in detail.families]


def test_the_features_of_a_family_are_listed_most_central_first(
    engine: SearchEngine, family: ConceptSummary
) -> None:
    listed = read(engine, "manual", find_features, "", family=family.family, limit=100)
    firing = engine.snapshot("manual").passages_F > 0
    expected = [part.feature for part in family.features if firing[part.feature]]
    assert [feature.feature for feature in listed.features] == expected
