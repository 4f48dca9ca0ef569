"""Going back to an earlier generation: at once, with the documents as they are, and forward again."""

from pathlib import Path

import pytest
from sqlalchemy import Engine as Database
from sqlalchemy import text
from sqlalchemy.orm import Session

from indexer.build.generations import list_generations, roll_back
from indexer.documents import delete_documents, ingest
from indexer.progress import Reporter
from indexer.sources import SourceDocument
from search.db.locks import build_lock
from search.embedding.embedder import Embedder
from search.engine.engine import Engine
from search.engine.prepared import Request
from search.errors import CollectionNotFound, InvalidRequest
from tests.support.building import build

pytestmark = [pytest.mark.database, pytest.mark.sql]


def document(number: str, content: str) -> SourceDocument:
    return SourceDocument(number, f"Title {number}", content, None, {})


LONG = " ".join(f"Bread number {number} is baked in an oven of stone." for number in range(12))


@pytest.fixture
def engine(database: Database, tmp_path: Path, embedder: Embedder) -> Engine:
    """A collection indexed twice: the second time with other texts, in shorter passages."""
    first = [document("1", "Whales sing."), document("2", LONG)]
    build(database, tmp_path, embedder, "c", first)
    build(database, tmp_path, embedder, "c", [document("1", "Stars shine.")], passage_tokens=24)
    return Engine(database, tmp_path)


def found(engine: Engine) -> dict[str, str]:
    response = engine.search(Request("whales"), collection="c", limit=10)
    return {result.document.id: result.passage.text for result in response.results}


def live(database: Database) -> list[int]:
    with Session(database) as session:
        return [each.number for each in list_generations(session, "c") if each.state == "live"]


def test_rolling_back_changes_the_index_and_keeps_the_documents(database: Database, engine: Engine) -> None:
    now, passages = found(engine), engine.snapshot("c").passages
    assert now["1"] == "Stars shine."
    before = live(database)
    back = roll_back(database, "c")
    assert live(database) == [back] != before
    assert found(engine) == {"1": "Stars shine.", "2": LONG}
    assert engine.snapshot("c").passages == 2 < passages
    assert [roll_back(database, "c")] == before
    assert found(engine) == now


def test_a_build_that_was_rolled_back_gets_what_changed_meanwhile(database: Database, engine: Engine) -> None:
    roll_back(database, "c")
    number = engine.snapshot("c").collection_id
    with Session(database) as session:
        delete_documents(session, number, ["2"])
        session.commit()
    ingest(database, number, [document("3", "Ships sail.")], Reporter(database))
    roll_back(database, "c")
    assert found(engine) == {"1": "Stars shine.", "3": "Ships sail."}


@pytest.mark.usefixtures("engine")
def test_a_generation_is_chosen_by_its_number(database: Database) -> None:
    with Session(database) as session:
        newest, oldest = list_generations(session, "c")
    assert (newest.state, oldest.state) == ("live", "retired")
    assert roll_back(database, "c", oldest.number) == oldest.number
    assert roll_back(database, "c", newest.number) == newest.number
    for number in (newest.number, 10**6, -1, 0):  # the live one, and some that are not there
        with pytest.raises(InvalidRequest, match=f"no generation {number} "):
            roll_back(database, "c", number)
    assert live(database) == [newest.number]


def test_what_is_built_next_is_of_the_documents_as_they_are(
    database: Database, engine: Engine, tmp_path: Path, embedder: Embedder
) -> None:
    roll_back(database, "c")
    build(database, tmp_path, embedder, "c", [document("4", "Whales dive.")])
    assert {"Stars shine.", "Whales dive."} <= set(found(engine).values())


def test_with_nothing_to_go_back_to_nothing_changes(
    database: Database, tmp_path: Path, embedder: Embedder
) -> None:
    with pytest.raises(CollectionNotFound):
        roll_back(database, "c")
    build(database, tmp_path, embedder, "c", [document("1", "Whales sing.")])
    before = live(database)
    with pytest.raises(InvalidRequest, match="no earlier generation"):
        roll_back(database, "c")
    assert live(database) == before


def test_a_build_is_not_disturbed(database: Database, engine: Engine) -> None:
    collection = engine.snapshot("c").collection_id
    with database.connect() as builder:
        builder.execute(text("SELECT pg_advisory_lock(hashtext(:key))"), {"key": build_lock(collection)})
        with pytest.raises(InvalidRequest, match="being built"):
            roll_back(database, "c")
        builder.execute(text("SELECT pg_advisory_unlock(hashtext(:key))"), {"key": build_lock(collection)})
        assert roll_back(database, "c")
    assert len(live(database)) == 1
