"""Whole searches on a really indexed collection."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from search.browse.collections import collections
from search.browse.documents import document_detail
from search.browse.features import feature_detail, find_features
from search.db.models import CollectionRow
from search.engine.engine import SearchEngine
from search.engine.reader import Reader
from search.engine.response import OTHER_TOPICS
from search.errors import (
    CollectionNotFound,
    DocumentNotFound,
    FeatureNotFound,
    InvalidPage,
    InvalidRequest,
    InvalidSteering,
    NotIndexed,
)
from search.index.bm25 import Counts, Lexicon
from search.index.generation_files import (
    FEATURES_FILE,
    INDEX_FILE,
    MAP_FILE,
    NAMES_FILE,
    WORDS_FILE,
    generation_folder,
)
from search.index.passage_store import read_texts
from search.presentation.for_people import ForPeople
from search.query.filters import parse_filters
from search.query.limits import MODES
from search.query.request import SearchRequest
from search.query.steering import FeatureTarget, Knob, Steering, format_steering, parse
from search.responses.search import SearchResponse, Term
from search.scoring.hybrid import SHORT, WORDS_WEIGHT, counted_words
from search.scoring.pursuit import MOST_TERMS, NEAR
from search.scoring.ranking import Pool
from tests.support.indexed import Indexed
from tests.support.reading import read

QUERIES = ("read a file line by line", "sort numbers", "asynchronous tasks", "dates and time zones")

pytestmark = pytest.mark.database


def ask(
    engine: SearchEngine, query: str, steer: str = "", limit: int = 10, offset: int = 0, mode: str = "hybrid"
) -> SearchResponse:
    return engine.search(
        SearchRequest(query, parse(steer), mode=mode),
        collection="manual",
        limit=limit,
        offset=offset,
        for_people=ForPeople(),
    )


def features_of(engine: SearchEngine, query: str) -> list[int]:
    """The features that explain a question, then others."""
    snapshot = engine.snapshot("manual")
    active = read(engine, "manual", Reader.prepare, SearchRequest(query)).asked.question.active
    return [*active, *(f for f in np.flatnonzero(snapshot.telling)[:5].tolist() if f not in active)]


def knobs(engine: SearchEngine, query: str) -> list[str]:
    """Steering of several kinds that means something for a query."""
    first, second = features_of(engine, query)[:2]
    return [
        f"{first}:2",
        f"{first}:off",
        f"{first}:-1,{second}:1.5",
        "concept:network%20protocols:2",
        f"{second}:1,concept:mathematics:-1",
    ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("query", QUERIES)
def test_terms_sum_to_the_score_whatever_the_steering(engine: SearchEngine, query: str, mode: str) -> None:
    for steer in ["", *knobs(engine, query)]:
        for result in ask(engine, query, steer, limit=20, mode=mode).results:
            assert sum(term.value for term in result.terms) == pytest.approx(result.score, abs=1e-5)
            sizes = [abs(term.value) for term in result.terms]
            assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("filter", ["kind:method", "-kind:method"])
def test_an_answer_has_the_same_reasons_whatever_the_filter(
    engine: SearchEngine, filter: str, mode: str
) -> None:
    """Whether the question was asked without one before, or is for the first time."""
    fresh = SearchEngine(engine.database, engine.data)
    for query in QUERIES:
        asked = [SearchRequest(query, mode=mode, filters=each) for each in ((), parse_filters([filter]))]
        narrowed = fresh.search(asked[1], collection="manual", limit=10)
        plain = fresh.search(asked[0], collection="manual", limit=100)
        again = engine.search(asked[1], collection="manual", limit=10)
        terms = {result.document.id: result.terms for result in plain.results}
        both = [result for result in narrowed.results if result.document.id in terms]
        assert both
        for result in both:
            pairs = list(zip(result.terms, terms[result.document.id], strict=True))
            assert all(replace(one, value=other.value) == other for one, other in pairs)
            assert [one.value for one, _ in pairs] == pytest.approx([other.value for _, other in pairs])
        assert narrowed.query_features == plain.query_features
        assert [each.terms for each in narrowed.results] == [each.terms for each in again.results]


@pytest.mark.parametrize("query", QUERIES)
def test_results_come_best_first_and_each_document_once(engine: SearchEngine, query: str) -> None:
    for steer in ["", *knobs(engine, query)]:
        results = ask(engine, query, steer, limit=50).results
        scores = [result.score for result in results]
        assert scores == sorted(scores, reverse=True)
        assert [result.rank for result in results] == list(range(1, 51))
        assert len({result.document.id for result in results}) == 50


@pytest.mark.parametrize("query", QUERIES)
def test_no_steering_is_exactly_dense_search(engine: SearchEngine, query: str) -> None:
    snapshot = engine.snapshot("manual")
    x_ND = snapshot.index.vectors(np.arange(snapshot.passages))
    dense_N = x_ND @ engine.embed(snapshot.space, query)
    best: dict[int, int] = {}
    for passage in np.argsort(-dense_N, kind="stable").tolist():
        best.setdefault(int(snapshot.document_N[passage]), passage)
    expected = list(best.values())[:30]
    for steer in ("", f"{features_of(engine, query)[0]}:0", "concept:anything:0"):
        response = ask(engine, query, steer, limit=30, mode="semantic")
        assert response.query_words == []
        assert [result.passage.id for result in response.results] == expected
        assert all(result.rank_unsteered == result.rank for result in response.results)
        assert response.moved == pytest.approx(1.0)


@pytest.fixture(scope="module")
def shallow(engine: SearchEngine) -> SearchEngine:
    """Looks at few passages first, so that it has to look again."""
    return SearchEngine(engine.database, engine.data, pool=Pool(passages=16, challengers=30))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("query", QUERIES)
def test_pages_of_any_size_fit_together(
    engine: SearchEngine, shallow: SearchEngine, query: str, mode: str
) -> None:
    """Also where few passages are looked at first, and what words and concepts lift is found later."""
    steerings = ["", *knobs(engine, query), "concept:mathematics:4,concept:network%20protocols:-4"]
    whole = {steer: ask(engine, query, steer, limit=60, mode=mode).results for steer in steerings}
    for steer in steerings:
        pages = [ask(shallow, query, steer, 12, offset, mode) for offset in range(0, 60, 12)]
        joined = [result for page in pages for result in page.results]
        assert [(r.rank, r.passage.id) for r in joined] == [(r.rank, r.passage.id) for r in whole[steer]]
        for ours, theirs in zip(joined, whole[steer], strict=True):
            assert ours.score == pytest.approx(theirs.score, abs=1e-5)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("query", QUERIES)
def test_what_a_term_says_of_its_absence_comes_true(engine: SearchEngine, query: str, mode: str) -> None:
    for steer in ["", *knobs(engine, query)[2:3]]:
        response = ask(engine, query, steer, limit=5, mode=mode)
        steered = parse(steer)
        for term in response.results[0].terms:
            if term.kind in ("baseline", "remainder") or term.label == OTHER_TOPICS:
                assert term.rank_without is None
            elif term.feature is not None and term.feature not in steered.features:
                off = steered.with_knob(Knob("off", FeatureTarget(term.feature)))
                without = ask(engine, query, format_steering(off), limit=100, mode=mode)
                places = ranks(without, response)
                for result, place in zip(response.results, places, strict=True):  # where it is seen
                    if place is not None:  # it may have fallen behind the first hundred
                        assert {each.rank_without for each in result.terms if same(each, term)} <= {place}
            elif term.kind == "steering":
                left = Steering(tuple(knob for knob in steered.knobs if str(knob.target) != term.knob))
                without = ask(engine, query, format_steering(left), limit=100, mode=mode)
                assert ranks(without, response) == [
                    each.rank_without for r in response.results for each in r.terms if same(each, term)
                ]


def same(one: Term, other: Term) -> bool:
    return (one.kind, one.feature, one.knob) == (other.kind, other.feature, other.knob)


def ranks(now: SearchResponse, before: SearchResponse) -> list[int | None]:
    """Where the documents of one answer stand in another."""
    places = {result.document.id: result.rank for result in now.results}
    return [places.get(result.document.id) for result in before.results]


@pytest.mark.parametrize("query", QUERIES)
def test_words_and_meaning_are_mixed_as_they_are_said_to_be(engine: SearchEngine, query: str) -> None:
    """Worked out again over all passages, with the words counted again."""
    snapshot = engine.snapshot("manual")
    with Session(engine.database) as session:
        texts = list(read_texts(session, snapshot.generation))
    counted, asked = (
        Lexicon(Counts.of(texts), Counts.of([]), np.arange(len(texts))),
        list(counted_words(query)),
    )
    parts_NT = counted.scores(asked)
    words_N, found_T = np.asarray(parts_NT.sum(axis=1)).ravel(), np.diff(parts_NT.indptr)
    rarity_T = np.log1p((len(texts) - found_T + 0.5) / (found_T + 0.5))
    highest = np.log1p((len(texts) - 0.5) / 1.5)
    words_N *= WORDS_WEIGHT / max(rarity_T.sum(), min(len(asked), SHORT) * highest)
    dense_N = snapshot.index.vectors(np.arange(snapshot.passages)) @ engine.embed(snapshot.space, query)
    mixed_N = dense_N + words_N
    best = [mixed_N[snapshot.document_N == document].max() for document in np.unique(snapshot.document_N)]
    response = ask(engine, query, limit=30)
    scores = [result.score for result in response.results]
    assert scores == pytest.approx(sorted(best, reverse=True)[:30], abs=1e-4)
    for result in response.results:
        by_word = {term.word: term.value for term in result.terms if term.kind == "word"}
        assert sum(by_word.values()) == pytest.approx(words_N[result.passage.id], abs=1e-4)
        assert set(by_word) <= {word.word for word in response.query_words}


def test_a_rare_word_brings_its_passage_forward(engine: SearchEngine) -> None:
    snapshot = engine.snapshot("manual")
    counts = snapshot.lexicon.base
    said_once = (
        stem for stem in counts.stems if counts.found([stem]) == 1 and stem.isalpha() and len(stem) > 6
    )
    rare = min(said_once, key=lambda stem: int(counts.of_stems([stem]).indices[0]))  # the first passage's
    passage = snapshot.number_N[snapshot.lexicon.scores([rare]).indices[0]]
    query = f"what about {rare} then"
    before, after = (
        [result.passage.id for result in ask(engine, query, limit=100, mode=mode).results]
        for mode in ("semantic", "hybrid")
    )
    assert after.index(passage) < (before.index(passage) if passage in before else 100)
    response = ask(engine, query)
    assert [(word.word, word.passages) for word in response.query_words if word.word == rare] == [(rare, 1)]


def test_words_that_nobody_wrote_change_nothing(engine: SearchEngine) -> None:
    plain = ask(engine, "zzyzx qwertz", mode="semantic")
    mixed = ask(engine, "zzyzx qwertz")
    assert [result.passage.id for result in mixed.results] == [result.passage.id for result in plain.results]
    assert [word.passages for word in mixed.query_words] == [0, 0]
    assert not any(term.kind == "word" for result in mixed.results for term in result.terms)


def test_boosting_a_feature_raises_what_fires_it(engine: SearchEngine) -> None:
    query = "read a file line by line"
    snapshot = engine.snapshot("manual")
    feature = features_of(engine, query)[0]

    def firing(steer: str) -> float:
        found = [result.passage.id for result in ask(engine, query, steer).results]
        return float(snapshot.acts_NF[found][:, [feature]].sum())

    assert firing(f"{feature}:-2") <= firing("") < firing(f"{feature}:5")


def test_a_steered_response_says_what_was_done(engine: SearchEngine) -> None:
    feature = features_of(engine, "sort numbers")[0]
    response = ask(engine, "sort numbers", f"{feature}:1.5,concept:sea:1")
    assert [(knob.feature, knob.concept, knob.strength) for knob in response.steering] == [
        (feature, None, 1.5),
        (None, "sea", 1.0),
    ]
    assert 0 < response.moved < 1
    kinds = {(term.kind, term.feature, term.concept) for term in response.results[0].terms}
    assert {("steering", feature, None), ("steering", None, "sea")} <= kinds
    assert response.took_ms.total >= response.took_ms.explain


def test_pages_are_slices_of_one_ranking(engine: SearchEngine) -> None:
    whole = [result.document.id for result in ask(engine, "lists", limit=40).results]
    parts = [ask(engine, "lists", limit=10, offset=start).results for start in range(0, 40, 10)]
    assert [result.document.id for part in parts for result in part] == whole
    assert [part[0].rank for part in parts] == [1, 11, 21, 31]


def test_a_page_beyond_the_end_is_empty(engine: SearchEngine) -> None:
    response = ask(engine, "lists", limit=10, offset=990)
    assert response.results == []
    with Session(engine.database) as session:
        counted = session.scalar(text("SELECT count(DISTINCT document_id) FROM passages"))
    assert response.total == counted


def test_passages_are_stretches_of_the_stored_text(engine: SearchEngine, indexed: Indexed) -> None:
    given = {document.id: document for document in indexed.documents}
    for result in ask(engine, "dates and time zones", limit=20).results:
        document, passage = given[result.document.id], result.passage
        assert document.text[passage.start : passage.end] == passage.text
        assert result.document.title == document.title
        if passage.best is not None:
            assert 0 <= passage.best.start < passage.best.end <= len(passage.text)


def test_the_best_sentence_is_about_the_question(engine: SearchEngine) -> None:
    marked = [result for result in ask(engine, "read a json file", limit=20).results if result.passage.best]
    assert len(marked) > 5


@pytest.mark.parametrize(
    ("steer", "error"), [("999999:1", InvalidSteering), ("concept:?!:1", InvalidRequest)]
)
def test_steering_that_does_not_fit_the_collection(
    engine: SearchEngine, steer: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        ask(engine, "lists", steer)


@pytest.mark.parametrize(("limit", "offset"), [(0, 0), (-1, 0), (101, 0), (10, -1), (10, 991), (10**30, 0)])
def test_pages_out_of_range(engine: SearchEngine, limit: int, offset: int) -> None:
    with pytest.raises(InvalidPage):
        ask(engine, "lists", limit=limit, offset=offset)


def test_an_unknown_mode_or_collection(engine: SearchEngine) -> None:
    with pytest.raises(InvalidRequest, match="psychic"):
        engine.search(SearchRequest("x", mode="psychic"), collection="manual")
    with pytest.raises(CollectionNotFound, match="nowhere"):
        engine.search(SearchRequest("x"), collection="nowhere")


def test_a_collection_without_an_index(engine: SearchEngine) -> None:
    with Session(engine.database) as session:
        fresh = CollectionRow(name="fresh", model="m")
        session.add(fresh)
        session.commit()
        with pytest.raises(NotIndexed, match="no finished index"):
            engine.search(SearchRequest("x"), collection="fresh")
        found = {info.name: info.state for info in collections(engine)}
        assert found == {"fresh": "empty", "manual": "live"}
        assert engine.default_collection() == "manual"
        session.delete(fresh)
        session.commit()


@pytest.mark.parametrize("name", [INDEX_FILE, WORDS_FILE, FEATURES_FILE, NAMES_FILE, MAP_FILE])
@pytest.mark.parametrize("damage", ["missing", "cut", "one bit"])
def test_a_damaged_index_file_is_rebuilt(indexed: Indexed, tmp_path: Path, damage: str, name: str) -> None:
    shutil.copytree(indexed.data, tmp_path, dirs_exist_ok=True)
    path = generation_folder(tmp_path, indexed.report.generation) / name
    whole = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(whole[:-100] if damage == "cut" else whole[:-1] + bytes([whole[-1] ^ 1]))
    engine = SearchEngine(indexed.database, tmp_path)
    assert len(ask(engine, "lists").results) == 10
    assert path.read_bytes() == whole


def test_features_for_a_text_and_the_most_distinctive(engine: SearchEngine) -> None:
    first = read(engine, "manual", find_features, "", limit=10)
    assert all(0 < feature.density <= 0.2 for feature in first.features)
    assert {"asyncio", "Python Debugger", "Format Specification"} & {each.label for each in first.features}
    found = read(engine, "manual", find_features, "dates and time zones", limit=5)
    assert {"datetime", "clock"} & {feature.label for feature in found.features}
    assert found.total == first.total


def test_what_nothing_is_about_or_nearly_everything_is_never_shown(engine: SearchEngine) -> None:
    snapshot = engine.snapshot("manual")
    shown = {f.feature for query in QUERIES for f in ask(engine, query).query_features}
    shown |= {
        term.feature
        for query in QUERIES
        for result in ask(engine, query).results
        for term in result.terms
        if term.feature is not None
    }
    assert shown
    assert all(0 < snapshot.density(feature) <= 0.2 for feature in shown)


def test_names_are_near_the_question_and_the_same_on_every_page(engine: SearchEngine) -> None:
    snapshot = engine.snapshot("manual")
    for query in QUERIES:
        q_D = engine.embed(snapshot.space, query)
        active = read(engine, "manual", Reader.prepare, SearchRequest(query)).asked.question.active
        assert len(active) <= MOST_TERMS
        assert all(float(snapshot.dictionary.w_dec_FD[f] @ q_D) >= NEAR - 1e-6 for f in active)
        assert all(weight > 0 for weight in active.values())
        fresh = SearchEngine(engine.database, engine.data)
        page = ask(fresh, query, limit=10, offset=20)
        assert page.query_features == ask(engine, query).query_features
        again = read(fresh, "manual", Reader.prepare, SearchRequest(query)).asked.question.active
        assert again == pytest.approx(active)


def test_what_nobody_would_see_in_a_passage_is_summed_and_not_named(engine: SearchEngine) -> None:
    for query in QUERIES:
        active = read(engine, "manual", Reader.prepare, SearchRequest(query)).asked.question.active
        for result in ask(engine, query).results:
            terms = [term for term in result.terms if term.kind == "feature"]
            named = [term for term in terms if term.feature is not None]
            assert all(term.shared and term.feature in active for term in named)
            assert len([term for term in terms if term.feature is None]) == (len(named) < len(active))


def test_a_label_is_found_by_its_words(engine: SearchEngine) -> None:
    snapshot = engine.snapshot("manual")
    feature = int(np.flatnonzero(snapshot.telling)[0])
    found = read(engine, "manual", find_features, snapshot.labels[feature].text.upper(), limit=20)
    assert found.features[0].feature == feature


def test_a_feature_is_found_by_the_names_that_mean_the_same(engine: SearchEngine) -> None:
    snapshot = engine.snapshot("manual")
    feature, other = next(
        (int(feature), snapshot.dictionary.names[feature][1])
        for feature in np.flatnonzero(snapshot.telling)
        if len(snapshot.dictionary.names[feature]) > 1
    )
    assert read(engine, "manual", find_features, other, limit=1).features[0].feature == feature


def test_a_feature_in_full(engine: SearchEngine) -> None:
    snapshot = engine.snapshot("manual")
    feature = int(np.argmax(snapshot.passages_F))
    detail = read(engine, "manual", feature_detail, feature)
    column = snapshot.visible.features.about_by_feature[:, [feature]]
    assert detail.passages == sum(detail.histogram.counts) == column.nnz
    assert detail.quantiles == sorted(detail.quantiles)
    assert len(detail.quantiles) == 11
    assert detail.examples[0].activation == pytest.approx(column.data.max())
    deciles = [example.decile or 0 for example in detail.examples]
    assert deciles == sorted(deciles, reverse=True)
    assert set(deciles) == set(range(1, 11))
    firing = set(column.indices.tolist())
    assert detail.near_misses
    assert not firing & {miss.passage.id for miss in detail.near_misses}
    assert detail.neighbours
    assert all(0 < other.value <= 1 for other in detail.together)
    if not detail.reliable:
        assert detail.label == "no reliable label"
        assert detail.guess


@pytest.mark.parametrize("feature", [-1, 10**9])
def test_features_that_do_not_exist(engine: SearchEngine, feature: int) -> None:
    with pytest.raises(FeatureNotFound, match=str(feature)):
        read(engine, "manual", feature_detail, feature)


def test_a_document_in_full(engine: SearchEngine, indexed: Indexed) -> None:
    given = indexed.documents[7]
    detail = read(engine, "manual", document_detail, given.id)
    assert (detail.text, detail.title, detail.meta) == (given.text, given.title, given.meta)
    assert detail.passages
    covered = "".join(detail.text[passage.start : passage.end] for passage in detail.passages)
    assert "".join(covered.split()) == "".join(given.text.split())
    assert all(passage.features for passage in detail.passages)


@pytest.mark.parametrize("name", ["no.such.document", "", "a\0b", "x" * 10_000])
def test_documents_that_do_not_exist(engine: SearchEngine, name: str) -> None:
    with pytest.raises(DocumentNotFound):
        read(engine, "manual", document_detail, name)


def test_many_ask_at_once_and_get_what_each_would_get_alone(engine: SearchEngine) -> None:
    fresh = SearchEngine(engine.database, engine.data)
    queries = [f"{query} {number}" for number in range(6) for query in QUERIES]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda query: ask(fresh, query), queries))
    for query, response in zip(queries, together, strict=True):
        alone = ask(engine, query)
        assert [found.passage.id for found in response.results] == [
            found.passage.id for found in alone.results
        ]
        scores = [result.score for result in response.results]
        assert scores == pytest.approx([result.score for result in alone.results], abs=1e-5)


def test_topics_of_the_first_answers_can_be_chosen(engine: SearchEngine) -> None:
    facets = engine.search(SearchRequest("asynchronous tasks"), collection="manual", facets=True).facets
    assert facets is not None
    assert len(facets.topics) > 3
    snapshot = engine.snapshot("manual")
    for topic in facets.topics:
        assert topic.top / 100 > snapshot.density(topic.feature)
        filters = parse_filters([topic.filter])
        left = engine.search(
            SearchRequest("asynchronous tasks", filters=filters), collection="manual", limit=5
        )
        assert left.total == topic.documents
        for result in left.results:
            assert snapshot.acts_NF[snapshot.number_N.tolist().index(result.passage.id), topic.feature] > 0


def test_removing_a_feature_takes_its_term_out(engine: SearchEngine) -> None:
    feature = ask(engine, "sort numbers").query_features[0].feature
    response = engine.search(
        SearchRequest("sort numbers", Steering((Knob("off", FeatureTarget(feature)),))), collection="manual"
    )
    for result in response.results:
        about = [term.value for term in result.terms if term.feature == feature]
        assert len(about) == 2
        assert sum(about) == pytest.approx(0, abs=1e-6)
