"""A document that is rewritten stands where the trial has said: a new title, passages of another length."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.orm import Session

from indexer.build.builder import Build
from indexer.presets.store import save_preset
from indexer.progress import Reporter
from indexer.sources import SourceDocument
from search.db.lookup import find_collection
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.explain.compare import passages_of
from search.query.request import SearchRequest
from search.query.steering import parse
from search.repair.diagnosis import diagnose
from search.repair.rewritten import Rewriting
from tests.support.building import build
from tests.support.notes import documents
from tests.support.reading import read

pytestmark = pytest.mark.database

QUESTION = "whales in the sea"
LONG = SourceDocument(
    "long",
    "Proofs",
    " ".join(
        f"Lemma {number} is shown by induction over the length of a list. " * 3
        + ("The sea has whales. " if number == 7 else "Stars are far away from here. ")
        for number in range(20)
    ),
)


@pytest.fixture
def built(
    new_database: Callable[[], AbstractContextManager[URL]], tmp_path: Path, small_embedder: Embedder
) -> Iterator[Engine]:
    with new_database() as url:
        database = create_engine(url)
        build(database, tmp_path, small_embedder, "notes", [*documents(), LONG])
        yield database
        database.dispose()


def ranks(database: Engine, data: Path, question: str = QUESTION) -> dict[str, int]:
    answer = SearchEngine(database, data).search(
        SearchRequest(question), collection="notes", limit=100, collapse=False
    )
    return {result.document.id: result.rank or 0 for result in answer.results}


def test_a_document_as_it_is_stands_where_it_stands(built: Engine, tmp_path: Path) -> None:
    found = ranks(built, tmp_path)
    with SearchEngine(built, tmp_path).reader("notes") as reader:
        prepared = reader.prepare(SearchRequest(QUESTION))
        for document in ("long", "proofs/induction", "sea/3"):
            (passage, *_) = passages_of(reader.session, reader.snapshot, [document])[document]
            rewriting = Rewriting.of(reader, prepared, int(reader.snapshot.document_N[passage]))
            rank = rewriting.rank(rewriting.title, rewriting.passage_tokens)
            assert rank == pytest.approx(found[document], abs=1)  # of two that tie either may be first


def test_a_title_does_what_was_tried(built: Engine, tmp_path: Path, small_embedder: Embedder) -> None:
    tried = read(SearchEngine(built, tmp_path), "notes", diagnose, QUESTION, "proofs/induction").rewritten[0]
    assert tried.title.endswith(": whales sea")
    old = next(each for each in documents() if each.id == "proofs/induction")
    build(built, tmp_path, small_embedder, "notes", [replace(old, title=tried.title)])
    after = ranks(built, tmp_path)["proofs/induction"]
    assert tried.rank == after


def test_passages_of_another_length_do_what_was_tried(
    built: Engine, tmp_path: Path, small_embedder: Embedder
) -> None:
    """All other documents are a passage each, whatever the length."""
    question = "a step from each number and whales"
    diagnosis = read(SearchEngine(built, tmp_path), "notes", diagnose, question, "long")
    shorter, longer = (each for each in diagnosis.rewritten if each.title == LONG.title)
    assert len({shorter.rank, longer.rank, diagnosis.result.rank}) > 1
    with Session(built) as session:
        number = find_collection(session, "notes").id
    for each in (shorter, longer):
        builder = Build(built, tmp_path, small_embedder, Reporter(built))
        builder.run(number, passage_tokens=each.passage_tokens)
        after = ranks(built, tmp_path, question)["long"]
        assert after == pytest.approx(each.rank, abs=1)  # how rare a word is was counted by other passages


def test_a_search_that_is_turned_by_a_phrase_is_not_tried(built: Engine, tmp_path: Path) -> None:
    engine = SearchEngine(built, tmp_path)
    save_preset(engine, "notes", "wet", parse("concept:cells:1"), default=True)
    assert read(SearchEngine(built, tmp_path), "notes", diagnose, QUESTION, "long").rewritten == []
