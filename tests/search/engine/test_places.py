"""What an answer shows of its ranking, and what it says of the question, on a small collection of copies."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from indexer.sources import SourceDocument
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.query.request import SearchRequest
from search.responses.search import SearchResponse
from tests.support.building import build

pytestmark = pytest.mark.database

SEA = "Whales sing at night, and their song is heard for many miles."
OTHERS = ["Bats hunt moths by echo.", "Bees dance to tell where flowers are.", "Bread rises in a warm place."]


@pytest.fixture
def engine(database: Engine, tmp_path: Path, embedder: Embedder) -> SearchEngine:
    documents = [
        *(SourceDocument(f"copy-{number}", f"Page {number}", SEA, None, {}) for number in range(12)),
        *(
            SourceDocument(f"other-{number}", text.split()[0], text, None, {})
            for number, text in enumerate(OTHERS)
        ),
    ]
    build(database, tmp_path, embedder, "c", documents)
    return SearchEngine(database, tmp_path)


def ask(engine: SearchEngine, query: str, **asked: object) -> SearchResponse:
    as_typed = bool(asked.pop("as_typed", False))
    request = SearchRequest(query, as_typed=as_typed)
    return engine.search(request, collection="c", **asked)  # type: ignore[arg-type]


def test_one_text_fills_one_place_and_everything_adds_up(engine: SearchEngine) -> None:
    found = ask(engine, "songs of whales")
    assert [len(result.copies) for result in found.results] == [11, 0, 0, 0]
    assert found.total == 15
    assert found.copies == 11
    assert [result.rank for result in found.results] == [1, 13, 14, 15]
    first = found.results[0]
    assert first.copy_ranks == list(range(2, 13))
    assert len({first.document.id, *(copy.id for copy in first.copies)}) == 12


def test_pages_of_places_fit_together(engine: SearchEngine) -> None:
    whole = [result.document.id for result in ask(engine, "songs of whales").results]
    pages = [ask(engine, "songs of whales", limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [result.document.id for page in pages for result in page.results] == whole


def test_every_document_is_shown_where_that_is_asked_for(engine: SearchEngine) -> None:
    found = ask(engine, "songs of whales", collapse=False, limit=15)
    assert [result.rank for result in found.results] == list(range(1, 16))
    assert found.copies == 0


@pytest.mark.parametrize("collapse", [True, False])
def test_what_scores_too_little_is_left_out_and_not_counted(engine: SearchEngine, collapse: bool) -> None:
    least = ask(engine, "songs of whales", collapse=False, limit=15).results[12].score
    found = ask(engine, "songs of whales", collapse=collapse, min_score=least, limit=15)
    assert found.total == 13
    assert sum(1 + len(result.copies) for result in found.results) == 13
    assert ask(engine, "songs of whales", min_score=99).results == []


def test_a_question_about_nothing_here_is_told_so(engine: SearchEngine) -> None:
    assert ask(engine, "quarterly report of a semiconductor company").weak
    for nonsense in ("qzxv plonkt", "flurbish gnarpt", "hjkl"):
        assert ask(engine, nonsense).weak, nonsense
    for question in ("songs of whales", "how do bees find flowers", "baking bread", "Bats"):
        assert not ask(engine, question).weak


def test_mistyped_words_are_read_as_meant_unless_they_are_meant(engine: SearchEngine) -> None:
    found = ask(engine, "flowrs")
    assert found.spelling is not None
    assert (found.spelling.query, found.spelling.used) == ("flowers", True)
    assert found.results[0].document.id == "other-1"
    assert {term.word for term in found.results[0].terms} >= {"flowers"}
    typed = ask(engine, "flowrs", as_typed=True)
    assert typed.spelling is not None
    assert not typed.spelling.used
    assert not any(term.kind == "word" for result in typed.results for term in result.terms)


def test_the_end_of_a_long_question_counts(engine: SearchEngine) -> None:
    long = "Whales are large animals of the sea, and people watch them from boats in summer. " * 20
    before, after = ask(engine, long), ask(engine, f"{long} I need a recipe for bread.")
    assert before.parts > 1
    scores = [
        {result.document.id: result.score for result in found.results}["other-2"] for found in (before, after)
    ]
    assert scores[1] > scores[0] + 0.02
    assert ask(engine, "whales").parts == 1
