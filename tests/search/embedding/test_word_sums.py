"""Words add up to their passage: to its score for any question, and to what its features are chosen by."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from search.browse.documents import document_detail
from search.embedding.embedder import Embedder, Tokens
from search.embedding.splitter import sentences
from search.embedding.word_sums import WordSums, levels, sentence_parts, take_apart, word_parts
from search.engine.engine import SearchEngine
from search.errors import FeatureNotFound, InvalidQuery, InvalidRequest, PassageNotFound
from search.explain.word_attribution import MAX_FEATURES, document_words
from search.index.passage_texts import LocatedPassage, read_located
from search.presentation.for_people import ForPeople
from search.presentation.highlighting import WordSumsCache
from search.query.request import SearchRequest
from search.query.steering import Steering, parse
from search.responses.search import DocumentRef, PassageText, SearchResponse, Span
from search.responses.words import DocumentWords
from tests.support.reading import read

pytestmark = pytest.mark.database

UNSTEERED = Steering()
# Embeddings are stored as float16; bfloat16 has three bits less.
ROUNDING = {"float32": 1e-3, "float16": 2e-3, "bfloat16": 4e-3}
TITLE = "Birds of the north"
TEXT = (
    "Owls hunt at night, re-using old nests. 梟は夜に狩りをする. Don't feed them! Mount it with mount_all()."
)


def ask(engine: SearchEngine, query: str, steer: str = "") -> SearchResponse:
    return engine.search(SearchRequest(query, parse(steer)), collection="manual", for_people=ForPeople())


def words_of(
    engine: SearchEngine,
    document: str,
    query: str = "",
    features: Sequence[int] = (),
    *,
    steering: Steering = UNSTEERED,
    passages: Sequence[int] = (),
    limit: int = 10,
    offset: int = 0,
) -> DocumentWords:
    return read(
        engine,
        "manual",
        document_words,
        document,
        SearchRequest(query, steering),
        features=features,
        passages=passages,
        limit=limit,
        offset=offset,
    )


def test_the_parts_of_a_text_sum_to_its_embedding(embedder: Embedder) -> None:
    (parts,) = take_apart(embedder, [(f"{TITLE} ", TEXT)])
    x_D = embedder.encode([f"{TITLE} {TEXT}"])[0].astype(np.float32)
    whole_D = parts.parts_PD.astype(np.float32).sum(axis=0) + parts.rest_D
    np.testing.assert_allclose(whole_D, x_D, atol=ROUNDING[embedder.space.precision])
    for question in ("owls", "mount a file system", "the capital of France"):
        q_D = embedder.encode_queries([question])[0]
        in_parts = float(parts.values(q_D[None]).sum() + parts.rest_D @ q_D)
        assert in_parts == pytest.approx(float(x_D @ q_D), abs=ROUNDING[embedder.space.precision])


def test_words_are_words_and_stand_where_they_are(embedder: Embedder) -> None:
    (parts,) = take_apart(embedder, [(f"{TITLE} ", TEXT)])
    found = [TEXT[span.start : span.end] for span in parts.spans]
    assert {"Owls", "re", "using", "night", "Don", "them", "mount", "all", "夜"} <= set(found)
    assert all(any(map(str.isalnum, word)) and word == word.strip() for word in found)
    assert [span.start for span in parts.spans] == sorted(span.start for span in parts.spans)
    assert "Birds" not in found
    value_MP = parts.values(embedder.encode_queries(["owls"])[0][None])
    assert found[int(np.argmax(value_MP[0]))] == "Owls"
    near_S = parts.nearness(parts.sentences, embedder.encode_queries(["owls"])[0])
    assert int(np.argmax(near_S)) == 0


def test_words_beyond_what_the_model_reads_have_no_value(embedder: Embedder) -> None:
    text = "word " * 600
    (parts,) = take_apart(embedder, [("", text.strip())])
    assert 0 < len(parts.spans) < 300
    assert take_apart(embedder, [("", "...")])[0].spans == []


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 5)), min_size=1, max_size=12), st.integers(1, 9))
def test_whatever_the_tokens_are_nothing_is_lost(tokens: list[tuple[int, int]], seed: int) -> None:
    """Each token is `length` letters long; a word of -1 is none."""
    ends = np.cumsum([length for length, _ in tokens]).tolist()
    offsets = [
        (end - length, end) if length else (-1, -1) for end, (length, _) in zip(ends, tokens, strict=True)
    ]
    numbers = [word if word >= 0 and length else None for length, word in tokens]
    h_TD = np.random.default_rng(seed).normal(size=(len(tokens), 6)).astype(np.float32)
    parts = word_parts("x" * ends[-1], 0, Tokens(offsets, numbers, h_TD))
    sum_D = h_TD.sum(axis=0)
    whole_D = parts.parts_PD.astype(np.float32).sum(axis=0) + parts.rest_D
    np.testing.assert_allclose(whole_D, sum_D / np.linalg.norm(sum_D), atol=2e-2)
    assert len(parts.spans) == len({word for word in numbers if word is not None})


def test_sentences_stand_in_where_tokens_do_not_sum(embedder: Embedder) -> None:
    spans = sentences(TEXT)
    x_ND = embedder.encode([f"{TITLE} {TEXT}", *(TEXT[span.start : span.end] for span in spans)])
    parts = sentence_parts(TEXT, x_ND)
    assert (parts.by, parts.spans) == ("sentence", spans)
    q_D = embedder.encode_queries(["owls hunt"])[0]
    in_parts = float(parts.values(q_D[None]).sum() + parts.rest_D @ q_D)
    assert in_parts == pytest.approx(float(x_ND[0].astype(np.float32) @ q_D), abs=1e-3)
    own_S = x_ND[1:].astype(np.float32) @ q_D
    np.testing.assert_allclose(parts.nearness(spans, q_D), own_S, atol=1e-2)


@given(st.lists(st.floats(-1, 1, width=32), max_size=30))
def test_levels_follow_values_and_only_what_is_above_the_others_stands_out(values: list[float]) -> None:
    value_P = np.array(values, dtype=np.float32)
    level_P = levels(value_P)
    assert ((level_P >= 0) & (level_P <= 4)).all()
    assert (level_P[value_P <= 0] == 0).all()
    assert not level_P[value_P <= value_P.mean()].any() if values else True
    order = np.argsort(value_P)
    assert (np.diff(level_P[order]) >= 0).all()


def test_the_memory_is_bounded_and_gives_what_taking_apart_gives(embedder: Embedder) -> None:
    rows = [
        LocatedPassage(DocumentRef("d", TITLE), PassageText(number, f"{TEXT} {number}", 0, 1))
        for number in range(20)
    ]
    (one,) = take_apart(embedder, [(f"{TITLE} ", f"{TEXT} 3")])
    memory = WordSumsCache(room=5 * one.parts_PD.nbytes)
    first = memory.of(embedder, 1, rows)
    np.testing.assert_allclose(first[3].parts_PD.astype(float), one.parts_PD.astype(float), atol=1e-3)
    again: list[WordSums] = memory.of(embedder, 1, rows[-3:])
    assert [parts is before for parts, before in zip(again, first[-3:], strict=True)] == [True] * 3
    assert memory.of(embedder, 2, rows[-1:])[0] is not first[-1]
    assert memory.of(embedder, 1, rows[:1])[0] is not first[0]


@pytest.mark.parametrize("steer", ["", "3:2,concept:dates:1"])
def test_results_are_lit_by_the_question_and_by_their_topics(engine: SearchEngine, steer: str) -> None:
    for result in ask(engine, "sort a list by two keys", steer).results:
        asked, *topics = result.passage.lights
        assert asked.feature is None
        assert asked.words
        shared = {term.feature for term in result.terms if term.kind == "feature" and term.shared}
        assert len(topics) == min(3, len(shared))
        assert {light.feature for light in topics} <= shared
        for light in result.passage.lights:
            text = result.passage.text
            assert all(text[w.start : w.end].strip() and 1 <= w.level <= 4 for w in light.words)


def test_the_words_that_match_are_those_of_the_question(engine: SearchEngine) -> None:
    lit = {
        result.passage.text[word.start : word.end].casefold()
        for result in ask(engine, "sort a list").results
        for word in result.passage.lights[0].words
    }
    assert {"sort", "list"} & lit


def test_without_asking_nothing_is_lit(engine: SearchEngine) -> None:
    found = engine.search(SearchRequest("sort"), collection="manual")
    assert all(result.passage.lights == [] and result.passage.best is None for result in found.results)


def test_words_of_a_document_sum_to_score_and_preactivations(engine: SearchEngine) -> None:
    query, steering = "sort a list by two keys", parse("3:1.5")
    request = SearchRequest(query, steering, mode="semantic")
    result = engine.search(request, collection="manual").results[0]
    snapshot = engine.snapshot("manual")
    place = int(np.flatnonzero(snapshot.number_N == result.passage.id)[0])
    features = [int(f) for f in snapshot.about_NF[place].indices[:3]]
    found = words_of(
        engine,
        result.document.id,
        query,
        (*features, features[0]),
        steering=steering,
        passages=[result.passage.id],
    )
    (passage,) = found.passages
    assert passage.question is not None
    assert passage.question.total == pytest.approx(result.score, abs=1e-4)
    pre_F = snapshot.dictionary.preactivations(snapshot.index.vectors(np.array([place])), features)[0]
    assert [each.feature for each in passage.features] == features
    for each, pre in zip(passage.features, pre_F, strict=True):
        assert each.total == pytest.approx(float(pre), abs=1e-5)
        assert each.activation == pytest.approx(float(snapshot.about_NF[place, each.feature]))
    for sums in (passage.question, *passage.features):
        assert len(sums.values) == len(passage.words)
        assert sum(sums.values) + sums.elsewhere == pytest.approx(sums.total, abs=1e-5)
    assert passage.passage.text[passage.words[0].start : passage.words[0].end].strip()


def test_all_passages_of_a_document_come_in_pages(engine: SearchEngine, indexed_longest: str) -> None:
    passages = read(engine, "manual", document_detail, indexed_longest).passages
    pages = [words_of(engine, indexed_longest, "files", limit=2, offset=offset) for offset in (0, 2)]
    assert [page.total for page in pages] == [len(passages)] * 2
    seen = [each.passage for page in pages for each in page.passages]
    assert [each.id for each in seen] == [passage.id for passage in passages[:4]]
    with Session(engine.database) as session:
        stored = read_located(session, pages[0].generation, [seen[0].id])[seen[0].id].passage
    assert seen[0] == stored


@pytest.fixture
def indexed_longest(engine: SearchEngine) -> str:
    snapshot = engine.snapshot("manual")
    rows, counts = np.unique(snapshot.document_N, return_counts=True)
    place = int(np.flatnonzero(snapshot.document_N == rows[np.argmax(counts)])[0])
    with Session(engine.database) as session:
        found = read_located(session, snapshot.generation, [int(snapshot.number_N[place])])
    return next(iter(found.values())).document.id


def test_what_cannot_be_lit_is_named(engine: SearchEngine, indexed_longest: str) -> None:
    with pytest.raises(InvalidRequest, match="Neither"):
        words_of(engine, indexed_longest)
    with pytest.raises(InvalidQuery, match="letter"):
        words_of(engine, indexed_longest, "?!")
    with pytest.raises(FeatureNotFound, match="999999"):
        words_of(engine, indexed_longest, features=(999_999,))
    with pytest.raises(PassageNotFound, match="999999"):
        words_of(engine, indexed_longest, "files", passages=[999_999])
    with pytest.raises(InvalidRequest, match="too many"):
        words_of(engine, indexed_longest, features=tuple(range(MAX_FEATURES + 1)))


def test_how_near_a_stretch_is_does_not_depend_on_its_length() -> None:
    spans = [Span(0, 1), Span(2, 3), Span(4, 5)]
    x_PD = np.array([[1.0, 1.0], [1.0, -1.0], [0.5, 0.5]], dtype=np.float16)
    parts = WordSums("word", spans, np.ones(3, np.float32), x_PD, np.zeros(2, np.float32), [Span(0, 5)])
    q_D = np.array([1.0, 0.0], np.float32)
    half = float(np.sqrt(0.5))
    near_S = parts.nearness([Span(0, 3), Span(4, 5)], q_D)
    np.testing.assert_allclose(near_S, [1.0, half], atol=1e-6)
    np.testing.assert_allclose(parts.nearness([Span(0, 1)], q_D), [half], atol=1e-6)
    assert parts.nearness([Span(3, 4)], q_D).tolist() == [-np.inf]
    assert len(parts.nearness([], q_D)) == 0
