"""The database's state: what collections and jobs there are, and nothing that waits for it for long."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from api.monitoring.database_state import DatabaseState, Impatient, Live, StateReader
from indexer.build.generations import roll_back
from indexer.jobs.queue import start_job
from search.db.connection import server_url
from search.embedding.embedder import Embedder
from search.metrics import MOST_LABELLED
from tests.support.building import build, document, write

LONG = 60.0


def test_a_function_that_hangs_is_waited_for_no_longer_and_begun_once() -> None:
    may_end, begun = threading.Event(), list[int]()

    def hang() -> str:
        begun.append(1)
        may_end.wait()
        return "there"

    impatient = Impatient(hang)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            impatient(0.0)
    assert len(begun) == 1
    may_end.set()
    assert impatient(LONG) == "there"


def test_what_a_function_raises_is_raised_and_it_is_tried_again() -> None:
    answers = iter((ValueError("no"), None))

    def fail_once() -> str:
        if error := next(answers):
            raise error
        return "there"

    impatient = Impatient(fail_once)
    with pytest.raises(ValueError, match="no"):
        impatient(LONG)
    assert impatient(LONG) == "there"


def test_a_database_that_is_not_there_says_nothing() -> None:
    assert StateReader(create_engine(server_url("postgresql://nobody@127.0.0.1:1/none")))(LONG) is None


@pytest.mark.database
@pytest.mark.sql
class TestOfADatabase:
    def read(self, database: Engine) -> DatabaseState:
        found = StateReader(database)(LONG)
        assert found is not None
        return found

    def test_documents_that_are_not_searched_yet_wait_from_when_they_were_written(
        self, database: Engine
    ) -> None:
        write(database, "notes", [document(1), document(2)])
        with Session(database) as session:
            session.execute(text("UPDATE documents SET written_at = now() - interval '90 seconds'"))
            session.commit()
        write(database, "notes", [document(3)])
        found = self.read(database)
        assert found.collections == 1
        assert found.live == [Live("notes", None, None)]
        assert found.waiting is not None
        (waiting,) = found.waiting
        assert (waiting.collection, waiting.documents) == ("notes", 3)
        assert 90 <= waiting.lag < 90 + LONG

    def test_while_generations_flip_exactly_one_is_live(
        self, database: Engine, tmp_path: Path, small_embedder: Embedder
    ) -> None:
        for count in (3, 4):
            build(database, tmp_path, small_embedder, "notes", [document(each) for each in range(count)])
        flipping = threading.Thread(target=lambda: [roll_back(database, "notes") for _ in range(20)])
        flipping.start()
        seen = set[int | None]()
        while flipping.is_alive():
            live = self.read(database).live or []
            assert [each.collection for each in live] == ["notes"]
            seen |= {each.generation for each in live}
        flipping.join()
        assert None not in seen
        assert len(seen) == 2

    def test_jobs_are_counted_and_the_oldest_has_an_age(self, database: Engine) -> None:
        write(database, "notes", [document(1)])
        start_job(database, "verify", "notes")
        start_job(database, "reindex", "notes")
        found = self.read(database)
        assert found.jobs is not None
        assert [(each.kind, each.status, each.jobs) for each in sorted(found.jobs, key=lambda e: e.kind)] == [
            ("reindex", "todo", 1),
            ("verify", "todo", 1),
        ]
        assert all(each.oldest is not None and each.oldest >= 0 for each in found.jobs)
        assert found.workers == 0

    def test_of_very_many_collections_the_oldest_are_told_apart(self, database: Engine) -> None:
        with Session(database) as session:
            statement = (
                "INSERT INTO collections (name, model) SELECT 'c' || n, 'm' FROM generate_series(1, :n) n"
            )
            session.execute(text(statement), {"n": MOST_LABELLED + 7})
            session.commit()
        found = self.read(database)
        assert found.collections == MOST_LABELLED + 7
        assert found.live is not None
        assert [each.collection for each in found.live] == [f"c{n + 1}" for n in range(MOST_LABELLED)]

    def test_what_is_locked_is_not_known_and_the_rest_is(self, database: Engine) -> None:
        write(database, "notes", [document(1)])
        with Session(database) as session:
            session.execute(text("LOCK TABLE documents IN ACCESS EXCLUSIVE MODE"))
            found = self.read(database)
            session.rollback()
        assert found.waiting is None
        assert found.collections == 1
        assert found.jobs == []

    def test_tables_that_are_missing_keep_no_other_from_being_read(self, database: Engine) -> None:
        with Session(database) as session:
            session.execute(text("DROP SCHEMA jobs CASCADE"))
            session.commit()
        found = self.read(database)
        assert found.jobs is None
        assert found.workers is None
        assert found.collections == 0
