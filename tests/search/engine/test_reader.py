"""A reader keeps its generation: what it reads is of one, whatever goes live or is dropped meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from indexer.build.generations import list_generations
from indexer.build.passage_rows import create_partition
from search.browse.documents import document_detail
from search.db.connection import for_all, open_session
from search.deadline import Deadline, within
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import CollectionNotFound, Overloaded, StoreUnavailable
from search.limiter import ConcurrencyLimiter
from search.query.request import SearchRequest
from tests.support.building import build, document

pytestmark = [pytest.mark.database, pytest.mark.sql]


@pytest.fixture
def engine(database: Engine, tmp_path: Path, small_embedder: Embedder) -> SearchEngine:
    build(database, tmp_path, small_embedder, "c", [document(1), document(2)])
    return SearchEngine(database, tmp_path)


def generations(database: Engine) -> list[int]:
    with Session(database) as session:
        return [each.number for each in list_generations(session, "c")]


def test_a_generation_stays_until_its_reader_has_answered(
    database: Engine, tmp_path: Path, small_embedder: Embedder, engine: SearchEngine
) -> None:
    with engine.reader("c") as reader:
        first = reader.snapshot.generation
        for number in (3, 4, 5):  # earlier generations are kept for a while as well
            build(database, tmp_path, small_embedder, "c", [document(number)])
        assert engine.snapshots.renew("c").generation != first
        assert first in generations(database)
        assert {result.document.id for result in reader.search(SearchRequest("whale")).results} == {
            "d1",
            "d2",
        }
        assert document_detail(reader, "d2").passages
    build(database, tmp_path, small_embedder, "c", [document(6)])
    assert first not in generations(database)


def test_one_whose_generation_was_dropped_while_it_waited_reads_the_live_one(
    database: Engine, tmp_path: Path, small_embedder: Embedder, engine: SearchEngine
) -> None:
    with engine.reader("c") as reader:
        held = reader.snapshot
    for number in (3, 4, 5):
        build(database, tmp_path, small_embedder, "c", [document(number)])
    assert held.generation not in generations(database)
    engine.snapshots._held["c"] = held  # as in a process that has not heard of it yet
    engine.snapshots.follow()
    try:
        with engine.reader("c") as reader:
            found = reader.search(SearchRequest("whale"), limit=10)
    finally:
        engine.snapshots.end()
    assert found.generation == max(generations(database))
    assert len(found.results) == 5


def test_a_build_begins_without_waiting_for_readers(database: Engine, engine: SearchEngine) -> None:
    with engine.reader("c") as reader:
        assert reader.search(SearchRequest("whale")).results
        with Session(database) as session:
            session.execute(text("SET LOCAL lock_timeout = '5s'"))
            create_partition(session, 99)
            with engine.reader("c") as second:  # nor do they wait for it
                assert second.search(SearchRequest("song")).results
            session.rollback()


def test_loading_one_collection_holds_up_no_other(
    database: Engine, tmp_path: Path, small_embedder: Embedder, engine: SearchEngine
) -> None:
    build(database, tmp_path, small_embedder, "other", [document(1)])
    done = Event()

    def ask() -> None:
        engine.search(SearchRequest("whale"), collection="other")
        done.set()

    with engine.snapshots._alone("c"):
        asking = Thread(target=ask)
        asking.start()
        assert done.wait(60)
    asking.join()


def test_more_ask_at_once_than_there_are_connections(engine: SearchEngine) -> None:
    """Each keeps its connection while its question is embedded: if those had all, nobody would go on."""
    asked = [SearchRequest(f"whale {number}") for number in range(60)]
    with ThreadPoolExecutor(len(asked)) as pool:
        found = list(pool.map(lambda request: engine.search(request, collection="c"), asked))
    assert all(each.results for each in found)


def test_dear_answers_have_turns_of_their_own_and_no_more_wait_than_may(engine: SearchEngine) -> None:
    engine._shared = replace(engine._shared, dear=ConcurrencyLimiter("test", 1, max_waiting=0))

    def read(*, dear: bool) -> int:
        with engine.reader("c", dear=dear) as reader:
            return reader.snapshot.documents

    with ThreadPoolExecutor(1) as pool, engine.reader("c", dear=True):
        assert pool.submit(read, dear=False).result(10) == 2
        assert isinstance(pool.submit(read, dear=True).exception(10), Overloaded)
    assert read(dear=True) == 2


def test_a_statement_takes_no_longer_than_its_request_may(engine: SearchEngine, database: Engine) -> None:
    del engine  # it sees to that
    given_up = pytest.raises(StoreUnavailable, match="statement timeout")
    with within(Deadline(0.2)), given_up, open_session(database) as session:
        session.execute(text("SELECT pg_sleep(30)"))


def test_what_is_read_for_all_takes_as_long_as_it_takes(engine: SearchEngine, database: Engine) -> None:
    del engine
    with within(Deadline(0.2)), open_session(database) as session:
        with for_all(session):
            session.execute(text("SELECT pg_sleep(0.4)"))
        with pytest.raises(OperationalError, match="statement timeout"):
            session.execute(text("SELECT pg_sleep(30)"))


def test_names_that_were_asked_for_leave_nothing_behind(engine: SearchEngine) -> None:
    for number in range(3):
        with pytest.raises(CollectionNotFound), engine.reader(f"nothing-{number}"):
            pass
    assert set(engine.snapshots._loading) <= {"c"}
